"""Check configuration files with the programs of this machine."""

from __future__ import annotations

import sys
from pathlib import Path

from stack.checks import Finished, run_check
from stack.native.programs import AMTOOL, PROMTOOL
from stack.settings import PROJECT_ROOT, StackSettings


class NativeTools:
    """Runs promtool, amtool and Python here. stack.checks.Tools describes the methods."""

    def __init__(self, settings: StackSettings) -> None:
        self._environment = settings.environment

    def promtool(self, folder: Path) -> Finished | None:
        """Return None if it is not installed."""
        program = PROMTOOL.find()
        words = ["check", "config", str(folder / "prometheus.yml")]
        return run_check([program, *words], folder) if program else None

    def amtool(self, config: Path, folder: Path) -> Finished | None:
        """Return None if it is not installed."""
        program = AMTOOL.find()
        return run_check([program, "check-config", str(config)], folder) if program else None

    def cron_check(self) -> Finished | None:
        """Check with the settings that the cron scheduler will have."""
        return run_check([sys.executable, "-m", "stack.cron_check"], PROJECT_ROOT, self._environment)
