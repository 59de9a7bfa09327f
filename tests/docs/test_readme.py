"""README's addresses, settings, make targets and links exist."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from stack.services import ALERTMANAGER, GRAFANA, PROMETHEUS, REDIS, RQ_EXPORTER, Service
from stack.variables import BIND_ADDRESS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("service", [GRAFANA, PROMETHEUS, ALERTMANAGER, RQ_EXPORTER, REDIS])
def test_readme_names_the_address_of_each_service_with_a_page(service: Service) -> None:
    assert f"{BIND_ADDRESS}:{service.port}" in README


def test_make_targets_in_readme_exist() -> None:
    targets = set(re.findall(r"make ([a-z0-9-]+)", README))

    for target in targets:
        subprocess.run(["make", "--dry-run", "--silent", target], cwd=ROOT, check=True, capture_output=True)
