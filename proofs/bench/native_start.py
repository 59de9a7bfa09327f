"""How long the native stack takes to become healthy, compared with an earlier version in turn.

Both use this checkout's virtual environment, and start once before the measurement. The earlier version needs
dash in it: `pip install dash`. CPU time includes the command and every process that it has started.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from proofs.harness.native_stack import NativeStack
from proofs.table import Row, ratio_row

ROOT = Path(__file__).resolve().parents[2]
EARLIER = "15c57f9"
"""The last version without job pages."""
PAIRS = 10
MOST = 0.9


def run() -> list[Row]:
    """Measure pairs of starts."""
    with TemporaryDirectory() as folder, contextlib.ExitStack() as cleanup:
        Path(folder).chmod(0o755)
        earlier, ours = (NativeStack(ROOT, Path(folder) / name) for name in ("earlier", "ours"))
        _go_back(earlier.directory)
        for stack in (earlier, ours):
            cleanup.callback(stack.remove)
        pairs = []
        for pair in range(-1, PAIRS):  # warm-up
            took = {stack: _start(stack) for stack in ((earlier, ours) if pair % 2 else (ours, earlier))}
            if pair >= 0:
                pairs.append([now / before for now, before in zip(took[ours], took[earlier], strict=True)])
    what = f"native start to healthy ÷ that of {EARLIER}"
    time_ratios, cpu_ratios = zip(*pairs, strict=True)
    cpu = ratio_row(f"CPU time, {what}", cpu_ratios, at_most=math.inf)
    return [
        ratio_row(f"time, {what}", time_ratios, at_most=MOST),
        replace(cpu, target="", verdict="shown"),  # there is more to start than then
    ]


def _go_back(directory: Path) -> None:
    """Replace the copy of this tree by the earlier version; keep the link to the environment."""
    for path in directory.iterdir():
        if path.is_symlink():
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    archive = subprocess.run(["git", "archive", EARLIER], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["tar", "--extract", "--directory", directory], input=archive, check=True)


def _start(stack: NativeStack) -> tuple[float, float]:
    """Start the stack; return the seconds and CPU seconds; stop it again."""
    before, started = os.times(), time.perf_counter()
    result = stack.make("start-rq-mon")
    seconds, after = time.perf_counter() - started, os.times()
    if result.returncode:
        raise RuntimeError(f"{stack.directory.name} did not start: {result.stdout}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    for process in stack.processes():
        with contextlib.suppress(psutil.NoSuchProcess):
            cpu += sum(process.cpu_times()[:4])
    stack.remove()
    return seconds, cpu
