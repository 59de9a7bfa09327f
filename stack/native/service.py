"""`python -m stack.native.service`: install a systemd unit that starts the native stack after a reboot."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

from stack.native.debian import SYSTEMD_RUNS
from stack.runtime import StackError
from stack.settings import PROJECT_ROOT, STATE_DIRECTORY, StackSettings, load_settings
from stack.variables import PROJECT_NAME, RUNTIME

UNITS = Path("/etc/systemd/system")
FOLDER = "WorkingDirectory="
STARTS_WITHIN = 600
"""Seconds. The stack restarts an unhealthy service twice, and waits after each restart."""
STOPS_WITHIN = 120
"""Seconds on top of the grace period of a running job."""


def main() -> int:
    """Install the unit, and print how to start and to remove it; return the exit code."""
    try:
        settings = load_settings()
        unit = (
            UNITS
            / f"{settings.environment.get(PROJECT_NAME.name, '').strip() or PROJECT_NAME.default}.service"
        )
        install(unit, settings)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"The stack starts after a reboot. Start it now: systemctl start {unit.stem}")
    print(f"Remove the service: systemctl disable --now {unit.stem}; rm {unit}")
    return 0


def install(unit: Path, settings: StackSettings, root: Path = PROJECT_ROOT) -> None:
    """Write the unit and enable it.

    Raises:
        StackError: this user may not, there is no systemd, or the unit belongs to another clone.
    """
    if os.geteuid() != 0:
        raise StackError("Only root can install a service. Run: sudo make install-service")
    if (folder := _folder_of(unit)) not in (None, str(root)):
        raise StackError(
            f"{unit} belongs to the clone in {folder}. Set another {PROJECT_NAME.name} for this one, or "
            "remove that unit"
        )
    if shutil.which("systemctl") is None:
        raise StackError(
            "There is no systemd on this machine (no systemctl), so there is no service to install"
        )
    unit.write_text(render(settings, root), encoding="utf-8")
    enable = ["systemctl", "enable", str(unit) if unit.parent != UNITS else unit.name]
    if SYSTEMD_RUNS.exists():
        subprocess.run(["systemctl", "daemon-reload"], check=True)
    enabled = subprocess.run(enable, capture_output=True, text=True, check=False)
    if enabled.returncode:
        raise StackError(f"`{' '.join(enable)}` failed: {enabled.stderr.strip()}")


def render(settings: StackSettings, root: Path = PROJECT_ROOT) -> str:
    """Return the text of the unit.

    Raises:
        StackError: a unit cannot contain the path of this folder.
    """
    if any(sign in str(root) for sign in "\n\"'\\"):
        raise StackError(f"{root}: expected a path without quotes, backslashes and line breaks")
    path = str(root).replace("%", "%%")
    python = f'"{path}/.venv/bin/python"'
    return f"""# Written by `make install-service`.
[Unit]
Description=rq-mon: RQ, its metrics and alerts, in {path}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
User={_owner(root)}
{FOLDER}{path}
Environment={RUNTIME.name}=native
# A service that is not healthy keeps none of the others from running.
ExecStart=-{python} -m stack start
ExecStop={python} -m stack stop
TimeoutStartSec={STARTS_WITHIN}
TimeoutStopSec={settings.stop_grace + STOPS_WITHIN}

[Install]
WantedBy=multi-user.target
"""


def _owner(root: Path) -> str:
    """Return the owner of the data, else of the folder: the user who started the stack by hand."""
    state = root / STATE_DIRECTORY.name
    number = (state if state.exists() else root).stat().st_uid
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _folder_of(unit: Path) -> str | None:
    lines = unit.read_text(encoding="utf-8").splitlines() if unit.exists() else []
    return next(
        (line.removeprefix(FOLDER).replace("%%", "%") for line in lines if line.startswith(FOLDER)), None
    )


if __name__ == "__main__":
    sys.exit(main())
