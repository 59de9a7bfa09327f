"""The installed commands in environments without an extra, or with versions that do not fit.

`--help` names each setting that the command reads.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

import pytest
from redis import Redis

from proofs.harness.redis_server import RedisServer
from rq_mon.environment.variables import Variable, variables_in
from rq_mon.settings import settings_of
from rq_mon.web.settings import WebSettings
from tests.harness.environments import Environment, environment

NO_REDIS = "redis://127.0.0.1:1"

SETTINGS: dict[str, Iterable[Variable[object]]] = {
    "rq-mon-exporter": settings_of("exporter"),
    "rq-mon-cron": settings_of("cron-scheduler"),
    "rq-mon-web": (*settings_of("web"), *variables_in(WebSettings).values()),
    "rqmon": settings_of("rqmon"),
}
MODULES = {"exporter": "rq_mon.exporter", "web": "rq_mon.web", "cli": "rq_mon.cli"}
"""Modules for `python -m`, by the extra that they need."""
COMMANDS = {"exporter": ("rq-mon-exporter",), "web": ("rq-mon-web",), "cli": ("rqmon", "status")}
LACKING = [("exporter", "rq-exporter"), ("web", "waitress"), ("cli", "packaging")]
"""Extras, each with a package that the environment lacks."""


@pytest.fixture(scope="module")
def bare(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """What `pip install ./rq-mon` installs."""
    return environment(tmp_path_factory.mktemp("bare") / "venv", str(wheels["rq_mon"]))


@pytest.fixture(scope="module")
def full(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """What the extra `[all]` installs."""
    return environment(tmp_path_factory.mktemp("full") / "venv", f"{wheels['rq_mon']}[all]")


def assert_refused(result: subprocess.CompletedProcess[str], *expected: str) -> None:
    """It ended like an invalid call, with one line that contains these texts."""
    assert (result.returncode, result.stdout) == (2, ""), result.stderr
    (line,) = result.stderr.splitlines()
    for text in expected:
        assert text in line


@pytest.mark.slow
@pytest.mark.parametrize("extra", MODULES)
def test_help_is_the_same_for_command_and_module(extra: str) -> None:
    command = COMMANDS[extra][0]
    texts = [
        subprocess.run(call, capture_output=True, text=True, check=True, timeout=120).stdout
        for call in (
            (sys.executable, "-m", MODULES[extra], "--help"),
            (sys.executable, "-c", f"import sys; sys.argv = ['x', '--help']; {calls(command)}"),
        )
    ]

    assert texts[0] == texts[1]
    assert command in texts[0]


def calls(command: str) -> str:
    """Return code that does the same as the installed script."""
    text = (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text()
    (module, function) = re.findall(rf'^{command} = "([\w.]+):(\w+)"$', text, re.MULTILINE)[0]
    assert hasattr(import_module(module), function)
    return f"from {module} import {function}; sys.exit({function}())"


@pytest.mark.e2e(seconds=10)
@pytest.mark.parametrize("command", SETTINGS)
def test_help_names_each_setting_even_without_extras(bare: Environment, tmp_path: Path, command: str) -> None:
    text = " ".join(bare.run(command, "--help", cwd=tmp_path, url=NO_REDIS).split())

    for variable in SETTINGS[command]:
        assert variable.name in text
        assert " ".join(variable.help.split()) in text


@pytest.mark.e2e
@pytest.mark.parametrize("extra", MODULES)
def test_without_its_extra_a_command_says_what_to_install(
    bare: Environment, tmp_path: Path, extra: str
) -> None:
    installs = f"pip install './rq-mon[{extra}]'"
    command, *arguments = COMMANDS[extra]

    assert_refused(bare.try_to_run(command, *arguments, cwd=tmp_path, url=NO_REDIS), command, installs)
    module = ("-m", MODULES[extra], *arguments)
    assert_refused(bare.try_to_run("python", *module, cwd=tmp_path, url=NO_REDIS), command, installs)


@pytest.mark.e2e
def test_an_invalid_command_line_is_refused_even_without_extras(bare: Environment, tmp_path: Path) -> None:
    result = bare.try_to_run("rqmon", "stauts", cwd=tmp_path, url=NO_REDIS)

    assert_refused(result, "stauts")


@pytest.mark.e2e
def test_the_bare_package_installs_what_a_worker_needs_and_pins_no_version(
    bare: Environment, tmp_path: Path
) -> None:
    code = (
        "from importlib.metadata import distributions, requires;"
        " print(*sorted(d.name.lower() for d in distributions()));"
        " print(*sorted(r for r in requires('rq-mon') if 'extra' not in r), sep=', ')"
    )
    installed, required = bare.run("python", "-c", code, cwd=tmp_path, url=NO_REDIS).splitlines()

    assert {"redis", "rq", "rq-mon"} <= set(installed.split())
    assert not {"flask", "rich", "rq-exporter", "prometheus-client"} & set(installed.split())
    assert required == "croniter>=6, redis>=5, rq<4,>=2.12, tzdata"


@pytest.mark.e2e
@pytest.mark.parametrize(("extra", "package"), LACKING)
def test_each_missing_package_of_an_extra_is_named(
    full: Environment, tmp_path: Path, extra: str, package: str
) -> None:
    command, *arguments = COMMANDS[extra]
    full.uninstall(package)
    try:
        result = full.try_to_run(command, *arguments, cwd=tmp_path, url=NO_REDIS)
    finally:
        full.install(package)

    assert_refused(result, package, f"pip install './rq-mon[{extra}]'")


@pytest.mark.e2e
def test_incompatible_versions_are_named_with_what_to_do(
    full: Environment, tmp_path: Path, redis_client: Redis, redis_server: RedisServer
) -> None:
    before = full.run("rqmon", "status", cwd=tmp_path, url=redis_server.url)
    status = "import sys; from rq_mon.cli.main import main; main(['status']); print(*sys.modules)"
    loaded = full.run("python", "-c", status, cwd=tmp_path, url=redis_server.url).splitlines()[-1].split()
    full.install("rq>=3,<4")
    try:
        refused = full.try_to_run("rq-mon-exporter", cwd=tmp_path, url=redis_server.url)
        noted = full.try_to_run("rqmon", "status", cwd=tmp_path, url=redis_server.url)
    finally:
        full.install("rq<3")

    sentence = r"rq-exporter 3\.[\d.]+ needs rq<3,>=2\.0\.0, but rq 3\.[\d.]+ is installed; install the extra"
    advice = "into an environment of its own: pipx install './rq-mon[exporter]'"
    assert "rq" in loaded
    assert "packaging" not in loaded
    assert_refused(refused, advice)
    assert re.search(sentence, refused.stderr)
    assert noted.returncode == 0
    assert noted.stdout == before
    assert re.search(rf"^note: {sentence}", noted.stderr)
