"""`python -m stack`: start, stop and inspect the whole stack, as containers or as local processes."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from grafana.links import OVERVIEW
from rq_mon.environment.variables import SettingsError
from stack.as_operator import become, run_as_operator
from stack.asking import confirmed, goes_on_after_changes, name_settings_left_out, refuse_yes_for_a_runtime
from stack.backup import back_up, check, kept, restore
from stack.choice import available, choose, is_running, refuse_if_running
from stack.dotenv import set_variable
from stack.last_start import FILE as LAST_START
from stack.last_start import this_start
from stack.needed import note_of_workers_needed
from stack.queues import worker_of
from stack.redis_access import access_of
from stack.redis_users import OPERATOR
from stack.runtime import Health, Runtime, StackError, State
from stack.services import FORMER_NAMES, GRAFANA, WORKERS, Service
from stack.settings import BACKUPS, DOTENV, PROJECT_ROOT, STATE_DIRECTORY, StackSettings, load_settings
from stack.table import open_console, print_states
from stack.variables import QUEUES, REDIS_URL
from stack.waiting import bring_to_health, wait_until_healthy

LOG_LINES = 15


def main() -> int:
    """Run one command and return its exit code: 0 if all is well."""
    arguments = _parser().parse_args()
    try:
        return int(arguments.run(load_settings(), arguments))
    except (StackError, SettingsError) as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("\nInterrupted. To see what is running: make status", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m stack", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for run in (start, status, clean):
        commands.add_parser(run.__name__, help=run.__doc__).set_defaults(run=run)
    for run_one in (stop, logs, restart):
        one = commands.add_parser(run_one.__name__, help=run_one.__doc__)
        one.add_argument("service", nargs=None if run_one is restart else "?", type=_todays_name)
        one.set_defaults(run=run_one)
    copy = commands.add_parser("backup", help=back_up_stack.__doc__)
    copy.add_argument("file", nargs="?")
    copy.set_defaults(run=back_up_stack)
    replace = commands.add_parser("restore", help=restore_stack.__doc__)
    replace.add_argument("file")
    replace.set_defaults(run=restore_stack)
    number = commands.add_parser("scale", help=scale.__doc__)
    number.add_argument("queue")
    number.add_argument("workers")
    number.set_defaults(run=scale)
    execute = commands.add_parser("exec", help=run_command.__doc__)
    execute.add_argument("command", nargs=argparse.REMAINDER)
    execute.set_defaults(run=run_command)
    for name, run_other in (("demo", run_demo), ("redis-cli", ask_redis), ("amtool", ask_alertmanager)):
        # No prefix, so that every option goes to that program.
        other = commands.add_parser(name, help=run_other.__doc__, add_help=False, prefix_chars="\0")
        other.add_argument("arguments", nargs=argparse.REMAINDER)
        other.set_defaults(run=run_other)
    return parser


def _todays_name(name: str) -> str:
    """Return the current name of a service. A name from an earlier release still works, with a warning."""
    if name not in FORMER_NAMES:
        return name
    successor = FORMER_NAMES[name].name
    print(
        f"SERVICE={name}: the service is called {successor} now; the next release refuses {name}.",
        file=sys.stderr,
    )
    return successor


def start(settings: StackSettings, _: argparse.Namespace) -> int:
    """Start everything, wait until it is healthy and show where to look."""
    console = open_console()
    problem = ""
    with _locked():
        runtime = choose(settings)
        refuse_if_running(runtime, settings)
        if not goes_on_after_changes(runtime, settings):
            print("Nothing was changed.")
            return 1
        console.print(f"Starting the stack ({runtime.name}) …")
        try:
            runtime.start()
        except StackError as error:
            problem = str(error)
        if problem and not is_running(runtime):
            raise StackError(problem)
        this_start(settings).write()
    with console.status("Waiting until everything is healthy"):
        states = runtime.states() if problem else bring_to_health(runtime)
    print_states(console, states, settings, [*runtime.notes(), *_unserved_queues(settings)])
    if problem:
        console.print(problem, markup=False, style="red")
    if problem or not _all_healthy(states):
        _print_logs_of_unhealthy(console, runtime, states)
        return 1
    feed = "" if _why_no_demo(settings) else "   Feed them: make demo"
    console.print(f"\nOpen the dashboards: {settings.url(GRAFANA)}{feed}")
    if REDIS_URL in settings.given and not settings.has_own_redis():
        print(f"{REDIS_URL} applies to this start only. Put it into .env, for make status and ./rqmon too.")
    return 0


def stop(settings: StackSettings, arguments: argparse.Namespace) -> int:
    """Stop everything, or one service; keep the data."""
    with _locked():
        if arguments.service is not None:
            return _stop_one(arguments.service, settings)
        for runtime in available(settings):
            if is_running(runtime):
                print(f"Stopping the stack ({runtime.name}) …", flush=True)
            runtime.stop()
    print("Stopped. The data is kept; remove it with: make clean")
    return 0


def _stop_one(name: str, settings: StackSettings) -> int:
    runtime = choose(settings)
    service = _service_of(name, runtime)
    runtime.stop_service(service)
    print(f"Stopped {service.name}. Start it again: make start-rq-mon")
    return 0


def restart(settings: StackSettings, arguments: argparse.Namespace) -> int:
    """Restart one service with the current settings, and wait until it is healthy."""
    console = open_console()
    with _locked():
        runtime = choose(settings)
        service = _service_of(arguments.service, runtime)
        if not is_running(runtime):
            raise StackError("The stack is not running. Start it: make start-rq-mon")
        print(f"Restarting {service.name} ({runtime.name}) …", flush=True)
        runtime.restart(service)
    with console.status("Waiting until it is healthy"):
        state = wait_until_healthy(runtime, only={service})[service]
    print_states(console, {service: state}, settings, [])
    if state.health is not Health.HEALTHY:
        _print_logs_of_unhealthy(console, runtime, {service: state})
        return 1
    return 0


def status(settings: StackSettings, _: argparse.Namespace) -> int:
    """Show every service; exit code 1 unless all are healthy."""
    runtime = choose(settings)
    states = runtime.states()
    print_states(open_console(), states, settings, [*runtime.notes(), *_unserved_queues(settings)])
    return 0 if _all_healthy(states) else 1


def scale(settings: StackSettings, arguments: argparse.Namespace) -> int:
    """Set the number of workers of a queue, and keep it in .env."""
    if settings.external_services():
        raise StackError(f"{REDIS_URL} is set: the stack watches that Redis and has no workers to scale")
    variable, value = settings.scaled(arguments.queue, arguments.workers)
    if os.environ.get(variable.name, "").strip():
        raise StackError(
            f"{variable.name}: expected it in .env only, but the environment sets it too and wins; unset "
            "it there"
        )
    console = open_console()
    with _locked():
        set_variable(DOTENV, variable.name, value)
        settings = load_settings()
        worker = worker_of(arguments.queue)
        runtime = choose(settings)
        if not is_running(runtime):
            print(f"The stack is not running. It will start with {variable.name}={value}, from .env.")
            return 0
        name_settings_left_out(settings)
        runtime.scale(worker)
    with console.status("Waiting until the workers listen"):
        states = wait_until_healthy(runtime)
    of_the_queue = {service: state for service, state in states.items() if service == worker}
    print_states(console, of_the_queue, settings, [])
    print(f"{variable.name}={value} is kept in .env.")
    if note := note_of_workers_needed(settings, arguments.queue):
        print(note)
    return 0 if _all_healthy(of_the_queue) else 1


def logs(settings: StackSettings, arguments: argparse.Namespace) -> int:
    """Show and follow the log of one service, or of all."""
    runtime = choose(settings)
    service = None if arguments.service is None else _service_of(arguments.service, runtime)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # Ctrl-C reaches tail, too
    with contextlib.suppress(KeyboardInterrupt):
        runtime.follow_logs(service)
    return 0


def clean(settings: StackSettings, _: argparse.Namespace) -> int:
    """Stop everything and remove its data, after asking."""
    with _locked():
        runtimes = [runtime for runtime in available(settings) if runtime.data()]
        if not runtimes:
            print("There is no data to remove.")
            return 0
        print("This stops the stack and removes its queues, metrics, logs, passwords and images:")
        for runtime in runtimes:
            print(*(f"  {name}" for name in runtime.data()), sep="\n")
        if len([runtime for runtime in runtimes if runtime.has_data()]) > 1:
            refuse_yes_for_a_runtime(settings)
        if not confirmed(settings, "Remove it?"):
            print("Nothing was removed.")
            return 1
        for runtime in runtimes:
            runtime.stop()
            runtime.clean()
        _remove_state_directory()
    print("Removed. Left on this machine, and how to remove it:")
    _print_leftovers(runtimes)
    return 0


def _remove_state_directory() -> None:
    for file in (LAST_START, STATE_DIRECTORY / "lock"):
        file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # the folder is not empty
        STATE_DIRECTORY.rmdir()


def _print_leftovers(runtimes: Sequence[Runtime]) -> None:
    own = {"Python packages": Path(sys.prefix), "backups": BACKUPS, "settings": DOTENV}
    for what, path in own.items():
        if path.exists() and path.is_relative_to(PROJECT_ROOT):
            remove = "rm -r" if path.is_dir() else "rm"
            print(f"  {what}: {remove} {path.relative_to(PROJECT_ROOT)}")
    for runtime in runtimes:
        print(*(f"  {line}" for line in runtime.leftovers()), sep="\n")


def back_up_stack(settings: StackSettings, arguments: argparse.Namespace) -> int:
    """Back up the queues and the metrics' history into a file, while the stack runs."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    file = Path(arguments.file or BACKUPS / f"rq-mon-{moment}.zip").absolute()
    with _locked():
        runtime = choose(settings)
        if not runtime.data():
            raise StackError(f"There is no data to back up ({runtime.name}).")
        print("Copying. Prometheus is stopped meanwhile.", flush=True)
        back_up(runtime, settings, file)
    print(f"{file}: {file.stat().st_size / 1e6:.1f} MB. Restore it: make restore FILE={file}")
    return 0


