"""Dashboards as code: `python -m grafana` writes generated/<uid>.json, which Grafana and the viewer load.

A stack that watches one Redis loads one-redis/<uid>.json, without the choice and columns of Redis.

layer/            Grafana's JSON, built on grafanalib
queries/          all PromQL
dashboards/       one module for each dashboard, in the order of the page
shared_panels.py  panels that several dashboards show
common.py         variables, colours and hints of all dashboards
links.py          links between dashboards
provisioning/, grafana.env: how Grafana finds all this
"""
