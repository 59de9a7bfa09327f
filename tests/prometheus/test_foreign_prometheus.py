"""Exported rules and dashboards in Prometheus servers outside of the stack.

They have other job names, more labels and a scrape interval of 30 s. Some have an Alertmanager, some do not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from time import time
from typing import Any

import pytest
from redis import Redis

from proofs.harness.boards import Asked, Json, data_panels, interpolate, queries_of, step_of
from proofs.harness.native_stack import NativeStack
from proofs.harness.servers import Server
from proofs.harness.waiting import wait_until
from rq_mon.cli.main import main
from rq_mon.connection.client import connect
from stack.services import RQ_EXPORTER
from tests.harness.mishaps import IMPATIENT, count_what_is_rare, demo_load, inject_failures
from tests.harness.rule_checks import errors_of_all_rules
from tests.prometheus.alertmanager import running_alertmanager
from tests.prometheus.conftest import SUITES, THIS_DEBIAN, Programs
from tests.prometheus.foreign_prometheus import (
    LABELS,
    REDIS,
    alerts_of,
    ask,
    exported_rules,
    foreign_prometheus,
)
from tests.prometheus.rules import WATCHDOG

pytestmark = [
    pytest.mark.e2e(seconds=50),
    pytest.mark.needs(
        *("redis-server", "prometheus", "prometheus-alertmanager", "prometheus-redis-exporter"),
        *("apt-get", "dpkg"),
    ),
]

OLD, NEW = SUITES
SERVERS = ((THIS_DEBIAN, False), (THIS_DEBIAN, True), (OLD, False), (NEW, True))
"""Versions of Prometheus, without and with an Alertmanager. Each server evaluates all rules."""

RANGE = 300
HEALTHY_SECONDS = 150
"""Longer than `for` of the alerts that need no long observation."""
WITHIN = 420.0

Servers = dict[str, Server]


@pytest.fixture(scope="module")
def stack(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeStack]:
    """The watched stack: its exporter, its workers and its load. Its own Prometheus is not used."""
    copy = NativeStack(project_root, tmp_path_factory.mktemp("copy"))
    copy.environment |= IMPATIENT | {"RQ_MON_VERSION": "1.4.2"}
    started = copy.make("start-rq-mon")
    assert started.returncode == 0, started.stdout
    yield copy
    copy.make("stop-rq-mon", STOP_GRACE_SECONDS="0")


@pytest.fixture(scope="module")
def servers(
    stack: NativeStack, programs: Programs, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Servers]:
    directory = tmp_path_factory.mktemp("foreign")
    (directory / "alertmanager").mkdir()
    alone = exported_rules(directory / "rules")
    more = exported_rules(directory / "more-rules", "--with", "alertmanager", "--with", "prometheus")
    port = stack.settings.port(RQ_EXPORTER)
    with ExitStack() as block:
        alertmanager = block.enter_context(running_alertmanager(directory / "alertmanager"))
        started = {}
        for version, has_receiver in SERVERS:
            name = f"{version} {'with' if has_receiver else 'without'} Alertmanager"
            server = foreign_prometheus(
                programs(version),
                directory / name,
                port,
                more if has_receiver else alone,
                alertmanager=alertmanager if has_receiver else None,
            )
            started[name] = block.enter_context(server)
        yield started


@pytest.fixture(scope="module")
def boards(tmp_path_factory: pytest.TempPathFactory) -> list[Json]:
    folder = tmp_path_factory.mktemp("boards") / "exported"
    assert main(["export", "dashboards", "--scrape-interval", "30s", "--name", REDIS, str(folder)]) == 0
    return [json.loads(path.read_text()) for path in sorted(folder.iterdir())]


@pytest.fixture
def redis(stack: NativeStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    monkeypatch.setenv("RQ_REDIS_URL", stack.redis_url())
    with connect(stack.redis_url()) as client:
        yield client


def groups_of(server: Server) -> Callable[[], list[dict[str, Any]]]:
    def groups() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = server.json("/api/v1/rules")["data"]["groups"]
        return found

    return groups


def answers(server: Server, query: Asked) -> bool:
    now, expr = time(), interpolate(query, RANGE)
    if query.instant:
        return bool(ask(server, "query", query=expr, time=now))
    return bool(
        ask(server, "query_range", query=expr, start=now - RANGE, end=now, step=step_of(query, RANGE))
    )


def test_all_rules_load_and_are_evaluated_without_an_error(servers: Servers) -> None:
    assert {name: errors_of_all_rules(groups_of(server)) for name, server in servers.items()} == {
        name: [] for name in servers
    }


def test_only_watchdog_fires_without_a_fault(stack: NativeStack, servers: Servers) -> None:
    seen: set[tuple[str, str]] = set()
    until = time() + HEALTHY_SECONDS

    def watched() -> bool:
        for name, server in servers.items():
            firing = [alert for alert in alerts_of(server) if alert["state"] == "firing"]
            seen.update((name, alert["labels"]["alertname"]) for alert in firing)
        return time() > until

    with demo_load(stack):
        wait_until(watched, "some minutes of load", within=HEALTHY_SECONDS + 60, every=2)

    assert seen == {(name, WATCHDOG) for name in servers}


def test_every_panel_of_the_exporters_dashboards_has_data(
    stack: NativeStack, servers: Servers, boards: list[Json], redis: Redis
) -> None:
    """In each Prometheus. Stack health explains what it cannot show."""
    own = [query for board in boards if board["uid"] != "rq-stack-health" for query in queries_of(board)]
    missing = {name: set(own) for name in servers}

    def look() -> bool:
        count_what_is_rare(redis)
        for name, queries in missing.items():
            queries -= {query for query in queries if answers(servers[name], query)}
        return not any(missing.values())

    with demo_load(stack):
        inject_failures(stack, redis)
        try:
            wait_until(look, "an answer to every query", within=WITHIN, every=5)
        except AssertionError:
            assert {
                name: {str(query): query.expr for query in queries} for name, queries in missing.items()
            } == {name: {} for name in servers}


def test_stack_health_shows_services_that_are_not_scraped(servers: Servers, boards: list[Json]) -> None:
    (board,) = (board for board in boards if board["uid"] == "rq-stack-health")
    queries = list(queries_of(board))
    for name, server in servers.items():
        for panel in data_panels(board):
            shown = any(answers(server, query) for query in queries if query.panel == panel["title"])
            assert shown or panel["fieldConfig"]["defaults"].get("noValue"), f"{panel['title']}: {name}"

    (up,) = (query for query in queries if query.panel == "Services")
    for name, server in servers.items():
        states = {
            series["metric"]["program"]: series["value"][1]
            for series in ask(server, "query", query=interpolate(up, RANGE))
        }
        others = "2" if "without" in name else "1"
        assert states == {
            "rq-exporter": "1",
            "redis-exporter": "2",
            "prometheus": others,
            "alertmanager": others,
            "grafana": "2",
        }


def test_alerts_keep_the_users_labels_and_link_to_the_users_pages(servers: Servers) -> None:
    """With the failures that the previous test left behind."""
    for name, server in servers.items():
        alerts = [alert for alert in alerts_of(server) if alert["labels"]["alertname"] != WATCHDOG]
        assert alerts, name
        for alert in alerts:
            assert {**LABELS, "instance": REDIS}.items() <= alert["labels"].items()
            links = alert["annotations"]
            assert links["dashboard_url"].startswith("https://grafana.example/g/d/rq-")
            assert links["runbook_url"] == f"https://runbooks.example/{alert['labels']['alertname']}"
