"""`rqmon export`: rules, dashboards and a scrape job for the user's own Prometheus and Grafana."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from rq_mon.catalogue import OWN_INSTANCE
from rq_mon.cli.exits import OK
from rq_mon.cli.output import print_line, shown
from rq_mon.export import options
from rq_mon.export.dashboards import dashboard_files
from rq_mon.export.folder import FolderError, write_folder
from rq_mon.export.prometheus_config import RULES, scrape_config
from rq_mon.export.rules import other_programs, rule_files
from rq_mon.ports import RQ_EXPORTER_PORT

DEFAULT_INTERVAL = "15s"


class Checked(click.ParamType):  # type: ignore[type-arg]
    """A value that a function checks and returns."""

    def __init__(self, name: str, check: Callable[[str], Any]) -> None:
        self.name = name
        self._check = check

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check and convert the value; a usage error names the option and the value."""
        try:
            return self._check(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


FOLDER = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
NAME_OPTION = click.option(
    "--name",
    type=Checked("NAME", options.redis_name),
    default=OWN_INSTANCE,
    show_default=True,
    help="Name of the Redis: the value of the label `instance`.",
)
INTERVAL = Checked("INTERVAL", options.scrape_interval)


@click.group()
def export() -> None:
    """Write rules and dashboards for your own Prometheus and Grafana.

    These commands do not connect to Redis.
    """


GRAFANA_OPTION = click.option(
    "--grafana-url",
    type=Checked("URL", options.web_address),
    help="Address of your Grafana, for the links in alerts. Without it, alerts have no link to a dashboard.",
)
RUNBOOK_OPTION = click.option(
    "--runbook-url",
    type=Checked("URL", options.runbook_address),
    help="Address of your runbooks. Alerts link to URL/NAME, or replace {name} in it, such as "
    "https://example.com/runbooks/{name}.md. Without it, alerts have no link to a runbook.",
)
JOB_PAGES_OPTION = click.option(
    "--job-pages-url",
    type=Checked("URL", options.web_address),
    help="Address of your job pages (rq-mon-web). Without it, nothing links to them.",
)
PROGRAMS_OPTION = click.option(
    "--with",
    "programs",
    type=click.Choice(other_programs()),
    multiple=True,
    help="Also write the rules for a program that this Prometheus scrapes. May be repeated.",
)
ONE_REDIS_OPTION = click.option(
    "--one-redis",
    is_flag=True,
    help="For one Redis and one Prometheus: the dashboards have no Redis column and no choice of either.",
)
DATA_SOURCE_OPTION = click.option(
    "--data-source",
    type=Checked("NAME", options.data_source),
    help="Name of the Prometheus data source in Grafana. Default: Grafana's default data source.",
)
EXPORTER_OPTION = click.option(
    "--exporter",
    metavar="HOST:PORT",
    type=Checked("HOST:PORT", options.host_and_port),
    default=f"127.0.0.1:{RQ_EXPORTER_PORT}",
    show_default=True,
    help="Address at which Prometheus reaches the exporter.",
)


@export.command("all")
@FOLDER
@NAME_OPTION
@EXPORTER_OPTION
@click.option("--scrape-interval", type=INTERVAL, default=DEFAULT_INTERVAL, show_default=True)
@DATA_SOURCE_OPTION
@ONE_REDIS_OPTION
@GRAFANA_OPTION
@RUNBOOK_OPTION
@JOB_PAGES_OPTION
@PROGRAMS_OPTION
def everything(
    folder: Path,
    name: str,
    exporter: str,
    scrape_interval: int,
    data_source: str | None,
    one_redis: bool,
    grafana_url: str | None,
    runbook_url: str | None,
    job_pages_url: str | None,
    programs: tuple[str, ...],
) -> int:
    """Write rules/, dashboards/ and prometheus.yml into DIR, a new or empty folder.

    prometheus.yml has the scrape job and loads the rules. Run Prometheus with it, or copy its lines into
    your own.
    """
    rules_ = rule_files(grafana=grafana_url, runbook=runbook_url, job_pages=job_pages_url, programs=programs)
    boards = dashboard_files(
        data_source=data_source,
        scrape_interval=scrape_interval,
        name=name,
        job_pages=job_pages_url,
        one_redis=one_redis,
    )
    config = RULES + scrape_config(name=name, exporter=exporter, scrape_interval=scrape_interval)
    files = {f"rules/{file}": text for file, text in rules_.items()}
    files |= {f"dashboards/{file}": text for file, text in boards.items()}
    return _write(
        folder,
        files | {"prometheus.yml": config},
        "Copy the lines of its prometheus.yml into yours, and import dashboards/ in Grafana.",
    )


@export.command()
@FOLDER
@GRAFANA_OPTION
@RUNBOOK_OPTION
@JOB_PAGES_OPTION
@PROGRAMS_OPTION
def rules(
    folder: Path,
    grafana_url: str | None,
    runbook_url: str | None,
    job_pages_url: str | None,
    programs: tuple[str, ...],
) -> int:
    """Write alerting and recording rules into DIR, a new or empty folder.

    They need only rq-exporter. Its scrape job can have any name.
    """
    files = rule_files(grafana=grafana_url, runbook=runbook_url, job_pages=job_pages_url, programs=programs)
    return _write(folder, files, "Load them with rule_files in prometheus.yml, and check them with promtool.")


@export.command()
@FOLDER
@DATA_SOURCE_OPTION
@click.option(
    "--scrape-interval",
    type=INTERVAL,
    help="Scrape interval of the exporter in your Prometheus, if longer than 15s.",
)
@NAME_OPTION
@ONE_REDIS_OPTION
@JOB_PAGES_OPTION
def dashboards(
    folder: Path,
    data_source: str | None,
    scrape_interval: int | None,
    name: str,
    one_redis: bool,
    job_pages_url: str | None,
) -> int:
    """Write Grafana's dashboards as JSON into DIR, a new or empty folder."""
    files = dashboard_files(
        data_source=data_source,
        scrape_interval=scrape_interval,
        name=name,
        job_pages=job_pages_url,
        one_redis=one_redis,
    )
    return _write(folder, files, "Import them in Grafana, or load them with a provisioning file.")


@export.command("prometheus-config")
@NAME_OPTION
@EXPORTER_OPTION
@click.option("--scrape-interval", type=INTERVAL, default=DEFAULT_INTERVAL, show_default=True)
def prometheus_config(name: str, exporter: str, scrape_interval: int) -> int:
    """Print a scrape job for the exporter. It sets the name of the Redis."""
    click.echo(scrape_config(name=name, exporter=exporter, scrape_interval=scrape_interval), nl=False)
    return OK


def _write(folder: Path, files: dict[str, str], next_step: str) -> int:
    try:
        write_folder(folder, files)
    except FolderError as error:
        raise click.UsageError(str(error)) from error
    print_line(f"{len(files)} files written to {shown(str(folder))}. {next_step}")
    return OK
