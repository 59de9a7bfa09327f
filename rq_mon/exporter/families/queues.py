"""Queue metrics: waiting and stuck jobs, and workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client.core import Metric as Family

from rq_mon import catalogue
from rq_mon.exporter.families.build import changing_numbers, numbers
from rq_mon.exporter.snapshot import Snapshot
from rq_mon.state.workers import WorkerFacts


def queue_families(snapshot: Snapshot) -> Iterator[Family]:
    """Yield the families of every queue of RQ; numbers of workers also for queues without any job so far."""
    queues = snapshot.queues.facts.items()
    yield changing_numbers(
        catalogue.QUEUE_OLDEST_JOB_AGE, (((name,), queue.oldest_job_age) for name, queue in queues)
    )
    yield numbers(catalogue.QUEUE_STUCK_JOBS, (((name,), queue.stuck) for name, queue in queues))
    yield numbers(
        catalogue.QUEUE_OVERDUE_SCHEDULED_JOBS, (((name,), queue.overdue) for name, queue in queues)
    )
    yield numbers(
        catalogue.QUEUE_STUCK_DEFERRED_JOBS, (((name,), queue.stuck_deferred) for name, queue in queues)
    )
    live = [worker for worker in snapshot.workers.all() if worker.is_live]
    workers = dict.fromkeys(snapshot.queues.facts, 0) | _by_queue(live)
    monitored = dict.fromkeys(workers, 0) | _by_queue(worker for worker in live if worker.is_monitored)
    yield numbers(catalogue.QUEUE_WORKERS, (((name,), count) for name, count in workers.items()))
    yield numbers(catalogue.QUEUE_MONITORED_WORKERS, (((name,), count) for name, count in monitored.items()))


def _by_queue(workers: Iterable[WorkerFacts]) -> Counter[str]:
    return Counter(queue for worker in workers for queue in set(worker.queues))
