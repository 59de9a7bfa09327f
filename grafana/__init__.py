"""Dashboards as code: `python -m grafana` writes generated/<uid>.json, which Grafana and the viewer load.

Where one Redis is watched, they load one-redis/<uid>.json: the same without choices and columns of Redis.

layer/            Grafana's JSON on top of grafanalib
queries/          all PromQL
dashboards/       one module a dashboard, from top to bottom as on the page
shared_panels.py  panels that stand on several of them
common.py         variables, colours and hints that all have in common
links.py          how they lead on to one another
provisioning/, grafana.env: how Grafana finds all this
"""
