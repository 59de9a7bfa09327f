"""The command `rqmon`, its commands, and how each of them ends."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence

import click
from redis.exceptions import RedisError

from rq_mon import changes
from rq_mon.cli.change import delete, requeue
from rq_mon.cli.cron import cron
from rq_mon.cli.exits import INTERRUPTED, NO_REDIS, OK, USAGE, WRONG
from rq_mon.cli.export import export
from rq_mon.cli.failed import failed
from rq_mon.cli.health import health
from rq_mon.cli.job import job, stop_job
from rq_mon.cli.jobs import jobs
from rq_mon.cli.output import say, shown, shown_lines
from rq_mon.cli.prune import prune
from rq_mon.cli.queues import empty, pause, purge, resume
from rq_mon.cli.status import status
from rq_mon.cli.tail import tail
from rq_mon.settings import SettingsError

COMMANDS = (
    status,
    tail,
    job,
    jobs,
    failed,
    requeue,
    delete,
    stop_job,
    purge,
    empty,
    pause,
    resume,
    cron,
    health,
    prune,
    export,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def rqmon() -> None:
    """Look at the queues, workers and cron jobs of RQ, and put right what went wrong.

    RQ_REDIS_URL names the Redis. Exit codes: 0 all is well; 1 something is wrong, or nothing was found; 2 the
    command line or a setting cannot be used, and nothing was done; 3 Redis cannot be reached.
    """


for command in COMMANDS:
    rqmon.add_command(command)


class WarningsOnStderr(logging.Handler):
    """Shows what the packages below log: keys that hold something else than they should."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say it on stderr."""
        say(f"note: {shown(record.getMessage())}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    logging.basicConfig(handlers=[WarningsOnStderr()], level=logging.WARNING)
    changes.logger.setLevel(logging.INFO)
    try:
        result = rqmon.main(args=arguments, prog_name="rqmon", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return USAGE
    except click.ClickException as error:
        return _failed(error.format_message(), error.exit_code)
    except SettingsError as error:
        return _failed(str(error), USAGE)
    except RedisError as error:
        return _failed(f"Redis does not answer as it should: {error}", NO_REDIS)
    except BrokenPipeError:
        # Nobody reads on. What is not written yet must not be tried once more at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return WRONG
    except (click.Abort, KeyboardInterrupt):
        return _failed("interrupted", INTERRUPTED)
    return result if isinstance(result, int) else OK


def _failed(message: str, code: int) -> int:
    say(f"rqmon: {shown_lines(message)}")
    return code
