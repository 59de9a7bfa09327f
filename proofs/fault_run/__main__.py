"""`python -m proofs.fault_run`: run jobs, kill everything meanwhile, and report what became of each job."""

from __future__ import annotations

import dataclasses
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from redis import Redis

from demo.number import Number
from proofs.fault_run.application import Application
from proofs.fault_run.cron_scheduler import AT_RUN_TIME, entries
from proofs.fault_run.document import write_document
from proofs.fault_run.evidence import (
    Evidence,
    Times,
    exported_ends,
    exported_ticks,
    exported_write_errors,
    prometheus_ends,
    prometheus_increase,
    stock_increase,
)
from proofs.fault_run.final_state import final_states, waiting
from proofs.fault_run.history import APPEND_ONLY_FILE, show_histories
from proofs.fault_run.inject import Injector
from proofs.fault_run.interpreter import CHOICES, Interpreter, interpreter
from proofs.fault_run.kinds import specs
from proofs.fault_run.ledger import ledger
from proofs.fault_run.plan import SHORT, Size, plan
from proofs.fault_run.processes import Processes
from proofs.fault_run.redis_server import FaultyRedis
from proofs.fault_run.replay import replay
from proofs.fault_run.side_file import read
from proofs.fault_run.worker_log import vanished
from proofs.harness.exporter_process import running_exporter
from proofs.harness.prometheus import PrometheusServer
from proofs.harness.waiting import wait_until
from proofs.table import show
from rq_mon.connection.client import connect
from rq_mon.cron.registry import CronRegistry
from rq_mon.settings import Settings
from stack.native import programs

SEED = 20241124
PATH = click.Path(path_type=Path)
DISK_BYTES = 2**26
DISK_BYTES_A_JOB = 60_000
"""The bytes that Redis writes for a job and its retries, with a margin."""
DRAINED_WITHIN = 900.0
SCRAPED_WITHIN = 60.0
REGISTERED_WITHIN = 60.0
PROMETHEUS_CONFIG = """
global:
  scrape_interval: 5s
scrape_configs:
  - job_name: rq-exporter
    static_configs:
      - targets: [{target}]
"""


