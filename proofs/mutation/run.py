"""Tries all mutants, several at the same time."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from proofs.mutation.mutants import Mutant
from proofs.mutation.result import Memory, Result
from proofs.mutation.workshop import Workshop


def try_out(
    mutants: Sequence[Mutant], workshops: Sequence[Workshop], memory: Memory, seconds: float
) -> Iterator[Result]:
    """Yield the result of each mutant: first those in memory, then the others as they are done.

    Args:
        mutants: all mutants of the run.
        workshops: each tries one mutant at a time.
        memory: stores each result at once.
        seconds: no mutant is begun after this time.
    """
    deadline = time.monotonic() + seconds
    free: queue.Queue[Workshop] = queue.Queue()
    for workshop in workshops:
        free.put(workshop)

    def try_one(mutant: Mutant) -> Result | None:
        if time.monotonic() > deadline:
            return None
        workshop = free.get()
        try:
            result = workshop.try_out(mutant)
        finally:
            free.put(workshop)
        memory.add(mutant, result)
        return result

    known = {mutant.key: memory.get(mutant) for mutant in mutants}
    yield from filter(None, known.values())
    with ThreadPoolExecutor(len(workshops)) as pool:
        tried = [pool.submit(try_one, mutant) for mutant in mutants if known[mutant.key] is None]
        try:
            for each in as_completed(tried):
                if result := each.result():
                    yield result
        finally:
            pool.shutdown(cancel_futures=True)
