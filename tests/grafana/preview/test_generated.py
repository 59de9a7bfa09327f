"""Every panel of the generated dashboards is of a kind that the preview draws."""

from __future__ import annotations

from pathlib import Path

import pytest

from grafana.preview.dashboard import Dashboard, Panel
from grafana.preview.datasource import DataSource
from grafana.preview.library import read_folder
from grafana.preview.panel import draw_panel
from grafana.preview.prometheus import PrometheusClient
from grafana.preview.query import Source
from grafana.preview.timerange import parse_range
from grafana.preview.units import FORMATS, is_date
from grafana.preview.variables import resolve_variables
from tests.grafana.preview.prometheus import SyntheticPrometheus
from tests.grafana.preview.views import NOW, make_view

GENERATED = read_folder(Path(__file__).resolve().parents[3] / "grafana" / "generated")
BOARDS = [pytest.param(board, id=uid) for uid, board in GENERATED.dashboards.items()]


def test_every_file_is_a_dashboard() -> None:
    assert GENERATED.broken == []
    assert GENERATED.dashboards


@pytest.mark.needs("prometheus", "promtool")
@pytest.mark.parametrize("dashboard", BOARDS)
def test_every_panel_can_be_drawn(dashboard: Dashboard, prometheus: SyntheticPrometheus) -> None:
    """Mostly without data: what is there to draw is for the end-to-end test to see."""
    source = Source(PrometheusClient(prometheus.url), DataSource())
    hour = parse_range("now-1h", "now", NOW)
    resolved = resolve_variables(dashboard, {}, hour, source.prometheus, source.datasource)
    assert [item.problem for item in resolved if item.problem] == []
    view = make_view({item.variable.name: item.choice for item in resolved})
    drawn = {panel.title: draw_panel(panel, dashboard, view, source, {}) for panel in dashboard.panels()}
    assert {title: str(d.body) for title, d in drawn.items() if d.state == "error"} == {}


def units(panel: Panel) -> set[str]:
    overridden = [item for override in panel.overrides for item in override["properties"]]
    y_axis = panel.options.get("yAxis", {}).get("unit", "none")
    found = [panel.defaults.get("unit", "none"), y_axis]
    return {*found, *(item["value"] for item in overridden if item["id"] == "unit")}


@pytest.mark.parametrize("dashboard", BOARDS)
def test_every_unit_is_written_as_grafana_writes_it(dashboard: Dashboard) -> None:
    used = {unit for panel in dashboard.panels() for unit in units(panel)}
    own = {unit for unit in used if unit.startswith(("suffix:", "prefix:"))}
    assert [unit for unit in used - own if unit not in FORMATS and not is_date(unit)] == []