def _size_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add an option for each number in `Size`."""
    for field in reversed([field for field in dataclasses.fields(Size) if field.name != "seconds"]):
        option = click.option(
            f"--{field.name.replace('_', '-')}",
            type=Number(int, "a whole number", lambda number: number >= 0),
            metavar="N",
            help=f"Default: {field.default}.",
        )
        command = option(command)
    return command


@click.command(help=__doc__)
@click.option("--short", is_flag=True, help="A run of three minutes.")
@click.option(
    "--seed", type=int, default=SEED, show_default=True, metavar="N", help="Chooses jobs and faults."
)
@click.option(
    "--minutes",
    type=Number(float, "a number above 0", lambda minutes: minutes > 0),
    metavar="N",
    help="In which jobs are enqueued and things are broken; 8 by default.",
)
@_size_options
@click.option(
    "--fsync",
    type=click.Choice(("everysec", "always")),
    default="everysec",
    show_default=True,
    help="Redis' appendfsync.",
)
@click.option(
    "--rq",
    type=click.Choice(CHOICES),
    default=CHOICES[0],
    show_default=True,
    help="RQ of workers and cron schedulers; the application and the exporter have RQ 2.",
)
@click.option("--markdown", type=PATH, metavar="FILE", help="Also write the ledger to this file.")
@click.option("--keep", type=PATH, metavar="FOLDER", help="Leave logs and side file there.")
def main(
    short: bool,
    seed: int,
    minutes: float | None,
    fsync: str,
    rq: str,
    markdown: Path | None,
    keep: Path | None,
    **counts: int | None,
) -> None:
    """Do a run, print the ledger, and exit with 1 if a statement of the ledger is false."""
    given = {name: count for name, count in counts.items() if count is not None}
    size = dataclasses.replace(SHORT if short else Size(), **given)
    if minutes is not None:
        size = dataclasses.replace(size, seconds=60 * minutes)
    with tempfile.TemporaryDirectory(prefix="rq-fault-run-") as folder:
        directory = keep or Path(folder)
        directory.mkdir(parents=True, exist_ok=True)
        evidence = _run(size, seed, fsync, directory, interpreter(rq))
        rows = ledger(evidence)
        show(rows)
        missed = [row for row in rows if row.verdict == "missed"]
        if missed:
            show_histories(directory, evidence, missed)
    if markdown:
        write_document(markdown, evidence, rows)
    sys.exit(bool(missed))


def _run(size: Size, seed: int, fsync: str, directory: Path, python: Interpreter) -> Evidence:
    redis = FaultyRedis(directory / "redis", DISK_BYTES + size.jobs * DISK_BYTES_A_JOB, fsync)
    try:
        with redis:
            evidence = _under_fire(size, seed, fsync, directory, redis, python)
            shutil.copy(redis.append_only_file, directory / APPEND_ONLY_FILE)
            return evidence
    finally:
        redis.unmount()


def _under_fire(
    size: Size, seed: int, fsync: str, directory: Path, redis: FaultyRedis, python: Interpreter
) -> Evidence:
    begin = time.time()
    times = Times()
    with (
        connect(redis.url) as connection,
        running_exporter(redis.url, directory) as exporter,
        _prometheus(directory, exporter.address) as prometheus,
        Application(redis.url, specs(size.jobs, seed), size.seconds, size.jobs) as application,
    ):
        with Processes(redis.url, directory, size, python.path) as processes:
            _register_at_run_time(connection)
            injector = Injector(redis, processes)
            injector.carry_out(plan(size, seed), lambda: application.progress * size.seconds)
            times.waiting_at_last_kill = waiting(connection)
            if _within(DRAINED_WITHIN, lambda: application.is_done and waiting(connection) == 0):
                times.until_empty = time.time() - injector.last_kill
            times.until_registered = _registered_again(redis, processes, connection)
            unregistered = processes.unregistered(connection)
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
            lines=read(processes.side_file),
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
            killed=processes.killed,
            done=injector.done,
            hanging=processes.hanging,
            hit=processes.hit,
            events=sorted([*injector.events, *processes.events]),
            vanished=vanished(processes.log),
            outages=injector.outages,
            refused=injector.refused,
            left_out=injector.left_out,
            losses=redis.losses,
            write_errors=exported_write_errors(exporter.url),
            cron_jobs=CronRegistry(connection).ids(),
            forgotten=injector.forgotten,
            unregistered=unregistered,
            rq=python.rq_version,
            times=times,
        )


def _register_at_run_time(connection: Redis) -> None:
    for entry in entries(AT_RUN_TIME):
        CronRegistry(connection).register(entry.define(Settings(), time.time()))


def _registered_again(redis: FaultyRedis, processes: Processes, connection: Redis) -> float:
    """Delete all registrations; return the seconds until all workers are registered again."""
    _within(REGISTERED_WITHIN, lambda: not processes.unregistered(connection))
    redis.lose_registrations()
    begin = time.monotonic()
    _within(REGISTERED_WITHIN, lambda: not processes.unregistered(connection))
    return time.monotonic() - begin


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Wait for a condition; return whether it became true. If not, the ledger shows what is wrong."""
    try:
        return wait_until(condition, "the end of the run", within=seconds, every=0.5)
    except AssertionError:
        return False


@contextmanager
def _prometheus(directory: Path, target: str) -> Iterator[PrometheusServer | None]:
    if programs.PROMETHEUS.find() is None:
        yield None
        return
    with PrometheusServer(directory / "prometheus", PROMETHEUS_CONFIG.format(target=target)) as prometheus:
        yield prometheus


if __name__ == "__main__":
    main(prog_name="python -m proofs.fault_run")
