"""The result of a mutant, and the file that stores results."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from proofs.mutation.mutants import Mutant

Outcome = Literal["killed", "timeout", "survived"]


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a mutant."""

    path: str
    line: int
    original: str
    mutated: str
    outcome: Outcome
    """`timeout` if the tests did not end, which counts as noticed."""
    noticed_by: str
    """The test that failed; empty for `survived` and `timeout`."""
    seconds: float


class Memory:
    """The results so far, one per line of a file, so that an interrupted run can continue."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._results: dict[str, Result] = {}
        if file.exists():
            for line in file.read_text(encoding="utf-8").splitlines():
                key, result = json.loads(line)
                self._results[key] = Result(**result)

    def get(self, mutant: Mutant) -> Result | None:
        """The result of a mutant; None if it has not been tried."""
        return self._results.get(mutant.key)

    def add(self, mutant: Mutant, result: Result) -> None:
        with self._lock:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._results[mutant.key] = result
            with self._file.open("a", encoding="utf-8") as file:
                print(json.dumps([mutant.key, asdict(result)], ensure_ascii=False), file=file)
