"""RQ's scheduler in a monitored worker: it moves delayed jobs and retries without loading their data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rq.worker import BaseWorker
else:
    BaseWorker = object


class AsStored:
    """A serializer that reads nothing: the scheduler only moves jobs, and each goes back as it came."""

    @staticmethod
    def loads(data: bytes) -> bytes:
        """Return the data."""
        return data

    @staticmethod
    def dumps(data: bytes) -> bytes:
        """Return the data."""
        return data


class MovesAsStoredMixin(BaseWorker):
    """Gives its serializer to its jobs only. RQ would give it to the scheduler, which loads `meta`."""

    def _start_scheduler(self, *args: Any, **kwargs: Any) -> None:
        serializer, self.serializer = self.serializer, AsStored
        try:
            super()._start_scheduler(*args, **kwargs)
        finally:
            self.serializer = serializer