def restore_stack(settings: StackSettings, arguments: argparse.Namespace) -> int:
    """Replace the data of a stopped stack with a backup, after asking."""
    if not arguments.file:
        raise StackError("FILE: expected the name of a backup, such as make restore FILE=backups/….zip")
    file = Path(arguments.file).absolute()
    with _locked():
        runtime = choose(settings)
        if is_running(runtime):
            raise StackError("The stack is running. Stop it before you restore: make stop-rq-mon")
        check(file, settings)
        if not runtime.has_data() and len(available(settings)) > 1:
            refuse_yes_for_a_runtime(settings)
        names = " and ".join(service.name for service in kept(settings))
        print(f"This replaces the data of {names} with {file} ({runtime.name}).")
        if not confirmed(settings, "Overwrite it?"):
            print("Nothing was changed.")
            return 1
        restore(runtime, settings, file)
    print("Start it: make start-rq-mon")
    return 0


def run_command(settings: StackSettings, arguments: argparse.Namespace) -> NoReturn:
    """Run a command with RQ_REDIS_URL set to the operator's login to the stack's Redis: … exec rq info."""
    run_as_operator(arguments.command, settings)


def run_demo(settings: StackSettings, arguments: argparse.Namespace) -> NoReturn:
    """Enqueue demo jobs for a while, only in the stack's own Redis."""
    if problem := _why_no_demo(settings):
        raise StackError(problem)
    dashboard = f"--dashboard={settings.grafana_url()}/d/{OVERVIEW}"
    run_as_operator([sys.executable, "-m", "demo", dashboard, *arguments.arguments], settings)


