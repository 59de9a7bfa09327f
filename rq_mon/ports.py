"""Ports of the programs that this package runs or asks, unless a setting says otherwise."""

from __future__ import annotations

RQ_EXPORTER_PORT = 9726
PROMETHEUS_PORT = 9090
GRAFANA_PORT = 3000
"""Of what takes Grafana's place, too."""
RQ_MON_WEB_PORT = 9182
