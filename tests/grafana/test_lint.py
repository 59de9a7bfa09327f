"""Rules for every dashboard, one test for each rule."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import pytest
from redis import Redis

from grafana.queries.promql import COUNTERS_NAME, RATES_NAME, RAW_NAME
from proofs.harness.boards import BOARDS, VARIABLE, Json, data_panels, panels
from rq_mon.export.dashboards import JOB_PAGES
from rq_mon.web.app import make_app
from rq_mon.web.settings import WebSettings

ADDRESS = f"${{{JOB_PAGES}:raw}}"
RETIRED_PANELS = {"graph", "singlestat", "table-old", "grafana-piechart-panel", "grafana-worldmap-panel"}
DRAWN_BY_VIEWER = {
    "stat",
    "timeseries",
    "table",
    "bargauge",
    "heatmap",
    "state-timeline",
    "text",
    "alertlist",
}
BUILT_IN = re.compile(
    r"__(all|rate_interval|interval|range|range_s|all_variables|url_time_range|data|field|value)\b"
)
WITHOUT_NULLS = {"value", "from", "to"}

every_board = pytest.mark.parametrize("uid", BOARDS)


def strings(value: Any) -> list[str]:
    """All texts in the JSON."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


def links(value: Any) -> list[str]:
    """All URLs in the JSON, of panels, cells and series."""
    return [text for text in strings(value) if re.match(r"/\w", text)]


def variables(board: Json) -> dict[str, Json]:
    return {variable["name"]: variable for variable in board["templating"]["list"]}


@every_board
def test_the_file_has_the_name_of_its_uid(uid: str) -> None:
    assert BOARDS[uid]["uid"] == uid
    assert len(uid) <= 40


def test_titles_are_unique() -> None:
    titles = [board["title"] for board in BOARDS.values()]

    assert len(set(titles)) == len(titles)


@every_board
def test_a_dashboard_has_the_current_schema_is_read_only_and_in_the_readers_time_zone(uid: str) -> None:
    board = BOARDS[uid]

    assert board["schemaVersion"] == 42
    assert board["editable"] is False
    assert board["timezone"] == "browser"
    assert board["graphTooltip"] == 1
    assert "id" not in board
    assert "__inputs" not in board


@every_board
def test_a_dashboard_refreshes_every_10_to_30_seconds(uid: str) -> None:
    assert BOARDS[uid]["refresh"] in {"10s", "15s", "30s"}


@every_board
def test_the_description_is_the_question_that_the_dashboard_answers(uid: str) -> None:
    assert BOARDS[uid]["description"].endswith("?")


@every_board
def test_one_menu_links_to_all_other_dashboards_and_keeps_time_and_variables(uid: str) -> None:
    board = BOARDS[uid]
    (menu,) = board["links"]

    assert menu["type"] == "dashboards"
    assert menu["asDropdown"]
    assert menu["includeVars"]
    assert menu["keepTime"]
    assert menu["tags"] == board["tags"] == ["rq"]


@every_board
def test_firing_alerts_are_marked_on_the_graphs(uid: str) -> None:
    alerts, *_ = BOARDS[uid]["annotations"]["list"]

    assert alerts["enable"]
    assert 'ALERTS{alertstate="firing"' in alerts["expr"]


@every_board
def test_changes_are_marked_on_the_graphs_each_in_its_own_colour(uid: str) -> None:
    marks = BOARDS[uid]["annotations"]["list"]

    assert [mark["name"] for mark in marks[1:]] == ["New versions", "Cron list", "Redis restarts"]
    assert all(mark["enable"] for mark in marks)
    assert len({mark["iconColor"] for mark in marks}) == len(marks)


@every_board
def test_every_panel_has_a_description(uid: str) -> None:
    for panel in panels(BOARDS[uid]):
        assert panel["title"]
        assert panel["type"] == "text" or re.match(r"[A-Z0-9]", panel["description"]), panel["title"]


