"""Says at the end how many inputs were tried."""

from __future__ import annotations

import pytest

from tests.fuzz.tried import TRIED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if TRIED:
        parts = ", ".join(f"{what} {count:,}" for what, count in sorted(TRIED.items()))
        terminalreporter.write_line(f"fuzzed: {TRIED.total():,} inputs: {parts}")
