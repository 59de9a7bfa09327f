"""The compose files, read without an engine: their promises, and that they match the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rq_mon.environment.dotenv import read_dotenv
from rq_mon.environment.variables import variables_in
from rq_mon.settings import Process, Settings, variables_of
from stack import credentials
from stack.compose.images import BASE_IMAGE_VARIABLE, image_of
from stack.native.commands import FOR_GRACE_PERIOD
from stack.services import (
    ALERTMANAGER,
    CORE_COMPOSE_FILE,
    GRAFANA,
    MONITOR_COMPOSE_FILE,
    PROMETHEUS,
    REDIS_EXPORTER,
    SERVICES,
    SHORT_RUNNING_WORKER,
    VIEWER,
    Service,
)
from stack.settings import PROJECT_ROOT
from stack.variables import BIND_ADDRESS, HANDED_ON, VARIABLES
from tests.harness.compose_files import compose_file

FILES = {name: compose_file(name) for name in (CORE_COMPOSE_FILE, MONITOR_COMPOSE_FILE)}
COMMON = "stack/compose/common.yml"
ONE_SHOT = "credentials"
"""It ends once it has given each service its passwords. The monitor's file extends it."""
DISTRIBUTOR, OF_MONITOR = (FILES[name]["services"].pop(ONE_SHOT) for name in FILES)
DEFINITIONS: dict[str, dict[str, Any]] = {
    name: definition for file in FILES.values() for name, definition in file["services"].items()
}
OUR_OWN = sorted(name for name, definition in DEFINITIONS.items() if "rq-mon" in definition["image"])
BUILDER = SHORT_RUNNING_WORKER.name
DOCKERFILE = (PROJECT_ROOT / "Dockerfile").read_text()
REFERENCE = re.compile(r"\$\{(\w+):-([^}]*)\}")

NAMED_VOLUMES = {name for file in FILES.values() for name in file["volumes"]}

every_service = pytest.mark.parametrize("name", sorted(DEFINITIONS))


def strings(value: object) -> Iterator[str]:
    """All strings in a value of a YAML file."""
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif value is not None:
        yield str(value)


def is_read_only(volume: str | dict[str, Any]) -> bool:
    return volume.endswith(":ro") if isinstance(volume, str) else volume["read_only"] is True


# ---- one truth with the rest of the project ----


@pytest.mark.parametrize("file", FILES)
def test_a_file_contains_the_services_that_the_list_assigns_to_it(file: str) -> None:
    listed = {service.name for service in SERVICES if service.compose_file == file}

    assert set(FILES[file]["services"]) == listed


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_port_is_published_on_this_machine_only_unless_it_has_a_login_and_the_user_opens_it(
    service: Service,
) -> None:
    published = DEFINITIONS[service.name].get("ports", [])

    if service.port is None:
        assert published == []
    else:
        address = f"${{{service.bind_variable}:-{BIND_ADDRESS}}}" if service.has_login else BIND_ADDRESS
        port = f"${{{service.port_variable}:-{service.port}}}"
        assert published == [f"{address}:{port}:{service.port}"]


@pytest.mark.parametrize(
    ("name", "process"),
    [
        ("short-running-worker", "worker"),
        ("long-running-worker", "worker"),
        ("cron-scheduler", "cron-scheduler"),
        ("rq-exporter", "exporter"),
        ("rq-mon-web", "web"),
    ],
)
def test_a_process_gets_the_settings_that_it_reads_and_no_others(name: str, process: Process) -> None:
    every = {variable.name for variable in variables_in(Settings).values()}
    in_the_container = {"RQ_EXPORTER_HOST", "RQ_EXPORTER_PORT", "RQ_OBJECTIVES_FILE"}

    handed_on = DEFINITIONS[name]["environment"].keys() & every

    assert handed_on - in_the_container == variables_of(process) - in_the_container


@pytest.mark.parametrize("file", [*FILES, COMMON])
def test_every_variable_is_one_that_users_can_set_or_that_make_sets(file: str) -> None:
    text = re.sub(r"^ *#.*$", "", (PROJECT_ROOT / file).read_text(), flags=re.MULTILINE)
    named = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", text))
    declared = {variable.name for variable in (*VARIABLES, *HANDED_ON)}
    assert {
        name for name in named - declared if not name.startswith(("WATCHED_REDIS_", "PROBED_REDIS_"))
    } == set()


def test_both_files_are_one_project() -> None:
    assert FILES[CORE_COMPOSE_FILE]["name"] == FILES[MONITOR_COMPOSE_FILE]["name"]


@pytest.mark.parametrize("file", FILES)
def test_every_service_takes_the_common_blocks_from_one_file(file: str) -> None:
    services = yaml.safe_load((PROJECT_ROOT / file).read_text())["services"]
    if file == MONITOR_COMPOSE_FILE:
        del services[ONE_SHOT]  # only extends the one in the core's file

    assert {services[name]["extends"]["file"] for name in services} == {COMMON}


