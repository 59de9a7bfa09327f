"""Who is notified of which alert: routes, inhibition, and receivers of users."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from proofs.harness.servers import Server
from proofs.harness.waiting import wait_until
from proofs.harness.webhook import running_webhook
from tests.prometheus.alertmanager import running_alertmanager
from tests.prometheus.rules import PROMETHEUS, WATCHDOG, Alert, alerts

CONFIGURATION = PROMETHEUS / "alertmanager.yml"

pytestmark = pytest.mark.needs("prometheus-alertmanager", "amtool")


def amtool(*arguments: str) -> str:
    result = subprocess.run(["amtool", *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.strip()


def receivers_of(**labels: str) -> str:
    matchers = [f"{name}={value}" for name, value in labels.items()]
    return amtool("config", "routes", "test", f"--config.file={CONFIGURATION}", *matchers)


# ---- routes ----


def test_amtool_accepts_the_configuration() -> None:
    assert "SUCCESS" in amtool("check-config", str(CONFIGURATION))


@pytest.mark.parametrize("alert", alerts(), ids=str)
def test_alert_goes_to_the_receiver_of_its_severity(alert: Alert) -> None:
    expected = "watchdog" if alert.name == WATCHDOG else alert.severity

    assert receivers_of(alertname=alert.name, severity=alert.severity) == expected


def test_alert_of_another_rule_is_not_lost() -> None:
    assert receivers_of(alertname="DiskFull") == "warning"


# ---- inhibition ----


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_alertmanager(tmp_path_factory.mktemp("alertmanager")) as server:
        yield server


Labels = dict[str, str]


def silenced(alertmanager: Server, source: Labels, targets: list[Labels]) -> list[Labels]:
    """The alerts that the source inhibits; there must be at least one."""

    def inhibited() -> list[Labels]:
        active = alertmanager.json("/api/v2/alerts")
        causes = {alert["fingerprint"] for alert in active if alert["labels"] == source}
        return [alert["labels"] for alert in active if causes & set(alert["status"]["inhibitedBy"])]

    def all_there() -> bool:
        there = [alert["labels"] for alert in alertmanager.json("/api/v2/alerts")]
        return all(labels in there for labels in (source, *targets))

    post(alertmanager, [source, *targets])
    wait_until(all_there, "all alerts to be listed")
    wait_until(inhibited, "an alert to be inhibited")
    result = inhibited()  # the previous answer may be from before Alertmanager knew the source
    resolve(alertmanager, [source])
    wait_until(lambda: not inhibited(), "the end of what inhibits")
    resolve(alertmanager, targets)
    return result


def post(alertmanager: Server, alerts: list[Labels], **times: str) -> None:
    alertmanager.post("/api/v2/alerts", [{"labels": labels, **times} for labels in alerts])


def resolve(alertmanager: Server, alerts: list[Labels]) -> None:
    post(alertmanager, alerts, endsAt=datetime.now(UTC).isoformat())


def labels(alertname: str, severity: str = "warning", **more: str) -> Labels:
    return {"alertname": alertname, "severity": severity, **more}


OUTAGES = ["RQRedisUnreachable", "RQExporterDown"]
FROM_OTHER_SOURCES = {
    "RQRedisMemoryPressure",
    "RQRedisEvictingKeys",
    "RQRedisNotPersisting",
    "RQRedisMetricsMissing",
    "RQAlertmanagerDown",
    "RQNotificationsFailing",
    "RQRulesFailing",
    WATCHDOG,
}


@pytest.mark.parametrize("outage", OUTAGES)
def test_an_outage_inhibits_only_alerts_on_the_same_redis_from_the_exporter(
    alertmanager: Server, outage: str
) -> None:
    names = {alert.name for alert in alerts()} - set(OUTAGES)
    targets = [labels(name, instance="main") for name in {*names, "DiskFull"}]
    others = [labels(name, instance="billing") for name in names]

    result = silenced(alertmanager, labels(outage, "critical", instance="main"), [*targets, *others])

    assert {target["alertname"] for target in result} == names - FROM_OTHER_SOURCES
    assert {target["instance"] for target in result} == {"main"}


WITHOUT_WORKERS = labels("RQQueueWithoutWorkers", "critical", queue="mail")
STALLED = labels("RQQueueStalled", "critical", queue="mail")
BURN = labels("RQErrorBudgetBurn", "critical", queue="mail", objective="run")


@pytest.mark.parametrize(
    ("source", "target", "others"),
    [
        (
            labels("RQQueueWaitTooLong", "critical", queue="mail"),
            labels("RQQueueWaitTooLong", queue="mail"),
            [labels("RQQueueWaitTooLong", queue="other")],
        ),
        (
            BURN,
            labels("RQErrorBudgetBurn", queue="mail", objective="run"),
            [labels("RQErrorBudgetBurn", queue="mail", objective="success")],
        ),
        (
            labels("RQRedisMemoryPressure", "critical", instance="r"),
            labels("RQRedisMemoryPressure", instance="r"),
            [labels("RQRedisMemoryPressure", instance="s")],
        ),
        (
            WITHOUT_WORKERS,
            labels("RQQueueWaitTooLong", "critical", queue="mail"),
            [
                labels("RQQueueWaitTooLong", "critical", queue="other"),
                labels("RQQueueWaitTooLong", "critical", queue="mail", instance="billing"),
                labels("RQJobsAbandoned", queue="mail"),
            ],
        ),
        (WITHOUT_WORKERS, labels("RQScheduledJobsOverdue", "critical", queue="mail"), []),
        (WITHOUT_WORKERS, labels("RQJobsStuck", queue="mail"), []),
        (WITHOUT_WORKERS, labels("RQCronTickFailed", queue="mail"), []),
        (STALLED, labels("RQQueueWaitTooLong", queue="mail"), [labels("RQWorkersLost")]),
        (labels("RQBacklogWillNotDrain", queue="mail"), labels("RQWorkersSaturated", queue="mail"), []),
    ],
    ids=lambda value: value["alertname"] if isinstance(value, dict) else "",
)
def test_a_cause_inhibits_only_its_consequences(
    alertmanager: Server, source: Labels, target: Labels, others: list[Labels]
) -> None:
    assert silenced(alertmanager, source, [target, *others]) == [target]


# ---- receivers ----


def test_alerts_show_in_alertmanager_without_any_receiver(alertmanager: Server) -> None:
    post(alertmanager, [labels("RQJobsStuck", queue="shown")])

    shown = [
        alert for alert in alertmanager.json("/api/v2/alerts") if alert["labels"].get("queue") == "shown"
    ]
    assert [alert["receivers"] for alert in shown] == [[{"name": "warning"}]]


def test_users_receivers_get_alerts_and_read_secrets_from_their_folder(tmp_path: Path) -> None:
    with running_webhook() as webhook:
        folder = tmp_path / "receivers"
        folder.mkdir()
        (folder / "slack-url").write_text(webhook.url("slack"))
        receivers = [
            {"name": "critical"},
            {"name": "warning"},
            {
                "name": "watchdog",
                "slack_configs": [{"api_url_file": "slack-url", "channel": "#alerts"}],
                "webhook_configs": [{"url": webhook.url("alive")}],
            },
        ]
        (folder / "receivers.yml").write_text(yaml.safe_dump({"receivers": receivers}))

        with running_alertmanager(tmp_path, folder) as alertmanager:
            post(alertmanager, [labels(WATCHDOG, "none")])
            wait_until(lambda: len(webhook.notifications) >= 2, "a message to Slack and one to the webhook")

        assert {path for path, _ in webhook.notifications} == {"/slack", "/alive"}
        assert [alert["labels"]["alertname"] for alert in webhook.alerts("alive")] == [WATCHDOG]


def test_configuration_with_the_users_secrets_is_for_its_owner_only(tmp_path: Path) -> None:
    (tmp_path / "receivers.yml").write_text((PROMETHEUS / "receivers" / "example.yml").read_text())

    effective = tmp_path / "effective.yml"
    start_alertmanager_script("true", effective, tmp_path)

    assert effective.stat().st_mode & 0o777 == 0o600


def test_example_is_a_valid_configuration_for_every_route(tmp_path: Path) -> None:
    (tmp_path / "receivers.yml").write_text((PROMETHEUS / "receivers" / "example.yml").read_text())

    effective = tmp_path / "effective.yml"
    start_alertmanager_script("true", effective, tmp_path)

    assert "SUCCESS" in amtool("check-config", str(effective))
    assert (
        yaml.safe_load(effective.read_text())["route"] == yaml.safe_load(CONFIGURATION.read_text())["route"]
    )


def test_a_folder_without_receivers_is_an_error_that_names_it(tmp_path: Path) -> None:
    result = start_alertmanager_script("true", tmp_path / "effective.yml", tmp_path / "absent")

    assert result.returncode == 1
    assert result.stderr == (
        f"ALERT_RECEIVERS_DIR: expected a folder with a readable receivers.yml, got {tmp_path / 'absent'}\n"
    )


def start_alertmanager_script(
    program: str, effective: Path, receivers: Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(PROMETHEUS / "alertmanager.sh"), program, str(effective)],
        env={**os.environ, "ALERT_RECEIVERS_DIR": str(receivers)},
        capture_output=True,
        text=True,
        check=False,
    )
