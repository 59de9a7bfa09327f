"""Installs missing programs on Debian, and keeps Debian from starting them as services of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from stack.native.programs import Program, missing
from stack.runtime import StackError

POLICY = Path("/usr/sbin/policy-rc.d")
"""Debian's maintainer scripts run it before they start a service. Exit code 101 forbids the start."""

REFUSE_STARTS = "#!/bin/sh\n# rq-mon, while it installs packages\nexit 101\n"
SYSTEMD_RUNS = Path("/run/systemd/system")

LOCK_TIMEOUT = 120
"""Seconds to wait for another apt to finish."""


def ensure_installed(programs: Sequence[Program]) -> None:
    """Install these programs as root on Debian.

    Raises:
        StackError: this user or system cannot install them (the message has the command to run), or the
            installation failed (the message has apt's output).
    """
    if not programs:
        return
    packages = sorted({package for program in programs for package in program.debian_packages})
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise StackError(_instructions(programs, packages))
    print(f"Installing {', '.join(packages)} with apt-get", flush=True)
    new = [package for package in packages if not _is_installed(package)]
    with no_service_starts():
        _apt_get("update", fails=False)  # may fail: the old lists often suffice
        _apt_get("install", "--yes", "--no-install-recommends", *packages)
    _disable_services(new)
    if still_missing := missing(programs):
        raise StackError(_instructions(still_missing, packages))


def _instructions(programs: Sequence[Program], packages: Sequence[str]) -> str:
    names = ", ".join(" or ".join(program.names) for program in programs)
    if shutil.which("apt-get"):
        how = f"Run: sudo apt-get install --no-install-recommends {' '.join(packages)}"
    elif shutil.which("brew"):
        how = "Run: brew install redis prometheus alertmanager redis_exporter"
    else:
        how = "Install them with your system's package manager, or from their projects' releases."
    return f"Not installed: {names}\n{how}"


def _apt_get(*arguments: str, fails: bool = True) -> None:
    result = subprocess.run(
        ["apt-get", "--quiet=2", f"--option=DPkg::Lock::Timeout={LOCK_TIMEOUT}", *arguments],
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if fails and result.returncode:
        raise StackError(f"apt-get {' '.join(arguments)} failed:\n{result.stdout.strip()}")


@contextlib.contextmanager
def no_service_starts(policy: Path = POLICY) -> Iterator[None]:
    """Forbid services to start. A policy that the stack did not write stays."""
    if policy.exists() and policy.read_text() != REFUSE_STARTS:  # an interrupted run may have left ours
        yield
        return
    policy.write_text(REFUSE_STARTS)
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


def _is_installed(package: str) -> bool:
    query = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package]
    return subprocess.run(query, capture_output=True, text=True, check=False).stdout == "installed"


def _disable_services(packages: Sequence[str]) -> None:
    """Keep the services of newly installed packages from taking our ports, now and after a boot."""
    units = [unit for package in packages for unit in _units(package)]
    if not units:
        return
    if shutil.which("systemctl"):
        now = ["--now"] if SYSTEMD_RUNS.exists() else []
        _run_quietly("systemctl", "disable", *now, *(f"{unit}.service" for unit in units))
    else:
        for unit in units:
            _run_quietly("update-rc.d", unit, "disable")
    print(f"Disabled the system services that came with the packages: {', '.join(units)}", flush=True)


def _units(package: str) -> list[str]:
    """Return the systemd units of a package, without templates (name@): those never start by themselves."""
    listing = subprocess.run(
        ["dpkg-query", "--listfiles", package], capture_output=True, text=True, check=True
    )
    paths = [Path(line) for line in listing.stdout.splitlines()]
    return sorted(
        path.stem
        for path in paths
        if path.match("*/systemd/system/*.service") and not path.stem.endswith("@")
    )


def _run_quietly(*command: str) -> None:
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
