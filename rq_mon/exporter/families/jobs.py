"""Job metrics: outcomes, run times and waits.

A series that first appears at 1 shows no increase. So counters start at 0 as soon as their function is known:
every outcome, and the exceptions that this package itself names. Waits and expired jobs start at 0 as soon as
their queue is known.
The histogram of run times has many series, so it exists only for outcomes that occurred.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.core import Metric as Family

from rq_mon import catalogue
from rq_mon.exporter.families.build import Values, family, histograms, numbers
from rq_mon.exporter.families.functions import samples_by_function
from rq_mon.exporter.snapshot import Snapshot
from rq_mon.series import Histogram
from rq_mon.state.errors import Errors
from rq_mon.state.job_metrics import Hash
from rq_mon.state.values import Fields, label_text

WRITE_ERRORS = ("ERR", "NOPERM", "OOM", "WRONGTYPE")
"""Redis' error codes for refused writes of workers."""

NO_WAITS = Histogram()


def job_families(snapshot: Snapshot, errors: Errors) -> Iterator[Family]:
    """Yield what monitored workers counted. Hashes of unexpected content are skipped and counted."""
    jobs = snapshot.jobs
    waits = dict.fromkeys(snapshot.queues.facts, NO_WAITS) | jobs.waits
    expired = dict.fromkeys(snapshot.queues.facts, 0) | jobs.expired
    functions = samples_by_function(jobs.functions, errors)
    yield family(catalogue.JOB_DURATION, functions[catalogue.JOB_DURATION])
    yield histograms(
        catalogue.JOB_WAIT, catalogue.WAIT_BUCKETS, [((queue,), waits[queue]) for queue in waits]
    )
    yield family(catalogue.JOBS_PROCESSED, functions[catalogue.JOBS_PROCESSED])
    yield family(catalogue.JOB_FAILURES, functions[catalogue.JOB_FAILURES])
    yield numbers(catalogue.QUEUE_EXPIRED_JOBS, (((queue,), number) for queue, number in expired.items()))
    fields = Fields("jobs", errors)
    yield numbers(catalogue.JOB_METRICS_WRITE_ERRORS, _counts(jobs.write_errors, WRITE_ERRORS, fields))
    yield numbers(
        catalogue.OPERATOR_CHANGES, _counts(jobs.operator_changes, catalogue.OPERATOR_ACTIONS, fields)
    )


def _counts(stored: Hash, known: Sequence[str], fields: Fields) -> Values:
    """Return the counts of a hash by field; known fields start at 0."""
    counts: dict[str, float | None] = dict.fromkeys(known, 0)
    counts |= {label_text(name): fields.count(count, "count of", name) for name, count in stored.items()}
    return [((name,), count) for name, count in counts.items()]
