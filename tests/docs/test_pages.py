"""The generated pages of docs/: fresh and complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.reference.__main__ import pages
from docs.reference.alerts import alerts_page
from docs.reference.metrics import metrics_page
from docs.reference.rules import rule_files
from rq_mon.catalogue import CATALOGUE, Metric
from tests.grafana.test_queries import NOT_SHOWN


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_the_committed_page_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == pages()[path], "run `make docs` and commit what it writes"


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_each_metric_has_one_row_with_its_labels_and_its_dashboards(metric: Metric) -> None:
    (row,) = [line for line in metrics_page().splitlines() if line.startswith(f"| `{metric.name}` |")]

    _, _, type_, labels, meaning, dashboards, _ = re.split(r"(?<!\\)\|", row)

    assert type_.strip() == metric.type
    assert re.findall(r"`(\w+)`", labels) == list(metric.labels)
    assert meaning.strip() == metric.help
    assert dashboards.strip() or metric.name in NOT_SHOWN


@pytest.mark.slow
def test_each_rule_is_on_its_page() -> None:
    metrics, alerts = metrics_page(), alerts_page()

    for file in rule_files():
        for _, rule in file.recorded():
            assert f"| `{rule['record']}` |" in metrics
        for rule in file.alerts():
            assert rule["expr"].strip() in alerts
            assert f"### {rule['alert']}, {rule['labels']['severity']}\n" in alerts


def test_each_alert_of_the_table_links_to_its_section() -> None:
    page = alerts_page()
    sections = {
        re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-"))
        for heading in re.findall(r"^### (.+)$", page, re.MULTILINE)
    }

    linked = re.findall(r"^\| \[\w+\]\(#([\w-]+)\)", page, re.MULTILINE)

    assert len(linked) == sum(len(file.alerts()) for file in rule_files())
    assert set(linked) == sections
