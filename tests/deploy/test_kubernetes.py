"""The manifests for Kubernetes: valid, restricted, and consistent with the rest of the project."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from deploy.kubernetes.generate import OPERATORS_OWN, OPERATORS_OWN_FILES, RULES, generated_files
from rq_mon.environment.variables import variables_in
from rq_mon.health import _parse
from rq_mon.settings import Settings
from stack.services import (
    APPLICATION_SERVICES,
    CORE_COMPOSE_FILE,
    MONITOR_COMPOSE_FILE,
    REDIS_EXPORTER,
    RQ_EXPORTER,
    WORKERS,
)
from stack.services import REDIS as REDIS_SERVICE
from stack.settings import PROJECT_ROOT
from stack.variables import REDIS_MAXMEMORY, STOP_GRACE
from tests.deploy.rendered import (
    ALL,
    BASE,
    KEDA,
    OPERATOR,
    REDIS,
    Manifest,
    container,
    of_kind,
    pods,
    rendered,
)
from tests.harness.compose_files import compose_file

COMPOSED: dict[str, dict[str, Any]] = {
    name: definition
    for file in (CORE_COMPOSE_FILE, MONITOR_COMPOSE_FILE)
    for name, definition in compose_file(file)["services"].items()
}
CUSTOM = {
    file.stem: json.loads(file.read_text()) for file in (Path(__file__).parent / "schemas").glob("*.json")
}
"""Schemas of the operators' own object kinds."""

OLDEST, NEWEST = "1.29", "1.37"
"""Versions of Kubernetes whose schemas the manifests follow."""

MEBIBYTES = {"m": 1, "g": 1024}

every_pod = pytest.mark.parametrize(
    ("folder", "name"), [(f, name) for f in ALL for name in pods(rendered(f))]
)


