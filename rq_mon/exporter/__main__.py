"""`rq-mon-exporter`, or `python -m rq_mon.exporter`: serve the metrics."""

from __future__ import annotations

from rq_mon.launch import command_line, extra_needed
from rq_mon.settings import settings_of

COMMAND = "rq-mon-exporter"
ABOUT = "Serve the metrics of queues, workers, jobs and cron jobs for Prometheus, at /metrics. Never writes."


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    command_line(COMMAND, ABOUT, settings_of("exporter")).parse_args()
    with extra_needed(COMMAND, "exporter"):
        from rq_mon.exporter.process import serve
    serve()


if __name__ == "__main__":
    main()
