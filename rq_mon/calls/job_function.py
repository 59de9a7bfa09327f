"""Finds the function of a job without unpickling its arguments or running its serializer."""

from __future__ import annotations

import json
import pickletools
import re
import reprlib
from collections.abc import Iterator

from rq.job import Job

from rq_mon.calls.serializers import PICKLE_PROTOCOL_2_OR_LATER
from rq_mon.catalogue import LONGEST_NAME, UNKNOWN_FUNCTION

HEAD_OF_DATA = 65536
"""Bytes of a job's data that are read: the function is named here, the arguments follow."""

# PROTO, FRAME since protocol 4, MARK, and then SHORT_BINUNICODE or BINUNICODE: what pickletools shows.
HEAD_OF_TUPLE_WITH_TEXT = re.compile(rb"\x80.(?:\x95.{8})?\((?:\x8c(?P<short>.)|X(?P<long>.{4}))", re.DOTALL)
NO_INSTANCE = re.compile(rb"(?:\x94|q.|r.{4})?N", re.DOTALL)
"""The opcodes after the name of a plain function: MEMOIZE, BINPUT or LONG_BINPUT, and NONE."""

HEAD_OF_JSON = re.compile(r'\s*\[\s*("(?:[^"\\]|\\.)*")')
CALL_IN_DESCRIPTION = re.compile(r"(?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*)\(|[^\W\d]\w*(?:\.[^\W\d]\w*)+\Z")
"""A job's description: RQ's `module.function(arguments)`, or this package's, without the arguments."""

REBUILDERS = frozenset(
    f"{module}.{name}"
    for module in ("copyreg", "copy_reg")
    for name in ("_reconstructor", "__newobj__", "__newobj_ex__")
)
"""Pickle's own functions that build an object of the class in their first argument."""
GETATTR = ("builtins.getattr", "__builtin__.getattr")
"""How protocols before 4 store a nested class: getattr(Outer, 'Inner')."""
PARTIAL = "functools.partial"


def function_of(job: Job) -> str:
    """Return the function of `job`, or UNKNOWN_FUNCTION if it cannot be read: see `read_function`.

    A worker calls this before it forks. Unpickling would import the application's modules into the worker,
    and a job that takes all memory would end the worker instead of its work horse.
    """
    try:
        return read_function(job.data, job.description)
    except Exception:  # a job that was never stored is serialized for this, which may raise anything
        return UNKNOWN_FUNCTION


def read_function(data: bytes, description: str | None) -> str:
    """Return the dotted path of a job's function, `module.Class.method` for a method.

    Args:
        data: function, instance and arguments as the job's serializer wrote them, uncompressed. The head is
            enough; it may be empty.
        description: RQ's description of the job, used if the function cannot be read from the data.

    Returns:
        The name as Redis and Prometheus can store it; UNKNOWN_FUNCTION if it is in neither.
    """
    return storable_text(_function_in(data) or _function_described(description or "") or UNKNOWN_FUNCTION)


def function_by_serializer(job: Job) -> str:
    """Return the function as the job's own serializer reads it. This may run the application's code."""
    try:
        return storable_text(job.func_name or UNKNOWN_FUNCTION)
    except Exception:  # the application chooses the serializer, which may raise anything
        return UNKNOWN_FUNCTION


def is_short(job: Job) -> bool:
    """Return whether HEAD_OF_DATA bytes hold all of the job's data, so every reader finds its function."""
    return len(job.data) <= HEAD_OF_DATA


def valid_name(name: object) -> str | None:
    """Return the name that an application chose for a job, cleaned; None if it chose none.

    Raises:
        ValueError: the name is invalid; the message has the name and what is expected.
    """
    if name is None:
        return None
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME:
        raise ValueError(f"expected a name of 1 to {LONGEST_NAME} characters, got {reprlib.repr(name)}")
    return storable_text(name)


def storable_text(name: object) -> str:
    """Return `name` as text that Redis and Prometheus can store: lone surrogates become question marks."""
    return str(name).encode(errors="replace").decode()


def _function_in(data: bytes) -> str | None:
    try:
        if data.startswith(PICKLE_PROTOCOL_2_OR_LATER):
            return _function_in_pickle(data)
        found = HEAD_OF_JSON.match(data.decode(errors="replace"))
        return str(json.loads(found[1])) if found else None
    except ValueError:
        return None


def _function_described(description: str) -> str | None:
    found = CALL_IN_DESCRIPTION.match(description)
    return found and (found["name"] or found[0])


def _function_in_pickle(data: bytes) -> str | None:
    """RQ pickles the tuple (function, instance, args, kwargs): a method has its name, then its class."""
    head = HEAD_OF_TUPLE_WITH_TEXT.match(data)
    if head is None:
        return None
    end = head.end() + int.from_bytes(head["short"] or head["long"], "little")
    name = data[head.end() : end].decode(errors="surrogatepass")
    if NO_INSTANCE.match(data, end):
        return name
    return _method_of_instance(name, data) or name


def _method_of_instance(name: str, data: bytes) -> str | None:
    """Return the class: the first global after the name, or the first argument of one of REBUILDERS."""
    is_partial, nested_in = False, 0
    owner: str | None = None
    try:
        for kind, value in _globals_and_texts(data):
            if kind == "text":
                if owner is not None:
                    owner, nested_in = f"{owner}.{value}", nested_in - 1
            elif value in GETATTR:
                nested_in += 1
                continue
            elif value == PARTIAL or value in REBUILDERS:
                is_partial |= value == PARTIAL
                continue
            else:
                owner = value
            if owner is not None and not nested_in:
                return owner if is_partial else f"{owner}.{name}"
    except (ValueError, LookupError):  # this is only the head of the data, or not a pickle at all
        pass
    return owner and f"{owner}.{name}"


def _globals_and_texts(data: bytes) -> Iterator[tuple[str, str]]:
    """Yield the names in a pickle, in order: ("global", dotted path) and ("text", string)."""
    texts: list[str] = []
    memo: dict[int, tuple[str, str] | None] = {}
    last: tuple[str, str] | None = None
    for opcode, argument, _ in pickletools.genops(data):
        match opcode.name:
            case "PROTO" | "FRAME" | "MARK":
                continue
            case "MEMOIZE":
                memo[len(memo)] = last
                continue
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                memo[int(str(argument))] = last
                continue
            case "SHORT_BINUNICODE" | "BINUNICODE" | "BINUNICODE8" | "UNICODE":
                last = "text", str(argument)
            case "GET" | "BINGET" | "LONG_BINGET":
                last = memo[int(str(argument))]
            case "GLOBAL":
                last = "global", str(argument).replace(" ", ".", 1)
            case "STACK_GLOBAL":
                last = "global", f"{texts[-2]}.{texts[-1]}"
            case _:
                last = None
        if last is not None:
            if last[0] == "text":
                texts.append(last[1])
            yield last
