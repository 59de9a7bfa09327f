"""The table's verdicts on faults, and when the drill as a whole fails."""

from __future__ import annotations

import pytest

import proofs.drill.faults  # noqa: F401 - fills FAULTS
from proofs.drill.document import summary
from proofs.drill.fault import FAULTS, expect
from proofs.drill.report import markdown
from proofs.drill.result import Observation, Result
from proofs.drill.scale import FACTOR
from proofs.drill.true_times import TrueTimes
from stack.settings import PROJECT_ROOT


@pytest.fixture(scope="module")
def times() -> TrueTimes:
    return TrueTimes(PROJECT_ROOT)


def arrived(detected: float = 6.0) -> Observation:
    return Observation(expect("RQExporterDown"), "critical", detected, resolved=3.0)


def test_true_time_adds_the_waits_that_the_drill_shortens(times: TrueTimes) -> None:
    lasting, group_wait, looking = 60, 10, 15 + 15 - 2 - 1

    assert times.of(arrived()) == pytest.approx(6 + (lasting + group_wait) * (1 - 1 / FACTOR) + looking)
    assert times.of(Observation(expect("RQExporterDown"))) is None


def test_false_alarm_fails_the_drill_and_a_consequence_does_not(times: TrueTimes) -> None:
    expected = Result("name", "what", [arrived()], consequences=["RQQueueWaitTooLong (warning)"])
    surprising = Result("name", "what", [arrived()], false_alarms=["RQQueueStalled (critical)"])

    assert expected.passed
    assert not surprising.passed
    assert "| 6 s | 1 min 40 s | 3 s | RQQueueWaitTooLong (warning) | passed |" in markdown([expected], times)
    assert "false alarms: RQQueueStalled (critical) |" in markdown([surprising], times)


def test_an_alert_that_did_not_arrive_fails_the_drill_and_is_not_counted(times: TrueTimes) -> None:
    missed = Result("name", "what", [Observation(expect("RQExporterDown"), problem="did not arrive")])

    assert not missed.passed
    assert "RQExporterDown did not arrive" in markdown([missed], times)
    assert summary([missed], times).startswith("Alerts drilled: 0 of ")


def test_every_alert_has_a_fault_and_no_fault_allows_every_alert(times: TrueTimes) -> None:
    assert {each.alert for fault in FAULTS.values() for each in fault.expects} == times.alerts
    for fault in FAULTS.values():
        assert {each.alert for each in fault.consequences} <= times.alerts
        assert not fault.allows({"alertname": "Watchdog"})


def test_the_error_budget_of_each_objective_has_a_fault_and_so_has_each_severity() -> None:
    burns = [
        each.labels
        for fault in FAULTS.values()
        for each in fault.expects
        if each.alert == "RQErrorBudgetBurn"
    ]

    assert {labels["objective"] for labels in burns} == {"success", "wait", "run"}
    assert {labels["severity"] for labels in burns} == {"critical", "warning"}


def test_both_alerts_about_memory_have_faults() -> None:
    severities = {
        each.labels["severity"]
        for fault in FAULTS.values()
        for each in fault.expects
        if each.alert == "RQRedisMemoryPressure"
    }

    assert severities == {"critical", "warning"}


def test_the_page_reports_a_passed_drill_with_all_faults(times: TrueTimes) -> None:
    text = (PROJECT_ROOT / "docs" / "proofs" / "drill.md").read_text(encoding="utf-8")

    assert [fault.what for fault in FAULTS.values() if fault.what not in text] == []
    assert text.count("| passed |") == len(FAULTS) + 2
    assert f"Alerts drilled: {len(times.alerts)} of {len(times.alerts)}. False alarms: 0." in text


def test_an_alert_that_cannot_be_sent_is_marked_and_has_no_wait_for_alertmanager(times: TrueTimes) -> None:
    shown = Observation(expect("RQAlertmanagerDown", only_shown=True), "critical", 8.0, resolved=1.0)
    lasting, looking = 120, 15 + 15 - 2 - 1

    assert times.of(shown) == pytest.approx(8 + lasting * (1 - 1 / FACTOR) + looking)
    assert "| 8 s, on the dashboards only |" in markdown([Result("name", "what", [shown])], times)


def test_alert_of_another_queue_is_not_the_expected_one() -> None:
    fault = FAULTS["queue-without-workers"]

    assert fault.allows(
        {"alertname": "RQQueueWithoutWorkers", "queue": "short-running", "severity": "critical"}
    )
    assert not fault.allows({"alertname": "RQQueueWithoutWorkers", "queue": "long-running"})
