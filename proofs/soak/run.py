"""A stack in use for an hour or less: load, a person who looks at dashboards, restarts, and our samples."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page

from proofs.harness.browser import open_browser
from proofs.harness.native_stack import NativeStack
from proofs.soak.sample import PROCESSES, Sampler
from proofs.soak.slope import Point
from stack.services import VIEWER, Service

SECONDS_BETWEEN_LOOKS = 10.0
LOOKS_A_DASHBOARD = 6
RANGE = "10m"
"""What dashboards show: the same amount at the end as after the warm-up."""
DASHBOARDS = "grafana/generated"
FIRST_RESTART, LAST_RESTART = 0.35, 0.65
"""Parts of the run. Each service restarts once between two of them, so that both of its lives are long."""

Points = dict[str, list[Point]]


def soak(stack: NativeStack, minutes: float, samples: Path) -> Points:
    """Put load on a running stack, and return the samples.

    Args:
        stack: a running stack; its services are restarted in turn.
        minutes: how long.
        samples: a file to which each sample is appended as a line, to read it before the end.
    """
    points: Points = defaultdict(list)
    sampler, load = Sampler(stack), Load(stack, minutes * 60)
    restarts = list(_restarts(minutes * 60))
    begin = time.monotonic()
    try:
        with samples.open("w") as file, _browser_page() as page:
            dashboards = sorted((stack.directory / DASHBOARDS).glob("*.json"))
            for number in range(int(minutes * 60 / SECONDS_BETWEEN_LOOKS)):
                load.keep_running()
                if number % LOOKS_A_DASHBOARD == 0:
                    uid = dashboards[number // LOOKS_A_DASHBOARD % len(dashboards)].stem
                    _open(page, f"{stack.url(VIEWER)}/d/{uid}?refresh=10s&from=now-{RANGE}&to=now")
                sampler.purge_failed_jobs()
                look = sampler.look()
                for name, point in look.items():
                    points[name].append(point)
                print(json.dumps(look), file=file, flush=True)
                if restarts and time.monotonic() > begin + restarts[0][0]:
                    _restart(stack, restarts.pop(0)[1])
                _wait(page, begin + (number + 1) * SECONDS_BETWEEN_LOOKS)
    finally:
        load.stop()
    return points


class Load:
    """The demo's load. A restart of Redis ends it, so it is started again."""

    def __init__(self, stack: NativeStack, seconds: float) -> None:
        self._stack = stack
        self._until = time.monotonic() + seconds
        self._process: subprocess.Popen[bytes] | None = None

    def keep_running(self) -> None:
        """Start it if it does not run."""
        if self._process is not None and self._process.poll() is None:
            return
        seconds = max(1, round(self._until - time.monotonic()))
        self._process = subprocess.Popen(
            ["make", "--no-print-directory", "demo", f"SECONDS={seconds}"],
            cwd=self._stack.directory,
            env=self._stack.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def stop(self) -> None:
        """End it, with the children of make."""
        if self._process is not None and self._process.poll() is None:
            for child in psutil.Process(self._process.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    child.terminate()
            self._process.wait(timeout=60)


def _restarts(seconds: float) -> Iterator[tuple[float, Service]]:
    step = (LAST_RESTART - FIRST_RESTART) / (len(PROCESSES) - 1)
    for number, service in enumerate(PROCESSES):
        yield seconds * (FIRST_RESTART + number * step), service


def _restart(stack: NativeStack, service: Service) -> None:
    """End a service; its supervisor starts it again."""
    with contextlib.suppress(psutil.Error, KeyError):
        psutil.Process(stack.numbers()[service.name]).send_signal(signal.SIGTERM)


@contextlib.contextmanager
def _browser_page() -> Iterator[Page]:
    with open_browser() as browser:
        yield browser.new_page()


def _open(page: Page, url: str) -> None:
    with contextlib.suppress(PlaywrightError):  # the viewer is restarting
        page.goto(url, timeout=10_000, wait_until="commit")


def _wait(page: Page, until: float) -> None:
    """Wait, and let the browser process its events meanwhile."""
    while (left := until - time.monotonic()) > 0:
        waited: Any = min(left, 1.0) * 1000
        page.wait_for_timeout(waited)
