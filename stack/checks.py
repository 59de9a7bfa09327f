"""Checks of configuration files before a running service is touched.

Each check returns a list of findings with file, line and value. An empty list means: no mistakes.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import yaml

from rq_mon.objectives import ObjectivesError, objectives_here
from stack.runtime import StackError
from stack.services import ALERTMANAGER, CRON_SCHEDULER, PROMETHEUS, RQ_EXPORTER, Service
from stack.settings import PROJECT_ROOT, StackSettings
from stack.variables import ALERT_RECEIVERS_DIR

OBJECTIVES_FILE = "RQ_OBJECTIVES_FILE"
SHARED = PROJECT_ROOT / "prometheus"
TARGET_FILES = ("rq-exporter*.yml", "redis-exporter*.yml")
"""Files in the user's folder that prometheus.yml reads."""
RECEIVERS = "receivers.yml"
CHECKED_WITHIN = 60.0

Mistakes = list[str]
Finished = subprocess.CompletedProcess[str]


class Tools(Protocol):
    """The programs that check, here or in images. None means that the program is missing."""

    def promtool(self, folder: Path) -> Finished | None:
        """Run `promtool check config` on the prometheus.yml in a folder."""

    def amtool(self, config: Path, folder: Path) -> Finished | None:
        """Run `amtool check-config` on a file, in a folder."""

    def cron_check(self) -> Finished | None:
        """Run `python -m stack.cron_check`."""


def refuse_mistakes(
    services: Iterable[Service], settings: StackSettings, tools: Tools, scratch: Path
) -> None:
    """Check the configuration files of these services.

    Args:
        services: the services about to start or restart
        settings: they name the user's files
        tools: the programs that check
        scratch: a folder for a file that only its owner can read

    Raises:
        StackError: there are mistakes. The message lists all of them.
    """
    checks: Mapping[Service, Callable[[], Mistakes]] = {
        PROMETHEUS: lambda: _of_targets(settings.scrape_targets()) + _of_prometheus(tools),
        ALERTMANAGER: lambda: _of_alertmanager(settings, tools, scratch),
        RQ_EXPORTER: lambda: _of_objectives(settings),
        CRON_SCHEDULER: lambda: _of_cron_jobs(tools),
    }
    with ThreadPoolExecutor() as at_once:  # in threads, because each one waits for a program
        found = at_once.map(lambda service: checks[service](), [each for each in services if each in checks])
        mistakes = [mistake for each in found for mistake in each]
    if mistakes:
        raise StackError("\n".join(["Nothing was changed. Fix this first:", *mistakes]))


def _of_objectives(settings: StackSettings) -> Mistakes:
    given = settings.environment.get(OBJECTIVES_FILE, "").strip()
    path = PROJECT_ROOT / (given or "objectives.yml")
    try:
        objectives_here(path if given or path.exists() else None)
    except ObjectivesError as error:
        return [str(error).replace(f"{PROJECT_ROOT}/", "")]
    return []


def _of_cron_jobs(tools: Tools) -> Mistakes:
    checked = tools.cron_check()
    return [checked.stdout.strip() or checked.stderr.strip()] if checked and checked.returncode else []


def _of_prometheus(tools: Tools) -> Mistakes:
    checked = tools.promtool(SHARED)
    if checked is None or not checked.returncode:
        return []
    lines = [line.strip() for line in (checked.stdout + checked.stderr).splitlines()]
    kept = [
        line for line in lines if line and line != "FAILED:" and not line.startswith(("Checking ", "SUCCESS"))
    ]
    text = "\n".join(kept).replace(f"{SHARED}/", "prometheus/").replace("/etc/prometheus/", "prometheus/")
    return [text.replace("FAILED: parsing YAML file ", "")]


