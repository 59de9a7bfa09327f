"""The pages about frameworks, run as written with the packages from PyPI, on RQ 2.12 and on RQ 3.

Each test saves the files of a page, enqueues jobs as the application does, starts the page's worker, and
asks the exporter how many it counted. requirements/frameworks-rq2.txt and -rq3.txt lock the versions.
"""

from __future__ import annotations

import gzip
import subprocess
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from proofs.harness.exporter_process import Exporter, running_exporter
from proofs.harness.redis_server import RedisServer
from proofs.harness.waiting import wait_until
from tests.harness.environments import PROJECT_ROOT, Environment, environment
from tests.harness.pages import Page, changed
from tests.harness.shell import in_background

pytestmark = [pytest.mark.e2e(seconds=12), pytest.mark.needs("redis-server")]

WITHIN = 180.0

DJANGO, WEB, WORKERS = Page("start/django.md"), Page("start/flask-fastapi.md"), Page("start/your-own-rq.md")

MANAGE = """\
import os, sys
from django.core.management import execute_from_command_line
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
execute_from_command_line(sys.argv)
"""
DJANGO_SETTINGS = """\
from site_settings import *
SECRET_KEY = "not secret"
INSTALLED_APPS = ["django_rq"]
"""
TASKS = "def succeed(): ...\n\n\ndef fail():\n    raise KeyError('no such order')\n"


