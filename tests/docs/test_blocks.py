"""Each code block in README, CONTRIBUTING and docs/ runs in a test, or a comment gives the reason why not."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from fnmatch import fnmatch

import pytest
import yaml

from docs.reference.page import Block, Page
from tests.harness.sources import ROOT, tracked

RUN_BY = {
    ("README.md", "python"): "tests/docs/doors/test_readme.py",
    ("README.md", "sh"): "tests/docs/doors/test_readme.py",
    ("docs/use/command-line.md", "sh"): "tests/docs/doors/test_readme.py",
    ("CONTRIBUTING.md", "*"): "tests/docs/test_contributing.py",
    ("docs/start/django.md", "*"): "tests/docs/doors/test_frameworks.py",
    ("docs/start/flask-fastapi.md", "*"): "tests/docs/doors/test_frameworks.py",
    ("docs/start/your-own-rq.md", "*"): "tests/docs/doors/test_frameworks.py",
    ("docs/start/existing-prometheus.md", "sh"): "tests/docs/doors/test_existing_prometheus.py",
    ("docs/use/cron.md", "*"): "tests/docs/doors/test_cron_page.py",
    ("docs/use/dashboards.md", "sh"): "tests/docs/doors/test_dashboards_page.py",
    ("docs/extend/promql.md", "promql"): "tests/grafana/test_live_queries.py",
    ("docs/operate/alerts.md", "promql"): "tests/docs/test_pages.py",
    ("docs/runbooks/*.md", "promql"): "tests/prometheus/test_runbooks.py",
    ("docs/runbooks/*.md", "sh"): "tests/prometheus/test_runbooks.py",
}
"""Page and language -> the test that runs such blocks of the page."""

DRAWN = "mermaid"
"""Not code: GitHub draws it."""
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *tracked("docs/*.md")]
BLOCKS = [(path.relative_to(ROOT), block) for path in PAGES for block in Page.read(path).blocks]
PARSERS: dict[str, Callable[[str], object]] = {
    "json": json.loads,
    "yaml": yaml.safe_load,
    "python": lambda text: compile(text, "block", "exec"),
}


def is_accounted_for(name: str, block: Block) -> bool:
    """Whether a test runs the block, or a comment gives a reason."""
    return bool(block.why_not_run) or block.language == DRAWN or _test_of(name, block) is not None


def _test_of(name: str, block: Block) -> str | None:
    fitting = (
        test
        for (page, language), test in RUN_BY.items()
        if fnmatch(name, page) and block.language and fnmatch(block.language, language)
    )
    return next(fitting, None)


def test_every_block_runs_in_a_test_or_has_a_reason_not_to() -> None:
    assert [f"{path}:{block.line}" for path, block in BLOCKS if not is_accounted_for(str(path), block)] == []


def test_every_named_test_exists_and_has_a_block_to_run() -> None:
    used = {_test_of(str(path), block) for path, block in BLOCKS if not block.why_not_run} - {None}

    assert used == set(RUN_BY.values())
    assert [name for name in used if name and not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    "text",
    [
        "```sh\nrqmon status\n```\n",
        "<!-- a remark -->\n```sh\nrqmon status\n```\n",
        "<!-- not run: -->\n```sh\nrqmon status\n```\n",
        "<!-- not run: far above -->\n\nText.\n\n```sh\nrqmon status\n```\n",
    ],
)
def test_a_block_without_test_and_reason_is_found(text: str) -> None:
    (block,) = Page(text).blocks

    assert not is_accounted_for("docs/use/no-such-page.md", block)


def test_a_reason_applies_to_the_block_right_below_it() -> None:
    first, second = Page("<!-- not run: it ends\nthe machine -->\n```\nhalt\n```\n\n```\nls\n```\n").blocks

    assert (first.why_not_run, second.why_not_run) == ("it ends the machine", None)


def test_a_block_that_is_not_run_can_at_least_be_parsed() -> None:
    for _, block in BLOCKS:
        if block.why_not_run and block.language in PARSERS:
            PARSERS[block.language](block.text)


def test_every_make_target_that_a_block_names_exists() -> None:
    lines = [
        line for path, block in BLOCKS for line in block.text.splitlines() if block.language in ("", "sh")
    ]
    targets = {
        target for line in lines for target in re.findall(r"(?:^|&& |\S=\S+ )make ([a-z][a-z0-9-]+)", line)
    }

    assert {"start-rq-mon", "scale", "backup"} <= targets
    for target in sorted(targets):
        subprocess.run(
            ["make", "--dry-run", "--silent", target, "QUEUE=x", "WORKERS=1", "FILE=x"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            timeout=120,
        )
