"""The rules with the Prometheus that the compose files name, 3.x."""

from __future__ import annotations

import os
import subprocess

import pytest

from stack.compose.images import image_of
from stack.services import PROMETHEUS
from tests.harness.rule_checks import PROMETHEUS as FOLDER
from tests.harness.rule_checks import check_with_promtool
from tests.stack.compose.test_files import DEFINITIONS

pytestmark = [pytest.mark.compose, pytest.mark.slow]


def test_promtool_of_the_image_accepts_the_configuration_and_the_unit_tests_pass(engine: None) -> None:
    image = image_of(DEFINITIONS[PROMETHEUS.name])
    assert image is not None
    promtool = [
        *("docker", "run", "--rm", "--network=none", f"--volume={FOLDER}:/rules:ro"),
        *("--entrypoint=promtool", image.reference(os.environ)),
    ]
    version = subprocess.run([*promtool, "--version"], capture_output=True, text=True, check=True)
    assert "version 3." in version.stdout + version.stderr

    check_with_promtool(promtool, "/rules")
