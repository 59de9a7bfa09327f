"""Cron: the jobs that run on a schedule."""

from dataclasses import replace

from grafana import links
from grafana.common import (
    A_MINUTE,
    ANY_IS_BAD,
    ANY_IS_ODD,
    CRON_FUNCTION_CHOICE,
    JOB_PAGES,
    QUEUE_CHOICE,
    RATES,
    REDIS_COLUMN,
    rq_dashboard,
)
from grafana.layer.fields import graded, thresholds, value_mapping
from grafana.layer.layout import row
from grafana.layer.stat import stat
from grafana.layer.state_timeline import state_timeline
from grafana.layer.table import DAY_AND_TIME, Column, Label, table
from grafana.layer.time_series import time_series
from grafana.links import cell_to, row_to_page
from grafana.queries import cron

NO_CRON_JOB = "No cron job"
RESULT_COLOURS = {"failed": "red", "missed": "purple", "coalesced": "orange", "enqueued": "green"}
RESULTS = [
    value_mapping({number: (result, RESULT_COLOURS[result]) for result, number in cron.TICK_NUMBERS.items()})
]
OUTCOMES = [
    value_mapping(
        {
            cron.OUTCOME_NUMBERS["success"]: ("success", "green"),
            cron.OUTCOME_NUMBERS["failed"]: ("failed", "red"),
        }
    )
]
PAUSED = [value_mapping({0: ("active", "green"), 1: ("paused", "yellow")})]
LATENESS_STEPS = ((5, "yellow"), (cron.LATE, "red"))

TO_FUNCTION = cell_to(links.JOB_FUNCTION, "queue", "function")

DASHBOARD = rq_dashboard(
    links.CRON,
    "Does everything run when it should, and what was missed?",
    choices=[QUEUE_CHOICE, CRON_FUNCTION_CHOICE, JOB_PAGES, RATES],
    rows=[
        row(
            4,
            stat("Cron jobs", "Cron jobs that are registered now.", cron.cron_jobs(), no_value=NO_CRON_JOB),
            stat(
                "Schedulers",
                "Cron scheduler processes. One is enough; several never enqueue a tick twice. With several "
                "Redis: the Redis that has the fewest.",
                cron.schedulers(),
                colours=graded("red", (1, "green")),
                no_value=NO_CRON_JOB,
            ),
            stat(
                "Late",
                "Cron jobs whose tick is more than a minute late. Above 0: see the table below.",
                cron.late_jobs(),
                colours=ANY_IS_BAD,
                no_value=NO_CRON_JOB,
            ),
            stat(
                "Enqueued",
                "Ticks in the time range that enqueued a job.",
                cron.ticks("enqueued"),
                decimals=0,
                no_value=NO_CRON_JOB,
            ),
            stat(
                "Coalesced",
                "Ticks in the time range at which no scheduler ran. One later run replaced them.",
                cron.ticks("coalesced"),
                decimals=0,
                colours=ANY_IS_ODD,
                no_value=NO_CRON_JOB,
            ),
            stat(
                "Missed",
                "Ticks in the time range that did not run: no scheduler was up, and they were too old when "
                "one started.",
                cron.ticks("missed"),
                decimals=0,
                colours=ANY_IS_BAD,
                no_value=NO_CRON_JOB,
            ),
            stat(
                "Failed ticks",
                "Ticks in the time range that no worker could run. The definition, function or arguments "
                "are unreadable, or no worker listens to the queue.",
                cron.ticks("failed"),
                decimals=0,
                colours=ANY_IS_BAD,
                no_value=NO_CRON_JOB,
            ),
            widths=(3, 3, 3, 3, 4, 4, 4),
        ),
        row(
            8,
            table(
                "Schedule",
                "One row per cron job. Last run and run time cover all jobs of its function in its "
                "queue. Not run: ticks in the time range that were missed, failed or "
                "coalesced.",
                [
                    Label("cron_job", "Cron job", links=[row_to_page("Cron job", "/cron", q="cron_job")]),
                    Label("schedule", "Schedule", width=90),
                    Label("queue", "Queue", width=108),
                    Label("function", "Function", links=[TO_FUNCTION]),
                    replace(REDIS_COLUMN, width=95),
                ],
                [
                    Column("State", cron.is_paused(), mappings=PAUSED),
                    Column("Late by", cron.late_by(), unit="s", colours=LATENESS_STEPS),
                    Column("Last tick", cron.last_tick(), unit=DAY_AND_TIME),
                    Column("Next tick", cron.next_tick(), unit=DAY_AND_TIME),
                    Column("Last run", cron.last_outcome(), mappings=OUTCOMES),
                    Column("Run time", cron.run_time(), unit="s"),
                    Column("Not run", cron.ticks_not_enqueued(), decimals=0, colours=[(1, "orange")]),
                ],
                sort_by="Late by",
                no_value=NO_CRON_JOB,
            ),
        ),
        row(
            9,
            state_timeline(
                "Ticks",
                "When each cron job ticked, and the result of the tick. If several ticks share a step, "
                "the worst one is shown.",
                cron.tick_timeline(),
                states=RESULTS,
                no_value="No tick in this time",
            ),
        ),
        row(
            8,
            time_series(
                "Ticks by result",
                "Ticks per minute by result. A failed tick may first have been enqueued.",
                [cron.ticks_per_minute(result) for result in cron.TICK_NUMBERS],
                unit=A_MINUTE,
                bars=True,
                stacked=True,
                series_colours=RESULT_COLOURS,
                no_value=NO_CRON_JOB,
            ),
            time_series(
                "Late by",
                "How late each cron job is. A line that climbs: no scheduler runs.",
                [cron.late_by_over_time()],
                unit="s",
                limit=thresholds("transparent", (cron.LATE, "red")),
                no_value=NO_CRON_JOB,
            ),
            time_series(
                "Schedulers over time",
                "Number of cron scheduler processes.",
                [cron.schedulers_over_time()],
                legend="none",
                no_value=NO_CRON_JOB,
            ),
            widths=(9, 9, 6),
        ),
    ],
)
