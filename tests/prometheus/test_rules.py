"""Every alert is complete, can fire, has working links, and is tested."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from rq_mon.catalogue import CATALOGUE
from tests.prometheus.foreign import FOREIGN
from tests.prometheus.rules import (
    PROMETHEUS,
    RUNBOOKS,
    WATCHDOG,
    Alert,
    alerts,
    metrics,
    rules,
    unit_test_moments,
    windows_of,
)

ALERTS = alerts()
MOMENTS = unit_test_moments()
RECORDED = {rule["record"] for rule in rules() if "record" in rule}
SERIES = {name for metric in CATALOGUE for name in metric.series}
SERIES_OF_ONE_WORKER = {name for metric in CATALOGUE if "name" in metric.labels for name in metric.series}

DASHBOARD = "{{ $externalLabels.grafana_url }}/d/"
REPOSITORY = "{{ $externalLabels.repository_url }}"

every_alert = pytest.mark.parametrize("alert", ALERTS, ids=str)


ABOUT_JOBS = {
    *("RQJobsAbandoned", "RQWorkHorseKilled", "RQJobsStuck", "RQJobRunningTooLong", "RQErrorBudgetBurn"),
    *("RQScheduledJobsOverdue", "RQDeferredJobsStuck", "RQFailedJobsPilingUp"),
    *("RQCronJobOverdue", "RQCronTickMissed", "RQCronTickFailed", "RQCronJobFailing"),
}
"""Alerts with a link to the job pages."""


# ---- complete ----


@every_alert
def test_alert_has_a_severity_and_every_annotation(alert: Alert) -> None:
    expected = {"none"} if alert.name == WATCHDOG else {"critical", "warning"}

    assert alert.severity in expected
    assert alert.labels.keys() == {"severity"}
    links = {"runbook_url", "dashboard_url"} | ({"jobs_url"} if alert.name in ABOUT_JOBS else set())
    assert alert.annotations.keys() == {"summary", "description", *links}


@every_alert
def test_the_summary_is_a_headline_and_the_description_has_sentences(alert: Alert) -> None:
    assert not alert.annotations["summary"].endswith(".")
    assert len(alert.annotations["summary"]) < 90
    assert alert.annotations["description"].endswith(".")


@every_alert
def test_runbook_is_the_page_of_this_alert(alert: Alert) -> None:
    assert alert.annotations["runbook_url"] == f"{REPOSITORY}docs/runbooks/{alert.name}.md"
    assert (RUNBOOKS / f"{alert.name}.md").is_file()


@every_alert
def test_the_dashboard_link_selects_the_labels_of_the_alert(alert: Alert, project_root: Path) -> None:
    """The link sets each label of the alert that is a variable of the dashboard."""
    dashboard, _, query = alert.annotations["dashboard_url"].partition("?")
    uids = re.findall(r"\brq-[a-z-]+", dashboard.removeprefix(DASHBOARD))
    choices = [
        {variable["name"] for variable in json.loads(file.read_text())["templating"]["list"]}
        for file in (project_root / "grafana" / "generated" / f"{uid}.json" for uid in uids)
    ]
    always, sometimes = labels_of(alert)
    parts = [
        *(f"&var-{label}={{{{ $labels.{label} | urlquery }}}}" for label in LINKED if label in always),
        *(
            f"{{{{ with $labels.{label} }}}}&var-{label}={{{{ . | urlquery }}}}{{{{ end }}}}"
            for label in LINKED
            if label in sometimes
        ),
    ]

    assert dashboard.startswith(DASHBOARD)
    assert query == "".join(
        part for part in parts if any(f"var-{label}=" in part for label in set.intersection(*choices))
    ).removeprefix("&")


@every_alert
def test_an_alert_about_jobs_names_its_function_in_its_text(alert: Alert) -> None:
    """If it fires in a unit test with a function label, its text names the function."""
    for moment in MOMENTS:
        for expected in moment.expected if moment.alert == alert.name else []:
            annotations = expected["exp_annotations"]
            function = expected["exp_labels"].get("function", "")
            assert function in f"{annotations['summary']} {annotations['description']}"


@every_alert
def test_the_link_to_the_job_pages_is_empty_if_there_are_none(alert: Alert) -> None:
    link = alert.annotations.get("jobs_url", "")

    assert not link or re.fullmatch(
        r"\{\{ with \$externalLabels\.job_pages_url \}\}\{\{ \. \}\}.*\{\{ end \}\}", link
    )


LINKED = ("instance", "queue", "function")
INSTANCE_IS_NO_REDIS = {"RQAlertmanagerDown"}


def labels_of(alert: Alert) -> tuple[set[str], set[str]]:
    """The labels that the alert always has, and those that it sometimes has."""
    summary = re.sub(r"\\\{\\\{.*?\\\}\\\}", ".*", re.escape(alert.annotations["summary"]))
    fired = [
        set(expected["exp_labels"])
        for moment in MOMENTS
        for expected in (moment.expected if moment.alert == alert.name else [])
        if re.fullmatch(summary, expected["exp_annotations"]["summary"])
    ]
    ignored = {"instance"} if alert.name in INSTANCE_IS_NO_REDIS else set()
    always = set.intersection(*fired)
    return always - ignored, set.union(*fired) - always - ignored


# ---- able to fire ----


@every_alert
def test_an_alert_reads_only_existing_series(alert: Alert) -> None:
    assert metrics(alert.expression) <= SERIES | RECORDED | FOREIGN.keys()


@pytest.mark.parametrize(
    "rule", [rule for rule in rules() if "record" in rule], ids=lambda rule: rule["record"]
)
def test_a_recording_rule_reads_only_existing_series(rule: dict[str, str]) -> None:
    assert metrics(rule["expr"]) <= SERIES | RECORDED | FOREIGN.keys()


@every_alert
def test_alert_on_a_single_worker_fires_at_once_because_its_series_may_end_first(alert: Alert) -> None:
    if metrics(alert.expression) & SERIES_OF_ONE_WORKER:
        assert alert.lasting == 0


@every_alert
def test_an_alert_on_events_waits_for_less_than_the_window_of_its_increase(alert: Alert) -> None:
    for window in windows_of("increase", alert.expression):
        assert alert.lasting < window


@every_alert
def test_alert_that_compares_events_has_no_lower_bound_but_zero_or_an_objective(alert: Alert) -> None:
    """A raw counter says how often something has ever happened, not whether it is happening."""
    counters = {name for name in metrics(alert.expression) if name.endswith(("_total", ":from_zero"))}
    bare = {
        name
        for name in counters
        if not re.search(rf"(increase|rate|resets)\({re.escape(name)}\W", alert.expression)
        and not re.search(rf"unless\s+max without \([^)]*\) \({name}\)", alert.expression)
    }

    assert bare == set()


# ---- tested ----


@every_alert
def test_unit_tests_show_the_alert_firing_with_its_texts(alert: Alert) -> None:
    fired = [
        expected
        for moment in MOMENTS
        if moment.alert == alert.name
        for expected in moment.expected
        if expected["exp_labels"]["severity"] == alert.severity
    ]

    assert fired
    for expected in fired:
        assert expected["exp_annotations"].keys() == alert.annotations.keys()
        assert not re.search(r"<no value>|\{\{|  ", " ".join(expected["exp_annotations"].values()))


@pytest.mark.parametrize("name", sorted({alert.name for alert in ALERTS} - {WATCHDOG}))
def test_unit_tests_show_the_alert_silent_before_and_after_it_fires(name: str) -> None:
    moments = [moment for moment in MOMENTS if moment.alert == name]
    fired = [moment for moment in moments if moment.expected]

    assert any(
        not before.expected and not after.expected and before.time < moment.time < after.time
        for moment in fired
        for before in moments
        for after in moments
        if before.test == moment.test == after.test
    )


@pytest.mark.slow
@pytest.mark.needs("promtool")
@pytest.mark.parametrize("path", sorted((PROMETHEUS / "tests").glob("*.yml")), ids=lambda path: path.stem)
def test_unit_tests_of_the_rules_pass(path: Path) -> None:
    result = subprocess.run(
        ["promtool", "test", "rules", str(path)], capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.needs("promtool")
def test_promtool_accepts_the_configuration_with_all_rules(project_root: Path) -> None:
    result = subprocess.run(
        ["promtool", "check", "config", str(PROMETHEUS / "prometheus.yml")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout + result.stderr


def test_every_scenario_checks_all_alerts_over_its_whole_time() -> None:
    scenarios = yaml.safe_load((PROMETHEUS / "tests" / "scenarios.yml").read_text())

    assert scenarios["rule_files"] == ["../rules/*.yml", "../rules/stack/*.yml"]
    for test in scenarios["tests"]:
        assert any("max_over_time(ALERTS{alertname!=" in check["expr"] for check in test["promql_expr_test"])
