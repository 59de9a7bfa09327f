"""One panel from its data to its drawing; whatever goes wrong is said in this panel alone."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from dash import html

from grafana.preview.dashboard import Dashboard, Panel
from grafana.preview.fieldconfig import UnknownMatcherError
from grafana.preview.panels import DRAWERS
from grafana.preview.panels.scene import Drawing, Scene
from grafana.preview.panels.table import CannotDrawError
from grafana.preview.prometheus import PrometheusError, PrometheusUnreachableError
from grafana.preview.query import Source, fetch
from grafana.preview.reducers import UnknownReducerError
from grafana.preview.transformations import UnknownTransformationError
from grafana.preview.view import View

logger = logging.getLogger(__name__)


def draw_panel(
    panel: Panel, dashboard: Dashboard, view: View, source: Source, choices: Mapping[str, Any]
) -> Drawing:
    """Fetch and draw; an error becomes the panel's drawing, and says what and why."""
    where = f"Panel {panel.id} ({panel.title}) of {dashboard.uid}"
    if panel.problem:
        return _error(f"{where} cannot be drawn: {panel.problem}")
    if panel.type not in DRAWERS:
        known = ", ".join(sorted(DRAWERS))
        return _error(
            f"{where} cannot be drawn: the preview has no panels of type {panel.type!r}; it has {known}"
        )
    try:
        data = fetch(panel, dashboard, view, source)
        return DRAWERS[panel.type](Scene(panel, view, data, source, choices))
    except PrometheusUnreachableError as error:
        return _error(f"Prometheus does not answer: {error}")
    except PrometheusError as error:
        return _error(str(error))
    except (CannotDrawError, UnknownMatcherError, UnknownReducerError, UnknownTransformationError) as error:
        return _error(f"{where} cannot be drawn: {error}")
    except Exception as error:
        # A dashboard may hold anything; one odd panel must not take the others with it.
        logger.exception("%s cannot be drawn", where)
        return _error(f"{where} cannot be drawn: {type(error).__name__}: {error}")


def _error(text: str) -> Drawing:
    return Drawing(html.Div(text, className="panel-error", role="alert"), "error")
