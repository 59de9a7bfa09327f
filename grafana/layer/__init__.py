"""Grafana dashboards in today's JSON, built on grafanalib, without any knowledge of RQ.

grafanalib 0.7 provides the skeleton (Dashboard, Template, Panel, GridPos), but writes panels in a format that
Grafana abandoned years ago. The functions here return panels with the options, field configuration and
targets of schema version 42, so that Grafana has nothing to migrate.

query.py     a PromQL query with its legend, and its target fields.py    thresholds, value mappings,
overrides, links panel.py     what all panels have in common stat.py, bar_gauge.py, time_series.py,
heatmap.py, state_timeline.py, table.py, text.py, alert_list.py: one panel type each layout.py    rows of
panels instead of x and y dashboard.py variables, annotations, the dashboard, and its JSON
"""
