"""What tests report for the summary at the end, from any process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


def properties(terminalreporter: pytest.TerminalReporter) -> Iterator[tuple[str, object]]:
    """The `user_properties` of all tests."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport) and report.when == "teardown":  # the last of each test
                yield from report.user_properties
