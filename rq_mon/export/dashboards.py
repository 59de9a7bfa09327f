"""Dashboards for the user's own data source, scrape interval and name of the Redis."""

from __future__ import annotations

import json
import re
from typing import Any

from rq_mon.catalogue import OWN_INSTANCE
from rq_mon.export.one_redis import for_one_redis
from rq_mon.export.options import scrape_interval as seconds
from rq_mon.export.package_data import texts

_WITHOUT_NAME = f"({re.escape(OWN_INSTANCE)})?$/"
"""Pattern by which legends leave out the name of the only Redis."""
JOB_PAGES = "job_pages"
"""Variable of dashboards: the address of the job pages, without a slash at its end."""
_ADDRESS = f"${{{JOB_PAGES}:raw}}"
_IN_TEXT = re.compile(rf"\[([^]]+)\]\({re.escape(_ADDRESS)}[^)]*\)")
"""A link in Markdown."""


def dashboard_files(
    *,
    data_source: str | None,
    scrape_interval: int | None,
    name: str = OWN_INSTANCE,
    job_pages: str | None = None,
    one_redis: bool = False,
) -> dict[str, str]:
    """Return name and text of each dashboard's JSON.

    Args:
        data_source: name of the default data source in Grafana; without it, Grafana's default.
        scrape_interval: seconds. Graphs have no shorter step, or rates would miss scrapes.
        name: the Redis that legends leave out.
        job_pages: address of the job pages; without it, there are no links to them.
        one_redis: leave out choices and columns of Redis.
    """
    files = {}
    for file, text in texts("dashboards", suffix=".json").items():
        board = json.loads(text)
        _ask(board, data_source)
        if scrape_interval is not None:
            _slow_down(board, scrape_interval)
        if one_redis:
            board = for_one_redis(board)
        changed = (
            json.dumps(_with_links(board, job_pages), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        )
        files[file] = changed.replace(_WITHOUT_NAME, f"({_escaped_in_json(name)})?$/")
    return files


def _with_links(board: dict[str, Any], job_pages: str | None) -> dict[str, Any]:
    """Fill in the address of the job pages, or remove the links to them; remove their variable."""
    variables = board["templating"]
    variables["list"] = [each for each in variables["list"] if each["name"] != JOB_PAGES]
    linked: dict[str, Any] = _filled(board, job_pages)
    return linked


def _filled(value: Any, job_pages: str | None) -> Any:
    match value:
        case dict():
            return {key: _filled(item, job_pages) for key, item in value.items()}
        case list():
            kept = value if job_pages else [item for item in value if not _leads_to_job_pages(item)]
            return [_filled(item, job_pages) for item in kept]
        case str():
            return value.replace(_ADDRESS, job_pages) if job_pages else _IN_TEXT.sub(r"\1", value)
    return value


def _leads_to_job_pages(item: Any) -> bool:
    return isinstance(item, dict) and str(item.get("url", "")).startswith(_ADDRESS)


def _escaped_in_json(name: str) -> str:
    return json.dumps(re.escape(name))[1:-1]


def _ask(board: dict[str, Any], data_source: str | None) -> None:
    for variable in board["templating"]["list"]:
        if variable["type"] == "datasource" and data_source is not None:
            variable["current"] = {"selected": True, "text": data_source, "value": data_source}
    for panel in board["panels"]:
        if panel["type"] == "alertlist":
            panel["options"]["datasource"] = data_source or ""  # of all data sources


def _slow_down(board: dict[str, Any], shortest: int) -> None:
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            own = seconds(target["interval"]) if target.get("interval") else 0
            target["interval"] = f"{max(own, shortest)}s"
