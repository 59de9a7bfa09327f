"""Jobs whose `meta` a worker passes on as it is stored: only who uses it loads it.

RQ loads `meta` wherever it reads a job, with the job's serializer. So what a pickle says would run in the
worker itself, which needs no `meta` before the fork. Where RQ writes a job again, the stored bytes will do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rq.job import Job

from rq_mon.calls.told_values import entry_told

PICKLED_FIELDS = frozenset({b"meta", b"result", "meta", "result"})
"""Besides the call. Older versions wrote `result`; RQ reads that again when it is asked for."""


class UnreadMetaMixin(Job):
    """A job that loads its `meta` at the first use, and until then writes back the bytes that it read."""

    _unread_meta: bytes | None = None
    """As stored; None once it is loaded, or replaced."""

    @property
    def meta(self) -> dict[str, Any]:
        """What the application keeps with the job; `{"unserialized": bytes}` if it cannot be read."""
        if self._unread_meta is not None:
            stored = self._unread_meta
            try:
                self.meta = self.serializer.loads(stored)
            except Exception:  # the application chooses serializer and classes
                self.meta = {"unserialized": stored}
                self._unreadable_meta = stored  # RQ 3 writes it back
        return self._meta

    @meta.setter
    def meta(self, value: dict[str, Any]) -> None:
        self._meta, self._unread_meta = value, None

    @contextmanager
    def meta_loaded(self) -> Iterator[None]:
        """Load `meta` for the block; after it the job has only the stored bytes again."""
        unread = self._unread_meta
        _ = self.meta
        try:
            yield
        finally:
            self._unread_meta = unread

    def restore(self, raw_data: Mapping[Any, Any]) -> Any:
        """Take over what Redis holds, but for `meta`, which is kept as it is."""
        fields = {field: value for field, value in raw_data.items() if field not in PICKLED_FIELDS}
        restored = super().restore(fields)
        self._unread_meta = raw_data.get(b"meta") or raw_data.get("meta") or None
        return restored

    def to_dict(self, include_meta: bool = True, include_result: bool = True) -> dict[str, Any]:
        """Return the fields of the job's hash."""
        unread, self._unread_meta = self._unread_meta, None
        try:
            fields: dict[str, Any] = super().to_dict(include_meta, include_result)
        finally:
            self._unread_meta = unread
        if include_meta and unread is not None:
            fields["meta"] = unread
        return fields

    def save_meta(self) -> None:
        """Write `meta` to Redis."""
        if self._unread_meta is None:
            super().save_meta()  # type: ignore[no-untyped-call]
        else:
            self.connection.hset(self.key, "meta", self._unread_meta)  # type: ignore[arg-type]


def with_unread_meta(job_class: type[Job]) -> type[Job]:
    """Return the class, or one below it, that loads `meta` at the first use.

    What the application's class does with `meta` comes first.
    """
    if issubclass(job_class, UnreadMetaMixin):
        return job_class
    bases = (UnreadMetaMixin,) if job_class is Job else (job_class, UnreadMetaMixin)
    return type(job_class.__name__, bases, {})


def meta_entry(job: Job, key: str) -> Any:
    """Return what `meta` holds under `key`, None if nothing, and run no code of the application for it.

    Raises:
        UntoldError: only the job's serializer can tell.
    """
    unread = job._unread_meta if isinstance(job, UnreadMetaMixin) else None
    return job.meta.get(key) if unread is None else entry_told(unread, key)
