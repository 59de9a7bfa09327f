"""`rq-mon-cron`: an application's own list of cron jobs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from proofs.harness.waiting import wait_until
from rq_mon.cron.__main__ import main
from rq_mon.cron.application import cron_list
from rq_mon.state.live import live_schedulers

PROJECT_ROOT = Path(__file__).resolve().parents[3]
LIST = """\
from rq_mon import CronEntry

CRON_JOBS = [
    CronEntry(function="shop.tasks.tidy", cron="* * * * * *", queue_name="shop"),
    CronEntry(function="shop.tasks.report", cron="0 6 * * *", queue_name="reports", id="morning"),
]
NIGHTLY = CRON_JOBS[1:]
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The folder of an application whose package has a list; nothing else can import it."""
    (tmp_path / "app" / "shop").mkdir(parents=True)
    (tmp_path / "app" / "shop" / "__init__.py").touch()
    (tmp_path / "app" / "shop" / "tasks.py").write_text("def tidy(): ...\n\n\ndef report(): ...\n")
    (tmp_path / "app" / "shop" / "cron_jobs.py").write_text(LIST)
    return tmp_path / "app"


@contextmanager
def cron(folder: Path, where: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "rq_mon.cron", where],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def is_up(process: subprocess.Popen[str], client: Any) -> bool:
    assert process.poll() is None, process.communicate()
    return bool(live_schedulers(client))


def health(folder: Path) -> int:
    command = [sys.executable, "-m", "rq_mon.health", "--here", "cron"]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)}, capture_output=True
    ).returncode


@pytest.mark.slow
def test_the_list_of_an_application_is_enqueued_and_the_health_check_sees_it(
    shop: Path, redis_client: Any
) -> None:
    assert health(shop) == 1
    with cron(shop, "shop.cron_jobs") as process:
        wait_until(lambda: is_up(process, redis_client), "a live cron scheduler", within=120)
        wait_until(lambda: redis_client.llen("rq:queue:shop") >= 2, "two ticks", within=120)
        assert health(shop) == 0
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=120)

    assert process.returncode == 0
    assert "registered cron_job=morning" in output
    assert redis_client.llen("rq:queue:reports") == 0
    assert live_schedulers(redis_client) == []


@pytest.mark.slow
def test_a_list_with_another_name_follows_a_colon(shop: Path, redis_client: Any) -> None:
    with cron(shop, "shop.cron_jobs:NIGHTLY") as process:
        wait_until(lambda: is_up(process, redis_client), "a live cron scheduler", within=120)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=120)

    assert output.count("registered cron_job=") == 1
    assert redis_client.llen("rq:queue:shop") == 0


def test_help_says_where_the_list_is_searched(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["rq-mon-cron", "--help"])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 0
    reported = " ".join(capsys.readouterr().out.split())
    assert (
        "module with the list of rq_mon.CronEntry, in the working directory or installed; :NAME" in reported
    )


def test_the_working_directory_comes_before_installed_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = 'CronEntry(function="shop.tidy", cron="* * * * *", queue_name="shop", id="{}")'
    for folder, ids in (("installed", ["other"]), ("here", ["first", "second"])):
        (tmp_path / folder).mkdir()
        listed = ", ".join(map(entry.format, ids))
        (tmp_path / folder / "list_in_two_folders.py").write_text(
            f"from rq_mon import CronEntry\nCRON_JOBS = [{listed}]\n"
        )
    monkeypatch.setattr(sys, "path", [str(tmp_path / "installed"), *sys.path])
    monkeypatch.chdir(tmp_path / "here")

    try:
        entries = cron_list("list_in_two_folders")
    finally:
        sys.modules.pop("list_in_two_folders", None)

    assert [each.id for each in entries] == ["first", "second"]


@pytest.mark.parametrize(
    ("where", "code", "expected"),
    [
        ("no_such", None, "got no_such: ModuleNotFoundError: No module named 'no_such'"),
        ("shop.no_such", None, "No module named 'shop.no_such'"),
        ("shop.wrong", "import nothing_of_this_name", "No module named 'nothing_of_this_name'"),
        ("shop.wrong", "\n1 / 0", "ZeroDivisionError: division by zero"),
        ("shop.wrong", "if", "SyntaxError"),
        ("shop.wrong", "raise SystemExit(0)", "SystemExit: 0"),
        ("shop.wrong", "", "shop.wrong: expected a list CRON_JOBS of cron jobs, it has none"),
        ("shop.wrong:NIGHTLY", "CRON_JOBS = []", "expected a list NIGHTLY of cron jobs, it has none"),
        ("shop.wrong", "CRON_JOBS = {}", "expected a list of cron jobs, got dict"),
        ("shop.wrong", "CRON_JOBS = ['tidy']", "cron job number 1 of the list: expected a rq_mon.CronEntry"),
        ("shop/wrong.py", None, "expected a module such as myapp.cron_jobs, got 'shop/wrong.py'"),
        ("shop..wrong", None, "expected a module such as myapp.cron_jobs, got 'shop..wrong'"),
    ],
)
def test_refuses_an_invalid_list_in_one_line_and_writes_nothing(
    shop: Path,
    redis_client: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    where: str,
    code: str | None,
    expected: str,
) -> None:
    if code is not None:
        (shop / "shop" / "wrong.py").write_text(code)
    monkeypatch.chdir(shop)
    monkeypatch.syspath_prepend(str(shop))
    monkeypatch.setattr(sys, "argv", ["rq-mon-cron", where])
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        monkeypatch.delitem(sys.modules, name)

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("rq-mon-cron: ")
    assert expected in line
    assert redis_client.dbsize() == 0
