"""How Redis holds arguments, results and `meta` of jobs: pickled, as RQ does it, or as JSON.

Who unpickles runs what the pickle says; JSON is data only. RQ's own format of each is kept, so that jobs can
be enqueued by `rq.Queue(serializer="json")` as well, and worked by `rq worker --serializer json`.
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
"""What a pickle begins with, and JSON never does."""


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write values."""

    serializer: Serializer
    """What RQ's queues, jobs and workers are given."""
    expected: str
    """What it can hold, for messages: "expected a value that …"."""
    check: Callable[[object, bool], None]
    """Raises whatever keeps a value from being written here and read by a worker."""

    def error(self, value: object, *, same_process: bool = False) -> Exception | None:
        """Tell why a value cannot be written and read back, None if it can.

        Args:
            value: anything; its own code, which may raise anything, decides how it is pickled.
            same_process: it is read in this very process, so that `__main__` is what it is here.
        """
        try:
            self.check(value, same_process)
        except Exception as error:
            return error
        return None


class JSONSerializer(serializers.JSONSerializer):
    """RQ's own, but one that gets over what is no JSON, and calls it by its name."""

    @staticmethod
    def dumps(value: Any) -> bytes:
        """Return `value` as JSON; `meta` that could not be read, which RQ 2 hands back so, as it was.

        RQ 2 writes it again when it retries the job, which would hang if that raised.
        """
        match value:
            case {"unserialized": bytes(unread)} if len(value) == 1:
                return unread
        return json.dumps(value).encode()

    @staticmethod
    def loads(data: bytes) -> Any:
        """Return what `dumps` wrote.

        Raises:
            ValueError: that is no JSON; a pickle is called by its name, and is not read.
        """
        try:
            return json.loads(data)
        except ValueError as error:
            found = "a pickle, which is not read" if _is_pickle(data) else "something else"
            raise ValueError(f"expected JSON, as RQ_SERIALIZER says, got {found}") from error


def reason_of(error: Exception) -> str:
    """Return what an error of any class says, also of one that cannot say it."""
    try:
        return str(error) or type(error).__name__
    except Exception:  # the application's own class
        return type(error).__name__


def _is_pickle(data: bytes) -> bool:
    return data.startswith(PICKLE_PROTOCOL_2_OR_LATER)


class _PicklerForWorkers(pickle.Pickler):
    """Refuses what is defined in `__main__`, which is another module in a worker."""

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
    """Refuse also what json.dumps would change without a word: keys that are no strings. A tuple may pass."""
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
"""By the values of RQ_SERIALIZER."""
