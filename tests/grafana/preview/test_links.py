"""Links carry values and choices, and only lead where it is safe to click."""

from __future__ import annotations

import pytest

from grafana.preview.datasource import Destination
from grafana.preview.frames import Field, Frame
from grafana.preview.interpolation import Choice
from grafana.preview.links import Row, exemplar_links, is_safe, make_links
from tests.grafana.preview.views import make_view

FRAME = Frame((Field("queue", "string", ["a&b", "mail"]), Field("Value #A", "number", [1.5, 2.0])))


def link(url: str, row: Row | None = None) -> str:
    view = make_view({"queue": Choice(("mail", "long running"))})
    return make_links([{"title": "x", "url": url}], view, row)[0].href


def test_values_of_the_row_are_encoded() -> None:
    row = Row(FRAME, FRAME.fields[1], 0, text="1.50")
    assert link("/d/q?var-queue=${__data.fields.queue}", row) == "/d/q?var-queue=a%26b"
    assert link('/d/q?x=${__data.fields["Value #A"]}', row) == "/d/q?x=1.5"
    assert link("/d/q?x=${__data.fields[0]}", row) == "/d/q?x=a%26b"
    assert link("/d/q?x=${__value.raw}&y=${__value.text}", row) == "/d/q?x=1.5&y=1.50"


def test_labels_of_the_series() -> None:
    field = Field("Value", "number", [1.0], {"queue": "a b"}, source_name="a b")
    row = Row(Frame((field,)), field, 0)
    assert link("/d/q?q=${__field.labels.queue}&s=${__series.name}", row) == "/d/q?q=a%20b&s=a%20b"


def test_time_range_and_choices_are_passed_on() -> None:
    assert link("/d/q?${__url_time_range}") == "/d/q?from=now-6h&to=now"
    assert link("/d/q?${queue:queryparam}") == "/d/q?var-queue=mail&var-queue=long+running"
    assert link("/d/q?${__all_variables}") == "/d/q?var-queue=mail&var-queue=long+running"


@pytest.mark.parametrize("href", ["/d/x", "?a=b", "#top", "http://host/x", "https://host/x"])
def test_pages_are_safe(href: str) -> None:
    assert is_safe(href)


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "//host/x", "/\\host/x", "x"]
)
def test_scripts_and_foreign_hosts_in_disguise_are_not(href: str) -> None:
    assert not is_safe(href)
    assert make_links([{"title": "x", "url": href}], make_view()) == []


def test_exemplar_leads_to_the_page_that_the_data_source_names() -> None:
    destinations = [Destination("job_id", "http://127.0.0.1:9181/job/${__value.raw}", "Show the job")]
    (found,) = exemplar_links({"job_id": "a/../b", "other": "x"}, destinations)
    assert found.href == "http://127.0.0.1:9181/job/a%2F..%2Fb"
    assert found.title == "Show the job"
    assert found.new_tab
