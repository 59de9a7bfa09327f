"""README says what is so: its addresses, settings, make targets and links exist."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from rq_mon.environment.variables import variables_in
from rq_mon.settings import Settings
from stack.services import ALERTMANAGER, GRAFANA, PROMETHEUS, REDIS, RQ_EXPORTER, SERVICES, Service
from stack.variables import BIND_ADDRESS, VARIABLES

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
NAMES_BY_DEFAULT = {
    **{each.name: each.default_text for each in variables_in(Settings).values()},
    **{variable.name: variable.default_text for variable in VARIABLES},
}


def settings_rows() -> list[tuple[list[str], list[str]]]:
    """The variables and the defaults of each row of the table of settings."""
    rows = re.findall(r"^\| (`[A-Z].*?) \| (.*?) \| .* \|$", README, re.MULTILINE)
    return [(re.findall(r"`(\w+)`", names), defaults.split(", ")) for names, defaults in rows]


@pytest.mark.parametrize("service", [GRAFANA, PROMETHEUS, ALERTMANAGER, RQ_EXPORTER, REDIS])
def test_names_the_address_of_each_service_that_people_use(service: Service) -> None:
    assert f"{BIND_ADDRESS}:{service.port}" in README


def test_names_every_port_variable() -> None:
    documented = {name for names, _ in settings_rows() for name in names}

    assert documented >= {service.port_variable for service in SERVICES if service.port_variable}


def test_names_settings_that_exist_and_their_defaults() -> None:
    rows = settings_rows()

    assert rows
    for names, defaults in rows:
        assert set(names) <= NAMES_BY_DEFAULT.keys()
        actual = [NAMES_BY_DEFAULT[name] for name in names]
        if all(actual) and "RQ_REDIS_URL" not in names:  # those without a default are described in words
            assert defaults == actual, names


def test_names_make_targets_that_exist() -> None:
    targets = set(re.findall(r"make ([a-z0-9-]+)", README))

    for target in targets:
        subprocess.run(["make", "--dry-run", "--silent", target], cwd=ROOT, check=True, capture_output=True)


def test_links_to_files_that_exist() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
