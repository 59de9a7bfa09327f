"""The manifests that are generated from other files, so that no rule or objective is written twice.

Dashboards need none: grafana/kustomization.yaml makes ConfigMaps of them where they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from stack.services import REDIS_EXPORTER, RQ_EXPORTER
from stack.settings import PROJECT_ROOT

FOLDER = Path(__file__).resolve().parent
HEADER = "# Written by `make manifests` from {source}: change that, not this file.\n"

OPERATORS_OWN = {"Watchdog"}
"""The operator brings its own."""

RULES = PROJECT_ROOT / "prometheus" / "rules"
OPERATORS_OWN_FILES = {RULES / "stack" / "prometheus.yml", RULES / "stack" / "alertmanager.yml"}
"""About Prometheus and Alertmanager themselves: the operator has its own rules for them."""

Manifest = dict[str, Any]


class _Dumper(yaml.CSafeDumper):
    """Writes text of several lines as such."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def generated_files() -> dict[Path, str]:
    """Return path and text of every generated manifest."""
    return dict(_generate())


def _generate() -> Iterator[tuple[Path, str]]:
    yield _file(
        "base/objectives.yaml",
        "objectives.yml",
        [_config_map("rq-mon-objectives", [PROJECT_ROOT / "objectives.yml"])],
    )
    redis_conf = PROJECT_ROOT / "stack" / "redis.conf"
    yield _file(
        "components/redis/redis-conf.yaml", "stack/redis.conf", [_config_map("redis-conf", [redis_conf])]
    )
    rules = sorted(set(RULES.rglob("*.yml")) - OPERATORS_OWN_FILES)
    yield _file("components/prometheus-operator/rules.yaml", "prometheus/rules", map(_prometheus_rule, rules))
    yield _file(
        "components/prometheus-operator/service-monitors.yaml",
        "prometheus/prometheus.yml",
        _service_monitors(),
    )


def _file(path: str, source: str, manifests: Any) -> tuple[Path, str]:
    documents = yaml.dump_all(
        list(manifests), Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True
    )
    return FOLDER / path, HEADER.format(source=source) + documents


def _config_map(name: str, files: list[Path]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": {file.name: file.read_text(encoding="utf-8") for file in files},
    }


def _prometheus_rule(file: Path) -> Manifest:
    groups = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)["groups"]
    for group in groups:
        group["rules"] = [rule for rule in group["rules"] if rule.get("alert") not in OPERATORS_OWN]
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": f"rq-mon-{file.stem}"},
        "spec": {"groups": groups},
    }


def _service_monitors() -> Iterator[Manifest]:
    config = yaml.safe_load((PROJECT_ROOT / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    jobs = {job["job_name"]: config["global"] | job for job in config["scrape_configs"]}
    for service in (RQ_EXPORTER, REDIS_EXPORTER):
        yield _service_monitor(service.name, jobs[service.name])


def _service_monitor(name: str, job: Mapping[str, Any]) -> Manifest:
    # The instance names the Redis, for both its exporters: `shop` by the Service shop-rq-exporter, and the
    # namespace by a Service without a prefix. Without labels that change with the pod, a new pod
    # continues the series of the old one.
    of_the_namespace = {"sourceLabels": ["__meta_kubernetes_namespace"], "targetLabel": "instance"}
    of_the_service = {
        "sourceLabels": ["__meta_kubernetes_service_name"],
        "regex": f"(.+)-{name}",
        "targetLabel": "instance",
    }
    of_the_pod = {"action": "labeldrop", "regex": "pod|container|endpoint"}
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "endpoints": [
                {
                    "port": "metrics",
                    "interval": job["scrape_interval"],
                    "scrapeTimeout": job["scrape_timeout"],
                    "relabelings": [of_the_namespace, of_the_service, of_the_pod],
                }
            ],
        },
    }
