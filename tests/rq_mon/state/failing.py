"""Jobs whose tracebacks are easily mistaken for others."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

from rq import Retry
from rq.job import Job

NESTED = """Traceback (most recent call last):
  File "/srv/tool/child.py", line 3, in <module>
    main()
KeyError: 'serial'
"""
CHAINED = f"""{NESTED}
The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/srv/tool/child.py", line 9, in <module>
    main()
OSError: child
"""
OF_ANOTHER_JOB = f"""{NESTED}
The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/usr/lib/python3/site-packages/rq/worker/base.py", line 1552, in perform_job
    return_value = job.perform()
OSError: child
"""


NO_FIELDS: dict[str, str] = {}


class Outer:
    class InnerError(Exception): ...


class NoTextError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def simple() -> None:
    raise ValueError("no such order")


def empty() -> None:
    raise ValueError


def of_several_lines() -> None:
    raise ValueError("one\nTwo: three\n  File \"x\", line 1\nKeyError: 'four'")


def that_begins_with_a_new_line() -> None:
    raise ValueError("\nKeyError: 'two'")


def within_a_class() -> None:
    raise Outer.InnerError("x: y")


def without_text() -> None:
    raise NoTextError


def caused() -> None:
    try:
        NO_FIELDS["customer"]
    except KeyError as error:
        raise ConnectionError("database\nlost: connection") from error


def caused_by_a_child() -> None:
    try:
        child_failed()
    except RuntimeError as error:
        raise ConnectionError("no result") from error


def caused_by_another_job() -> None:
    try:
        another_job_failed()
    except RuntimeError as error:
        raise ConnectionError("no result") from error


def while_handling() -> None:
    try:
        NO_FIELDS["customer"]
    except KeyError:
        int("x")


def asks_for_retries(most: int) -> Retry:
    return Retry(max=most)


def child_failed() -> None:
    raise RuntimeError(f"child ended with 1:\n{NESTED}")


def child_failed_with_a_chain() -> None:
    raise RuntimeError(f"child ended with 1:\n{CHAINED}")


def another_job_failed() -> None:
    raise RuntimeError(f"the first step failed: {OF_ANOTHER_JOB}")


def real_child_failed() -> None:
    done = subprocess.run([sys.executable, "-c", "{}['x']"], capture_output=True, text=True, check=False)
    raise RuntimeError(done.stderr)


def noted() -> None:
    error = ValueError("bad row")
    error.add_note('Context:\n  File "orders.csv", line 7\nTypeError: in the note')
    error.add_note(NESTED)
    raise error


def grouped() -> None:
    raise ExceptionGroup("two parts", [ConnectionError("one"), ExceptionGroup("more", [KeyError("two")])])


def grouped_with_a_child() -> None:
    raise ExceptionGroup(f"parts\n{NESTED}", [RuntimeError(NESTED)])


def caused_by_a_group() -> None:
    try:
        grouped()
    except ExceptionGroup as error:
        raise PermissionError("no") from error


def group_caused() -> None:
    try:
        NO_FIELDS["customer"]
    except KeyError as error:
        raise ExceptionGroup("parts", [ValueError("one")]) from error


def deep(depth: int = 0) -> None:
    deep(depth + 1)


def syntax() -> None:
    compile("a b", "orders.py", "exec")


def exits() -> None:
    sys.exit(2)


def huge_with_a_child() -> None:
    raise ValueError("INSERT " + "(1,2,3)\n" * 1_000_000 + NESTED)


def callback_raises(job: Job, connection: Any, *_: object) -> None:
    raise PermissionError("callback")


def in_a_module_called(name: str, folder: str) -> None:
    path = Path(folder) / f"{name}.py"
    path.write_text("class SyncError(Exception): ...\ndef run():\n    raise SyncError('no answer: x')\n")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.run()