def test_the_common_blocks_contain_no_keys_that_compose_merges_or_resolves_differently() -> None:
    """Lists of two levels are joined. Versions differ in dependencies, and in the base of relative paths."""
    common = yaml.safe_load((PROJECT_ROOT / COMMON).read_text())["services"].values()

    for block in common:
        assert not block.keys() & {"networks", "depends_on", "volumes", "build", "env_file", "command"}
        assert "file" not in block.get("extends", {})


@pytest.mark.parametrize(
    "service",
    [each for each in SERVICES if each.health_path and each not in {REDIS_EXPORTER, ALERTMANAGER}],
    ids=lambda s: s.name,
)
def test_a_health_check_requests_the_health_page(service: Service) -> None:
    check = " ".join(DEFINITIONS[service.name]["healthcheck"]["test"])

    assert f"http://127.0.0.1:{service.port}{service.health_path}" in check


def test_the_viewer_listens_on_the_port_that_is_published() -> None:
    assert DEFINITIONS[VIEWER.name]["environment"]["VIEWER_PORT"] == VIEWER.port


# ---- hardening ----


@every_service
def test_a_container_can_write_only_where_it_must(name: str) -> None:
    definition = DEFINITIONS[name]

    assert definition["read_only"] is True
    for volume in definition.get("volumes", []):
        assert is_read_only(volume) or volume.partition(":")[0] in NAMED_VOLUMES, volume


@every_service
def test_a_container_has_no_privileges(name: str) -> None:
    definition = DEFINITIONS[name]

    assert definition["cap_drop"] == ["ALL"]
    assert definition["security_opt"] == ["no-new-privileges:true"]
    assert not definition.keys() & {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"}
    assert not any("docker.sock" in text for text in strings(definition))


@every_service
def test_no_container_runs_as_root(name: str) -> None:
    user = DEFINITIONS[name].get("user")
    if user is None:
        assert name in OUR_OWN
        user = re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE)[-1]

    assert user.partition(":")[0] not in ("", "0", "root")


@every_service
def test_a_container_and_its_log_have_limits(name: str) -> None:
    definition = DEFINITIONS[name]

    assert definition["mem_limit"]
    assert definition["cpus"] <= 1, "more would not start on a machine with one core"
    assert definition["pids_limit"]
    assert definition["logging"]["options"].keys() == {"max-size", "max-file"}


@every_service
def test_every_container_is_restarted_when_it_ends(name: str) -> None:
    assert DEFINITIONS[name]["restart"] == "unless-stopped"


@every_service
def test_no_service_definition_contains_a_password(name: str) -> None:
    definition = DEFINITIONS[name]

    for variable in definition.get("environment", {}):
        if re.search("PASSWORD|SECRET|TOKEN|KEY", variable):
            assert variable.endswith("_FILE"), variable
    assert not any(re.search(r"://[^/]*:[^/]*@", text) for text in strings(definition))


# ---- passwords ----


def access_volume(name: str) -> str | None:
    """The volume with the passwords of a service."""
    volumes = [each for each in DEFINITIONS[name].get("volumes", []) if isinstance(each, str)]
    return next((each.partition(":")[0] for each in volumes if each.endswith(f":{ACCESS}:ro")), None)


def share_of(volume: str) -> str:
    """The share that is written to a volume."""
    mounted = dict(
        each.split(":") for each in DISTRIBUTOR["volumes"] + OF_MONITOR["volumes"] if "access" in each
    )
    return str(Path(mounted[volume]).relative_to(credentials.SHARES))


ACCESS = str(credentials.SHARES)
WITH_PASSWORDS = {name: volume for name in DEFINITIONS if (volume := access_volume(name))}


def user_of(name: str) -> int:
    user = DEFINITIONS[name].get("user") or re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE)[-1]
    return int(user.partition(":")[0])


def test_every_service_but_the_viewer_reads_passwords_from_a_volume() -> None:
    without = {VIEWER.name}

    assert WITH_PASSWORDS.keys() == DEFINITIONS.keys() - without


@pytest.mark.parametrize("name", sorted(WITH_PASSWORDS))
def test_passwords_belong_to_the_user_of_the_container_that_reads_them(name: str) -> None:
    assert credentials.SERVICES_SHARES[share_of(WITH_PASSWORDS[name])].owner == user_of(name)
    assert ONE_SHOT in DEFINITIONS[name]["depends_on"]


def test_only_workers_share_passwords() -> None:
    services: dict[str, set[str]] = {share_of(volume): set() for volume in WITH_PASSWORDS.values()}
    for name, volume in WITH_PASSWORDS.items():
        services[share_of(volume)].add(name)

    workers = services.pop("workers")
    assert workers == {"short-running-worker", "long-running-worker", "cron-scheduler"}
    assert services == {share: {share} for share in services}
    assert {*services, "workers"} == credentials.SERVICES_SHARES.keys()


