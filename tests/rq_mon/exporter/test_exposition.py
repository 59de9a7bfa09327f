"""The text formats match prometheus_client's byte for byte."""

from __future__ import annotations

import math
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, Summary, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    Exemplar,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.openmetrics import exposition as openmetrics

from rq_mon.exporter.blocks import plain
from rq_mon.exporter.exposition import openmetrics_format, text_format

HOSTILE = ('quote"', "back\\slash", "line\nfeed", "carriage\rreturn", "nul\0", "ü\u2028🙂", "", '\\"', "\\n")
NUMBERS = (0, 1, -1, 0.1, 1e-9, 123456, 1e6, 1234567.25, 1e17, -1e9, math.inf, -math.inf, math.nan)


class Families:
    """A collector of everything that could be formatted in an unusual way."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        GCCollector(registry=registry)
        PlatformCollector(registry=registry)
        Summary("timer_seconds", "A summary has a time of creation.", registry=registry).observe(1.5)
        self._families = [*registry.collect(), *self._made()]

    def _made(self) -> Iterable[Metric]:
        labelled = GaugeMetricFamily("labelled", 'He said "\\"\nand left.', labels=["z", "a"])
        for text in HOSTILE:
            labelled.add_metric([text, text], 1)
        yield labelled
        yield from (GaugeMetricFamily(f"number_{i}", "A number.", value) for i, value in enumerate(NUMBERS))
        yield CounterMetricFamily("events_total", "A counter.", 3)
        yield CounterMetricFamily("nothing", "No samples.", labels=["reason"])
        yield CounterMetricFamily("born_total", "A counter with a time of creation.", 3, created=123.5)
        buckets = HistogramMetricFamily("size", "A histogram.", labels=["queue"])
        exemplar = Exemplar({"job_id": 'a"b'}, 0.25, 1795490000.123)
        buckets.add_metric(["mail"], [("0.5", 1, exemplar), ("+Inf", 2)], 7.5)
        yield buckets

    def collect(self) -> Iterable[Metric]:
        return self._families


def test_classic_text_is_the_same() -> None:
    families = Families()

    assert b"".join(plain(text_format(families.collect()))) == generate_latest(families)


def test_openmetrics_is_the_same() -> None:
    families = Families()
    expected = openmetrics.generate_latest(families)  # type: ignore[no-untyped-call]

    assert b"".join(plain(openmetrics_format(families.collect()))) == expected
