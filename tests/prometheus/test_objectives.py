"""Objectives of queues: the file that users edit, and its error messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from rq_mon.catalogue import DURATION_BUCKETS, WAIT_BUCKETS
from rq_mon.objectives import Objective, Objectives, ObjectivesError, load_objectives
from scheduler.queues import LONG_RUNNING_QUEUE, SHORT_RUNNING_QUEUE


def load(directory: Path, text: str) -> Objectives:
    path = directory / "objectives.yml"
    path.write_text(text)
    return load_objectives(path)


def test_the_shipped_file_has_objectives_for_short_and_long_waits(project_root: Path) -> None:
    objectives = load_objectives(project_root / "objectives.yml")

    assert objectives.of(SHORT_RUNNING_QUEUE).wait_seconds == 60
    assert objectives.of(LONG_RUNNING_QUEUE).wait_seconds == 600


def test_the_defaults_in_the_shipped_file_are_the_built_in_ones(project_root: Path) -> None:
    assert load_objectives(project_root / "objectives.yml").of("not-in-the-file") == Objective()


@pytest.mark.parametrize(
    ("key", "buckets"), [("wait_seconds", WAIT_BUCKETS), ("run_seconds", DURATION_BUCKETS)]
)
def test_the_shipped_file_lists_the_existing_buckets(
    project_root: Path, key: str, buckets: tuple[float, ...]
) -> None:
    lines = (project_root / "objectives.yml").read_text().splitlines()
    position = next(number for number, line in enumerate(lines) if line.startswith(f"#   {key}"))

    assert lines[position + 1].split("one of ")[1].split() == [f"{bucket:g}" for bucket in buckets]


def test_a_missing_key_comes_from_the_files_default_or_else_the_built_in_one(tmp_path: Path) -> None:
    objectives = load(tmp_path, "default: {wait_seconds: 15}\nqueues: {mail: {success_ratio: 0.9}}")

    assert objectives.of("mail") == Objective(wait_seconds=15, success_ratio=0.9)
    assert objectives.of("other") == Objective(wait_seconds=15)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "default:\nqueues:\n", "queues: {mail: }"])
def test_empty_parts_mean_the_defaults(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, text).of("mail") == Objective()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "queues: {mail: {wait_second: 60}}",
            "queues.mail.wait_second: is not known, expected one of wait_seconds, run_seconds, on_time_ratio,"
            " success_ratio; did you mean wait_seconds?",
        ),
        ("queue: {}", "queue: is not known, expected one of default, queues; did you mean queues?"),
        (
            "queues: {mail: {wait_seconds: 45}}",
            "queues.mail.wait_seconds: got 45, expected one of the buckets of rq_job_wait_seconds "
            "(0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 600, 1800, 7200)",
        ),
        ("default: {run_seconds: 1m}", "default.run_seconds: got '1m', expected one of the buckets of"),
        ("default: {run_seconds: true}", "default.run_seconds: got True, expected one of the buckets of"),
        (
            "default: {success_ratio: 99}",
            "default.success_ratio: got 99, expected a ratio of at least 0.5 and below 1; did you mean 0.99?",
        ),
        ("default: {success_ratio: 1}", "default.success_ratio: got 1, expected a ratio of at least 0.5"),
        ("default: {on_time_ratio: 0.4}", "default.on_time_ratio: got 0.4, expected a ratio"),
        ("default: {on_time_ratio: }", "default.on_time_ratio: got None, expected a ratio"),
        ("queues: {12: {}}", "queues.12: got 12, expected the name of a queue; put it into quotes"),
        ("queues: [mail]", "queues: got ['mail'], expected keys with values"),
        ("60", "the file: got 60, expected keys with values"),
        ("queues: {mail: {}, mail: {}}", "'mail' stands twice"),
        ("queues: {mail: {[1]: 2}}", "unhashable key"),
        ("queues: {mail", "cannot be read"),
    ],
)
def test_an_error_names_the_place_the_value_and_what_was_expected(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ObjectivesError) as caught:
        load(tmp_path, text)

    assert str(caught.value).startswith(f"{tmp_path / 'objectives.yml'}: ")
    assert message in str(caught.value)


def test_file_that_does_not_exist_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ObjectivesError, match=r"absent\.yml: cannot be read"):
        load_objectives(tmp_path / "absent.yml")


def test_a_file_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "objectives.yml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ObjectivesError, match="cannot be read"):
        load_objectives(tmp_path / "objectives.yml")
