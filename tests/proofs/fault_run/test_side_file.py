"""The side file contains what the jobs wrote."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from proofs.fault_run.side_file import SIDE_FILE, note, read


def test_lines_are_read_as_they_were_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "side-file"
    monkeypatch.setenv(SIDE_FILE, str(path))

    note("begin", "one")
    note("begin", "two")
    note("success", "one")

    lines = read(path)
    assert {job_id: [line.event for line in each] for job_id, each in lines.items()} == {
        "one": ["begin", "success"],
        "two": ["begin"],
    }
    assert {line.pid for each in lines.values() for line in each} == {os.getpid()}


def test_an_unknown_line_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "side-file"
    path.write_text("1.0 2 vanished job\n")

    with pytest.raises(ValueError, match="expected one of begin, success, failed, retry"):
        read(path)


def test_a_missing_file_has_no_lines(tmp_path: Path) -> None:
    assert not read(tmp_path / "side-file")
