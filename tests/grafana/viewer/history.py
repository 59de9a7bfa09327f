"""An hour of made-up metrics: plain functions of time, so that tests know what is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator

STEP = 5
LENGTH = 3600

HOSTILE = '<img src=x onerror="window.hacked=1"><b>bold</b>'
"""A label value that a careless page would render as markup."""

EXEMPLAR_AGE = 600
"""Seconds before the end of the history at which the exemplar was observed."""
EXEMPLAR_JOB = "job-4711"

BUCKETS = {"0.1": 1.0, "1": 3.0, "10": 4.0, "+Inf": 4.0}
"""Cumulative jobs per step by upper bound: no job was slower than 10 s."""

Labels = dict[str, str]


def _series() -> Iterator[tuple[str, Labels, Callable[[int], float]]]:
    """Yield name, labels and the value at a number of seconds since the beginning."""
    yield "queue_depth", {"queue": "mail"}, lambda t: 10 + 20 * t / LENGTH
    yield "queue_depth", {"queue": "reports"}, lambda t: 5.0 if t < LENGTH / 2 else 90.0
    yield "queue_depth", {"queue": HOSTILE}, lambda t: 1.0
    yield "queue_wait_seconds", {"queue": "mail"}, lambda t: 0.0042
    yield "queue_wait_seconds", {"queue": "reports"}, lambda t: 90.0
    yield "worker_state", {"name": "worker-1"}, lambda t: float(t >= LENGTH / 2)
    yield "worker_state", {"name": "worker-2"}, lambda t: 1.0
    for bound, per_step in BUCKETS.items():
        yield "history_seconds_bucket", {"le": bound}, lambda t, n=per_step: n * t / STEP  # type: ignore[misc]


def history(end: int) -> str:
    """The hour up to `end`, in OpenMetrics format."""
    lines = [
        f"{name}{_braces(labels)} {value(t):g} {end - LENGTH + t}"
        for name, labels, value in _series()
        for t in range(0, LENGTH + 1, STEP)
    ]
    return "\n".join([*lines, "# EOF\n"])


def exemplar_page(observed_at: int) -> str:
    """A histogram with one observation that has an exemplar of its job."""
    exemplar = f' # {{job_id="{EXEMPLAR_JOB}"}} 5 {observed_at}'
    return (
        "# TYPE job_seconds histogram\n"
        'job_seconds_bucket{le="1"} 0\n'
        f'job_seconds_bucket{{le="10"}} 1{exemplar}\n'
        'job_seconds_bucket{le="+Inf"} 1\n'
        "job_seconds_count 1\njob_seconds_sum 5\n# EOF\n"
    )


def _braces(labels: Labels) -> str:
    escaped = {name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in labels.items()}
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped.items()) + "}"
