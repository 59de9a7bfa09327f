"""The verdict on each quantity, as rows of a table and as docs/proofs/soak.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from proofs.soak.disk import Blocks
from proofs.soak.sample import (
    DISK,
    HEAD_SERIES,
    PROCESSES,
    REDIS_BYTES_A_KEY,
    REDIS_KEYS,
    REDIS_LASTING_KEYS,
    REDIS_MEMORY,
    RQ_SCHEDULER_OF,
    SAMPLES,
    SERIES,
    pss,
    rss,
)
from proofs.soak.slope import Point, Slope, slope_of
from proofs.table import Row, markdown, verdict, write_page
from stack.services import PROMETHEUS, VIEWER
from stack.variables import RETENTION_SIZE

TEMPLATE = Path(__file__).with_name("template.md")

PROGRAM_BOUND = 2.0
PROMETHEUS_BOUND = 64.0
"""Its head fills for three hours. Then the oldest two become a block."""
VIEWER_BOUND = 8.0
"""Larger answers of Prometheus may raise it."""
BOUNDS = {
    rss(name): {PROMETHEUS.name: PROMETHEUS_BOUND, VIEWER.name: VIEWER_BOUND}.get(name, PROGRAM_BOUND)
    for name in (*(service.name for service in PROCESSES), *RQ_SCHEDULER_OF.values())
} | {SERIES: 60.0, REDIS_LASTING_KEYS: 20.0, REDIS_BYTES_A_KEY: 150.0}
"""Growth in an hour, in the quantity's own unit, that still counts as flat."""
SHOWN = (*(pss(service.name) for service in PROCESSES), HEAD_SERIES, REDIS_KEYS, REDIS_MEMORY)

DAY = 86400
RETENTION_DAYS = 30
HEAD_HOURS = 3
"""Hours for which Prometheus keeps samples in its write-ahead log as well as in blocks."""
GIB = 2**30
GROWTH_TOLERANCE = 0.25


def rows(points: Mapping[str, Sequence[Point]], blocks: Blocks, warm_up: float) -> list[Row]:
    """Return one row for each quantity; `missed` if it grows by more than its bound."""
    bounded = [_bounded_row(name, bound, points.get(name, ()), warm_up) for name, bound in BOUNDS.items()]
    shown = [Row(name, _figure(slope_of(points.get(name, ()), warm_up))) for name in SHOWN]
    return [*bounded, *shown, *_disk_rows(points, blocks, warm_up)]


def _bounded_row(name: str, bound: float, points: Sequence[Point], warm_up: float) -> Row:
    slope = slope_of(points, warm_up)
    lives = len({point.life for point in points})
    return Row(
        name,
        _figure(slope),
        f"{slope.points} looks, {lives} {'life' if lives == 1 else 'lives'}",
        f"≤ {bound:g}/h",
        verdict(not slope.is_above(bound)),
    )


def _figure(slope: Slope) -> str:
    return f"mean {slope.mean:,.1f}; {slope.per_hour:+.2f} ± {slope.error:.2f} an hour"


def _disk_rows(points: Mapping[str, Sequence[Point]], blocks: Blocks, warm_up: float) -> Iterator[Row]:
    appended, disk = (slope_of(points.get(name, ()), warm_up) for name in (SAMPLES, DISK))
    rate = appended.per_hour / 3600
    log = disk.per_hour * 2**20 / appended.per_hour
    whole = rate * (RETENTION_DAYS * DAY * blocks.bytes_per_sample + HEAD_HOURS * 3600 * log)
    limit = int(RETENTION_SIZE.default.removesuffix("GB"))
    yield Row("Prometheus: samples a second", f"{rate:,.0f}")
    yield Row("Prometheus: bytes a sample in its write-ahead log and head", f"{log:.2f}")
    yield Row(
        "Prometheus: bytes a sample in blocks",
        f"{blocks.bytes_per_sample:.2f}",
        f"{len(blocks.blocks)} blocks",
    )
    yield Row(
        "Prometheus: growth of blocks, measured ÷ computed from the first half",
        f"{blocks.growth_ratio:.2f}",
        "",
        f"1 ± {GROWTH_TOLERANCE:g}",
        verdict(abs(blocks.growth_ratio - 1) <= GROWTH_TOLERANCE),
    )
    yield Row(
        f"Prometheus: disk after {RETENTION_DAYS} days, computed",
        f"{whole / GIB:.2f} GiB",
        f"samples/s times bytes a sample, and {HEAD_HOURS} h of log",
        f"≤ {limit} GB",
        verdict(whole <= limit * 1e9),
    )


def write_document(path: Path, found: Sequence[Row], minutes: float, warm_up: float, interval: float) -> None:
    """Write docs/proofs/soak.md."""
    write_page(path, TEMPLATE, minutes=minutes, warm_up=warm_up, interval=interval, table=markdown(found))
