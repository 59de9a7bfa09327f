"""Monitored workers that send the same commands however slow the machine is: no heartbeat is due by time."""

from __future__ import annotations

from rq_mon.worker import registration
from rq_mon.worker.monitored_worker import MonitoredSimpleWorker, MonitoredWorker

__all__ = ["MonitoredSimpleWorker", "MonitoredWorker"]

registration.SECONDS_BETWEEN_HEARTBEATS = registration.SECONDS_BETWEEN_REGISTRATIONS = 600.0
