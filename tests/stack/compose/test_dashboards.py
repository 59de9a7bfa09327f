"""Which of the two sets of dashboards containers have, read without an engine."""

from __future__ import annotations

from stack.services import GRAFANA, MONITOR_COMPOSE_FILE, VIEWER
from stack.settings import PROJECT_ROOT
from tests.harness.compose_files import compose_file

SERVICES = compose_file(MONITOR_COMPOSE_FILE)["services"]


def test_dashboards_show_the_redis_only_if_there_are_several() -> None:
    """In Grafana and in the viewer."""
    (mount,) = (
        volume["source"]
        for volume in SERVICES[GRAFANA.name]["volumes"]
        if isinstance(volume, dict) and volume["target"] == "/etc/grafana/dashboards"
    )

    for folder in (mount, SERVICES[VIEWER.name]["environment"]["DASHBOARDS_PATH"]):
        one, several = (
            (PROJECT_ROOT / folder.replace("${SCRAPE_TARGETS_DIR:+../generated}", given)).resolve()
            for given in ("", "../generated")
        )
        assert (one, several) == (
            PROJECT_ROOT / "grafana" / "one-redis",
            PROJECT_ROOT / "grafana" / "generated",
        )
