"""Grafana dashboards as today's Grafana stores them, built on grafanalib; knows nothing of what they show.

grafanalib 0.7 gives the skeleton (Dashboard, Template, Panel, GridPos) but writes panels in a shape that
Grafana left behind years ago. The functions here return panels whose options, field configuration and
targets are those of schema version 42, so that Grafana loads them without migrating anything.

query.py     a PromQL query with its legend, and the target it becomes
fields.py    thresholds, value mappings, overrides, links: what is said about values
panel.py     what all panels have in common
stat.py, bar_gauge.py, time_series.py, heatmap.py, state_timeline.py, table.py, text.py,
alert_list.py: one panel type each
layout.py    rows of panels instead of x and y
dashboard.py variables, annotations, the dashboard, and its JSON
"""
