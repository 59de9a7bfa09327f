"""Alerts and recorded series, with links to the user's own Grafana and runbooks."""

from __future__ import annotations

import re
from collections.abc import Collection

from rq_mon.export.package_data import texts

RULES = "rules"
OTHER_PROGRAMS = (RULES, "stack")
"""Rule files about other programs than rq-exporter, for users who scrape these too."""

_RUNBOOK = re.compile(
    r'^( +runbook_url: )"\{\{ \$externalLabels\.repository_url \}\}docs/runbooks/(\w+)\.md"\n', re.MULTILINE
)
_DASHBOARD = re.compile(
    r'^( +dashboard_url: )"\{\{ \$externalLabels\.grafana_url \}\}(/d/.*)"\n', re.MULTILINE
)
_JOBS = re.compile(
    r'^( +jobs_url: )"\{\{ with \$externalLabels\.job_pages_url \}\}\{\{ \. \}\}(.*)\{\{ end \}\}"\n',
    re.MULTILINE,
)


def other_programs() -> list[str]:
    """Return the programs other than rq-exporter that have rules."""
    return [name.removesuffix(".yml") for name in texts(*OTHER_PROGRAMS, suffix=".yml")]


def rule_files(
    *,
    grafana: str | None,
    runbook: str | None,
    job_pages: str | None = None,
    programs: Collection[str] = (),
) -> dict[str, str]:
    """Return name and text of each rule file.

    Args:
        grafana: address of the Grafana with the dashboards; without it, alerts have no link to it.
        runbook: address of a runbook, with {name} for the alert's name; without it, there is no such link.
        job_pages: address of the job pages; without it, there is no link to them.
        programs: those of other_programs() that this Prometheus scrapes too.
    """
    others = texts(*OTHER_PROGRAMS, suffix=".yml")
    files = texts(RULES, suffix=".yml") | {f"{name}.yml": others[f"{name}.yml"] for name in programs}
    return {f"rq-mon-{name}": _linked(text, grafana, runbook, job_pages) for name, text in files.items()}


def _linked(text: str, grafana: str | None, runbook: str | None, job_pages: str | None) -> str:
    def to_runbook(found: re.Match[str]) -> str:
        return f'{found[1]}"{runbook.replace("{name}", found[2])}"\n' if runbook else ""

    def to_dashboard(found: re.Match[str]) -> str:
        return f'{found[1]}"{grafana}{found[2]}"\n' if grafana else ""

    def to_jobs(found: re.Match[str]) -> str:
        return f'{found[1]}"{job_pages}{found[2]}"\n' if job_pages else ""

    return _JOBS.sub(to_jobs, _DASHBOARD.sub(to_dashboard, _RUNBOOK.sub(to_runbook, text)))
