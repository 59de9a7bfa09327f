"""Values given to make are text: neither make nor a shell evaluates them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

SHOWS_ARGUMENTS = """#!/bin/sh
exec python3 -c 'import json, os, sys; print(json.dumps([sys.argv[1:], os.environ.get("WITH")]))' "$@"
"""
HOSTILE = "a b; touch x & $(touch x) $$(touch run) `touch x` $(shell touch x) '; touch run; ' \"; touch run"


@pytest.fixture
def clone(project_root: Path, tmp_path: Path) -> Path:
    """A Makefile whose Python prints its arguments."""
    (tmp_path / "Makefile").write_bytes((project_root / "Makefile").read_bytes())
    (tmp_path / "requirements").mkdir()
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(SHOWS_ARGUMENTS)
    python.chmod(0o755)
    for stamp in ("requirements/runtime.txt", "requirements/dev.txt", ".venv/.runtime", ".venv/.dev"):
        (tmp_path / stamp).touch()
    return tmp_path


def given_by(clone: Path, *words: str) -> tuple[list[str], str | None]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    made = subprocess.run(
        ["make", *words], cwd=clone, env=environment, capture_output=True, text=True, check=True
    )
    arguments, by_environment = json.loads(made.stdout.splitlines()[-1])
    return arguments, by_environment


@pytest.mark.parametrize(
    ("target", "variable", "others"),
    [
        ("scale", "QUEUE", ["WORKERS=2"]),
        ("scale", "WORKERS", ["QUEUE=mail"]),
        ("logs", "SERVICE", []),
        ("stop-rq-mon", "SERVICE", []),
        ("demo", "SECONDS", []),
        ("backup", "FILE", []),
        ("restore", "FILE", []),
        ("swarm-deploy", "STACK", []),
        ("soak", "MINUTES", []),
    ],
)
def test_a_variable_is_one_argument(clone: Path, target: str, variable: str, others: list[str]) -> None:
    arguments, _ = given_by(clone, target, f"{variable}={HOSTILE}", *others)

    assert HOSTILE in arguments
    assert not (clone / "run").exists()
    assert not (clone / "x").exists()


def test_variables_that_the_stack_reads_from_the_environment_arrive_unchanged(clone: Path) -> None:
    _, by_environment = given_by(clone, "status", f"WITH={HOSTILE}")
    assert by_environment == HOSTILE
    assert not (clone / "run").exists()


def test_a_line_feed_does_not_begin_another_command(clone: Path) -> None:
    arguments, _ = given_by(clone, "logs", "SERVICE=redis\ntouch run")
    assert arguments[-1] == "redis touch run"
    assert not (clone / "run").exists()
