"""Both distributions, built and installed into separate environments.

`rq-mon` installs no module called `scheduler`, so one of an application or library keeps working.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from urllib.request import urlopen

import pytest
from redis import Redis

from proofs.harness.ports import free_port
from proofs.harness.redis_server import RedisServer
from proofs.harness.servers import running
from tests.harness.environments import Environment, environment

pytestmark = [pytest.mark.e2e(seconds=10), pytest.mark.needs("redis-server")]

APPLICATION = {
    "scheduler.py": "def tick():\n    return 'tick'\n",
    "orders.py": "import scheduler\n\n\ndef charge():\n    return scheduler.tick()\n",
}
OTHER_LIBRARY = {
    "orders.py": "from scheduler import Scheduler\n\n\ndef charge():\n    return Scheduler.__name__\n"
}


@pytest.fixture(scope="module")
def monitoring_alone(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return environment(tmp_path_factory.mktemp("alone") / "venv", f"{wheels['rq_mon']}[cli,exporter]")


@pytest.fixture(scope="module")
def beside_a_library_called_scheduler(monitoring_alone: Environment) -> Environment:
    """The same with the PyPI package `scheduler` installed after it."""
    monitoring_alone.install("scheduler")
    return monitoring_alone


@pytest.fixture(params=["own module", "library"])
def application(
    request: pytest.FixtureRequest, tmp_path: Path, monitoring_alone: Environment
) -> tuple[Environment, Path, object]:
    """An environment, the folder of an application in it, and what its job returns."""
    if request.param == "library":
        installed = request.getfixturevalue("beside_a_library_called_scheduler")
        files, result = OTHER_LIBRARY, "Scheduler"
    else:
        installed, files, result = monitoring_alone, APPLICATION, "tick"
    for name, code in files.items():
        (tmp_path / name).write_text(code)
    return installed, tmp_path, result


@pytest.mark.parametrize("worker_class", [(), ("--worker-class", "rq_mon.MonitoredWorker")])
def test_an_application_with_a_module_called_scheduler_runs_its_jobs(
    application: tuple[Environment, Path, object],
    worker_class: tuple[str, ...],
    redis_client: Redis,
    redis_server: RedisServer,
) -> None:
    installed, folder, result = application
    enqueue = (
        "from redis import Redis; from rq import Queue; import sys;"
        " print(Queue('orders', connection=Redis.from_url(sys.argv[1])).enqueue('orders.charge').id)"
    )
    job = installed.run("python", "-c", enqueue, redis_server.url, cwd=folder, url=redis_server.url).strip()

    worker = ("worker", "--burst", "--url", redis_server.url, *worker_class, "orders")
    installed.run("rq", *worker, cwd=folder, url=redis_server.url)

    fetch = (
        "from redis import Redis; from rq.job import Job; import sys;"
        " print(Job.fetch(sys.argv[2], connection=Redis.from_url(sys.argv[1])).return_value())"
    )
    printed = installed.run("python", "-c", fetch, redis_server.url, job, cwd=folder, url=redis_server.url)
    assert printed.strip() == result
    status = json.loads(installed.run("rqmon", "status", "--json", cwd=folder, url=redis_server.url))
    assert [queue["name"] for queue in status["queues"]] == ["orders"]
    counted = bool(worker_class)
    assert ('function="orders.charge"' in metrics(installed, folder, redis_server.url)) == counted


def metrics(installed: Environment, folder: Path, url: str) -> str:
    port = free_port()
    command = [str(installed.python), "-m", "rq_mon.exporter"]
    variables = {"RQ_REDIS_URL": url, "RQ_EXPORTER_PORT": str(port)}
    with (
        running("exporter", folder, port, command, "/metrics", variables, folder),
        urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer,
    ):
        return str(answer.read().decode())


def test_only_the_second_distribution_contains_the_package_scheduler(wheels: dict[str, Path]) -> None:
    packages = {
        name: {file.split("/")[0] for file in zipfile.ZipFile(path).namelist() if ".dist-info" not in file}
        for name, path in wheels.items()
    }

    assert packages == {"rq_mon": {"rq_mon"}, "rq_mon_scheduler": {"scheduler"}}


def test_the_second_distribution_schedules_jobs_from_anywhere(
    wheels: dict[str, Path], tmp_path: Path, redis_client: Redis, redis_server: RedisServer
) -> None:
    installed = environment(tmp_path / "venv", *(str(path) for path in wheels.values()))
    schedule = "from scheduler import job_scheduler; print(job_scheduler('os.getpid').origin)"

    printed = installed.run("python", "-c", schedule, cwd=tmp_path, url=redis_server.url)

    assert printed.strip() == "short-running"
    assert redis_client.llen("rq:queue:short-running") == 1


def test_the_installed_package_exports_what_prometheus_and_grafana_load(
    monitoring_alone: Environment, tmp_path: Path, project_root: Path
) -> None:
    for what, source in (("rules", "prometheus/rules/*.yml"), ("dashboards", "grafana/generated/*.json")):
        monitoring_alone.run("rqmon", "export", what, what, cwd=tmp_path, url="redis://127.0.0.1:1")

        expected = sorted(path.name for path in project_root.glob(source))
        assert sorted(path.name.removeprefix("rq-mon-") for path in (tmp_path / what).iterdir()) == expected
