"""Rules, dashboards and a scrape job for a Prometheus and a Grafana that are not the stack's.

data/                 rules and dashboards as the stack loads them, copied by `make manifests`
options.py            what a user may fill in, and what is refused
rules.py              alerts and recorded series, with links to the user's Grafana and runbooks
dashboards.py         Grafana's JSON, for the user's data source and scrape interval
prometheus_config.py  the scrape job that gives a Redis its name
folder.py             all files of an export, or none
"""
