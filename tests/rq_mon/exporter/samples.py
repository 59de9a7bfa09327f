"""A collector's samples, as sets that can be compared."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples_of(collector: Any, *prefixes: str) -> Samples:
    """Values by name and labels, of samples whose name begins with one of these, or of all."""
    found: Samples = {}
    for family in collector.collect():
        for sample in family.samples:
            if sample.name.startswith(prefixes or ""):
                key = sample.name, frozenset(sample.labels.items())
                assert key not in found, f"the series {key} stands twice"
                found[key] = sample.value
    return found


def errors_of(registry: CollectorRegistry, reason: str) -> float:
    """The exporter's count of errors with this reason, including those of this scrape."""
    count = registry.get_sample_value("rq_exporter_errors_total", {"reason": reason})
    assert count is not None
    return count
