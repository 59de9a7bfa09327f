"""How many workers a queue needs: with that number simulated jobs start in time, with one fewer they do not.

With many workers: with two or three fewer.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate, pairwise

import pytest
import yaml

from proofs.harness.recorded_prometheus import RecordedPrometheus
from rq_mon.catalogue import DURATION_BUCKETS
from tests.prometheus.rules import PROMETHEUS, rules
from tests.prometheus.simulation import Traffic, always, exponential, lognormal, mostly, pareto

pytestmark = [pytest.mark.slow, pytest.mark.needs("prometheus", "promtool")]

END = 1_750_003_200
START = END - 2700
STEP = 15
RATIO = 0.95
NEEDED = "queue:rq_workers_needed:now"
FILES = ("recording.yml", "needed.yml")

CASES = {
    "few-long": (Traffic(0.016, exponential(40)), 60),
    "many-short": (Traffic(12.7, exponential(0.3)), 60),
    "as-long-as-the-objective": (Traffic(0.1, exponential(55)), 60),
    "hardly-any-wait": (Traffic(1.3, exponential(4)), 0.1),
    "always-the-same": (Traffic(0.11, always(45)), 15),
    "differ-much": (Traffic(0.12, lognormal(14, 1.2)), 60),
    "seldom-long": (Traffic(1.2, mostly(1.7, 50, 0.1)), 15),
    "many-workers": (Traffic(2.1, exponential(21)), 5),
    "long-running": (Traffic(0.0081, exponential(700)), 600),
}

FEW_JOBS = 60_000
OTHERS = {
    "one-quiet": (Traffic(0.01, exponential(10), FEW_JOBS), 60, range(1)),
    "one-busy": (Traffic(0.045, exponential(8), FEW_JOBS), 60, range(1)),
    "half-busy": (Traffic(0.4, lognormal(2, 0.8), FEW_JOBS), 30, range(1)),
    "nearly-full": (Traffic(3.3, exponential(2.6), FEW_JOBS), 2, range(1)),
    "tail-that-ends-soon": (Traffic(0.5, pareto(1.2, 2.5), FEW_JOBS), 20, range(1)),
    "heavy-tail": (Traffic(0.3, pareto(2, 1.5), FEW_JOBS), 30, range(1, 2)),
    "very-wide": (Traffic(0.6, lognormal(1, 2), FEW_JOBS), 30, range(1, 2)),
    "hundreds": (Traffic(40, exponential(5), FEW_JOBS), 3, range(1, 5)),
    "bursts-of-five-long": (Traffic(0.05, exponential(60), FEW_JOBS, burst=5), 300, range(-1, 0)),
    "bursts-of-ten": (Traffic(1.5, exponential(3), FEW_JOBS, burst=10), 10, range(-4, -1)),
    "bursts-of-fifty": (Traffic(1.5, exponential(3), FEW_JOBS, burst=50), 30, range(-7, -4)),
}
"""Loads with which the formula was not made: traffic, wait, and by how many workers the number is too high.

Heavy tails: one too high. Bursts: too low, for the formula takes jobs to arrive one by one.
"""
QUEUES = {**CASES, **{queue: (traffic, wait) for queue, (traffic, wait, _) in OTHERS.items()}}


def test_the_weights_in_the_rules_follow_from_the_buckets() -> None:
    """If all jobs are in one bucket, the result is its middle, or the square of that."""
    bounds = [*map(str, DURATION_BUCKETS), "+Inf"]
    middles = [
        DURATION_BUCKETS[0] / 2,
        *(math.sqrt(below * bound) for below, bound in pairwise(DURATION_BUCKETS)),
        1.5 * DURATION_BUCKETS[-1],
    ]
    for rule in rules():
        if rule.get("record") == "le:rq_job_duration_seconds_bucket:weight":
            weights = _weights(rule["expr"])
            assert list(weights) == bounds
            sums = list(accumulate(reversed(weights.values())))[::-1]
            power = int(rule["labels"]["power"])
            assert sums == pytest.approx([middle**power for middle in middles], rel=0.005)


def _weights(expression: str) -> dict[str, float]:
    terms = expression.replace("or ", "").split("label_replace(vector(")[1:]
    return {term.split('"')[3]: float(term.split(")")[0]) for term in terms}


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordedPrometheus]:
    """A Prometheus that has watched a queue of each case for 45 minutes and recorded the rules."""
    directory = tmp_path_factory.mktemp("needed")
    server = RecordedPrometheus(directory)
    samples = directory / "history.txt"
    samples.write_text("".join(_history()) + "# EOF\n")
    server.import_samples(samples)
    read = [PROMETHEUS / "rules" / name for name in FILES]
    names = {
        rule["record"]
        for file in read
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
    }
    server.record(PROMETHEUS / "rules", names, START, END)
    with server:
        yield server


def _history() -> Iterator[str]:
    for time in range(START, END + 1, STEP):
        yield _sample("rq_redis_up", time, 1)
    for queue, (traffic, wait) in QUEUES.items():
        yield from _series("rq_queue_objective_wait_seconds", wait, 0, queue=queue, le=str(float(wait)))
        yield from _series("rq_queue_objective_ratio", RATIO, 0, queue=queue, objective="wait")
        for status in ("queued", "started"):
            yield from _series("rq_jobs", 3, 0, queue=queue, status=status)
        ended = {"queue": queue, "function": "f", "outcome": "success"}
        run_times = sorted(traffic.run_times())
        share = traffic.rate / len(run_times)
        yield from _series("rq_jobs_processed_total", 0, traffic.rate, **ended)
        yield from _series("rq_job_duration_seconds_count", 0, traffic.rate, **ended)
        yield from _series("rq_job_duration_seconds_sum", 0, sum(run_times) * share, **ended)
        for bound in DURATION_BUCKETS:
            below = bisect_left(run_times, bound) * share
            yield from _series("rq_job_duration_seconds_bucket", 0, below, **ended, le=str(bound))
        yield from _series("rq_job_duration_seconds_bucket", 0, traffic.rate, **ended, le="+Inf")


def _series(name: str, first: float, rate: float, **labels: str) -> Iterator[str]:
    for time in range(START, END + 1, STEP):
        yield _sample(name, time, first + rate * (time - START), **labels)


def _sample(name: str, time: int, value: float, **labels: str) -> str:
    known = {"job": "rq-exporter", "instance": "main", **labels}
    shown = ",".join(f'{label}="{text}"' for label, text in known.items())
    return f"{name}{{{shown}}} {value} {time}\n"


@pytest.mark.parametrize("queue", CASES)
def test_jobs_start_in_time_with_the_workers_needed_and_not_with_one_fewer(
    prometheus: RecordedPrometheus, queue: str
) -> None:
    traffic, wait = CASES[queue]
    needed = _needed(prometheus, queue)

    enough = traffic.share_in_time(needed, wait)
    fewer = traffic.share_in_time(needed - 1 - needed // 25, wait)

    assert enough >= RATIO
    assert fewer < RATIO


@pytest.mark.parametrize("queue", OTHERS)
def test_the_recommended_number_exceeds_the_smallest_by_as_much_as_the_pages_say(
    prometheus: RecordedPrometheus, queue: str
) -> None:
    traffic, wait, too_high = OTHERS[queue]
    needed = _needed(prometheus, queue)

    assert needed - traffic.enough(wait, RATIO, near=needed) in too_high


def _needed(prometheus: RecordedPrometheus, queue: str) -> int:
    (found,) = prometheus.instant(f'{NEEDED}{{queue="{queue}"}}', END)
    return int(found["value"][1])
