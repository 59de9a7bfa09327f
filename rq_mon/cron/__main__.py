"""`rq-mon-cron MODULE`, or `python -m rq_mon.cron MODULE`: enqueue the cron jobs of an application."""

from __future__ import annotations

from rq_mon.cron.application import CronListError, cron_list
from rq_mon.cron.runner import run_cron_scheduler
from rq_mon.launch import command_line, end
from rq_mon.settings import settings_of

COMMAND = "rq-mon-cron"
ABOUT = (
    "Register an application's list of cron jobs, and enqueue each tick. Several of these processes may "
    "run: each tick still gives exactly one job. Cron jobs that left the list are cancelled at the next "
    "start. Health check: python -m rq_mon.health --here cron"
)


def main() -> None:
    """Enqueue ticks until SIGTERM or SIGINT."""
    parser = command_line(COMMAND, ABOUT, settings_of("cron-scheduler"))
    parser.add_argument(
        "cron_list",
        metavar="MODULE[:NAME]",
        help="module with the list of rq_mon.CronEntry, in the working directory or installed; :NAME of the "
        "list if it is not CRON_JOBS",
    )
    where = parser.parse_args().cron_list
    try:
        entries = cron_list(where)
    except CronListError as error:
        end(COMMAND, str(error))
    run_cron_scheduler(entries)


if __name__ == "__main__":
    main()
