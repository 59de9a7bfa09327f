"""What a scrape costs: its time compared with rq-exporter's, and the load on Redis."""

from __future__ import annotations

from collections.abc import Sequence

from proofs.bench.scrape_cost import idle_row, memory_rows, trips_row, waiting_row
from proofs.bench.scrape_time import far_row, near_rows
from proofs.table import Row

SIZES = (10, 100, 1000)
"""Workers, and as many queues."""
PAIRS = 9
FAR_PAIRS = 3
"""Fewer, because rq-exporter takes many seconds for a scrape over a slow line."""
FUNCTIONS, QUEUES = 1000, 20


def run(sizes: Sequence[int] = SIZES, functions: int = FUNCTIONS) -> list[Row]:
    """Measure everything, or smaller sizes to try it out."""
    most = max(sizes)
    return [
        *(row for size in sizes for row in near_rows(size, PAIRS)),
        far_row(most, FAR_PAIRS),
        trips_row(most),
        waiting_row(most, PAIRS),
        idle_row(),
        *memory_rows(functions, QUEUES),
    ]
