"""An error in a file is reported before anything starts, with file, line and value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from proofs.harness.native_stack import NativeStack
from stack.settings import PROJECT_ROOT

pytestmark = [pytest.mark.slow, pytest.mark.needs("promtool", "amtool")]


def line_of(file: str, text: str) -> int:
    lines = (PROJECT_ROOT / file).read_text().splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


GROUP_BY = line_of("prometheus/alertmanager.yml", "  group_by: [")
CATALOGUE = line_of("cron_jobs.py", "function=sync_catalogue")


@dataclass(frozen=True)
class Mistake:
    """What is written to a file, and the expected message."""

    file: str
    change: Callable[[str], str]
    """The expected message, from the file's content."""
    expected: tuple[str, ...]


RULE = "groups:\n  - name: own\n    rules:\n      - record: own:sum\n        expr: sum(rq_workers\n"
UNKNOWN_FIELD = (
    "groups:\n  - name: own\n    rules:\n      - record: own:sum\n        exprr: sum(rq_workers)\n"
)
RECEIVERS = "receivers:\n  - name: critical\n  - name: warning\n  - nme: watchdog\n"
TARGETS = "- targets: [127.0.0.1:9726]\n  labels: {instance: second}\n- targets: ['http://127.0.0.1:9727']\n"


def of_rules(content: str, *expected: str) -> Mistake:
    return Mistake("prometheus/rules/own.yml", lambda _: content, ("prometheus/rules/own.yml", *expected))


def of_cron_jobs(old: str, new: str, *expected: str) -> Mistake:
    return Mistake("cron_jobs.py", lambda text: text.replace(old, new), expected)


# Each start meets all mistakes of a line: one in each file.
STARTS = [
    [
        of_rules(RULE, "5:", "own:sum", "unclosed left parenthesis"),
        Mistake(
            "mine/receivers.yml", lambda _: RECEIVERS, ("mine/receivers.yml: line 4: field nme not found",)
        ),
        Mistake(
            "objectives.yml",
            lambda _: "default:\n  wait_seconds: 15\nqueues:\n  mail:\n    on_time_ratio: 95\n",
            ("objectives.yml: queues.mail.on_time_ratio: got 95", "(line 5)"),
        ),
        Mistake(
            "mine/rq-exporter-b.yml",
            lambda _: TARGETS,
            ("rq-exporter-b.yml, line 3: expected host:port, got 'http://127.0.0.1:9727'",),
        ),
        of_cron_jobs(
            '"*/2 * * * *"',
            '"*/2 * *"',
            f"cron_jobs.py, line {CATALOGUE - 1}: cron job number 3 of the list (sync_catalogue): ",
            "'*/2 * *'",
        ),
    ],
    [
        of_rules(UNKNOWN_FIELD, "line 5: field exprr not found"),
        Mistake(
            "mine/receivers.yml",
            lambda _: "receivers:\n  - name: critical\n  - name: watchdog\n",
            ("mine/receivers.yml", 'undefined receiver "warning"'),
        ),
        Mistake(
            "mine/redis-exporter.yml",
            lambda _: "targets: [127.0.0.1:9121]\n",
            ("redis-exporter.yml, line 1: expected a list",),
        ),
        of_cron_jobs(
            "function=sync_catalogue",
            "function=sync_cataloge",
            f"cron_jobs.py, line {CATALOGUE}: NameError: name 'sync_cataloge' is not defined",
        ),
    ],
    [
        Mistake(
            "prometheus/alertmanager.yml",
            lambda text: text.replace("  group_by: [", "  group_byy: ["),
            (f"prometheus/alertmanager.yml: line {GROUP_BY}: field group_byy not found",),
        ),
        of_cron_jobs(
            "function=sync_catalogue,",
            "function=sync_catalogue;",
            f"cron_jobs.py, line {CATALOGUE}: ",
            "function=sync_catalogue;",
        ),
    ],
]


@pytest.fixture(scope="module")
def copy(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeStack]:
    """A copy of the tree with folders of the user, in which nothing ever starts."""
    copy = NativeStack(project_root, tmp_path_factory.mktemp("copy"))
    mine = copy.directory / "mine"
    mine.mkdir()
    (mine / "receivers.yml").write_text(
        "receivers:\n  - name: critical\n  - name: warning\n  - name: watchdog\n"
    )
    (copy.directory / ".env").write_text("ALERT_RECEIVERS_DIR=./mine\nSCRAPE_TARGETS_DIR=./mine\n")
    yield copy
    copy.remove()


@pytest.mark.parametrize("mistakes", STARTS)
def test_every_error_names_file_line_and_value(copy: NativeStack, mistakes: list[Mistake]) -> None:
    files = {mistake: copy.directory / mistake.file for mistake in mistakes}
    before = {file: file.read_text() if file.exists() else None for file in files.values()}
    for mistake, file in files.items():
        file.write_text(mistake.change(before[file] or ""))

    started = copy.make("start-rq-mon")

    for file, text in before.items():
        file.unlink() if text is None else file.write_text(text)
    assert started.returncode != 0, started.stdout
    assert "Nothing was changed. Fix this first:" in started.stdout
    expected = [part for mistake in mistakes for part in mistake.expected]
    assert [part for part in expected if part not in started.stdout] == [], started.stdout
    assert copy.processes() == []
