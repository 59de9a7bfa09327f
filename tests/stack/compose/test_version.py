"""The image knows the version of its code, which its workers report."""

from __future__ import annotations

from pathlib import Path

from stack.compose.images import build_options
from stack.services import CORE_COMPOSE_FILE, SHORT_RUNNING_WORKER
from stack.settings import PROJECT_ROOT
from tests.harness.compose_files import compose_file


def test_the_image_has_the_commit_as_its_version_unless_the_user_sets_one(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("0123456789abcdef" + "0" * 24 + "\n")

    assert build_options(tmp_path, {}) == ["--build-arg", "RQ_MON_VERSION=0123456"]
    assert build_options(tmp_path, {"RQ_MON_VERSION": "1.4.2"}) == []
    (tmp_path / ".git" / "HEAD").unlink()
    assert build_options(tmp_path, {}) == []


def test_the_version_reaches_the_image_and_its_workers() -> None:
    dockerfile = (PROJECT_ROOT / "Dockerfile").read_text()
    worker = compose_file("stack/compose/common.yml")["services"]["worker"]

    assert (
        compose_file(CORE_COMPOSE_FILE)["services"][SHORT_RUNNING_WORKER.name]["build"]["args"][
            "RQ_MON_VERSION"
        ]
        == "${RQ_MON_VERSION:-}"
    )
    assert "ARG RQ_MON_VERSION=\nENV RQ_MON_VERSION=${RQ_MON_VERSION}\n" in dockerfile
    assert "RQ_MON_VERSION" in worker["environment"]
