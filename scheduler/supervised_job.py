"""Jobs as the stack's own worker sees them."""

from __future__ import annotations

from typing import Any, ClassVar

from rq.job import Job


class SupervisedJob(Job):
    """An `rq.job.Job` that is kept for as long as the stack says when it has failed, and not for RQ's year.

    A job that was enqueued with a failure_ttl of its own keeps that.
    """

    default_failure_ttl: ClassVar[int]
    """Seconds; set by the subclass that a worker uses."""

    def restore(self, raw_data: Any) -> Any:
        """Take over what Redis holds."""
        restored = super().restore(raw_data)
        if self.failure_ttl is None:
            self.failure_ttl = self.default_failure_ttl
        return restored


def job_class_that_keeps_failures(seconds: int) -> type[SupervisedJob]:
    """Return the class of jobs for a worker; RQ makes them itself, and tells them nothing."""
    return type(SupervisedJob.__name__, (SupervisedJob,), {"default_failure_ttl": seconds})