def default(text: str) -> str:
    """The value that compose computes from `${NAME:-default}`."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


# ---- valid ----


@pytest.mark.slow
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("folder", ALL)
def test_every_object_matches_the_schema_of_kubernetes(folder: str, version: str) -> None:
    core = [manifest for manifest in rendered(folder) if manifest["kind"] not in CUSTOM]

    assert core
    for manifest in core:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_the_schema_refuses_a_misspelt_key() -> None:
    deployment = json.loads(json.dumps(of_kind(rendered(BASE), "Deployment")["cron-scheduler"]))
    deployment["spec"]["template"]["spec"]["securityContexts"] = {}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, NEWEST, strict=True)


@pytest.mark.parametrize(
    "manifest",
    of_kind(rendered(KEDA), *CUSTOM).values(),
    ids=lambda m: f"{m['kind']}-{m['metadata']['name']}",
)
def test_every_custom_resource_matches_its_schema(manifest: Manifest) -> None:
    jsonschema.validate(manifest, CUSTOM[manifest["kind"]])


def test_the_schema_of_a_custom_resource_refuses_a_misspelt_key() -> None:
    (monitor, *_) = of_kind(rendered(OPERATOR), "ServiceMonitor").values()
    misspelt = json.loads(json.dumps(monitor))
    misspelt["spec"]["endpoints"][0]["intervall"] = "5s"

    with pytest.raises(jsonschema.ValidationError, match="intervall"):
        jsonschema.validate(misspelt, CUSTOM["ServiceMonitor"])


@pytest.mark.parametrize("folder", ALL)
def test_no_object_is_too_large_to_be_applied(folder: str) -> None:
    for manifest in rendered(folder):
        assert len(json.dumps(manifest)) < 256 * 1024, (
            "kubectl apply keeps a copy in an annotation of 256 KiB"
        )


# ---- restricted: https://kubernetes.io/docs/concepts/security/pod-security-standards/ ----


def test_the_namespace_runs_restricted_pods_only() -> None:
    (namespace,) = of_kind(rendered(BASE), "Namespace").values()

    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for manifest in rendered(KEDA):
        assert (
            manifest["kind"] == "Namespace"
            or manifest["metadata"]["namespace"] == namespace["metadata"]["name"]
        )


@every_pod
def test_a_pod_is_restricted(folder: str, name: str) -> None:
    pod = pods(rendered(folder))[name]["spec"]
    (only,) = pod["containers"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC", "initContainers"}
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not any("hostPort" in port for port in only.get("ports", []))
    assert all(volume.keys() & {"emptyDir", "configMap", "secret"} for volume in pod.get("volumes", []))


@every_pod
def test_a_pod_has_limits_and_requests(folder: str, name: str) -> None:
    resources = container(pods(rendered(folder))[name])["resources"]

    assert resources["limits"].keys() == resources["requests"].keys() == {"cpu", "memory"}


@pytest.mark.parametrize("folder", ALL)
def test_passwords_come_from_a_secret_that_the_manifests_do_not_hold(folder: str) -> None:
    assert not of_kind(rendered(folder), "Secret")
    for pod in pods(rendered(folder)).values():
        for variable in container(pod).get("env", []):
            assert "PASSWORD" not in variable["name"] or "secretKeyRef" in variable["valueFrom"]
    for config_map in of_kind(rendered(folder), "ConfigMap").values():
        for value in config_map["data"].values():
            assert not re.search(r"://[^/\s]*:[^/\s]*@", value)


def test_only_services_that_need_redis_reach_it_and_none_reaches_workers() -> None:
    policies = of_kind(rendered(REDIS), "NetworkPolicy")
    reaches = {
        name for name, pod in pods(rendered(REDIS)).items() if "rq-mon/reaches" in pod["metadata"]["labels"]
    }

    assert policies["nothing"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert reaches == pods(rendered(BASE)).keys()
    (allowed,) = policies["redis"]["spec"]["ingress"]
    assert allowed["from"] == [{"podSelector": {"matchLabels": {"rq-mon/reaches": "redis"}}}]
    opened = [policy["spec"]["podSelector"] for policy in policies.values() if policy["spec"].get("ingress")]
    for worker in WORKERS.values():
        assert worker.name not in json.dumps(opened)


@pytest.mark.parametrize("kind", ["PodDisruptionBudget", "NetworkPolicy"])
def test_every_selector_matches_a_pod(kind: str) -> None:
    labels = [pod["metadata"]["labels"] for pod in pods(rendered(REDIS)).values()]

    for name, manifest in of_kind(rendered(REDIS), kind).items():
        selector = manifest["spec"].get("podSelector") or manifest["spec"].get("selector") or {}
        for key, value in selector.get("matchLabels", {}).items():
            assert any(each.get(key) == value for each in labels), name
        for expression in selector.get("matchExpressions", []):
            for value in expression["values"]:
                assert any(each.get(expression["key"]) == value for each in labels), (name, value)


# ---- one truth with the rest of the project ----


@pytest.mark.parametrize("path", generated_files(), ids=lambda path: path.name)
def test_a_generated_file_is_fresh(path: Any) -> None:
    assert path.read_text() == generated_files()[path], "make manifests"


def test_all_rules_are_included_except_those_of_the_operator() -> None:
    groups = [
        group
        for rule in of_kind(rendered(OPERATOR), "PrometheusRule").values()
        for group in rule["spec"]["groups"]
    ]
    files = sorted(set(RULES.rglob("*.yml")) - OPERATORS_OWN_FILES)
    written = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]

    left_out = set()
    for group in written:
        left_out |= {rule["alert"] for rule in group["rules"] if rule.get("alert") in OPERATORS_OWN}
        group["rules"] = [rule for rule in group["rules"] if rule.get("alert") not in OPERATORS_OWN]
    assert left_out == OPERATORS_OWN
    assert sorted(groups, key=lambda group: group["name"]) == sorted(written, key=lambda group: group["name"])


def test_every_dashboard_is_a_config_map_that_grafana_finds() -> None:
    maps = {
        name: config_map
        for name, config_map in of_kind(rendered(OPERATOR), "ConfigMap").items()
        if config_map["metadata"].get("labels", {}).get("grafana_dashboard") == "1"
    }
    files = list((PROJECT_ROOT / "grafana" / "generated").glob("*.json"))

    assert maps.keys() == {file.stem for file in files}
    for file in files:
        assert maps[file.stem]["data"] == {file.name: file.read_text()}


@pytest.mark.parametrize("service", [RQ_EXPORTER, REDIS_EXPORTER], ids=lambda service: service.name)
def test_a_service_monitor_finds_its_service(service: Any) -> None:
    found = of_kind(rendered(OPERATOR), "Service")[service.name]
    monitor = of_kind(rendered(OPERATOR), "ServiceMonitor")[service.name]

    assert monitor["spec"]["selector"]["matchLabels"].items() <= found["metadata"]["labels"].items()
    (port,), (endpoint,) = found["spec"]["ports"], monitor["spec"]["endpoints"]
    assert port["name"] == endpoint["port"]
    assert port["port"] == service.port
    pod = pods(rendered(OPERATOR))[service.name]
    assert container(pod)["ports"] == [{"name": port["targetPort"], "containerPort": service.port}]
    assert found["spec"]["selector"].items() <= pod["metadata"]["labels"].items()


def test_redis_listens_at_the_address_in_the_settings() -> None:
    service = of_kind(rendered(REDIS), "Service")[REDIS_SERVICE.name]
    settings = next(m for n, m in of_kind(rendered(REDIS), "ConfigMap").items() if n.startswith("settings"))

    assert [port["port"] for port in service["spec"]["ports"]] == [REDIS_SERVICE.port]
    assert settings["data"]["RQ_REDIS_URL"] == f"redis://{REDIS_SERVICE.name}:{REDIS_SERVICE.port}/0"
    assert f"--maxmemory {REDIS_MAXMEMORY.default}" in container(pods(rendered(REDIS))["redis"])["args"][0]


def test_every_setting_is_one_that_the_processes_read() -> None:
    known = {variable.name for variable in variables_in(Settings).values()}

    for name, config_map in of_kind(rendered(BASE), "ConfigMap").items():
        if name.startswith("settings"):
            assert config_map["data"].keys() <= known
    for name in {*(s.name for s in APPLICATION_SERVICES), RQ_EXPORTER.name} - {REDIS_SERVICE.name}:
        only = container(pods(rendered(BASE))[name])
        assert {variable["name"] for variable in only.get("env", [])} <= known


@pytest.mark.parametrize("name", pods(rendered(REDIS)))
def test_a_container_has_the_image_command_and_limits_of_compose(name: str) -> None:
    only, composed = container(pods(rendered(REDIS))[name]), COMPOSED[name]

    assert only["image"] == default(composed["image"])
    if only["image"].startswith("rq-mon:"):
        assert only["command"] == composed["command"]
    amount, unit = re.fullmatch(r"(\d+)([mg])", default(composed["mem_limit"])).groups()  # type: ignore[union-attr]
    assert only["resources"]["limits"]["memory"] == f"{int(amount) * MEBIBYTES[unit]}Mi"
    assert float(only["resources"]["limits"]["cpu"]) == composed["cpus"]


@pytest.mark.parametrize("worker", WORKERS.values(), ids=lambda worker: worker.name)
def test_a_worker_has_time_to_finish_its_job_before_it_is_killed(worker: Any) -> None:
    assert pods(rendered(BASE))[worker.name]["spec"]["terminationGracePeriodSeconds"] == STOP_GRACE.default


def test_there_are_two_cron_schedulers_and_an_update_keeps_two() -> None:
    spec = of_kind(rendered(BASE), "Deployment")["cron-scheduler"]["spec"]

    assert spec["replicas"] == 2
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


# ---- health ----


@every_pod
def test_a_pod_is_probed(folder: str, name: str) -> None:
    assert "livenessProbe" in container(pods(rendered(folder))[name])


@pytest.mark.parametrize("name", [*(worker.name for worker in WORKERS.values()), "cron-scheduler"])
def test_each_probe_checks_its_own_process_and_tolerates_an_outage_of_redis(name: str) -> None:
    only = container(pods(rendered(BASE))[name])

    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        interpreter, module, *arguments = (
            only[probe]["exec"]["command"][0:1] + only[probe]["exec"]["command"][2:]
        )
        options = _parse(arguments)
        assert (interpreter, module) == ("python", "rq_mon.health")
        assert options.here
        assert options.tolerate_outage == (probe != "readinessProbe")
        expected = next((queue for queue, worker in WORKERS.items() if worker.name == name), None)
        assert getattr(options, "queue", None) == expected


def test_redis_exporter_does_not_connect_to_an_address_in_a_request() -> None:
    """That page would send the password of Redis to the address."""
    only = container(pods(rendered(BASE))["redis-exporter"])

    assert {"name": "REDIS_EXPORTER_DISABLE_SCRAPE_ENDPOINT", "value": "true"} in only["env"]
