"""Writes docs/proofs/fault-run.md: the run, its ledger, and what RQ itself loses or doubles."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from proofs.fault_run.application import CONFIRMED_AFTER
from proofs.fault_run.evidence import Evidence
from proofs.fault_run.redis_server import HELD_BACK_SECONDS, LOST_SECONDS
from proofs.table import Row, markdown, write_page
from scheduler.supervised_queue import STUCK_SECONDS

TEMPLATE = Path(__file__).with_name("template.md")


LEDGER = re.compile(r"^### RQ (\d+).*?(?=^##)", re.MULTILINE | re.DOTALL)


def write_document(path: Path, evidence: Evidence, rows: Sequence[Row]) -> None:
    """Write the page with this ledger. A ledger of another major version of RQ stays on it."""
    size = evidence.size
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    ledgers = {found[1]: found[0] for found in LEDGER.finditer(before)}
    made = f"{evidence.date.date().isoformat()}, seed {evidence.seed}."
    ledgers[evidence.rq.partition(".")[0]] = f"### RQ {evidence.rq}\n\n{made}\n\n{markdown(rows)}\n"
    write_page(
        path,
        TEMPLATE,
        ledgers="".join(ledgers[major] for major in sorted(ledgers)).rstrip() + "\n",
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