@pytest.fixture(scope="module", params=["2", "3"], ids="rq{}".format)
def application(
    request: pytest.FixtureRequest, wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    """The environment of an application with `pip install ./rq-mon` and nothing else from this repository."""
    lock = PROJECT_ROOT / "requirements" / f"frameworks-rq{request.param}.txt"
    made = environment(tmp_path_factory.mktemp("frameworks") / "venv", "--require-hashes", "-r", str(lock))
    before = versions(made)
    made.install(str(wheels["rq_mon"]))
    assert versions(made).items() >= before.items()
    assert before["rq"].startswith(f"{request.param}.")
    return made


def versions(installed: Environment) -> dict[str, str]:
    code = "from importlib.metadata import distributions as d; print(*(f'{x.name}={x.version}' for x in d()))"
    command = [str(installed.python), "-c", code]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    return dict(each.split("=") for each in printed.split())


class Door:
    """An application that follows a page: its folder, its Redis, and its exporter."""

    def __init__(self, installed: Environment, folder: Path, server: RedisServer, exporter: Exporter) -> None:
        self.installed, self.folder, self.server, self.exporter = installed, folder, server, exporter
        self.log = folder / "workers.log"
        self.addresses = {"redis://127.0.0.1:6379/0": server.url, "redis://127.0.0.1:6379/1": other(server)}

    def save(self, page: Page, **files: str) -> None:
        """Save the files of a page, and some that every application has."""
        page.write_files(self.folder, self.addresses)
        for name, text in files.items():
            (self.folder / f"{name}.py").write_text(text)

    def run(self, code: str) -> None:
        """Run code of the application."""
        result = subprocess.run(
            [self.installed.python, "-c", code],
            cwd=self.folder,
            env=self._variables({}),
            capture_output=True,
            text=True,
            timeout=WITHIN,
        )
        assert result.returncode == 0, result.stderr

    def worker(self, command: str, **variables: str) -> AbstractContextManager[None]:
        """Run a command of a page, which may begin with variables, during the block."""
        return in_background(f"exec env {command}", self.folder, self._variables(variables), self.log)

    def wait_until_counted(self, exporter: Exporter | None = None, **numbers: int) -> None:
        """Wait until jobs are counted by function and outcome, as in `fail__failed=1`."""
        expected = {tuple(name.rsplit("__", 1)): number for name, number in numbers.items()}

        def counted() -> dict[tuple[str, ...], float]:
            return samples(exporter or self.exporter)

        try:
            wait_until(lambda: counted() == expected, f"{expected}", within=WITHIN, every=0.5)
        except AssertionError as error:
            raise AssertionError(f"{error}; {counted()}\n{self.log.read_text()[-5000:]}") from None

    def _variables(self, more: dict[str, str]) -> dict[str, str]:
        return {**self.installed.variables, "RQ_REDIS_URL": self.server.url, **more}


def samples(exporter: Exporter) -> dict[tuple[str, ...], float]:
    """Return how many jobs are counted by function, as one word, and outcome."""
    found: dict[tuple[str, ...], float] = {}
    for line in exporter.get().body.decode().splitlines():
        if line.startswith("rq_jobs_processed_total{") and not line.endswith(" 0.0"):
            labels = dict(part.split("=") for part in line[line.index("{") + 1 : line.index("}")].split(","))
            function, outcome = (labels[name].strip('"') for name in ("function", "outcome"))
            found[function.rpartition(".")[2], outcome] = float(line.rpartition(" ")[2])
    return found


def other(server: RedisServer) -> str:
    """Return the address of the second database."""
    return f"{server.url.rsplit('/', 1)[0]}/1"


@pytest.fixture
def door(application: Environment, tmp_path: Path) -> Iterator[Door]:
    with RedisServer(tmp_path) as server, running_exporter(server.url, tmp_path) as exporter:
        yield Door(application, tmp_path, server, exporter)


def test_django_rq_counts_jobs_of_each_database_with_one_setting_or_one_flag(
    door: Door, tmp_path: Path
) -> None:
    door.save(DJANGO, manage=MANAGE, settings=DJANGO_SETTINGS, tasks=TASKS)
    enqueue = (
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'settings'; import django; django.setup();"
        "import django_rq, tasks; "
    )
    door.run(f"{enqueue}[django_rq.enqueue(each) for each in (tasks.succeed, tasks.succeed, tasks.fail)]")
    door.run(f"{enqueue}django_rq.get_queue('reports').enqueue(tasks.succeed)")
    default, reports, flag = [command for command in DJANGO.commands if "manage.py" in command]
    assert "--worker-class" in flag

    (tmp_path / "reports").mkdir()
    with (
        running_exporter(other(door.server), tmp_path / "reports") as second,
        door.worker(default),
        door.worker(reports),
    ):
        door.wait_until_counted(succeed__success=2, fail__failed=1)
        door.wait_until_counted(second, succeed__success=1)

    settings = tmp_path / "site_settings.py"
    settings.write_text(settings.read_text().partition("RQ = ")[0])
    door.run(f"{enqueue}django_rq.enqueue(tasks.fail)")
    with door.worker(flag):
        door.wait_until_counted(succeed__success=2, fail__failed=2)


@pytest.mark.parametrize(
    "requests",
    [
        "from flask_app import app; client = app.test_client()",
        "from fastapi.testclient import TestClient; from fastapi_app import app; client = TestClient(app)",
    ],
    ids=["flask", "fastapi"],
)
def test_jobs_of_flask_and_fastapi_are_counted_with_one_variable(door: Door, requests: str) -> None:
    door.save(WEB)
    door.run(
        f"{requests}; answers = [client.post(f'/welcome/{{name}}') for name in ('ann', 'bob')];"
        " assert [each.status_code for each in answers] == [200, 200], answers"
    )
    exports = [command for command in WEB.commands if command.startswith("export ")]
    given = dict(changed(each, door.addresses).removeprefix("export ").split("=", 1) for each in exports)
    assert given.keys() == {"RQ_REDIS_URL", "RQ_WORKER_CLASS"}

    with door.worker(WEB.command("rq worker"), **given):
        door.wait_until_counted(send_welcome__success=2)


ENQUEUE = (
    "import os, tasks; from redis import Redis; from rq import Queue;"
    " queue = Queue('orders', connection=Redis.from_url(os.environ['RQ_REDIS_URL']));"
    " [queue.enqueue(each) for each in (tasks.succeed, tasks.fail, tasks.succeed)]"
)


def test_jobs_are_counted_with_each_way_to_name_the_worker_class(door: Door) -> None:
    door.save(WORKERS, tasks=TASKS)
    ways = [
        WORKERS.command("RQ_WORKER_CLASS=rq_mon.MonitoredWorker rq worker orders"),
        WORKERS.command("RQ_WORKER_CLASS=rq_mon.MonitoredWorker rq worker-pool"),
        WORKERS.command("rq worker -c rq_settings"),
        WORKERS.command("rq worker --worker-class shop_workers.ShopWorker"),
    ]

    for number, way in enumerate(ways, start=1):
        door.run(ENQUEUE)
        with door.worker(way):
            door.wait_until_counted(succeed__success=2 * number, fail__failed=number)


def test_sentry_receives_the_failure_that_is_counted(door: Door) -> None:
    door.save(WORKERS, tasks=TASKS)
    door.run(ENQUEUE)

    with (
        sentry() as (address, envelopes),
        door.worker(WORKERS.command("rq worker --worker-class sentry_workers"), SENTRY_DSN=address),
    ):
        door.wait_until_counted(succeed__success=2, fail__failed=1)
        wait_until(lambda: any(b"no such order" in each for each in envelopes), "the event", within=WITHIN)


@contextmanager
def sentry() -> Iterator[tuple[str, list[bytes]]]:
    """A server that accepts what Sentry's SDK sends; yields its address as a DSN, and the received events."""
    envelopes: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            envelopes.append(
                gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            )
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep the tests' output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://public@127.0.0.1:{server.server_port}/1", envelopes
    finally:
        server.shutdown()
        server.server_close()
