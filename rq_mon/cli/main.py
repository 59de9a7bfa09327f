"""The command `rqmon`: its subcommands, its help, and its exit codes."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Sequence

import click

from rq_mon import changes
from rq_mon.cli.exits import INTERRUPTED, NO_REDIS, OK, USAGE, WRONG
from rq_mon.installed import lacking, misfits, missing

COMMANDS = {
    "status": "Show queues, workers and cron jobs; with QUEUE that queue, its workers and its cron jobs.",
    "tail": "Print a line for each job that finishes or fails, of all queues or of QUEUE..., until Ctrl-C.",
    "job": "Show everything that RQ stores about one job.",
    "jobs": "Show the jobs of QUEUE that are in one state, the newest first.",
    "failed": "Show failed jobs in groups of one queue, function and exception, the latest first.",
    "requeue": "Put failed jobs back at the end of their queues, after asking.",
    "delete": "Delete failed jobs for good, with their results, after asking.",
    "stop": "Stop a running job, after asking.",
    "purge": "Delete all jobs of QUEUE in STATE for good, with their results, after asking.",
    "empty": "Delete the queued jobs of QUEUE for good, after asking; same as `purge QUEUE queued`.",
    "pause": "Pause all workers, of every queue, after asking; same as `rq suspend`.",
    "resume": "Resume all workers, after asking.",
    "cron": "Show cron jobs, run them now, pause, resume and cancel them.",
    "health": "Exit with 0 if all is well, else with 1 (or 3: no Redis), and say what is wrong.",
    "prune": "Delete the series of job metrics that no worker has written for --days days, after asking.",
    "export": "Write rules and dashboards for your own Prometheus and Grafana.",
}
"""Each command and the first sentence of its help, so that `--help` need not load the commands."""

MODULES = {
    **dict.fromkeys(("requeue", "delete"), "change"),
    "stop": "job",
    **dict.fromkeys(("purge", "empty", "pause", "resume"), "queues"),
}
"""Command -> its module, where the names differ."""

EXTRAS = ("cli", "exporter", "web")
"""Extras of the package whose installed versions are checked."""


class Commands(click.Group):
    """The commands; each is loaded when it is used."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command; None if it does not exist."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"rq_mon.cli.{MODULES.get(cmd_name, cmd_name)}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands for `--help`."""
        from rq_mon.settings import settings_of

        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))
        with formatter.section("Settings, in the environment"):
            formatter.write_dl([(variable.name, variable.help) for variable in settings_of("rqmon")])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def rqmon() -> None:
    """Show the queues, workers and cron jobs of RQ, and repair what went wrong.

    RQ_REDIS_URL names the Redis. Exit codes: 0 all is well; 1 something is wrong, or nothing was found; 2 the
    command line or a setting is invalid, and nothing was done; 3 Redis cannot be reached.
    """
    from rq_mon.cli.output import say

    if sentence := lacking("cli"):
        raise click.UsageError(sentence)
    for sentence in dict.fromkeys(each for extra in EXTRAS for each in misfits(extra)):
        say(f"note: {sentence}")


class WarningsOnStderr(logging.Handler):
    """Prints warnings of the other packages on stderr, such as keys of the wrong type."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one warning on stderr."""
        from rq_mon.cli.output import say, shown

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
    except BrokenPipeError:
        # The reader has closed the pipe: Python must not write the rest when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return WRONG
    except (click.Abort, KeyboardInterrupt):
        return _failed("interrupted", INTERRUPTED)
    except Exception as error:
        return _failed(*_message_and_code(error))
    return result if isinstance(result, int) else OK


def _message_and_code(error: Exception) -> tuple[str, int]:
    """Return message and exit code for an error that users can fix; raise any other again."""
    from redis.exceptions import RedisError

    from rq_mon.environment.variables import SettingsError

    if isinstance(error, SettingsError):
        return str(error), USAGE
    if isinstance(error, ModuleNotFoundError) and (sentence := missing(error, "cli")):
        return sentence, USAGE
    if isinstance(error, RedisError):
        return f"cannot use the Redis that RQ_REDIS_URL names: {error}", NO_REDIS
    raise error


def _failed(message: str, code: int) -> int:
    from rq_mon.cli.output import say, shown_lines

    say(f"rqmon: {shown_lines(message)}")
    return code
