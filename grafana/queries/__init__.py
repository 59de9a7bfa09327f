"""All PromQL of the dashboards, by what it is about; built from the metric catalogue's names.

recorded.py  the names of the recording rules in prometheus/rules
promql.py    selectors, and the few shapes that several queries share
jobs.py      how many jobs ended, and how
uninstrumented.py what RQ itself counts where workers count no jobs
durations.py how long jobs ran and waited
queues.py    what waits
workers.py   who works
cron.py      what runs by the clock
objectives.py what each queue promises, and how far that was kept
changes.py   what changed
alerts.py    what fires
stack.py     Redis, the exporter, Prometheus, Alertmanager

Which series a query reads is decided by the range it has to cover. What is one series a queue or worker is
read as it is scraped. Counters and buckets by function are read from recording rules: a week of them, scraped
every five seconds, would take seconds to read.
"""
