"""rq-dashboard behind a login, with a real Redis and real jobs."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
import pytest
from redis import Redis
from rq import Queue, SimpleWorker

from grafana.preview.datasource import read_datasource
from grafana.preview.links import exemplar_links
from proofs.harness.ports import free_port
from proofs.harness.redis_server import RedisServer
from proofs.harness.servers import Server, running
from rq_mon.settings import SettingsError
from stack.job_pages.settings import PASSWORD_FILE, PageSettings
from stack.secrets import RQ_DASHBOARD_USER
from stack.settings import PROJECT_ROOT
from stack.variables import RQ_DASHBOARD_URL

pytestmark = pytest.mark.slow

PASSWORD = "a long password"
LOGIN = {"Authorization": f"Basic {base64.b64encode(f'{RQ_DASHBOARD_USER}:{PASSWORD}'.encode()).decode()}"}
GUESSED = base64.b64encode(f"{RQ_DASHBOARD_USER}:guessed".encode()).decode()


@pytest.fixture(scope="module")
def server(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory, port = tmp_path_factory.mktemp("pages"), free_port()
    password_file = directory / "password"
    password_file.write_text(PASSWORD)
    environment = {
        "RQ_REDIS_URL": redis_server.url,
        "RQ_DASHBOARD_PORT": str(port),
        PASSWORD_FILE.name: str(password_file),
    }
    command = (sys.executable, "-m", "stack.job_pages")
    with running("pages", directory, port, command, "/healthz", environment, PROJECT_ROOT) as server:
        yield server


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urlopen(Request(server.url + path, method=method, headers=sent), timeout=20) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture
def failed_job(redis_client: Redis) -> str:
    queue = Queue("short-running", connection=redis_client)
    job = queue.enqueue("os.no_such_function")
    SimpleWorker([queue], connection=redis_client).work(burst=True)
    return job.id


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic " + base64.b64encode(b"rq-mon:guessed").decode()},
    ],
)
@pytest.mark.parametrize(
    "path", ["/", "/0/view/job/x", "/0/data/queues.json", "/static/css/main.css", "/no-such-page"]
)
def test_nothing_is_shown_without_the_password(server: Server, path: str, headers: dict[str, str]) -> None:
    assert ask(server, path, **headers)[0] == 401


def test_the_link_of_an_exemplar_opens_the_page_of_its_job(server: Server, failed_job: str) -> None:
    variables = {
        RQ_DASHBOARD_URL.name: server.url,
        "PROMETHEUS_URL": "http://x",
        "ALERTMANAGER_URL": "http://x",
    }
    source = read_datasource(PROJECT_ROOT / "grafana" / "provisioning", variables)
    (link,) = exemplar_links({"job_id": failed_job}, source.exemplar_links)
    path = link.href.removeprefix(server.url)

    assert ask(server, path)[0] == 401
    status, page = ask(server, path, **LOGIN)
    assert status == 200
    assert failed_job in page


def test_a_job_that_is_gone_is_told_so(server: Server, redis_client: Redis) -> None:
    status, text = ask(server, "/0/view/job/gone", **LOGIN)

    assert (status, text) == (404, "There is no such job: it was deleted, or its time was over.")


def test_the_button_runs_a_failed_job_again(server: Server, failed_job: str, redis_client: Redis) -> None:
    status, _ = ask(server, f"/job/{failed_job}/requeue", "POST", **LOGIN)

    assert status == 200
    assert Queue("short-running", connection=redis_client).job_ids == [failed_job]


@pytest.mark.parametrize(
    "headers",
    [{"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}, {"Origin": "https://evil.example"}],
)
def test_a_page_of_another_address_changes_nothing(
    server: Server, failed_job: str, redis_client: Redis, headers: dict[str, str]
) -> None:
    status, _ = ask(server, f"/job/{failed_job}/requeue", "POST", **LOGIN, **headers)

    assert status == 403
    assert Queue("short-running", connection=redis_client).count == 0


def test_a_link_requeues_nothing(server: Server, failed_job: str, redis_client: Redis) -> None:
    assert ask(server, "/requeue/short-running", **LOGIN)[0] == 405
    assert Queue("short-running", connection=redis_client).count == 0


def test_the_password_is_in_no_command_line_environment_or_log(server: Server) -> None:
    process = psutil.Process(server.process.pid)

    assert PASSWORD not in " ".join((*process.cmdline(), str(process.environ()), server.log))


def test_it_does_not_start_without_a_password(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"{PASSWORD_FILE.name}: expected a file with a password"):
        PageSettings.from_environment({PASSWORD_FILE.name: str(tmp_path / "none")})