@every_board
def test_every_number_has_a_unit_or_words(uid: str) -> None:
    for panel in data_panels(BOARDS[uid]):
        defaults = panel["fieldConfig"]["defaults"]
        if panel["type"] == "table":
            columns = [
                {item["id"]: item["value"] for item in override["properties"]}
                for override in panel["fieldConfig"]["overrides"]
            ]
            numbers = sum(bool(column.get("unit") or column.get("mappings")) for column in columns)
            assert numbers == len(panel["targets"]), panel["title"]
        else:
            assert defaults.get("unit") or defaults.get("mappings"), panel["title"]


@every_board
def test_panel_types_exist_in_grafana_and_the_viewer(uid: str) -> None:
    types = {panel["type"] for panel in panels(BOARDS[uid])}

    assert not types & RETIRED_PANELS
    assert types <= DRAWN_BY_VIEWER


@every_board
def test_panel_ids_and_titles_are_unique(uid: str) -> None:
    ids = [panel["id"] for panel in BOARDS[uid]["panels"]]
    titles = [panel["title"] for panel in panels(BOARDS[uid])]

    assert len(set(ids)) == len(ids)
    assert len(set(titles)) == len(titles)


@every_board
def test_panels_fill_the_grid_without_overlap(uid: str) -> None:
    places = [panel["gridPos"] for panel in BOARDS[uid]["panels"]]

    for place in places:
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24
    for a, b in combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert beside or above, (a, b)


@every_board
def test_every_panel_and_target_uses_the_selected_data_source(uid: str) -> None:
    chosen = {"type": "prometheus", "uid": "${datasource}"}

    for panel in data_panels(BOARDS[uid]):
        assert panel["datasource"] == chosen
        assert all(target["datasource"] == chosen for target in panel["targets"])
        ids = [target["refId"] for target in panel["targets"]]
        assert len(set(ids)) == len(ids)


@every_board
def test_variables_start_with_data_source_and_redis_and_offer_all(uid: str) -> None:
    source, redis, *choices = (each for each in BOARDS[uid]["templating"]["list"] if each["hide"] != 2)

    assert (source["type"], source["label"]) == ("datasource", "Data source")
    assert (redis["name"], redis["label"]) == ("instance", "Redis")
    for choice in (redis, *choices):
        assert choice["multi"]
        assert choice["includeAll"]
        assert choice["allValue"] == ".+"
        assert choice["refresh"] == 2
        assert choice["label"]


@every_board
def test_every_variable_is_defined_and_used(uid: str) -> None:
    board = BOARDS[uid]
    used = {match[1] or match[2] for text in strings(board) for match in VARIABLE.finditer(text)}

    assert {name for name in used if not BUILT_IN.match(name)} == set(variables(board))


@every_board
def test_queues_and_functions_are_matched_as_patterns(uid: str) -> None:
    for text in strings(BOARDS[uid]):
        for match in re.finditer(r'(\S{2})"[^"]*\$(instance|queue|function)\b', text):
            assert match[1] == "=~", text


HIDDEN_CHOICES = {RAW_NAME, COUNTERS_NAME, RATES_NAME}
"""The range chooses them."""
OF_THE_STACK = {
    *(("rq-stack-health", title) for title in ("Series", "Stored", "Rule groups", "Samples")),
    *(("rq-stack-health", title) for title in ("Lost alerts and rules", "Notifications")),
}
"""Panels on Prometheus and Alertmanager: there is one of each, for any number of Redis."""


@every_board
def test_every_panel_is_filtered_by_every_variable_that_its_metrics_have(uid: str) -> None:
    """Waits and registries have no function; their panels say so."""
    choices = set(variables(BOARDS[uid])) - {"datasource", JOB_PAGES, *HIDDEN_CHOICES}

    for panel in data_panels(BOARDS[uid]):
        asked = " ".join(target["expr"] for target in panel["targets"])
        missing = {choice for choice in choices if f"${choice}" not in asked}
        if "instance" in missing:
            assert (uid, panel["title"]) in OF_THE_STACK, panel["title"]
        if "queue" in missing:
            of_no_queue = {"Schedulers", "Schedulers over time", "Operator actions"}
            assert panel["title"] in of_no_queue, panel["title"]
        if "function" in missing:
            explains_it = re.search(r"[Aa]ny function|[Aa]ll functions", panel["description"])
            assert explains_it or uid == "rq-cron", panel["title"]


