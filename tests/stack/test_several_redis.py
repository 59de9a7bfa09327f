"""Two real Redis with the same queue names: data of one is never shown for the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from redis import Redis
from rq import Queue, Worker

from proofs.harness.browser import DashboardView, open_browser, open_dashboard
from proofs.harness.exporter_process import running_exporter
from proofs.harness.ports import free_port
from proofs.harness.redis_server import RedisServer
from proofs.harness.servers import Server, running
from proofs.harness.waiting import wait_until
from rq_mon import MonitoredSimpleWorker
from stack.alertmanager_login import PASSWORD
from stack.native import prometheus_config
from stack.native.programs import PROMETHEUS as PROMETHEUS_PROGRAM
from stack.secrets import ensure_secret
from stack.services import PROMETHEUS, RQ_EXPORTER
from stack.settings import PROJECT_ROOT
from tests.harness.impatience import impatient, impatient_rules
from tests.harness.viewer import running_viewer

pytestmark = [pytest.mark.e2e, pytest.mark.needs("redis-server", "prometheus", "chromium")]

FOLDER = PROJECT_ROOT / "prometheus"
MAIN, OTHER = "main", "billing"
WITHIN = 90.0


@dataclass(frozen=True)
class TwoRedis:
    """The running processes."""

    redis: dict[str, Redis]
    prometheus: Server
    viewer: Server

    def ask(self, query: str) -> dict[str, float]:
        """The value of each instance."""
        result = self.prometheus.json(f"/api/v1/query?{urlencode({'query': query})}")["data"]["result"]
        return {series["metric"]["instance"]: float(series["value"][1]) for series in result}

    def firing(self, name: str) -> list[dict[str, Any]]:
        found = self.prometheus.json("/api/v1/alerts")["data"]["alerts"]
        return [a for a in found if a["labels"]["alertname"] == name and a["state"] == "firing"]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoRedis]:
    directory = tmp_path_factory.mktemp("two")
    for folder in (MAIN, OTHER, "targets", "rules"):
        (directory / folder).mkdir()
    with (
        RedisServer(directory / MAIN) as main,
        RedisServer(directory / OTHER) as other,
        running_exporter(main.url, directory / MAIN) as exporter,
        running_exporter(other.url, directory / OTHER) as second,
        Redis.from_url(main.url) as main_client,
        Redis.from_url(other.url) as other_client,
    ):
        example = (FOLDER / "targets" / "example.yml").read_text()
        assert "127.0.0.1:9727" in example
        (directory / "targets" / "rq-exporter.yml").write_text(
            example.replace("127.0.0.1:9727", second.address)
        )
        ports = {RQ_EXPORTER: exporter.port, PROMETHEUS: free_port()}
        shared = impatient((FOLDER / "prometheus.yml").read_text())
        config = prometheus_config.rewrite(
            shared,
            ports,
            lambda service: f"127.0.0.1:{ports[service]}",
            ensure_secret(directory, PASSWORD),  # there is no Alertmanager
            directory / "targets",
        )
        (directory / "prometheus.yml").write_text(config)
        for rules in (FOLDER / "rules").rglob("*.yml"):
            (directory / "rules" / rules.name).write_text(_at_once(impatient_rules(rules.read_text())))
        arguments = [
            PROMETHEUS_PROGRAM.path(),
            f"--config.file={directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={directory / 'data'}",
            "--enable-feature=expand-external-labels",
            f"--web.listen-address=127.0.0.1:{ports[PROMETHEUS]}",
        ]
        links = {"GRAFANA_URL": "http://grafana.example"}
        with (
            running("prometheus", directory, ports[PROMETHEUS], arguments, "/-/ready", links) as prometheus,
            running_viewer(
                PROJECT_ROOT, directory, prometheus.url, PROJECT_ROOT / "grafana" / "generated"
            ) as viewer,
        ):
            yield TwoRedis({MAIN: main_client, OTHER: other_client}, prometheus, viewer)


def _at_once(rules: str) -> str:
    """Alerts that fire at once."""
    groups = yaml.safe_load(rules)["groups"]
    for rule in (rule for group in groups for rule in group["rules"]):
        rule.pop("for", None)
    return yaml.safe_dump({"groups": groups})


@pytest.fixture(scope="module")
def busy(two: TwoRedis) -> TwoRedis:
    """In one Redis a worker and two waiting jobs; in the other five waiting jobs, and two that ended."""
    Worker(["mail"], connection=two.redis[MAIN], name="w").register_birth()  # type: ignore[no-untyped-call]
    other = Queue("mail", connection=two.redis[OTHER])
    wait_until(lambda: two.ask("rq_redis_up") == {MAIN: 1, OTHER: 1}, "both to be scraped", within=WITHIN)
    other.enqueue("time.sleep", 0)
    other.enqueue("time.sleep", "no number")
    MonitoredSimpleWorker([other], connection=two.redis[OTHER]).work(burst=True)
    for instance, count in ((MAIN, 2), (OTHER, 5)):
        for _ in range(count):
            Queue("mail", connection=two.redis[instance]).enqueue("time.sleep", 0)
    return two


def test_queues_of_the_same_name_in_two_redis_have_separate_metrics(busy: TwoRedis) -> None:
    queued = 'rq_jobs{queue="mail", status="queued"}'
    wait_until(lambda: busy.ask(queued) == {MAIN: 2, OTHER: 5}, "both depths", within=WITHIN)

    assert busy.ask('rq_queue_workers{queue="mail"}') == {MAIN: 1, OTHER: 0}


def test_recorded_series_belong_to_the_redis_of_their_jobs(busy: TwoRedis) -> None:
    ended = 'sum by (instance) (queue_function_outcome:rq_jobs_processed_total:from_zero{queue="mail"})'

    wait_until(lambda: busy.ask(ended) == {OTHER: 2}, "two ended jobs", within=WITHIN)


def test_an_alert_fires_for_one_redis_and_links_to_it(busy: TwoRedis) -> None:
    (alert,) = wait_until(lambda: busy.firing("RQQueueWithoutWorkers"), "the alert", within=WITHIN)

    assert alert["labels"]["instance"] == OTHER
    assert alert["annotations"]["dashboard_url"] == (
        f"http://grafana.example/d/rq-workers?var-instance={OTHER}&var-queue=mail"
    )


def shown(two: TwoRedis, query: dict[str, str]) -> tuple[DashboardView, list[list[str]]]:
    """The overview, and its table of queues: queue, Redis, waiting jobs."""
    with open_browser() as browser:
        view = open_dashboard(two.viewer.url, "rq-overview", browser, within=WITHIN, query=query)
        rows = view.panel("Queues").get_by_role("row").filter(has=view.page.get_by_role("gridcell"))
        return view, sorted(row.get_by_role("gridcell").all_inner_texts()[:3] for row in rows.all())


def test_a_dashboard_has_one_row_for_each_queue_and_redis(busy: TwoRedis) -> None:
    _, rows = shown(busy, {"from": "now-5m", "to": "now"})

    assert rows == [["mail", OTHER, "5"], ["mail", MAIN, "2"]]


def test_a_dashboard_shows_only_the_selected_redis(busy: TwoRedis) -> None:
    view, rows = shown(busy, {"from": "now-5m", "to": "now", "var-instance": OTHER})

    assert rows == [["mail", OTHER, "5"]]
    assert view.console_errors == []
