"""All PromQL of the dashboards by subject, built from the names in the metric catalogue.

recorded.py  the names of the recording rules in prometheus/rules promql.py    selectors and shapes that
several queries share jobs.py      how many jobs ended, and how uninstrumented.py what RQ itself counts if
workers count no jobs durations.py run times and waits queues.py    backlog, arrivals and departures
workers.py   workers cron.py      cron jobs objectives.py SLOs and error budgets changes.py   what changed
alerts.py    what fires stack.py     Redis, the exporter, Prometheus, Alertmanager

The range of a query decides which series it reads. A metric with one series for each queue or worker is read
as scraped. Counters and buckets by function are read from recording rules: a week of raw samples, scraped
every five seconds, would take seconds to read.
"""
