"""Health checks for process supervisors: `python -m rq_mon.health worker QUEUE` and `... cron`.

Prints one line; the exit code is 0 for healthy, 1 for not. With `--here` a container counts only itself, so
that another healthy container does not hide its failure. With `--tolerate-outage` an outage of Redis counts
as healthy: where a failed check ends the process (Swarm, Kubernetes), workers would die with their jobs.
With `--wait` it looks again until the time is over: while a container starts, one process that waits costs
less than a new one every second.
"""

from __future__ import annotations

import argparse
import re
import socket
import sys
import time
from collections.abc import Sequence

from redis.exceptions import RedisError

from rq_mon.connection.client import connect
from rq_mon.cron.liveness import silence
from rq_mon.settings import Settings, SettingsError
from rq_mon.state.live import ANSWER_SECONDS, live_schedulers, live_workers

LOOK_AGAIN_SECONDS = 0.25


def runs_here(name: str) -> bool:
    """Return whether a process runs on this host, by its name or key, which ends in host and process id."""
    return re.search(rf"-{re.escape(socket.gethostname())}-\d+$", name) is not None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the check of the command line, print one line, and return the exit code."""
    options = _parse(arguments)
    deadline = time.monotonic() + options.wait
    try:
        url = Settings.from_environment().redis_url
    except SettingsError as error:
        print(f"unhealthy: {error}")
        return 1
    while True:
        is_healthy, line = _look(options, url)
        if is_healthy or time.monotonic() >= deadline:
            print(line)
            return 0 if is_healthy else 1
        time.sleep(LOOK_AGAIN_SECONDS)


def _look(options: argparse.Namespace, url: str) -> tuple[bool, str]:
    """Return whether it is healthy now, and the line that says so."""
    reason = ""
    try:
        with connect(url, socket_timeout=ANSWER_SECONDS, attempts=1) as connection:
            if options.what == "worker":
                alive, what = (
                    live_workers(connection, options.queue),
                    f"workers that listen to {options.queue}",
                )
            else:
                alive, what = live_schedulers(connection), "cron schedulers"
                reason = "" if alive else silence(connection)
    except RedisError as error:
        if options.tolerate_outage:
            return True, f"healthy (Redis does not answer): {error}"
        return False, f"unhealthy: {error}"
    if options.here:
        alive, what = [name for name in alive if runs_here(name)], f"{what} on this host"
    health = "healthy" if alive else "unhealthy"
    return bool(alive), f"{health}: {len(alive)} live {what}{reason and f'; {reason}'}"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m rq_mon.health", description="Exit 0 if healthy, else 1.")
    parser.add_argument(
        "--here", action="store_true", help="count only processes on this host or in this container"
    )
    parser.add_argument(
        "--tolerate-outage", action="store_true", help="exit 0 also while Redis does not answer"
    )
    parser.add_argument(
        "--wait", type=_seconds, default=0.0, metavar="SECONDS", help="keep checking for this long; 0 to 60"
    )
    checks = parser.add_subparsers(dest="what", required=True)
    worker = checks.add_parser("worker", help="a live worker listens to the queue")
    worker.add_argument("queue")
    checks.add_parser("cron", help="a cron scheduler is alive")
    return parser.parse_args(arguments)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 60:
        raise argparse.ArgumentTypeError(f"expected 0 to 60 seconds, got {text!r}")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
