"""The rules with the Prometheus of Debian 13, 2.53, wherever the tests run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from proofs.harness.ports import free_port
from proofs.harness.servers import running
from tests.harness.debian_package import unpack_or_skip
from tests.harness.rule_checks import PROMETHEUS, check_with_promtool, errors_of_all_rules

pytestmark = [pytest.mark.e2e, pytest.mark.needs("apt-get", "dpkg")]

SUITE = "trixie"
VERSION = "2.53."


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with prometheus and promtool."""
    root = unpack_or_skip(["prometheus", "promtool"], SUITE, tmp_path_factory.mktemp("debian"))
    return root / "usr" / "bin"


def test_promtool_accepts_the_configuration_and_the_unit_tests_pass(programs: Path) -> None:
    promtool = str(programs / "promtool")
    version = subprocess.run([promtool, "--version"], capture_output=True, text=True, check=True)
    assert f"version {VERSION}" in version.stdout + version.stderr

    check_with_promtool([promtool])


def test_prometheus_evaluates_every_rule_without_an_error(programs: Path, tmp_path: Path) -> None:
    port = free_port()
    arguments = [
        str(programs / "prometheus"),
        f"--config.file={PROMETHEUS / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        "--enable-feature=expand-external-labels",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with running("prometheus", tmp_path, port, arguments, "/-/ready") as server:
        assert errors_of_all_rules(lambda: server.json("/api/v1/rules")["data"]["groups"]) == []
