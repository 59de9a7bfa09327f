"""The architecture tests see every way in which one file can need another."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import sources
from tests.harness.sources import imports_of


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import stack.services", {"stack.services"}),
        ("import os, demo", {"demo"}),
        ("from stack import services, ports", {"stack.services", "stack.ports"}),
        ("def run():\n    from demo.jobs import add", {"demo.jobs.add"}),
        ("from . import shapes", {"grafana.layer.shapes"}),
        ("from .shapes import Row", {"grafana.layer.shapes.Row"}),
        ("from .. import links", {"grafana.links"}),
        ("from ..dashboards.cron import board", {"grafana.dashboards.cron.board"}),
        ("importlib.import_module('demo')", {"demo"}),
        ("import_module('demo.jobs')", {"demo.jobs"}),
        ("runpy.run_module('demo', run_name='__main__')", {"demo"}),
        ("__import__('demo')", {"demo"}),
        ("import_module(f'demo.{name}')", {"demo"}),
        ("import_module(f'rq_mon.cli.{name}')", {"rq_mon.cli"}),
        ("run([python, '-m', 'demo', '--seconds', '5'])", {"demo"}),
        ("COMMAND = ('-m', 'demo')", {"demo"}),
        ("start('-m', 'stack.cron_check')", {"stack.cron_check"}),
        ("COMMAND = 'python -m demo --seconds 5'", {"demo"}),
        ("COMMAND = '-m demo.load'", {"demo.load"}),
        ("queue.enqueue('demo.jobs.add', 1, 2)", {"demo.jobs.add"}),
        ("SERVICE = 'stack'", set()),
        ("import os.path; print('rules/stack.yml', 'other.module')", set()),
    ],
)
def test_imports_and_names_of_modules_are_found(
    code: str, expected: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    file = tmp_path / "grafana" / "layer" / "file.py"
    file.parent.mkdir(parents=True)
    file.write_text(code, encoding="utf-8")

    assert {each.module for each in imports_of(file)} == expected