def _why_no_demo(settings: StackSettings) -> str:
    if not settings.has_own_redis():
        return (
            f"{REDIS_URL} is set: the stack only watches that Redis, so it enqueues no demo jobs there. "
            "Unset it to use the stack's own Redis."
        )
    return " ".join(_unserved_queues(settings))


def _unserved_queues(settings: StackSettings) -> list[str]:
    """Return a warning if a default queue of this project has no workers."""
    unserved = [queue for queue, worker in WORKERS.items() if not settings.number(worker)]
    if not settings.has_own_redis() or not unserved:
        return []
    return [
        f"{QUEUES.name} gives no workers to {' and '.join(unserved)}, where job_scheduler(), cron_jobs.py and"
        " demo put jobs."
    ]


def ask_redis(settings: StackSettings, arguments: argparse.Namespace) -> NoReturn:
    """Run redis-cli as the stack's operator of Redis: … redis-cli info memory."""
    from stack.redis_cli import redis_cli, refuse_if_silent  # here, because it loads redis-py

    access = access_of(OPERATOR, settings)
    words, environment = redis_cli(access)
    refuse_if_silent(access)
    become([*words, *arguments.arguments], {**settings.environment, **environment})


def ask_alertmanager(settings: StackSettings, arguments: argparse.Namespace) -> NoReturn:
    """Run amtool, logged in to the stack's Alertmanager: … amtool silence add alertname=RQQueueStalled …."""
    words, environment = choose(settings).amtool()
    become([*words, *arguments.arguments], environment)


def _service_of(name: str, runtime: Runtime) -> Service:
    services = {service.name: service for service in runtime.services()}
    if name not in services:
        close = get_close_matches(name, services, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise StackError(f"SERVICE: expected one of {', '.join(services)}, got {name!r}{hint}")
    return services[name]


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """Hold the lock that lets one command at a time change the stack."""
    STATE_DIRECTORY.mkdir(mode=0o700, exist_ok=True)
    with (STATE_DIRECTORY / "lock").open("w") as lock:
        os.fchmod(lock.fileno(), 0o600)  # out of reach of jobs, which could hold the lock
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(
                "Another command is changing this stack (start, stop, clean …). Wait until it ends, and try "
                "again."
            ) from None
        yield


def _all_healthy(states: Mapping[Service, State]) -> bool:
    return all(state.health is Health.HEALTHY for state in states.values())


def _print_logs_of_unhealthy(console: Console, runtime: Runtime, states: Mapping[Service, State]) -> None:
    for service, state in states.items():
        if state.health is not Health.HEALTHY:
            console.rule(f"{service.name}: {state.health}, last lines of its log", align="left")
            lines = runtime.last_log_lines(service, LOG_LINES)
            console.print(lines or "The log is empty.", markup=False, highlight=False)


if __name__ == "__main__":
    sys.exit(main())
