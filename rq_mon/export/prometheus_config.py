"""The scrape job for an exporter, which gives its Redis a name."""

from __future__ import annotations

import json

JOB = """\
# For prometheus.yml; if it has scrape_configs already, add only the job. The job may have any name. The label
# instance is what dashboards and alerts call this Redis: choose it once, it stays with the stored series.
scrape_configs:
  - job_name: rq-exporter
    scrape_interval: {interval}s
    static_configs:
      - targets: [{exporter}]
        labels: {{instance: {name}}}
"""

RULES = """\
rule_files: [rules/*.yml]

"""


def scrape_config(*, name: str, exporter: str, scrape_interval: int) -> str:
    """Return the part of prometheus.yml that scrapes an exporter.

    Args:
        name: name of the Redis.
        exporter: host and port.
        scrape_interval: seconds.
    """
    return JOB.format(interval=scrape_interval, exporter=json.dumps(exporter), name=json.dumps(name))
