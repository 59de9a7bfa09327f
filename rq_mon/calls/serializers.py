"""How arguments, results and `meta` of jobs stand in Redis: pickled, as RQ does it, or as JSON.

Who unpickles runs what the pickle says; JSON is data only. RQ's own format of each is kept, so that jobs can
be enqueued by `rq.Queue(serializer="json")` as well, and worked by `rq worker --serializer json`.
"""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
    error: Callable[[object], Exception | None]
    """Tells why a value cannot be written and read back, None if it can."""


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


def _is_pickle(data: bytes) -> bool:
    return data.startswith(PICKLE_PROTOCOL_2_OR_LATER)


def _pickling_error(value: object) -> Exception | None:
    try:
        serializers.DefaultSerializer.dumps(value)
    except (pickle.PicklingError, TypeError, AttributeError, ValueError, RecursionError) as error:
        return error
    return None


def _json_error(value: object) -> Exception | None:
    try:
        _check_json(value)
    except (TypeError, ValueError, RecursionError) as error:
        return error
    return None


def _check_json(value: object) -> None:
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


PICKLE = Format(serializers.DefaultSerializer, "can be pickled", _pickling_error)
JSON = Format(JSONSerializer, "JSON can hold", _json_error)

FORMATS: Mapping[SerializerName, Format] = {"pickle": PICKLE, "json": JSON}
"""By the values of RQ_SERIALIZER."""
