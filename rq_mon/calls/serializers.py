"""Formats of arguments, results and `meta` in Redis: pickle, as RQ does it, or JSON.

Unpickling runs the code that the pickle names; JSON is data only. Both formats are RQ's own. So
`rq.Queue(serializer="json")` can enqueue these jobs too, and `rq worker --serializer json` can run them.
"""

from __future__ import annotations

import io
import json
import math
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from rq import serializers
from rq.serializers import Serializer

from rq_mon.settings import SerializerName

PICKLE_PROTOCOL_2_OR_LATER = b"\x80"
"""The first bytes of a pickle, with which JSON never begins."""


@dataclass(frozen=True, slots=True)
class Format:
    """One format."""

    serializer: Serializer
    """The serializer for RQ's queues, jobs and workers."""
    expected: str
    """What the format can store, for messages: "expected a value that …"."""
    check: Callable[[object, bool], None]
    """Raises if a value cannot be written here and read by a worker."""

    def error(self, value: object, *, same_process: bool = False) -> Exception | None:
        """Return why a value cannot be written and read back; None if it can.

        Args:
            value: anything. Its own code decides how it is pickled, and may raise anything.
            same_process: it is read in this process, so `__main__` is the same module there.
        """
        try:
            self.check(value, same_process)
        except Exception as error:
            return error
        return None


class JSONSerializer(serializers.JSONSerializer):
    """RQ's own JSON serializer, but with a clear error for data that is not JSON."""

    @staticmethod
    def dumps(value: Any) -> bytes:
        """Return `value` as JSON. `meta` that RQ 2 could not read is returned unchanged.

        RQ 2 writes it again when it retries the job, and would hang if that raised.
        """
        match value:
            case {"unserialized": bytes(unread)} if len(value) == 1:
                return unread
        return json.dumps(value).encode()

    @staticmethod
    def loads(data: bytes) -> Any:
        """Return the value that `dumps` wrote.

        Raises:
            ValueError: the data is not JSON. The message says so if it is a pickle, which is not read.
        """
        try:
            return json.loads(data)
        except ValueError as error:
            found = "a pickle, which is not read" if _is_pickle(data) else "something else"
            raise ValueError(f"expected JSON, as RQ_SERIALIZER says, got {found}") from error


def reason_of(error: Exception) -> str:
    """Return the message of an error of any class, even if its `__str__` raises."""
    try:
        return str(error) or type(error).__name__
    except Exception:  # the application's own class
        return type(error).__name__


def _is_pickle(data: bytes) -> bool:
    return data.startswith(PICKLE_PROTOCOL_2_OR_LATER)


class _PicklerForWorkers(pickle.Pickler):
    """Refuses objects that are defined in `__main__`, which is another module in a worker."""

    def reducer_override(self, obj: Any) -> Any:
        thing = obj if isinstance(obj, (type, FunctionType)) else type(obj)
        if thing.__module__ == "__main__":
            raise pickle.PicklingError(f"workers cannot import __main__.{thing.__qualname__}")
        return NotImplemented


def _check_pickle(value: object, same_process: bool) -> None:
    written = io.BytesIO()
    pickler = pickle.Pickler if same_process else _PicklerForWorkers
    pickler(written, pickle.HIGHEST_PROTOCOL).dump(value)
    PICKLE.serializer.loads(written.getvalue())


def _check_json(value: object, _same_process: bool = False) -> None:
    """Also refuse keys that are no strings, which json.dumps would silently change. A tuple is accepted."""
    if isinstance(value, (list, tuple)):
        for item in value:
            _check_json(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"JSON has no keys of type {type(key).__name__}")
            _check_json(item)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"JSON has no number {value}")
    elif value is not None and not isinstance(value, (str, int, float)):
        raise TypeError(f"JSON has no type {type(value).__name__}")


PICKLE = Format(serializers.DefaultSerializer, "can be pickled and read by a worker", _check_pickle)
JSON = Format(JSONSerializer, "JSON can hold", _check_json)

FORMATS: Mapping[SerializerName, Format] = {"pickle": PICKLE, "json": JSON}
"""The formats, by the values of RQ_SERIALIZER."""
