"""What a scrape costs, in time against rq-exporter's, and in Redis."""

from __future__ import annotations

from collections.abc import Sequence

from proofs.bench.scrape_cost import idle_row, memory_rows, trips_row, waiting_row
from proofs.bench.scrape_time import far_row, near_rows
from proofs.table import Row

SIZES = (10, 100, 1000)
"""As many workers as queues."""
PAIRS = 9
FAR_PAIRS = 3
"""Fewer: rq-exporter takes many seconds for a scrape from afar."""
FUNCTIONS, QUEUES = 1000, 20


def run(sizes: Sequence[int] = SIZES, functions: int = FUNCTIONS) -> list[Row]:
    """Measure all of it; smaller sizes are for trying it out."""
    most = max(sizes)
    return [
        *(row for size in sizes for row in near_rows(size, PAIRS)),
        far_row(most, FAR_PAIRS),
        trips_row(most),
        waiting_row(most, PAIRS),
        idle_row(),
        *memory_rows(functions, QUEUES),
    ]
