"""All files of an export, or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from rq_mon.export.folder import FolderError, write_folder

FILES = {"a.yml": "one", "b.yml": "two"}
TOO_LONG = {"a.yml": "one", "sub/a.yml": "one", "x" * 300: "two"}
"""The second one cannot be written."""


def read(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_new_folder_gets_all_files_and_the_usual_permissions(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()

    write_folder(tmp_path / "new", FILES)

    assert read(tmp_path / "new") == FILES
    assert (tmp_path / "new").stat().st_mode == other.stat().st_mode
    assert {path.name for path in tmp_path.iterdir()} == {"new", "other"}


def test_an_existing_empty_folder_is_filled_in_place(tmp_path: Path) -> None:
    """It may be a mount, or the working directory of a shell."""
    before = tmp_path.stat().st_ino

    write_folder(tmp_path, FILES)

    assert read(tmp_path) == FILES
    assert tmp_path.stat().st_ino == before


def test_a_folder_with_files_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / ".mine").write_text("mine")

    with pytest.raises(FolderError, match="expected a new or empty folder"):
        write_folder(tmp_path, FILES)

    assert read(tmp_path) == {".mine": "mine"}


def test_refuses_a_path_that_is_no_folder(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("mine")
    link.symlink_to(tmp_path / "nowhere")

    for path in (file, link):
        with pytest.raises(FolderError, match="expected a folder, got something else"):
            write_folder(path, FILES)
    with pytest.raises(FolderError, match="expected a folder within one that exists"):
        write_folder(tmp_path / "absent" / "new", FILES)

    assert file.read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"file", "link"}


@pytest.mark.parametrize("is_new", [True, False])
def test_if_one_file_cannot_be_written_none_is_left(tmp_path: Path, is_new: bool) -> None:
    folder = tmp_path / "folder"
    if not is_new:
        folder.mkdir()

    with pytest.raises(FolderError, match=f"{folder}: .*name too long"):
        write_folder(folder, TOO_LONG)

    assert list(tmp_path.rglob("*")) == ([] if is_new else [folder])
