"""Default ports of the programs that this package runs or queries."""

from __future__ import annotations

RQ_EXPORTER_PORT = 9726
PROMETHEUS_PORT = 9090
GRAFANA_PORT = 3000
"""The viewer uses it as well."""
RQ_MON_WEB_PORT = 9182
