"""Prints at the end how many inputs were tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.fuzz.tried import TRIED
from tests.harness.properties import properties

INPUTS = "inputs of "


@pytest.fixture(autouse=True)
def _inputs(request: pytest.FixtureRequest) -> Iterator[None]:
    """Add to the test's report how many inputs it has tried."""
    before = TRIED.copy()
    yield
    request.node.user_properties += [(INPUTS + part, count) for part, count in (TRIED - before).items()]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tried: Counter[str] = Counter()
    for name, count in properties(terminalreporter):
        if name.startswith(INPUTS):
            assert isinstance(count, int)
            tried[name.removeprefix(INPUTS)] += count
    if tried:
        parts = ", ".join(f"{part} {count:,}" for part, count in sorted(tried.items()))
        terminalreporter.write_line(f"fuzzed: {tried.total():,} inputs: {parts}")
