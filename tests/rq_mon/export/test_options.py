"""Valid and invalid values of options."""

from __future__ import annotations

import pytest

from rq_mon.export import options


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://grafana.example.com", "https://grafana.example.com"),
        ("http://127.0.0.1:3000/", "http://127.0.0.1:3000"),
        ("https://example.com/grafana//", "https://example.com/grafana"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_a_web_address_loses_the_slashes_at_its_end(text: str, address: str) -> None:
    assert options.web_address(text) == address


NO_ADDRESSES = [
    "",
    "/",
    "grafana",
    "grafana.example.com",
    "ftp://example.com",
    "javascript:alert(1)",
    "http://",
    "https:///d/x",
    "https://:3000",
    "http://example.com:port",
    "http://example.com:0",
    "http://example.com:99999",
    "http://exa mple.com",
    'http://example.com/"',
    "http://example.com/\\",
    "http://example.com/{{ $labels.queue }}",
    "http://example.com/\n",
    "http://example.com?a=b",
    "http://example.com/#x",
    "http://[::1",
    "http://example.com/ü",
]


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_an_invalid_web_address_is_refused_by_its_value(text: str) -> None:
    with pytest.raises(ValueError, match="expected an address such as") as refused:
        options.web_address(text)

    assert repr(text) in str(refused.value)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://runbooks.example.com/", "https://runbooks.example.com/{name}"),
        ("https://example.com/docs/{name}.md", "https://example.com/docs/{name}.md"),
    ],
)
def test_a_runbook_has_the_alerts_name_in_its_address(text: str, address: str) -> None:
    assert options.runbook_address(text) == address


@pytest.mark.parametrize("text", [*NO_ADDRESSES, "{name}", "https://example.com/{alert}"])
def test_refuses_an_invalid_address_of_runbooks(text: str) -> None:
    with pytest.raises(ValueError, match="expected an address such as"):
        options.runbook_address(text)


@pytest.mark.parametrize(("text", "seconds"), [("1s", 1), ("30s", 30), ("60s", 60), ("1m", 60)])
def test_an_interval_is_written_as_prometheus_writes_it(text: str, seconds: int) -> None:
    assert options.scrape_interval(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "0s", "-5s", "30", "30 s", "61s", "2m", "1h", "1.5s", "soon", "30s\n", "٣s"]
)
def test_refuses_an_invalid_or_too_long_interval(text: str) -> None:
    with pytest.raises(ValueError, match="expected 1s to 60s"):
        options.scrape_interval(text)


@pytest.mark.parametrize("text", ["shop", "10.2.3.4:9726", "eu-1_b", "7"])
def test_a_redis_may_have_any_name_without_special_characters(text: str) -> None:
    assert options.redis_name(text) == text


@pytest.mark.parametrize("text", ["", " ", "a b", "-a", "a/b", 'a"', "a\n", "$1", "ü", "a" * 101, ".*"])
def test_a_name_that_would_break_a_label_or_a_legend_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="got"):
        options.redis_name(text)


@pytest.mark.parametrize("text", ["127.0.0.1:9726", "rq-exporter:9726", "[::1]:9726", "a_b.svc:1"])
def test_an_exporter_is_a_host_and_a_port(text: str) -> None:
    assert options.host_and_port(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "9726",
        "host",
        "host:",
        ":9726",
        "host:0",
        "host:65536",
        "host:x",
        "http://host:1",
        "a b:1",
        "::1:1",
    ],
)
def test_refuses_an_address_that_is_not_host_and_port(text: str) -> None:
    with pytest.raises(ValueError, match="expected host:port"):
        options.host_and_port(text)


@pytest.mark.parametrize("text", ["", " ", "a\n", "\x1b[31m", "x" * 191])
def test_an_invalid_data_source_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected the name of a data source"):
        options.data_source(text)
