"""The exporter reads what workers write."""

from __future__ import annotations

import math

import pytest

from rq_mon.catalogue import DURATION_BUCKETS
from rq_mon.series import (
    COUNTER_BITS,
    Exemplar,
    Histogram,
    SeriesError,
    bound_of,
    decode_jobs,
    decode_waits,
    jobs_key,
)


@pytest.mark.parametrize(
    ("seconds", "bound"),
    [(0.0, "0.005"), (0.005, "0.005"), (0.0051, "0.01"), (1.0, "1.0"), (1800.0, "1800.0"), (1800.1, "+Inf")],
)
def test_an_observation_falls_into_the_bucket_of_the_smallest_bound_it_does_not_exceed(
    seconds: float, bound: str
) -> None:
    assert bound_of(seconds, DURATION_BUCKETS) == bound


def test_different_queues_and_functions_have_different_keys() -> None:
    names = ["a", 'a","b', "a:b", '["a"]', "", "ä", "a\n", 'b"', "\\"]
    pairs = [(queue, function) for queue in names for function in names]
    assert len({jobs_key(*pair) for pair in pairs}) == len(pairs)


@pytest.mark.parametrize("job_id", ["e3b0c442-98fc-1c14-9afb-f4c8996fb924", "two words", "ü", ""])
def test_an_exemplar_is_read_as_it_was_written(job_id: str) -> None:
    exemplar = Exemplar(1700000000.125, 0.25, job_id)
    assert Exemplar.decode(exemplar.encode()) == exemplar


@pytest.mark.parametrize("seconds", [0.0, 1.2345678e-5, 0.0001234567, 12345.678901, 604800.0])
def test_an_exemplar_is_short_enough_for_a_compact_hash(seconds: float) -> None:
    """Redis stores a hash compactly as long as no value is longer than 64 bytes."""
    assert len(Exemplar(1e10 - 1, seconds, "e3b0c442-98fc-1c14-9afb-f4c8996fb924").encode()) <= 64


def test_buckets_are_stored_singly_and_read_cumulatively() -> None:
    histogram = decode_waits({b"le:0.5": b"2", b"le:5.0": b"3", b"le:+Inf": b"1", b"count": b"6"})
    assert histogram.cumulative([0.1, 0.5, 1.0, 5.0, math.inf]) == [
        (0.1, 0),
        (0.5, 2),
        (1.0, 2),
        (5.0, 5),
        (math.inf, 6),
    ]


def test_buckets_written_with_other_bounds_still_count() -> None:
    histogram = Histogram(buckets={0.3: 2, 7.0: 1})
    assert histogram.cumulative([0.1, 0.5, 10.0]) == [(0.1, 0), (0.5, 2), (10.0, 3)]


def test_the_sum_is_exact() -> None:
    assert decode_waits({b"microseconds": b"9007199254740993"}).microseconds == 9007199254740993
    assert decode_waits({b"microseconds": b"1500000"}).seconds == 1.5


def test_the_fields_of_a_function_are_read_by_outcome_and_exception() -> None:
    series = decode_jobs(
        {
            b"success:count": b"3",
            b"success:le:0.01": b"3",
            b"success:exemplar:0.01": b"1700000000.000 0.009 job",
            b"abandoned:count": b"1",
            b"exceptions:count:a:b": b"2",
            b"exceptions:written:a:b": b"1700000000",
        }
    )
    assert series.outcomes["success"].count == 3
    assert series.outcomes["success"].buckets == {0.01: 3}
    assert series.outcomes["success"].exemplars == {0.01: Exemplar(1700000000.0, 0.009, "job")}
    assert series.outcomes["abandoned"].count == 1
    assert {name: failures.count for name, failures in series.exceptions.items()} == {"a:b": 2}


def test_fields_of_a_later_version_are_ignored() -> None:
    series = decode_jobs({b"postponed:count": b"x", b"success:mood": b"good", b"exceptions:mood:E": b"bad"})
    assert series.outcomes["success"] == Histogram()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (b"success:count", b"many"),
        (b"success:le:wide", b"1"),
        (b"success:exemplar:0.1", b"yesterday"),
        (b"exceptions:count:KeyError", b""),
    ],
)
def test_a_value_that_is_no_number_is_refused_by_field_and_value(field: bytes, value: bytes) -> None:
    with pytest.raises(SeriesError, match=f"field '{field.decode()}' holds '{value.decode()}'"):
        decode_jobs({field: value})


def test_a_wait_that_is_no_number_is_refused_by_field_and_value() -> None:
    with pytest.raises(SeriesError, match="field 'count' holds 'many'"):
        decode_waits({b"count": b"many"})


def test_counts_are_read_up_to_the_largest_integer_of_redis() -> None:
    largest = 2**COUNTER_BITS - 1
    assert decode_waits({b"count": str(largest).encode()}).count == largest
    with pytest.raises(SeriesError, match="'count' holds"):
        decode_waits({b"count": str(largest + 1).encode()})
