"""The file for `docker stack deploy`, made from compose's output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.swarm.__main__ import DATA_LABEL, SWARM_COMPOSE_FILE
from deploy.swarm.stack_file import CREDENTIALS_SERVICE, stack_file, write_passwords
from stack.credentials import Origin
from stack.services import CRON_SCHEDULER, SERVICES, VIEWER, WORKERS
from stack.settings import PROJECT_ROOT
from tests.harness.compose_files import compose_file

OVERRIDE = (PROJECT_ROOT / SWARM_COMPOSE_FILE).read_text()


class _Loader(yaml.SafeLoader):
    """Accepts compose's own tags, such as !reset."""


_Loader.add_multi_constructor("!", lambda loader, suffix, node: loader.construct_sequence(node))
OVERRIDDEN_SERVICES: dict[str, Any] = yaml.load(OVERRIDE, _Loader)["services"]


def service(**definition: Any) -> dict[str, Any]:
    """A service as `docker compose config` shows it."""
    return {"image": "some:1", "mem_limit": "268435456", "cpus": 1, "pids_limit": 256, **definition}


def deployed(project: Path, **definition: Any) -> dict[str, Any]:
    """The file for one such service, `some`."""
    composed = {"services": {"some": service(**definition)}, "networks": {}, "volumes": {}}
    return stack_file(composed, project, project / "passwords")


# ---- the override ----


def test_the_file_contains_every_service_but_the_viewer() -> None:
    assert OVERRIDDEN_SERVICES.keys() == {each.name for each in SERVICES if each is not VIEWER}


def test_names_resolve_to_the_tasks_themselves() -> None:
    assert {each["deploy"]["endpoint_mode"] for each in OVERRIDDEN_SERVICES.values()} == {"dnsrr"}


def test_a_service_stays_on_the_machine_with_its_volume() -> None:
    files = list(PROJECT_ROOT.glob("docker-compose*.yml"))
    composed = [compose_file(path.name) for path in files]
    named = {volume for file in composed for volume in file["volumes"]}
    keeps = {
        name
        for file in composed
        for name, definition in file["services"].items()
        for volume in definition.get("volumes", [])
        if isinstance(volume, str) and volume.partition(":")[0] in named and not volume.endswith(":ro")
    } - {CREDENTIALS_SERVICE}

    for name, definition in OVERRIDDEN_SERVICES.items():
        constraints = definition["deploy"].get("placement", {}).get("constraints", [])
        assert (constraints == [f"node.labels.{DATA_LABEL} == true"]) == (name in keeps), name


@pytest.mark.parametrize("each", [*WORKERS.values(), CRON_SCHEDULER], ids=lambda each: each.name)
def test_an_update_starts_a_new_task_before_it_stops_an_old_one(each: Any) -> None:
    update = OVERRIDDEN_SERVICES[each.name]["deploy"]["update_config"]

    assert (update["order"], update["parallelism"]) == ("start-first", 1)
    assert update["failure_action"] == "rollback"


@pytest.mark.parametrize("each", [*WORKERS.values(), CRON_SCHEDULER], ids=lambda each: each.name)
def test_a_health_check_tests_its_own_task_and_passes_while_redis_is_down(each: Any) -> None:
    check = OVERRIDDEN_SERVICES[each.name]["healthcheck"]["test"]
    composed = compose_file(each.compose_file)["services"][each.name]

    assert {"--here", "--tolerate-outage"} <= set(check)
    assert [word for word in check if word not in ("--here", "--tolerate-outage")] == composed["healthcheck"][
        "test"
    ]


def test_there_is_more_than_one_cron_scheduler() -> None:
    assert OVERRIDDEN_SERVICES[CRON_SCHEDULER.name]["deploy"]["replicas"] > 1


# ---- the translation ----


def test_limits_become_those_of_a_task(tmp_path: Path) -> None:
    some = deployed(tmp_path)["services"]["some"]

    assert some["deploy"]["resources"]["limits"] == {"memory": "268435456", "cpus": "1", "pids": 256}
    assert not some.keys() & {"mem_limit", "cpus", "pids_limit"}


