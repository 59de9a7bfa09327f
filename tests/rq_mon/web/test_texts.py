"""How values are written on a page."""

from __future__ import annotations

import pytest
from markupsafe import Markup, escape

from rq_mon.web.texts import breakable

LONG = "application.billing.charge_card_again"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("app.jobs.charge_card", "app.jobs.charge_card"),
        (LONG, "application.<wbr>billing.<wbr>charge_<wbr>card_<wbr>again"),
        (f"{LONG}.<b>", "application.<wbr>billing.<wbr>charge_<wbr>card_<wbr>again.&lt;b&gt;"),
        (f"{LONG}.\u202eevil", f"{breakable(LONG)}.\\u202eevil"),
        ("a" * 40, "a" * 40),
    ],
)
def test_a_long_name_can_break_between_its_words_and_is_escaped(name: str, shown: str) -> None:
    assert escape(breakable(name)) == Markup(shown)  # as a template writes it
