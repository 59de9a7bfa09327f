"""Texts that try to run as a script, to break a page, or to disguise themselves, in every place of Redis."""

from __future__ import annotations

import json
import pickle
import time
import zlib
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

from redis import Redis

TEXTS = (
    "<script>window.hacked=1</script>",
    '<img src=x onerror="window.hacked=1">',
    "\"><svg onload='window.hacked=1'>",
    "'><a href=javascript:window.hacked=1>x</a>",
    "javascript:window.hacked=1",
    "</title><script>window.hacked=1</script>",
    "</textarea></pre></style><iframe srcdoc='<script>parent.hacked=1</script>'>",
    '" autofocus onfocus="window.hacked=1',
    "{{ 7*7 }} {% raw %} ${window.hacked=1} [[x]]",
    "<meta http-equiv=refresh content='0;url=https://evil.test'>",
    "<style>body{display:none}</style><link rel=stylesheet href=//evil.test/x>",
    "line\nfeed\r\nSet-Cookie: a=b",
    "%2F..%2f?&#/;=+ a&amp;b",
    "back\\slash /../../etc/passwd",
    "ü🙂\u2028\u202eesrever",
    "x" * 3000,
    "<b>" * 1000,
)
NOT_UTF8 = b"\xff\xfe<b>raw</b>\x00"

RAW = (*(text.encode() for text in TEXTS), NOT_UTF8)


def write_hostile(redis: Redis) -> None:
    """Use each text as the name of everything that has one, in its own state."""
    for raw in RAW:
        _failed_job(redis, raw)
        _running_job(redis, raw)
    for text in TEXTS:
        _cron_job(redis, text)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _failed_job(redis: Any, raw: bytes) -> None:
    text = raw.decode(errors="backslashreplace")
    trace = f'Traceback (most recent call last):\n  File "{text}", line 1, in {text}\n{text}: {text}\n'
    redis.sadd("rq:queues", b"rq:queue:" + raw)
    redis.hset(b"rq:job:" + raw, mapping=_fields(raw, text, "failed"))
    redis.xadd(
        b"rq:results:" + raw,
        {"type": "2", "exc_string": b64encode(zlib.compress(trace.encode(errors="replace")))},
    )
    redis.zadd(b"rq:failed:" + raw, {raw: time.time() + 3600})
    redis.sadd(b"rq:job:" + raw + b":dependents", raw)


def _running_job(redis: Any, raw: bytes) -> None:
    text, job = raw.decode(errors="backslashreplace"), b"run-" + raw
    redis.hset(b"rq:job:" + job, mapping=_fields(raw, text, "started"))
    redis.zadd(b"rq:wip:" + raw, {job + b":1": time.time() + 3600})
    redis.sadd("rq:workers", b"rq:worker:" + raw)
    redis.hset(
        b"rq:worker:" + raw,
        mapping={
            "birth": _now(),
            "last_heartbeat": _now(),
            "state": "busy",
            "queues": raw,
            "current_job": job,
        },
    )
    redis.expire(b"rq:worker:" + raw, 3600)


def _fields(raw: bytes, text: str, status: str) -> dict[str, bytes | str]:
    call = pickle.dumps((text, None, (text,), {text: text}))
    moments = dict.fromkeys(("created_at", "enqueued_at", "started_at", "ended_at"), _now())
    return {
        **moments,
        "status": status,
        "origin": raw,
        "description": raw,
        "worker_name": raw,
        "group_id": raw,
        "success_callback_name": raw,
        "timeout": "600",
        "data": zlib.compress(call),
        "meta": pickle.dumps({text: text}),
    }


def _cron_job(redis: Any, text: str) -> None:
    definition = {"queue": text, "function": text, "schedule": text}
    redis.hset("rq:monitor:cron:jobs", text, json.dumps(definition))
    redis.hset("rq:monitor:cron:owners", text, json.dumps({text: 1}))
    redis.hset("rq:monitor:cron:ticks", f"{text}:failed", 3)
