"""Shorter durations for the drill: all waits of the alerting, divided by one factor.

FACTOR divides `for`, the windows of range selectors, offsets and Alertmanager's waits. It does not divide
thresholds of RQ (a worker's key is renewed while 30 s are left), minimum numbers of jobs, and windows that
would contain too few scrapes. The drill's objectives are in objectives.yml beside this file.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

FACTOR = 20

SCRAPE_SECONDS = 2.0
"""If Redis is frozen, an answer of the exporter may take this long."""
EVALUATION_SECONDS = 1.0

SHORTEST_WINDOW = 4 * SCRAPE_SECONDS
"""Of a range selector: with fewer scrapes a rate is a guess."""
SHORTEST_OFFSET = 2 * SCRAPE_SECONDS

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
DURATION = r"(?:\d+(?:ms|[smhd]))+"


def seconds(duration: str) -> float:
    """Return the seconds in a duration as Prometheus writes it, such as 1h30m."""
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhd])", duration))


def scaled(duration: str, shortest: float = 0.0) -> str:
    """Return the duration divided by FACTOR, in milliseconds, but at least `shortest` seconds."""
    return f"{round(1000 * max(seconds(duration) / FACTOR, shortest))}ms"


def scale_rules(text: str) -> str:
    """Return a rule file for the drill."""
    interval = f"{EVALUATION_SECONDS:g}s"
    for pattern, replacement in (
        (rf"(?<=\bfor: ){DURATION}$", lambda found: scaled(found[0])),
        (rf"(?<=\[){DURATION}(?=\])", lambda found: scaled(found[0], SHORTEST_WINDOW)),
        # Subqueries: window and step.
        (rf"(?<=\[){DURATION}(?=:)", lambda found: scaled(found[0], SHORTEST_WINDOW)),
        (rf"(?<=:){DURATION}(?=\])", lambda found: scaled(found[0])),
        (rf"(?<=\boffset ){DURATION}", lambda found: scaled(found[0], SHORTEST_OFFSET)),
        (rf"(?<=\binterval: ){DURATION}$", lambda _: interval),
        # Numbers that repeat a duration: windows, and the interval of a group.
        (r"(?<= / )300\b", lambda _: f"{300 / FACTOR:g}"),
        (r"(?<=time\(\) - )300\b", lambda _: f"{300 / FACTOR:g}"),
        (r"\b3600(?= \+ max)", lambda _: f"{3600 / FACTOR:g}"),
        (r"\b30(?= \* sum_over_time)", lambda _: f"{EVALUATION_SECONDS:g}"),
    ):
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text


def scale_prometheus(text: str) -> str:
    """Return prometheus.yml for the drill."""
    config: dict[str, Any] = yaml.safe_load(text)
    scrape = dict.fromkeys(("scrape_interval", "scrape_timeout"), f"{SCRAPE_SECONDS:g}s")
    config["global"] |= scrape | {"evaluation_interval": f"{EVALUATION_SECONDS:g}s"}
    for job in config["scrape_configs"]:
        for name in scrape:
            job.pop(name, None)
    return yaml.safe_dump(config, sort_keys=False)


def scale_alertmanager(text: str) -> str:
    """Return alertmanager.yml for the drill."""
    pattern = rf"\b(group_wait|group_interval|repeat_interval): ({DURATION})$"
    return re.sub(pattern, lambda found: f"{found[1]}: {scaled(found[2])}", text, flags=re.MULTILINE)


def scale_tree(directory: Path) -> None:
    """Rewrite the configuration in a copy of the project."""
    folder = directory / "prometheus"
    for path, scale in (
        (folder / "prometheus.yml", scale_prometheus),
        (folder / "alertmanager.yml", scale_alertmanager),
        *((rules, scale_rules) for rules in sorted((folder / "rules").rglob("*.yml"))),
    ):
        path.write_text(scale(path.read_text(encoding="utf-8")), encoding="utf-8")
