"""Repeats RQ's transaction without this package's commands if Redis refuses these.

A worker may lose the right to count while it runs: the ACL changes, or a replica with another ACL takes over.
Redis then discards the whole transaction, including the end of the job.
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
"""Redis' error codes that redis-py removes from the message, by exception."""

_MEMORY = struct.Struct("=Q?32s16s")


class Refusals:
    """Refusals since Redis last accepted a count. Worker and work horses share this memory."""

    def __init__(self) -> None:
        """Start with nothing refused."""
        self._memory = mmap.mmap(-1, _MEMORY.size)

    @property
    def uncounted(self) -> int:
        """Number of ends that were recorded but not counted."""
        return self._read()[0]

    @property
    def reason(self) -> str:
        """Redis' error code of the last refusal; empty if there was none."""
        return self._read()[3]

    def has_ended(self, execution_id: str) -> bool:
        """Return whether this is the worker's last execution that ended without being counted."""
        return self._read()[2] == execution_id

    def note(self, error: Exception) -> bool:
        """Record a refusal; return whether it is the first."""
        uncounted, known, execution_id, _ = self._read()
        self._write(uncounted, True, execution_id, code_of(error))
        return not known

    def note_end(self, error: Exception, execution_id: str = "") -> bool:
        """Record an end that was not counted; return whether it is the first refusal.

        Args:
            error: Redis' reason.
            execution_id: of the worker's own execution. Its end is recorded here once, though RQ may record
                it twice: for its worker, a work horse that is killed right after that has failed.
        """
        uncounted, known, last, _ = self._read()
        if not execution_id or execution_id != last:
            uncounted, last = uncounted + 1, execution_id or last
        self._write(uncounted, True, last, code_of(error))
        return not known

    def take_back(self) -> None:
        """Forget one uncounted end, because it was counted after all."""
        uncounted, known, execution_id, code = self._read()
        self._write(uncounted - 1, known, execution_id, code)

    def settle(self, connection: Redis) -> int:
        """Write the number of uncounted ends to Redis, and return it.

        Raises:
            redis.ResponseError: Redis does not accept it; nothing is forgotten.
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
"""Called with Redis' error if a command was left out or failed."""


class GuardedTransaction:
    """RQ's transaction with commands of this package, which must not make it fail."""

    def __init__(self, pipeline: Pipeline, on_refusal: Callable[[], None]) -> None:
        """Wrap the pipeline's `execute`.

        Args:
            pipeline: RQ's, a MULTI that is not executed yet.
            on_refusal: called before the transaction is repeated without our commands.
        """
        self._pipeline = pipeline
        self._on_refusal = on_refusal
        self._refusal: redis.ResponseError | None = None
        """The reason why our commands are left out from now on."""
        self._left_out: list[OnLoss] = []
        self._execute = pipeline.execute
        self._ours: dict[int, OnLoss] = {}
        """Our commands, by their place in the transaction."""
        pipeline.execute = self.execute  # type: ignore[method-assign]

    def add(self, write: Callable[[Pipeline], object], on_loss: OnLoss) -> None:
        """Add the one command that `write` sends to the transaction.

        `on_loss` is called if the transaction succeeds without this command. It is not called if Redis also
        refuses RQ's own commands: a job whose end RQ could not record has not ended.
        """
        write(self._pipeline)
        self._ours[len(self._pipeline.command_stack) - 1] = on_loss

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Execute the transaction, if necessary without our commands.

        Raises:
            redis.WatchError: they were refused while RQ watches keys; RQ then starts again.
            redis.ResponseError: Redis refuses one of RQ's own commands.
        """
        ours, self._ours = self._ours, {}
        commands, watches = list(self._pipeline.command_stack), self._pipeline.watching
        try:
            answers = self._execute(raise_on_error=False)
        except redis.ResponseError as error:  # Redis has discarded the whole transaction
            if not ours:
                raise _logged(error) from None
            self._on_refusal()
            self._refusal, self._left_out = error, list(ours.values())
            if watches:
                raise redis.WatchError("sent again without metrics") from error
            self._pipeline.command_stack = [c for i, c in enumerate(commands) if i not in ours]
            try:
                answers = self._execute(raise_on_error=False)
            except redis.ResponseError as rqs_own:
                raise _logged(rqs_own) from None
            ours = {}
        if self._refusal is not None:
            for on_loss in self._left_out:
                on_loss(self._refusal)
            self._refusal, self._left_out = None, []
        for place, answer in enumerate(answers):
            if isinstance(answer, redis.ResponseError):
                if place in ours:  # only this command failed
                    self._on_refusal()
                    ours[place](answer)
                elif raise_on_error:
                    raise answer
        return answers


def _logged(error: redis.ResponseError) -> redis.ResponseError:
    logging.getLogger("rq.worker").error("Redis refuses a command of RQ itself: %s", error)
    return error


def reason_of(error: Exception) -> str:
    """Return Redis' own words: before them redis-py puts the command, here a whole script."""
    return str(error).rpartition(" caused error: ")[2]


def code_of(error: Exception) -> str:
    """Return Redis' code of an error, such as OOM in `OOM command not allowed`."""
    for kind, code in CODES.items():
        if isinstance(error, kind):
            return code
    found = re.match(r"[A-Z]+\b", str(error))
    return found[0] if found else "ERR"
