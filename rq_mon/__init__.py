"""Exact job metrics, an exporter and operating tools for Python RQ."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rq_mon.cron.entries import CronEntry
    from rq_mon.settings import SettingsError
    from rq_mon.worker.monitored_worker import MonitoredSimpleWorker, MonitoredWorker, MonitoredWorkerMixin

__version__ = "0.1.0"

__all__ = [
    "CronEntry",
    "MonitoredSimpleWorker",
    "MonitoredWorker",
    "MonitoredWorkerMixin",
    "SettingsError",
]

_HOMES = {
    "CronEntry": "rq_mon.cron.entries",
    "MonitoredSimpleWorker": "rq_mon.worker.monitored_worker",
    "MonitoredWorker": "rq_mon.worker.monitored_worker",
    "MonitoredWorkerMixin": "rq_mon.worker.monitored_worker",
    "SettingsError": "rq_mon.settings",
}
"""Loaded at first use: the exporter needs no worker code, and a worker needs no croniter."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rq_mon' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
