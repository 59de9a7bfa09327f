"""`python -m proofs.fault_run`: thousands of jobs while everything is killed, and what became of each."""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from proofs.fault_run.application import Application
from proofs.fault_run.crew import Crew
from proofs.fault_run.document import write_document
from proofs.fault_run.evidence import (
    Evidence,
    Times,
    exported_ends,
    exported_ticks,
    prometheus_ends,
    prometheus_increase,
    stock_increase,
)
from proofs.fault_run.final_state import final_states, waiting
from proofs.fault_run.inject import Injector
from proofs.fault_run.kinds import specs
from proofs.fault_run.ledger import ledger
from proofs.fault_run.plan import SHORT, Size, plan
from proofs.fault_run.redis_server import FaultyRedis
from proofs.fault_run.replay import replay
from proofs.fault_run.side_file import read
from proofs.harness.exporter_process import running_exporter
from proofs.harness.prometheus import Prometheus
from proofs.harness.waiting import wait_until
from proofs.table import show
from rq_mon.connection.client import connect
from stack.native import programs

SEED = 20241124
DISK_BYTES = 2**26
DISK_BYTES_A_JOB = 60_000
"""What Redis writes of a job and its retries, and room to spare."""
DRAINED_WITHIN = 900.0
SCRAPED_WITHIN = 60.0
PROMETHEUS_CONFIG = """
global:
  scrape_interval: 5s
scrape_configs:
  - job_name: rq-exporter
    static_configs:
      - targets: [{target}]
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it, print the ledger, and return the exit code: 0 if every sentence of it is true."""
    options = _parser().parse_args(arguments)
    size = _size(options)
    with tempfile.TemporaryDirectory(prefix="rq-fault-run-") as folder:
        directory = options.keep or Path(folder)
        directory.mkdir(parents=True, exist_ok=True)
        evidence = _run(size, options.seed, options.fsync, directory)
    rows = ledger(evidence)
    show(rows)
    if options.markdown:
        write_document(options.markdown, evidence, rows)
    return int(any(row.verdict == "missed" for row in rows))


def _run(size: Size, seed: int, fsync: str, directory: Path) -> Evidence:
    redis = FaultyRedis(directory / "redis", DISK_BYTES + size.jobs * DISK_BYTES_A_JOB, fsync)
    try:
        with redis:
            evidence = _under_fire(size, seed, fsync, directory, redis)
            shutil.copy(redis.append_only_file, directory / "appendonly.aof")
            return evidence
    finally:
        redis.unmount()


def _under_fire(size: Size, seed: int, fsync: str, directory: Path, redis: FaultyRedis) -> Evidence:
    begin = time.time()
    times = Times()
    with (
        connect(redis.url) as connection,
        running_exporter(redis.url, directory) as exporter,
        _prometheus(directory, exporter.address) as prometheus,
        Application(redis.url, specs(size.jobs, seed), size.seconds, size.jobs) as application,
    ):
        with Crew(redis.url, directory, size) as crew:
            injector = Injector(redis, crew)
            injector.carry_out(plan(size, seed), lambda: application.progress * size.seconds)
            times.waiting_at_last_kill = waiting(connection)
            if _within(DRAINED_WITHIN, lambda: application.is_done and waiting(connection) == 0):
                times.until_empty = time.time() - injector.last_kill
        exported = exported_ends(exporter.url)
        in_prometheus = increase = by_worker = None
        if prometheus is not None:
            url = prometheus.url
            _within(SCRAPED_WITHIN, lambda: prometheus_ends(url) == exported)
            in_prometheus, increase = prometheus_ends(url), prometheus_increase(url, time.time() - begin)
            by_worker = stock_increase(url, time.time() - begin)
        times.whole = time.time() - begin
        known = application.known
        return Evidence(
            date=datetime.now(UTC),
            size=size,
            seed=seed,
            fsync=fsync,
            known=known,
            lines=read(crew.side_file),
            replay=replay(
                redis.append_only_file,
                {job_id: spec.kind.path for job_id, spec in known.specs.items()},
                {job_id: spec.kind.queue for job_id, spec in known.specs.items()},
            ),
            states=final_states(connection, known.specs),
            exported=exported,
            in_prometheus=in_prometheus,
            increase=increase,
            stock_increase=by_worker,
            ticks=exported_ticks(exporter.url),
            killed=crew.killed,
            done=injector.done,
            hanging=crew.hanging,
            hit=crew.hit,
            outages=injector.outages,
            left_out=injector.left_out,
            power_cuts=redis.power_cuts,
            times=times,
        )


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Wait for a condition, and return whether it came about: the ledger shows what is wrong if not."""
    try:
        return wait_until(condition, "the end of the run", within=seconds, every=0.5)
    except AssertionError:
        return False


@contextmanager
def _prometheus(directory: Path, target: str) -> Iterator[Prometheus | None]:
    if programs.PROMETHEUS.find() is None:
        yield None
        return
    with Prometheus(directory / "prometheus", PROMETHEUS_CONFIG.format(target=target)) as prometheus:
        yield prometheus


def _size(options: argparse.Namespace) -> Size:
    """Return the size asked for: what was given, and the rest as in a whole or a short run."""
    size = SHORT if options.short else Size()
    given = {
        field.name: value
        for field in dataclasses.fields(Size)
        if (value := getattr(options, field.name)) is not None
    }
    return dataclasses.replace(size, **given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m proofs.fault_run", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a run of two minutes")
    parser.add_argument(
        "--seed", type=int, default=SEED, help="chooses jobs and faults (default: %(default)s)"
    )
    parser.add_argument(
        "--minutes",
        dest="seconds",
        type=lambda text: 60 * _positive(text),
        help="in which jobs are enqueued and things are broken (default: 8)",
    )
    for field in dataclasses.fields(Size):
        if field.name != "seconds":
            option = f"--{field.name.replace('_', '-')}"
            parser.add_argument(option, type=_whole, metavar="N", help=f"default: {field.default}")
    parser.add_argument(
        "--fsync", choices=("everysec", "always"), default="everysec", help="Redis' appendfsync"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the ledger to this file")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave logs and side file there")
    return parser


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return number


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
