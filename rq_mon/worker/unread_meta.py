"""Jobs whose `meta` stays as stored until something uses it.

RQ loads `meta` with the job's serializer whenever it reads a job. Code in a pickle would then run in the
worker itself, which needs no `meta` before the fork. If RQ writes the job again, it writes the stored bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rq.job import Job

from rq_mon.calls.stored_values import entry_of

PICKLED_FIELDS = frozenset({b"meta", b"result", "meta", "result"})
"""Pickled fields besides the call. Older versions wrote `result`; RQ reads it again on demand."""


class UnreadMetaMixin(Job):
    """A job that loads its `meta` at the first use, and until then writes back the bytes that it read."""

    _unread_meta: bytes | None = None
    """As stored; None once it is loaded, or replaced."""

    @property
    def meta(self) -> dict[str, Any]:
        """The application's data of the job; `{"unserialized": bytes}` if it cannot be read."""
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
        """Read the fields from Redis; `meta` stays as stored."""
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
    """Return the class, or a subclass, that loads `meta` at the first use.

    The application's own methods for `meta` take precedence.
    """
    if issubclass(job_class, UnreadMetaMixin):
        return job_class
    bases = (UnreadMetaMixin,) if job_class is Job else (job_class, UnreadMetaMixin)
    return type(job_class.__name__, bases, {})


def meta_entry(job: Job, key: str) -> Any:
    """Return the entry `key` of `meta`, or None, without running the application's code.

    Raises:
        UnreadableError: only the job's serializer can read it.
    """
    unread = job._unread_meta if isinstance(job, UnreadMetaMixin) else None
    return job.meta.get(key) if unread is None else entry_of(unread, key)