def test_the_container_that_distributes_passwords_has_no_other_rights() -> None:
    assert DISTRIBUTOR["user"] == "0:0"
    assert DISTRIBUTOR["cap_drop"] == ["ALL"]
    assert DISTRIBUTOR["cap_add"] == ["CHOWN", "DAC_OVERRIDE"]
    assert DISTRIBUTOR["security_opt"] == ["no-new-privileges:true"]
    assert DISTRIBUTOR["read_only"] is True
    assert DISTRIBUTOR["network_mode"] == "none"
    assert DISTRIBUTOR["restart"] == "no"
    assert DISTRIBUTOR["mem_limit"]
    assert DISTRIBUTOR["image"] == DEFINITIONS[BUILDER]["image"]
    assert DISTRIBUTOR["pull_policy"] == "never"
    assert not (DISTRIBUTOR.keys() | OF_MONITOR.keys()) & {"privileged", "ports", "pid", "devices"}


# ---- images ----


@pytest.mark.parametrize("name", sorted((DEFINITIONS.keys() - set(OUR_OWN)) | {BUILDER}))
def test_an_image_is_pinned_by_version_and_can_be_overridden(name: str) -> None:
    image = image_of(DEFINITIONS[name])

    assert image is not None
    assert re.search(r":v?\d+(\.\d+)*(-[a-z]+)?$", image.default), image
    assert image.variable.endswith("_IMAGE")


def test_every_image_is_overridden_by_its_own_variable() -> None:
    images = {image for definition in DEFINITIONS.values() if (image := image_of(definition))}

    assert len({image.variable for image in images}) == len(images)


def test_our_services_share_one_image_that_is_built_and_never_pulled() -> None:
    assert {DEFINITIONS[name]["image"] for name in OUR_OWN} == {"${RQ_MON_IMAGE:-rq-mon:local}"}
    assert {DEFINITIONS[name]["pull_policy"] for name in OUR_OWN} == {"never"}
    assert [name for name in DEFINITIONS if "build" in DEFINITIONS[name]] == [BUILDER]


def test_the_dockerfile_and_the_compose_file_name_the_same_base_image() -> None:
    image = image_of(DEFINITIONS[BUILDER])

    assert image is not None
    assert f"ARG {BASE_IMAGE_VARIABLE}={image.default}\n" in DOCKERFILE


def test_the_dockerfile_needs_no_frontend_from_a_registry() -> None:
    assert "syntax=" not in DOCKERFILE


# ---- health ----


def test_every_service_but_redis_exporter_has_a_health_check() -> None:
    without = {name for name, definition in DEFINITIONS.items() if "healthcheck" not in definition}

    assert without == {REDIS_EXPORTER.name}


@every_service
def test_a_service_waits_for_the_health_of_what_it_needs(name: str) -> None:
    for needed, how in DEFINITIONS[name].get("depends_on", {}).items():
        if needed == ONE_SHOT:
            assert how == {"condition": "service_completed_successfully"}
        else:
            assert how == {"condition": "service_healthy"}
            assert "healthcheck" in DEFINITIONS[needed]


# ---- single services ----


def test_prometheus_keeps_exemplars_and_offers_no_interface_to_change_it() -> None:
    command = DEFINITIONS[PROMETHEUS.name]["command"]

    assert "--enable-feature=exemplar-storage" in command
    assert FOR_GRACE_PERIOD in command
    assert not any(option.startswith(("--web.enable-admin", "--web.enable-lifecycle")) for option in command)


@every_service
def test_the_output_of_a_container_is_limited(name: str) -> None:
    options = DEFINITIONS[name]["logging"]["options"]

    assert re.fullmatch(r"\d{1,2}m", options["max-size"])
    assert 1 < int(options["max-file"]) < 10


def test_stored_data_are_limited() -> None:
    redis, prometheus, alertmanager = (
        str(DEFINITIONS[each]["command"]) for each in ("redis", "prometheus", "alertmanager")
    )

    assert "--maxmemory ${REDIS_MAXMEMORY" in redis
    assert "--storage.tsdb.retention.size=${PROMETHEUS_RETENTION_SIZE" in prometheus
    assert "--storage.tsdb.retention.time=${PROMETHEUS_RETENTION_TIME" in prometheus
    assert "--data.retention=" in alertmanager


def test_grafana_does_not_install_plugins_on_its_read_only_root() -> None:
    # Grafana 13 updates bundled plugins in place, including the Prometheus data source.
    settings = read_dotenv(PROJECT_ROOT / DEFINITIONS[GRAFANA.name]["env_file"][0])

    assert settings["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"


def test_only_services_that_need_redis_reach_it() -> None:
    in_reach = {name for name, definition in DEFINITIONS.items() if "core" in definition["networks"]}

    workers = {"short-running-worker", "long-running-worker", "cron-scheduler"}
    assert in_reach == {"redis", "rq-exporter", "redis-exporter", "rq-mon-web", *workers}


def test_every_mounted_file_exists() -> None:
    mounts = [
        volume.split(":")[0]
        for definition in DEFINITIONS.values()
        for volume in definition.get("volumes", [])
        if isinstance(volume, str) and volume.startswith("./")
    ]

    assert mounts
    for mount in mounts:
        assert (PROJECT_ROOT / mount).exists(), mount


def test_the_build_context_has_every_script_that_a_container_runs() -> None:
    scripts = [
        word for name in OUR_OWN for word in DEFINITIONS[name]["command"] if Path(word).suffix == ".py"
    ]

    assert scripts
    for script in scripts:
        assert (PROJECT_ROOT / script).is_file(), script
