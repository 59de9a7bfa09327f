"""Prometheus' configuration with the shortest possible intervals, for tests that cannot wait."""

from __future__ import annotations

import yaml


def impatient(text: str) -> str:
    """The configuration with the shortest possible intervals."""
    config = yaml.safe_load(text)
    config["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    for job in config["scrape_configs"]:
        job.pop("scrape_interval", None)
        job.pop("scrape_timeout", None)
    return yaml.safe_dump(config)


def impatient_rules(text: str) -> str:
    """The rules, without intervals of their own."""
    groups = yaml.safe_load(text)["groups"]
    return yaml.safe_dump({"groups": [{**group, "interval": "1s"} for group in groups]})