def test_keys_that_swarm_does_not_know_are_left_out(tmp_path: Path) -> None:
    some = deployed(
        tmp_path,
        build={"context": "."},
        depends_on={"redis": {"condition": "service_healthy"}},
        restart="unless-stopped",
        command=None,
    )["services"]["some"]

    assert not some.keys() & {"build", "depends_on", "restart", "command"}


def test_an_unset_variable_is_left_out(tmp_path: Path) -> None:
    some = deployed(tmp_path, environment={"A": "1", "B": None})["services"]["some"]

    assert some["environment"] == {"A": "1"}


def test_a_tmpfs_stays_a_tmpfs(tmp_path: Path) -> None:
    some = deployed(tmp_path, tmpfs=["/tmp"])["services"]["some"]

    assert some["volumes"] == [{"type": "tmpfs", "target": "/tmp"}]


def test_a_mounted_folder_of_the_project_becomes_configs_named_by_their_contents(
    tmp_path: Path,
) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "jobs.yml").write_text("one")
    mount = {"type": "bind", "source": str(tmp_path), "target": "/etc/prometheus"}

    before = deployed(tmp_path, volumes=[mount])
    (tmp_path / "rules" / "jobs.yml").write_text("two")
    after = deployed(tmp_path, volumes=[mount])

    (entry,) = before["services"]["some"]["configs"]
    assert entry["target"] == "/etc/prometheus/rules/jobs.yml"
    assert before["configs"] == {entry["source"]: {"file": str(tmp_path / "rules" / "jobs.yml")}}
    assert before["configs"].keys() != after["configs"].keys(), "a config in use cannot be changed"


def test_a_mounted_folder_from_elsewhere_becomes_secrets(tmp_path: Path) -> None:
    project, receivers = tmp_path / "project", tmp_path / "receivers"
    receivers.mkdir()
    (receivers / "slack-url").write_text("https://example.org/secret")
    mount = {"type": "bind", "source": str(receivers), "target": "/etc/alertmanager-receivers"}

    file = deployed(project, volumes=[mount])

    (entry,) = file["services"]["some"]["secrets"]
    assert entry["target"] == "/etc/alertmanager-receivers/slack-url"
    assert file["configs"] == {}
    assert file["secrets"].keys() == {entry["source"]}


def test_passwords_become_secrets_for_the_user_of_the_container_alone(tmp_path: Path) -> None:
    write_passwords(tmp_path / "passwords", Origin(tmp_path / "secrets", "redis://redis:6379/0"))
    composed = {
        "services": {
            CREDENTIALS_SERVICE: service(
                volumes=[{"type": "volume", "source": "redis-access", "target": "/run/access/redis"}]
            ),
            "redis": service(volumes=[{"type": "volume", "source": "redis-access", "target": "/run/access"}]),
        },
        "networks": {},
        "volumes": {"redis-access": {}, "redis-data": {}},
    }

    file = stack_file(composed, tmp_path, tmp_path / "passwords")

    entries = file["services"]["redis"]["secrets"]
    assert [entry["target"] for entry in entries] == ["/run/access/redis-password", "/run/access/users.acl"]
    assert {(entry["uid"], entry["mode"]) for entry in entries} == {("999", 0o400)}
    assert file["services"].keys() == {"redis"}
    assert file["volumes"].keys() == {"redis-data"}
    assert file["configs"] == {}


def test_names_are_short_enough_for_swarm(tmp_path: Path) -> None:
    long = tmp_path / f"{'a' * 100}.yml"
    long.write_text("")

    file = deployed(tmp_path, volumes=[{"type": "bind", "source": str(long), "target": "/etc/long.yml"}])

    (name,) = file["configs"]
    assert len(f"rq-mon-test-12345678_{name}") <= 64


def test_services_that_run_elsewhere_are_left_out(tmp_path: Path) -> None:
    composed = {"services": {"a": service(), "b": service()}, "networks": {}, "volumes": {}}

    assert stack_file(composed, tmp_path, tmp_path, absent=["a"])["services"].keys() == {"b"}