def _of_alertmanager(settings: StackSettings, tools: Tools, scratch: Path) -> Mistakes:
    shared = SHARED / "alertmanager.yml"
    given = settings.user_set(ALERT_RECEIVERS_DIR).get(ALERT_RECEIVERS_DIR.name)
    if not given:
        checked, config = tools.amtool(shared, SHARED), shared
    else:
        config, folder = scratch / "alertmanager.checked.yml", PROJECT_ROOT / given
        merge = ["sh", str(SHARED / "alertmanager.sh"), "true", str(config)]
        merged = run_check(merge, PROJECT_ROOT, {**settings.environment, ALERT_RECEIVERS_DIR.name: given})
        if merged.returncode:
            return [merged.stderr.strip()]
        try:
            checked = tools.amtool(config, folder)
        finally:
            config.unlink(missing_ok=True)
    if checked is None or not checked.returncode:
        return []
    said = (checked.stdout + checked.stderr).partition("FAILED:")[2] or checked.stdout + checked.stderr
    text = " ".join(line.strip() for line in said.splitlines() if not line.startswith("amtool: error:"))
    return [_in_its_file(text.replace("yaml: unmarshal errors:", "").strip(), shared, given)]


def _in_its_file(text: str, shared: Path, receivers: str | None) -> str:
    """Replace the line that Alertmanager names by the user's file and the line in it."""
    before = next(
        n for n, line in enumerate(shared.read_text().splitlines()) if line.startswith("receivers:")
    )
    first = re.search(r"line (\d+)", text)
    ours = f"prometheus/{shared.name}"
    if receivers is None:
        return f"{ours}: {text}"
    theirs = f"{receivers}/{RECEIVERS}"
    if first is None:
        return f"{ours} with {theirs}: {text}"
    if int(first[1]) <= before:
        return f"{ours}: {text}"
    return f"{theirs}: " + re.sub(r"line (\d+)", lambda found: f"line {int(found[1]) - before}", text)


def _of_targets(folder: Path | None) -> Mistakes:
    files = [file for name in TARGET_FILES for file in sorted(folder.glob(name))] if folder else []
    return [mistake for file in files for mistake in _of_target_file(file)]


def _of_target_file(file: Path) -> Mistakes:
    try:
        node = yaml.compose(file.read_text(encoding="utf-8"), yaml.SafeLoader)
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        return [f"{file}: {' '.join(str(error).split())}"]
    groups = node.value if isinstance(node, yaml.SequenceNode) else []
    if node is not None and not isinstance(node, yaml.SequenceNode):
        return [_expected(file, node, "a list of - targets: […]")]
    return [mistake for group in groups for mistake in _of_group(file, group)]


def _of_group(file: Path, group: yaml.Node) -> Mistakes:
    if not isinstance(group, yaml.MappingNode):
        return [_expected(file, group, "targets and labels")]
    mistakes = []
    for key, value in group.value:
        if key.value == "targets" and isinstance(value, yaml.SequenceNode):
            wrong = [each for each in value.value if not _is_address(each)]
            mistakes += [_expected(file, each, "host:port") for each in wrong]
        elif key.value == "labels" and isinstance(value, yaml.MappingNode):
            wrong = [each for _, each in value.value if not isinstance(each, yaml.ScalarNode)]
            mistakes += [_expected(file, each, "the text of a label") for each in wrong]
        else:
            mistakes.append(_expected(file, key, "targets with a list, or labels with names and texts"))
    return mistakes


def _is_address(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and re.fullmatch(r"[^\s/]+", node.value) is not None


def _expected(file: Path, node: yaml.Node, what: str) -> str:
    value: Any = node.value if isinstance(node, yaml.ScalarNode) else yaml.serialize(node).strip()
    return f"{file}, line {node.start_mark.line + 1}: expected {what}, got {value!r}"


def run_check(words: list[str], cwd: Path, environment: Mapping[str, str] | None = None) -> Finished:
    """Run a program that checks. A timeout counts as a finding."""
    try:
        return subprocess.run(
            words,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=CHECKED_WITHIN,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(
            words, 1, f"{' '.join(words)}: no result after {CHECKED_WITHIN:.0f} s", ""
        )
