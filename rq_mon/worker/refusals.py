"""Sends a transaction of RQ's again without what this package added to it, if Redis refuses that.

A worker may lose the right to count while it runs: rules of an ACL change, or a replica with other rules
takes over. Redis then discards the whole transaction, and the end of the job with it.
"""

from __future__ import annotations

import logging
import mmap
import re
import struct
from collections.abc import Callable
from typing import Any

import redis
from redis import Redis
from redis.client import Pipeline

from rq_mon.catalogue import WRITE_ERRORS_KEY

CODES = {
    redis.exceptions.NoPermissionError: "NOPERM",
    redis.exceptions.ReadOnlyError: "READONLY",
    redis.exceptions.OutOfMemoryError: "OOM",
}
"""Redis' error codes, which redis-py takes off the messages of these."""

_MEMORY = struct.Struct("=Q?32s16s")


class Refusals:
    """What was refused since Redis last accepted: told by worker and work horses, which share this memory."""

    def __init__(self) -> None:
        """Start with nothing refused."""
        self._memory = mmap.mmap(-1, _MEMORY.size)

    @property
    def uncounted(self) -> int:
        """Ends of jobs that were recorded without being counted."""
        return self._read()[0]

    @property
    def reason(self) -> str:
        """Redis' error code; empty if nothing was refused."""
        return self._read()[3]

    def has_ended(self, execution_id: str) -> bool:
        """Tell whether this execution was the last of the worker's own that ended without being counted."""
        return self._read()[2] == execution_id

    def note(self, error: Exception) -> bool:
        """Note one refusal; return whether it is the first."""
        uncounted, known, execution_id, _ = self._read()
        self._write(uncounted, True, execution_id, code_of(error))
        return not known

    def note_end(self, error: Exception, execution_id: str = "") -> bool:
        """Note an end that was recorded without being counted; return whether it is the first refusal.

        Args:
            error: why Redis refused to count it.
            execution_id: of the worker's own execution. Its end is noted once, though RQ may record it twice:
                a work horse that is killed right after it recorded the end has failed, too, for its worker.
        """
        uncounted, known, last, _ = self._read()
        if not execution_id or execution_id != last:
            uncounted, last = uncounted + 1, execution_id or last
        self._write(uncounted, True, last, code_of(error))
        return not known

    def take_back(self) -> None:
        """One of the uncounted ends is counted after all."""
        uncounted, known, execution_id, code = self._read()
        self._write(uncounted - 1, known, execution_id, code)

    def settle(self, connection: Redis) -> int:
        """Write down the uncounted ends, now that Redis accepts again; return how many there were.

        Raises:
            redis.ResponseError: it does not accept this, and nothing is forgotten.
        """
        uncounted = self.uncounted
        if uncounted:
            connection.hincrby(WRITE_ERRORS_KEY, self.reason, uncounted)
        self._write(0, False, "", "")
        return uncounted

    def _read(self) -> tuple[int, bool, str, str]:
        uncounted, known, execution_id, code = _MEMORY.unpack(self._memory[:])
        return uncounted, known, execution_id.rstrip(b"\0").decode(), code.rstrip(b"\0").decode()

    def _write(self, uncounted: int, known: bool, execution_id: str, code: str) -> None:
        self._memory[:] = _MEMORY.pack(uncounted, known, execution_id.encode(), code.encode()[:16])


OnLoss = Callable[[redis.ResponseError], None]
"""What is called with Redis' error where a command was left out, or failed."""


class GuardedTransaction:
    """A transaction of RQ's with commands of ours in it, which must not keep it from being carried out."""

    def __init__(self, pipeline: Pipeline, on_refusal: Callable[[], None]) -> None:
        """Stand between RQ and the pipeline's `execute`.

        Args:
            pipeline: RQ's, a MULTI that is not executed yet.
            on_refusal: called before the transaction is sent again without our commands.
        """
        self._pipeline = pipeline
        self._on_refusal = on_refusal
        self._refusal: redis.ResponseError | None = None
        """Why our commands are not in what is sent next."""
        self._left_out: list[OnLoss] = []
        self._execute = pipeline.execute
        self._ours: dict[int, OnLoss] = {}
        """By their place in the transaction."""
        pipeline.execute = self.execute  # type: ignore[method-assign]

    def add(self, write: Callable[[Pipeline], object], on_loss: OnLoss) -> None:
        """Add to the transaction the one command that `write` sends.

        `on_loss` is called when the transaction was carried out without it. It is not if Redis refuses RQ's
        own commands, too: what RQ could not record has not ended.
        """
        write(self._pipeline)
        self._ours[len(self._pipeline.command_stack) - 1] = on_loss

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Carry out the transaction, if need be without our commands.

        Raises:
            redis.WatchError: they were refused while RQ watches keys; RQ then begins again.
            redis.ResponseError: Redis refuses one of RQ's own commands.
        """
        ours, self._ours = self._ours, {}
        commands, watches = list(self._pipeline.command_stack), self._pipeline.watching
        try:
            answers = self._execute(raise_on_error=False)
        except redis.ResponseError as error:  # Redis has discarded all of it
            if not ours:
                raise _told(error) from None
            self._on_refusal()
            self._refusal, self._left_out = error, list(ours.values())
            if watches:
                raise redis.WatchError("sent again without metrics") from error
            self._pipeline.command_stack = [c for i, c in enumerate(commands) if i not in ours]
            try:
                answers = self._execute(raise_on_error=False)
            except redis.ResponseError as rqs_own:
                raise _told(rqs_own) from None
            ours = {}
        if self._refusal is not None:
            for on_loss in self._left_out:
                on_loss(self._refusal)
            self._refusal, self._left_out = None, []
        for place, answer in enumerate(answers):
            if isinstance(answer, redis.ResponseError):
                if place in ours:  # carried out, but for this one
                    self._on_refusal()
                    ours[place](answer)
                elif raise_on_error:
                    raise answer
        return answers


def _told(error: redis.ResponseError) -> redis.ResponseError:
    logging.getLogger("rq.worker").error("Redis refuses what RQ itself needs: %s", error)
    return error


def code_of(error: Exception) -> str:
    """Return Redis' code of an error, as in `OOM command not allowed`."""
    for kind, code in CODES.items():
        if isinstance(error, kind):
            return code
    found = re.match(r"[A-Z]+\b", str(error))
    return found[0] if found else "ERR"
