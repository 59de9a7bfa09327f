"""Workers for tests that cannot wait as long as RQ does."""

from __future__ import annotations

from typing import Any

from rq.job import Job

from scheduler.monitored_worker import MonitoredSimpleWorker, MonitoredWorker


class MissedSoonWorker(MonitoredWorker):
    """Counts as dead one second after it was killed; RQ waits for more than a minute."""

    def get_heartbeat_ttl(self, job: Job, *args: Any, **kwargs: Any) -> int:
        return 1


class MissedSoonSimpleWorker(MonitoredSimpleWorker):
    def get_heartbeat_ttl(self, job: Job, *args: Any, **kwargs: Any) -> int:
        return 1
