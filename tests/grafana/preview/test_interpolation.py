"""Variables in queries, titles and links stand for what the reader chose."""

from __future__ import annotations

import pytest

from grafana.preview.interpolation import Choice, interpolate, promql_lookup, text_lookup

ONE = {"queue": Choice(("mail",))}
TWO = {"queue": Choice(("mail", "a.b"))}
ALL_AS = {"queue": Choice(("mail", "a.b"), is_all=True, all_value=".+")}
ALL = {"queue": Choice(("mail", "a.b"), is_all=True)}


@pytest.mark.parametrize(
    ("choices", "value"),
    [
        (ONE, "mail"),
        (TWO, r"(mail|a\\.b)"),
        (ALL_AS, ".+"),
        (ALL, r"(mail|a\\.b)"),
    ],
)
@pytest.mark.parametrize("form", ["$queue", "${queue}", "[[queue]]"])
def test_promql_gets_a_regular_expression(choices: dict[str, Choice], value: str, form: str) -> None:
    query = interpolate(f'rq_jobs{{queue=~"{form}"}}', promql_lookup(choices, {}))
    assert query == f'rq_jobs{{queue=~"{value}"}}'


def test_quotes_and_backslashes_cannot_leave_the_string_of_a_query() -> None:
    choices = {"queue": Choice(('x"} or vector(1) #', "a\\"), is_multi=True)}
    query = interpolate('{queue=~"$queue"}', promql_lookup(choices, {}))
    assert query == r'{queue=~"(x\"\\} or vector\\(1\\) #|a\\\\)"}'


def test_single_value_is_matched_as_it_is() -> None:
    choices = {"queue": Choice(('a.b"c',), is_multi=False)}
    assert interpolate('{queue="$queue"}', promql_lookup(choices, {})) == r'{queue="a.b\"c"}'


@pytest.mark.parametrize(
    ("format_", "text"),
    [
        ("regex", r"(mail|a\.b)"),
        ("pipe", "mail|a.b"),
        ("csv", "mail,a.b"),
        ("text", "mail + a.b"),
        ("queryparam", "var-queue=mail&var-queue=a.b"),
        ("percentencode", "%7Bmail%2Ca.b%7D"),
    ],
)
def test_formats(format_: str, text: str) -> None:
    assert interpolate(f"${{queue:{format_}}}", text_lookup(TWO, {})) == text


def test_all_is_a_word_in_texts_and_a_token_in_urls() -> None:
    assert interpolate("Jobs of $queue", text_lookup(ALL_AS, {})) == "Jobs of All"
    assert interpolate("${queue:queryparam}", text_lookup(ALL_AS, {})) == "var-queue=%24__all"


def test_builtins_are_filled_in_and_unknown_names_are_left() -> None:
    lookup = promql_lookup({}, {"__rate_interval": "20s"})
    assert interpolate("rate(x[$__rate_interval]) $other", lookup) == "rate(x[20s]) $other"
