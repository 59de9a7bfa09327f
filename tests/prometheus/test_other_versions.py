"""The rules with the Prometheus of later Debian releases, 2.53 and 3.x, on any machine.

Each run tests that these versions load and evaluate every rule. `make test` runs the unit tests with this
machine's Prometheus only; `make test-proofs` runs them with the other versions.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from proofs.harness.ports import free_port
from proofs.harness.servers import running
from tests.harness.rule_checks import PROMETHEUS, check_with_promtool, errors_of_all_rules
from tests.prometheus.conftest import SUITES, Programs

pytestmark = [
    pytest.mark.e2e(seconds=40),
    pytest.mark.needs("apt-get", "dpkg", "prometheus"),
    pytest.mark.parametrize("version", SUITES),
]


@pytest.mark.proof
def test_promtool_accepts_the_configuration_and_the_unit_tests_pass(programs: Programs, version: str) -> None:
    promtool = str(programs(version) / "promtool")
    said = subprocess.run([promtool, "--version"], capture_output=True, text=True, check=True)
    assert f"version {version}" in said.stdout + said.stderr

    check_with_promtool([promtool])


def test_prometheus_evaluates_every_rule_without_an_error(
    programs: Programs, version: str, tmp_path: Path
) -> None:
    port = free_port()
    arguments = [
        str(programs(version) / "prometheus"),
        f"--config.file={PROMETHEUS / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        "--enable-feature=expand-external-labels",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with running("prometheus", tmp_path, port, arguments, "/-/ready") as server:
        assert errors_of_all_rules(lambda: server.json("/api/v1/rules")["data"]["groups"]) == []
