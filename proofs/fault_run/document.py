"""docs/proofs/fault-run.md: what the run is, its ledger, and what RQ itself loses or doubles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from proofs.fault_run.application import CONFIRMED_AFTER
from proofs.fault_run.evidence import Evidence
from proofs.fault_run.redis_server import HELD_BACK_SECONDS, LOST_SECONDS
from proofs.table import Row, markdown, write_page
from scheduler.supervised_queue import STUCK_SECONDS

TEMPLATE = Path(__file__).with_name("template.md")


def write_document(path: Path, evidence: Evidence, rows: Sequence[Row]) -> None:
    """Write the ledger with what it means."""
    size = evidence.size
    write_page(
        path,
        TEMPLATE,
        table=markdown(rows),
        date=evidence.date.date().isoformat(),
        seed=evidence.seed,
        fsync=evidence.fsync,
        workers=size.workers,
        cron_schedulers=size.cron_schedulers,
        jobs=size.jobs,
        lost=LOST_SECONDS,
        held_back=HELD_BACK_SECONDS,
        confirmed=CONFIRMED_AFTER,
        abandoned=size.abandoned_after,
        stuck=STUCK_SECONDS,
    )
