"""Settings as users read them: docs/operate/settings.md, `.env.example` and a table in README."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from docs.reference.markdown import GENERATED, code, table
from rq_mon.environment.variables import Variable
from stack.variables import SETTINGS

Settings = Sequence[Variable[Any]]

IN_README = (
    "RUNTIME",
    "RQ_REDIS_URL",
    "GRAFANA_PORT",
    "SHORT_RUNNING_WORKERS",
    "LONG_RUNNING_WORKERS",
    "RQ_MON_QUEUES",
    "SCHEDULER_TIMEZONE",
    "ALERT_RECEIVERS_DIR",
)

PAGE = """{generated}
# Settings

For everyone who runs the stack or one of its processes.

Set them in the environment or in a file `.env`; both runtimes read it. The environment wins. An empty value
counts as unset. Copy [`.env.example`](../../.env.example) to begin.

{sections}
## Next

- What restarts after a change: [changing settings](operations.md#changing-settings).
- Who gets in by an open port: [how it is secured](security.md#ports).
"""

EXAMPLE = """\
# Written by `make docs` from rq_mon/settings.py and stack/variables.py.
# Copy this file to .env and change what you need: `make start-rq-mon` and docker compose both read it.
# The environment takes precedence. Each line shows the default.
"""
EXAMPLE_WIDTH = 118


class Section(NamedTuple):
    """Settings that belong together."""

    heading: str
    names: tuple[str, ...]
    """Patterns of names. A setting is in the first section that has one for it."""
    about: str = ""


SECTIONS = (
    Section("Runtime", ("RUNTIME", "WITH")),
    Section("Redis", ("RQ_REDIS_*", "RQ_SERIALIZER", "REDIS_MAXMEMORY")),
    Section("Ports", ("*_PORT",), "Only this machine can reach them, unless you open one below."),
    Section(
        "Addresses",
        ("*_BIND_ADDRESS",),
        "Passwords and jobs cross the network unencrypted if you open a port: see docs/operate/security.md."
        " Grafana then requires a login. These always stay closed: Prometheus, Alertmanager, exporters,"
        " viewer.",
    ),
    Section("Workers", ("*_RUNNING_WORKERS", "RQ_MON_QUEUES", "STOP_GRACE_SECONDS", "RQ_*_SECONDS")),
    Section("Cron", ("SCHEDULER_*",)),
    Section("Logs", ("RQ_LOG_*",)),
    Section(
        "Metrics",
        ("RQ_OBJECTIVES_FILE", "RQ_METRICS_*", "PROMETHEUS_RETENTION_*", "SCRAPE_TARGETS_DIR"),
    ),
    Section("Alerts and links", ("ALERT_*", "*_URL")),
    Section("Images", ("*_IMAGE",), "In containers only: for a mirror, or another version."),
    Section("Memory limits", ("*_MEMORY",), "In containers only."),
    Section("Further settings", ("*",)),
)


def sections() -> list[tuple[Section, Settings]]:
    """Return the sections that have settings, with these in the order of the section's patterns."""
    left = list(SETTINGS)
    found: list[tuple[Section, Settings]] = []
    for section in SECTIONS:
        own = [each for name in section.names for each in left if fnmatchcase(each.name, name)]
        left = [each for each in left if each not in own]
        if own:
            found.append((section, own))
    return found


def settings_page() -> str:
    """Return docs/operate/settings.md."""
    return PAGE.format(
        generated=GENERATED, sections="\n".join(_section(section, own) for section, own in sections())
    )


def _section(section: Section, own: Settings) -> str:
    about = f"{textwrap.fill(section.about, 118)}\n\n" if section.about else ""
    heads = ("variable", "default", "values", "meaning")
    rows = ((code(each.name), _default(each), each.expected, each.meaning) for each in own)
    return f"## {section.heading}\n\n{about}{table(heads, rows)}"


def _default(variable: Variable[Any]) -> str:
    return code(variable.default_text) if variable.default_text else ""


def settings_in_readme() -> str:
    """Return the table of the settings that most users meet."""
    by_name = {each.name: each for each in SETTINGS}
    chosen = (by_name[name] for name in IN_README)
    rows = ((code(each.name), _default(each), each.meaning) for each in chosen)
    return table(("variable", "default", "meaning"), rows)


def env_example() -> str:
    return EXAMPLE + "".join(_example(section, own) for section, own in sections())


def _example(section: Section, own: Settings) -> str:
    lines = [f"\n# ---- {section.heading}", *_comment(section.about)]
    for each in own:
        lines += [*_comment(each.meaning), f"#{each.name}={each.default_text}"]
    return "".join(f"{line}\n" for line in lines)


def _comment(text: str) -> Iterable[str]:
    return textwrap.wrap(
        text, EXAMPLE_WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )
