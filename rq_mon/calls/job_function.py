"""Which function a job runs, found without unpickling its arguments."""

from __future__ import annotations

import re

from rq.job import Job

from rq_mon.calls.serializers import PICKLE_PROTOCOL_2_OR_LATER
from rq_mon.catalogue import UNKNOWN_FUNCTION

# PROTO, FRAME since protocol 4, MARK, and then SHORT_BINUNICODE or BINUNICODE: what pickletools shows.
HEAD_OF_TUPLE_WITH_TEXT = re.compile(rb"\x80.(?:\x95.{8})?\((?:\x8c(?P<short>.)|X(?P<long>.{4}))", re.DOTALL)


def function_of(job: Job) -> str:
    """The dotted path that `job` names, or UNKNOWN_FUNCTION where its data cannot be read.

    A worker asks before it forks. Unpickling the arguments there would import the application's modules into
    the worker, and a job that takes all memory would take the worker down instead of its work horse.
    """
    try:
        if job.data.startswith(PICKLE_PROTOCOL_2_OR_LATER):
            name = function_in_pickle(job.data)
        else:
            name = job.func_name or UNKNOWN_FUNCTION
        return label_text(name)
    except Exception:  # the application chooses the serializer, which may raise anything
        return UNKNOWN_FUNCTION


def label_text(name: object) -> str:
    """`name` as text that Redis and Prometheus can store: lone surrogates become question marks."""
    return str(name).encode(errors="replace").decode()


def function_in_pickle(data: bytes) -> str:
    """Return the function that pickled data names, or UNKNOWN_FUNCTION; the head of the data is enough.

    RQ pickles the tuple (function, instance, args, kwargs): the first value is the function's name.
    """
    head = HEAD_OF_TUPLE_WITH_TEXT.match(data)
    if head is None:
        return UNKNOWN_FUNCTION
    end = head.end() + int.from_bytes(head["short"] or head["long"], "little")
    return data[head.end() : end].decode(errors="surrogatepass")