@every_board
def test_every_link_goes_to_a_dashboard_and_keeps_the_time(uid: str) -> None:
    for link in links(BOARDS[uid]):
        target = re.match(r"/d/([\w-]+)\?", link)
        assert target, link
        assert target[1] in BOARDS, link
        assert "${__url_time_range}" in link


def test_links_to_the_job_pages_go_to_existing_pages() -> None:
    pages = {rule.rule for rule in make_app(WebSettings(password_given="x"), Redis()).url_map.iter_rules()}
    found = {
        re.sub(r"\$\{.*?\}", "<name>", text.removeprefix(ADDRESS).partition("?")[0])
        for board in BOARDS.values()
        for text in strings(board)
        if text.startswith(ADDRESS)
    }

    of_runbooks = "/runbooks/<name>"
    assert found == {"/job", "/queue", "/failures", "/running", "/workers", "/cron", of_runbooks}
    assert found <= pages


@every_board
def test_the_url_of_a_dashboard_cannot_change_the_address_of_the_job_pages(uid: str) -> None:
    for variable in (each for each in BOARDS[uid]["templating"]["list"] if each["name"] == JOB_PAGES):
        assert variable["hide"] == 2
        assert variable["skipUrlSync"]


@every_board
def test_links_set_only_variables_that_the_target_has(uid: str) -> None:
    for link in links(BOARDS[uid]):
        target = link.removeprefix("/d/").split("?")[0]
        assert set(re.findall(r"var-(\w+)=", link)) <= set(variables(BOARDS[target])), link


@every_board
def test_every_dashboard_has_links_to_others_in_its_panels(uid: str) -> None:
    """Not only from the menu. Stack health has no links, because its services have no dashboards."""
    leads_to = {link.removeprefix("/d/").split("?")[0] for link in links(BOARDS[uid])} - {uid}

    assert leads_to or uid == "rq-stack-health"


def test_every_dashboard_is_linked_from_another() -> None:
    reached = {
        link.removeprefix("/d/").split("?")[0]
        for uid, board in BOARDS.items()
        for link in links(board)
        if not link.startswith(f"/d/{uid}?")
    }

    assert reached >= set(BOARDS) - {"rq-overview"}


@every_board
def test_thresholds_begin_at_minus_infinity_and_rise(uid: str) -> None:
    for panel in data_panels(BOARDS[uid]):
        found = [panel["fieldConfig"]["defaults"].get("thresholds")]
        found += [
            item["value"]
            for override in panel["fieldConfig"]["overrides"]
            for item in override["properties"]
            if item["id"] == "thresholds"
        ]
        for thresholds in filter(None, found):
            first, *others = [step["value"] for step in thresholds["steps"]]
            assert first is None
            assert others == sorted(others)


@every_board
def test_a_missing_value_is_not_shown_in_green(uid: str) -> None:
    """Grafana shows "Not measured" in the first colour of the thresholds."""
    for panel in data_panels(BOARDS[uid]):
        if panel["type"] == "stat":
            first = panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]
            assert first["color"] == "text", panel["title"]


@every_board
def test_no_other_key_is_null(uid: str) -> None:
    def nulls(value: Any, key: str = "") -> list[str]:
        if isinstance(value, dict):
            return [found for name, item in value.items() for found in nulls(item, name)]
        if isinstance(value, list):
            return [found for item in value for found in nulls(item, key)]
        return [key] if value is None else []

    assert set(nulls(BOARDS[uid])) <= WITHOUT_NULLS
