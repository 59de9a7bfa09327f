"""The load of the quiet period: `python -m proofs.drill.load SECONDS`."""

from __future__ import annotations

import sys
import time

from demo.load import arrivals

RARER = 3
"""The demo's jobs are this many times rarer.

The drill shortens the waits of alerts but not the jobs: a worker
that is busy for one of the drill's minutes is normal.
"""


def main() -> None:
    """Enqueue the demo's jobs at a lower rate."""
    start = time.monotonic()
    for due, kind in arrivals(float(sys.argv[1]) / RARER):
        time.sleep(max(0.0, start + RARER * due - time.monotonic()))
        kind.enqueue()


if __name__ == "__main__":
    main()
