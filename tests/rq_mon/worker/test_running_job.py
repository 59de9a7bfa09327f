"""What is written of an execution at its start is what is read when its worker has died."""

from __future__ import annotations

import math

import pytest

from rq_mon.worker.abandoned import RunningJob


@pytest.mark.parametrize("deadline", [1795491516.25, math.inf])
@pytest.mark.parametrize("function", ["app.send", "", "a\x1fb\n", '"größe"'])
def test_a_running_job_is_read_as_it_was_written(function: str, deadline: float) -> None:
    job = RunningJob("job", "rq:worker:a b", "2026-11-24T03:12:35.381567Z", 70.0, deadline, function)
    assert RunningJob.decode(job.encode()) == job


@pytest.mark.parametrize("text", ["", "nonsense", "\x1f" * 4, "a\x1fb\x1fc\x1fsoon\x1fnever\x1ff"])
def test_anything_else_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"running job|could not convert"):
        RunningJob.decode(text)
