"""`rqmon export`: what it writes, and that it writes nothing if an option is invalid."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from rq_mon.cli.main import main

Run = Callable[..., str]
RULES = ("rules", "--grafana-url", "https://grafana.example/g/", "--runbook-url", "https://runbooks.example")
BOTH = pytest.mark.parametrize("what", ["rules", "dashboards"])


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `rqmon export`; return its output."""

    def exported(*arguments: str, code: int = 0) -> str:
        capsys.readouterr()
        assert main(["export", *arguments]) == code
        printed = capsys.readouterr()
        return printed.out if code == 0 else printed.err

    return exported


def alerts(folder: Path) -> list[dict[str, Any]]:
    return [
        rule
        for path in folder.glob("*.yml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]


def drop_job_pages(board: Any) -> None:
    """Remove, in place, the variable and each link that uses it."""
    if isinstance(board, dict):
        for item in board.values():
            drop_job_pages(item)
    elif isinstance(board, list):
        board[:] = [item for item in board if "job_pages" not in str((_own(item, "name"), _own(item, "url")))]
        for item in board:
            drop_job_pages(item)


def _own(item: Any, key: str) -> Any:
    return item.get(key) if isinstance(item, dict) else None


def test_rules_are_those_of_the_stack_with_links_to_the_users_grafana_and_runbooks(
    run: Run, tmp_path: Path, project_root: Path
) -> None:
    run(*RULES, str(tmp_path / "rules"))

    written = {path.name for path in (tmp_path / "rules").iterdir()}
    found = alerts(tmp_path / "rules")
    assert written == {
        f"rq-mon-{path.name}" for path in (project_root / "prometheus" / "rules").glob("*.yml")
    }
    assert found
    for alert in found:
        links = alert["annotations"]
        assert links["runbook_url"] == f"https://runbooks.example/{alert['alert']}"
        assert links["dashboard_url"].startswith("https://grafana.example/g/d/")
    assert "externalLabels" not in "".join(path.read_text() for path in (tmp_path / "rules").iterdir())


def test_without_addresses_alerts_have_no_broken_links(run: Run, tmp_path: Path) -> None:
    run("rules", str(tmp_path / "rules"))

    for alert in alerts(tmp_path / "rules"):
        assert alert["annotations"].keys() == {"summary", "description"}


def test_alerts_about_jobs_link_to_the_users_job_pages(run: Run, tmp_path: Path) -> None:
    run(*RULES, "--job-pages-url", "https://jobs.example/rq/", str(tmp_path / "rules"))

    found = {alert["alert"]: alert["annotations"].get("jobs_url") for alert in alerts(tmp_path / "rules")}
    assert found["RQFailedJobsPilingUp"] == (
        "https://jobs.example/rq/failures?queue={{ $labels.queue | urlquery }}"
    )
    assert found["RQJobRunningTooLong"].startswith("https://jobs.example/rq{{ with printf")
    assert found["RQQueueStalled"] is None
    assert "externalLabels" not in "".join(path.read_text() for path in (tmp_path / "rules").iterdir())


@BOTH
def test_without_job_pages_nothing_links_to_them(run: Run, tmp_path: Path, what: str) -> None:
    run(what, str(tmp_path / "written"))

    text = "".join(path.read_text() for path in (tmp_path / "written").iterdir())
    assert "job_pages" not in text
    assert "jobs_url" not in text
    assert "](" not in text, "a link in Markdown"


def test_dashboards_link_to_the_users_job_pages(run: Run, tmp_path: Path) -> None:
    run("dashboards", "--job-pages-url", "https://jobs.example/rq/", str(tmp_path / "boards"))

    text = (tmp_path / "boards" / "rq-failures.json").read_text()
    assert '"https://jobs.example/rq/failures"' in text
    assert "(https://jobs.example/rq/failures)" in text
    assert "https://jobs.example/rq/queue?state=failed&name=${__data.fields.queue:percentencode}" in text
    assert "job_pages" not in text


def test_the_address_of_runbooks_may_contain_the_alerts_name_anywhere(run: Run, tmp_path: Path) -> None:
    run("rules", "--runbook-url", "https://example.com/{name}.md", str(tmp_path / "rules"))

    assert {alert["annotations"]["runbook_url"] for alert in alerts(tmp_path / "rules")} >= {
        "https://example.com/RQExporterDown.md",
        "https://example.com/Watchdog.md",
    }


def test_rules_about_other_programs_are_written_only_on_request(run: Run, tmp_path: Path) -> None:
    run("rules", str(tmp_path / "alone"))
    run("rules", "--with", "alertmanager", "--with", "redis-exporter", str(tmp_path / "more"))

    more = {path.name for path in (tmp_path / "more").iterdir()}
    assert more - {path.name for path in (tmp_path / "alone").iterdir()} == {
        "rq-mon-alertmanager.yml",
        "rq-mon-redis-exporter.yml",
    }


@pytest.mark.needs("promtool")
def test_promtool_accepts_the_written_rules(run: Run, tmp_path: Path) -> None:
    run(*RULES, "--with", "prometheus", str(tmp_path / "rules"))
    (tmp_path / "prometheus.yml").write_text(
        run("prometheus-config", "--name", "shop", "--exporter", "[::1]:9", "--scrape-interval", "5s")
        + "rule_files: [rules/*.yml]\n"
    )

    checked = subprocess.run(
        ["promtool", "check", "config", str(tmp_path / "prometheus.yml")], capture_output=True, text=True
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_without_options_dashboards_are_those_of_the_stack(
    run: Run, tmp_path: Path, project_root: Path
) -> None:
    run("dashboards", str(tmp_path / "boards"))

    for path in (project_root / "grafana" / "generated").glob("*.json"):
        own, exported = (
            json.loads(path.read_text()),
            json.loads((tmp_path / "boards" / path.name).read_text()),
        )
        own = json.loads(re.sub(r"\[([^]]+)\]\(\$\{job_pages[^)]*\)", r"\1", json.dumps(own)))
        drop_job_pages(own)
        for panel in (panel for panel in own["panels"] if panel["type"] == "alertlist"):
            panel["options"]["datasource"] = ""
        assert exported == own


def test_dashboards_use_the_users_data_source_and_interval_without_the_name_of_the_redis(
    run: Run, tmp_path: Path
) -> None:
    options = ("--data-source", "Mimir «eu»", "--scrape-interval", "30s", "--name", "shop.eu")
    run("dashboards", *options, str(tmp_path / "boards"))

    texts = [path.read_text(encoding="utf-8") for path in (tmp_path / "boards").iterdir()]
    boards = [json.loads(text) for text in texts]
    chosen = [
        variable["current"]["text"]
        for board in boards
        for variable in board["templating"]["list"]
        if variable["type"] == "datasource"
    ]
    assert chosen == ["Mimir «eu»"] * len(boards)
    intervals = {
        target["interval"]
        for board in boards
        for panel in board["panels"]
        for target in panel.get("targets", [])
    }
    assert intervals == {"30s", "60s"}
    legends = {found for text in texts for found in re.findall(r'"regex": "(/.*)"', text)}
    assert {json.loads(f'"{each}"') for each in legends} == {r"/^(.*) @ (shop\.eu)?$/"}


def test_dashboards_for_one_redis_are_those_of_the_stack_that_watches_one(
    run: Run, tmp_path: Path, project_root: Path
) -> None:
    run("dashboards", "--one-redis", "--job-pages-url", "http://jobs.example", str(tmp_path / "boards"))

    for path in (project_root / "grafana" / "one-redis").glob("*.json"):
        own, exported = (
            json.loads(path.read_text().replace("${job_pages:raw}", "http://jobs.example")),
            json.loads((tmp_path / "boards" / path.name).read_text()),
        )
        shown = [
            {each["name"] for each in board["templating"]["list"] if each["hide"] == 0}
            for board in (own, exported)
        ]
        assert shown[0] == shown[1]
        assert not shown[1] & {"datasource", "instance"}
        for panel in (panel for panel in own["panels"] if panel["type"] == "alertlist"):
            panel["options"]["datasource"] = ""
        assert exported["panels"] == own["panels"]


def test_the_scrape_job_labels_the_redis_with_its_name(run: Run) -> None:
    printed = run("prometheus-config", "--name", "shop", "--scrape-interval", "30s")

    (job,) = yaml.safe_load(printed)["scrape_configs"]
    assert job["scrape_interval"] == "30s"
    assert job["static_configs"] == [{"targets": ["127.0.0.1:9726"], "labels": {"instance": "shop"}}]


@pytest.mark.parametrize("name", ["1", "0x1F", "no", "1e3"])
def test_a_name_that_yaml_would_read_as_another_type_stays_text(run: Run, name: str) -> None:
    (job,) = yaml.safe_load(run("prometheus-config", "--name", name))["scrape_configs"]

    assert job["static_configs"][0]["labels"] == {"instance": name}


@pytest.mark.parametrize(
    "arguments",
    [
        ("rules", "--grafana-url", "grafana"),
        ("rules", "--runbook-url", "docs/runbooks"),
        ("rules", "--job-pages-url", "jobs.example"),
        ("dashboards", "--job-pages-url", "javascript:alert(1)"),
        ("rules", "--with", "postgres-exporter"),
        ("dashboards", "--scrape-interval", "often"),
        ("dashboards", "--data-source", ""),
        ("dashboards", "--name", "a b"),
    ],
    ids=" ".join,
)
def test_an_invalid_value_is_refused_by_name_and_nothing_is_written(
    run: Run, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    said = run(*arguments, str(tmp_path / "new"), code=2)

    *_, option, value = arguments
    assert option in said
    assert repr(value) in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_new", [True, False])
def test_all_writes_every_part_and_a_configuration_that_loads_them(
    run: Run, tmp_path: Path, is_new: bool
) -> None:
    links = ("--grafana-url", "https://grafana.example/g/", "--runbook-url", "https://runbooks.example")
    if not is_new:
        (tmp_path / "all").mkdir()
    pages = ("--job-pages-url", "https://jobs.example")
    chosen = ("--name", "shop", "--data-source", "Metrics", "--scrape-interval", "30s")
    run(
        "all",
        *chosen,
        *links,
        *pages,
        "--with",
        "prometheus",
        "--exporter",
        "queues:9726",
        str(tmp_path / "all"),
    )
    run("rules", *links, *pages, "--with", "prometheus", str(tmp_path / "rules"))
    run("dashboards", *chosen, *pages, str(tmp_path / "dashboards"))
    job = run("prometheus-config", *chosen[:2], *chosen[4:], "--exporter", "queues:9726")

    assert {path.name for path in (tmp_path / "all").iterdir()} == {"rules", "dashboards", "prometheus.yml"}
    for part in ("rules", "dashboards"):
        assert texts(tmp_path / "all" / part) == texts(tmp_path / part)
    config = (tmp_path / "all" / "prometheus.yml").read_text()
    assert config.endswith(job)
    assert yaml.safe_load(config)["rule_files"] == ["rules/*.yml"]


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize("what", ["all", "rules", "dashboards"])
def test_a_folder_that_is_not_empty_is_refused(run: Run, tmp_path: Path, what: str) -> None:
    (tmp_path / "mine.yml").write_text("mine")

    said = run(what, str(tmp_path), code=2)

    assert f"{tmp_path}: expected a new or empty folder" in said
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yml"]
