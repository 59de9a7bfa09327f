"""What `make scale` prints about the workers that a queue needs."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from proofs.harness.ports import free_port
from proofs.harness.prometheus import PrometheusServer
from proofs.harness.waiting import wait_until
from stack.needed import AT_PEAK, NOW, note_of_workers_needed
from stack.settings import StackSettings, load_settings

MAIL = "mail+{x}"


def settings(port: int) -> StackSettings:
    return load_settings({"PROMETHEUS_PORT": str(port)}, Path("/nonexistent/.env"))


def recorded(series: str, queue: str, instance: str, value: int) -> dict[str, object]:
    return {"record": series, "expr": f"vector({value})", "labels": {"queue": queue, "instance": instance}}


@pytest.mark.slow
@pytest.mark.needs("prometheus")
def test_shows_only_the_numbers_of_the_queue(tmp_path: Path) -> None:
    rules = [
        recorded(NOW, MAIL, "main", 3),
        recorded(AT_PEAK, MAIL, "main", 7),
        recorded(NOW, MAIL, "shop", 90),
        recorded(NOW, "sms", "main", 1),
    ]
    groups = {"groups": [{"name": "needed", "interval": "1s", "rules": rules}]}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(groups))
    with PrometheusServer(tmp_path, f"rule_files: [{tmp_path}/rules.yml]") as prometheus:
        note = wait_until(lambda: note_of_workers_needed(settings(prometheus.port), MAIL), "the rules")

        assert (
            note == "To meet its objective, mail+{x} needs 3 now; 7 in the busiest 5 minutes of the last day."
        )
        assert note_of_workers_needed(settings(prometheus.port), "sms") == ""


def test_prints_nothing_without_prometheus() -> None:
    assert note_of_workers_needed(settings(free_port()), MAIL) == ""
