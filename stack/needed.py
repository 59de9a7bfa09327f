"""How many workers a queue needs, as recorded by the stack's Prometheus."""

from __future__ import annotations

import json
from http.client import HTTPException
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

from rq_mon.catalogue import OWN_INSTANCE
from stack.services import PROMETHEUS
from stack.settings import StackSettings
from stack.variables import BIND_ADDRESS

NOW = "queue:rq_workers_needed:now"
AT_PEAK = "queue:rq_workers_needed:max1d"
ANSWERS_WITHIN = 3.0


def note_of_workers_needed(settings: StackSettings, queue: str) -> str:
    """Return a line for the user; empty if Prometheus does not answer or has too little data on the queue."""
    url = f"http://{BIND_ADDRESS}:{settings.port(PROMETHEUS)}"
    try:
        now, peak = (_value(url, series, queue) for series in (NOW, AT_PEAK))
    except (OSError, HTTPException, ValueError, KeyError):
        return ""
    if now is None or peak is None:
        return ""
    return f"To meet its objective, {queue} needs {now} now; {peak} in the busiest 5 minutes of the last day."


def _value(url: str, series: str, queue: str) -> str | None:
    query = f"{series}{{instance={json.dumps(OWN_INSTANCE)},queue={json.dumps(queue)}}}"
    opener = build_opener(ProxyHandler({}))
    with opener.open(f"{url}/api/v1/query?{urlencode({'query': query})}", timeout=ANSWERS_WITHIN) as answer:
        found = json.load(answer)["data"]["result"]
    return str(found[0]["value"][1]) if found else None
