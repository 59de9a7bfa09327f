"""The small line below a number: how it got there."""

from __future__ import annotations

from base64 import b64encode

from dash import html

from grafana.preview.colors import with_opacity
from grafana.preview.frames import Field, Frame

WIDTH, HEIGHT = 100, 30
"""Of the drawing's own coordinates; the page stretches it."""

ROOM = 0.1
"""Share of the height that is left free above the highest value."""


def sparkline(frame: Frame, field: Field, color: str) -> html.Img:
    """Return the line as a picture: it needs no axes, and nobody points at it."""
    points = _points(frame, field)
    line = " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
    area = f"{points[0][0]:.2f},{HEIGHT} {line} {points[-1][0]:.2f},{HEIGHT}" if points else ""
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none">'
        f'<polygon points="{area}" fill="{with_opacity(color, 0.2)}"/>'
        f'<polyline points="{line}" fill="none" stroke="{color}" vector-effect="non-scaling-stroke"/></svg>'
    )
    source = "data:image/svg+xml;base64," + b64encode(svg.encode()).decode()
    return html.Img(src=source, alt="", className="stat-sparkline")


def _points(frame: Frame, field: Field) -> list[tuple[float, float]]:
    time = frame.time_field()
    samples = [
        (moment, value)
        for moment, value in zip(time.values if time else (), field.values, strict=True)
        if value is not None
    ]
    if not samples:
        return []
    moments, values = zip(*samples, strict=True)
    low = min(*values, field.config.get("min") or 0.0)
    height = (max(values) - low) * (1 + ROOM) or 1.0
    length = moments[-1] - moments[0] or 1.0
    return [
        ((moment - moments[0]) / length * WIDTH, HEIGHT - (value - low) / height * HEIGHT)
        for moment, value in samples
    ]
