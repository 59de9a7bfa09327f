"""Runs the stack as local processes under supervisord."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO

from stack.alertmanager_login import PASSWORD as ALERTMANAGER_PASSWORD
from stack.alertmanager_login import alertmanager_note, password_file, write_client_config
from stack.checks import refuse_mistakes
from stack.native import processes, programs, prometheus_config, supervisor_config
from stack.native.accounts import as_owner, leftover_users
from stack.native.checks import NativeTools
from stack.native.commands import STOPS_WITHIN, Command, NativeContext, command
from stack.native.debian import ensure_installed
from stack.native.reach import entering
from stack.native.separation import close_to_jobs, keep_record, recorded, recorded_accounts, separate
from stack.native.supervisor import ENDED, ProcessInfo, Supervisor
from stack.native.supervisor_config import program_names
from stack.ports import check_logins, check_ports_free, notes_of_open_ports
from stack.runtime import ANOTHER_REDIS_NOTE, Health, StackError, State, worst_state
from stack.secrets import GRAFANA_ADMIN_PASSWORD, web_note, write_private
from stack.services import ALERTMANAGER, GRAFANA, PROMETHEUS, REDIS, VIEWER, Service
from stack.settings import PROJECT_ROOT, STATE_DIRECTORY, StackSettings
from stack.variables import STOP_GRACE

ANSWERS_WITHIN = 60.0
"""Seconds after which a running process that does not answer counts as broken, no longer as starting."""

QUIETLY_WAITED_FOR = 2.0
"""Seconds after which stop prints what it waits for."""

ASKED_AGAIN_WITHIN = 30.0
"""Seconds to wait for an answer from supervisord while services stop."""

KILLED_WITHIN = 10.0
"""Seconds that supervisord may need to kill a program after its grace period."""

POLL = 0.1

STOPPED = State(Health.STOPPED)
LEFT_BEHIND = State(Health.FAILED, "supervisord does not answer: make start-rq-mon")

HEALTH_BY_STATE = {
    "STARTING": Health.STARTING,
    "BACKOFF": Health.FAILED,
    "EXITED": Health.FAILED,
    "FATAL": Health.FAILED,
}


class NativeRuntime:
    """The services as local processes, run by separate users or by the user who starts the stack."""

    name = "native"

    def __init__(self, settings: StackSettings, directory: Path = STATE_DIRECTORY / "native") -> None:
        self.settings = settings
        self.directory = directory
        self.context = NativeContext(settings, directory, recorded_accounts(directory))
        self.supervisor = Supervisor(directory)

    def has_data(self) -> bool:
        """Return whether this clone has run as processes since the last `make clean`."""
        return (self.directory / PROMETHEUS.name).exists()

    def services(self) -> Sequence[Service]:
        """Return all services except: Grafana or the viewer, and what another Redis already has."""
        absent = {VIEWER if programs.GRAFANA.find() else GRAFANA, *self.settings.external_services()}
        return [service for service in self.settings.services() if service not in absent]

    def start(self) -> None:
        """Install missing programs, end processes left by a crash, then start or update supervisord."""
        ensure_installed(programs.missing(programs.NEEDED))
        running = self.supervisor.is_running()
        if not running:
            self._end_leftovers()
        check_logins(self.settings, self.services())
        self._check(self.services())
        check_ports_free(self.settings, self.services(), partial(processes.belongs_to, self.directory))
        separation = separate(self.settings, self.directory)
        if note := separation.note():
            print(note, flush=True)
        if running and not separation.fits(recorded(self.directory)):
            print("Restarting everything: its users, or what they can read, changed", flush=True)
            self.stop()
            running = False
        if not running:
            keep_record(separation, self.directory)
        separation.compile_sources()
        self.context = replace(self.context, accounts=separation.accounts)
        commands = self._write_configuration()
        if running:
            self._stop_frozen()
            self.supervisor.update(within=max(command.stop_within for command in commands.values()))
        else:
            self.supervisor.start(self.settings.inherited, entering(separation.enclosure))

    def scale(self, worker: Service) -> None:
        """Start or end programs of the worker."""
        self._write_configuration()
        names = program_names(worker, self.settings.number(worker))
        beyond = {name for name in self.supervisor.processes() if is_program_of(worker, name)}
        self.supervisor.update(self.settings.stop_grace, only={*names, *beyond})

    def stop(self) -> None:
        """End the services, Redis last, then supervisord, then every other process with the stack's mark."""
        # If it does not answer, its programs are leftovers. Redis ends last among them, too.
        with contextlib.suppress(StackError):
            if self.supervisor.is_running():
                self._stop_programs(lambda name: name != REDIS.name)
                self._stop_programs(
                    lambda name: name == REDIS.name
                )  # last, because workers need it to record how their jobs end
                self.supervisor.shut_down(within=self.settings.stop_grace)
        self._end_leftovers()

    def stop_service(self, service: Service) -> None:
        """Stop its programs; supervisord keeps them stopped until the next start."""
        if self.supervisor.is_running():
            self._end_programs(self._programs_of(service))

    def restart(self, service: Service) -> None:
        """Stop the service's programs, and start them with the current configuration file."""
        if not self.supervisor.is_running():
            raise StackError("The stack is not running. Start it: make start-rq-mon")
        self._check([service])
        commands = self._write_configuration()
        before = self._programs_of(service)
        self._end_programs(before)
        names = program_names(service, commands[service].number)
        self.supervisor.update(commands[service].stop_within, only={*names, *before})

    def restart_broken(self, services: Sequence[Service]) -> Sequence[Service]:
        """Restart programs that run but do not work; of several workers, those without a heartbeat."""
        from stack.native.health import broken_programs

        found = self.supervisor.processes()
        asked = [REDIS] if REDIS in services else services
        broken = {
            name
            for service in asked
            for name in broken_programs(service, self._running_programs(service, found), self.context)
        }
        self._end_programs(broken)
        for name in sorted(broken):
            print(f"Restarting {name}: it runs, but does not respond", flush=True)
            self.supervisor.request_start(name)
        return [service for service in asked if any(is_program_of(service, name) for name in broken)]

    def states(self) -> Mapping[Service, State]:
        """Return the state of each service, by asking supervisord first, then each running process."""
        services = self.services()
        try:
            found = self.supervisor.processes()
        except StackError:
            left = processes.program_names_of(self.directory)
            return {
                service: LEFT_BEHIND if any(is_program_of(service, name) for name in left) else STOPPED
                for service in services
            }
        with ThreadPoolExecutor(max_workers=len(services)) as pool:
            states = pool.map(lambda service: self._state(service, found), services)
            return dict(zip(services, states, strict=True))

    def last_log_lines(self, service: Service, count: int) -> str:
        """Return the last lines of the service's log files."""
        logs = self._logs(service)
        return "\n".join(
            line for log in logs for line in log.read_text(errors="replace").splitlines()[-count:]
        )

    def follow_logs(self, service: Service | None) -> None:
        """Print and follow log files with tail(1), which also follows rotated files."""
        wanted = [service] if service else self.services()
        logs = [str(log) for each in wanted for log in self._logs(each)]
        if logs:
            subprocess.run(["tail", "-n", "20", "-F", *logs], check=False)

    def notes(self) -> Sequence[str]:
        """Notes on Grafana's substitute or password, and on the watched Redis."""
        notes = []
        if GRAFANA in self.services():
            notes.append(f"Grafana's admin password is in {self.context.secrets / GRAFANA_ADMIN_PASSWORD}")
        else:
            notes.append("Grafana is not installed: the viewer shows its dashboards at its address.")
        notes += [web_note(self.context.secrets), alertmanager_note(self.context.secrets)]
        notes += self.settings.notes_of_replaced()
        if not self.settings.has_own_redis():
            notes.append(ANOTHER_REDIS_NOTE)
        return [*notes, *notes_of_open_ports(self.settings, self.services())]

    @contextlib.contextmanager
    def paused(self, service: Service) -> Iterator[None]:
        """Stop the service with supervisord for the block."""
        is_running = self.supervisor.is_running() and service.name in self._running()
        if is_running:
            self._stop_programs(lambda name: name == service.name)
        try:
            yield
        finally:
            if is_running:
                self.supervisor.request_start(service.name)

    def run_in_data_dir(
        self,
        service: Service,
        script: str,
        *,
        stdin: IO[bytes] | None = None,
        stdout: IO[bytes] | None = None,
    ) -> None:
        """Run the script as the user who owns the data: who runs the service, or ran it at the last start."""
        folder = self.context.data(service)
        result = subprocess.run(
            ["sh", "-c", script],
            cwd=folder,
            stdin=stdin or subprocess.DEVNULL,
            stdout=stdout or subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            **as_owner(folder),
        )
        if result.returncode:
            raise StackError(result.stderr.strip())

    def amtool(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """Call this machine's amtool, with a file that logs it in."""
        login = self.directory / "amtool.yml"
        write_client_config(login, password_file(self.context.secrets))
        url = self.context.url(ALERTMANAGER)
        return (
            programs.AMTOOL.path(),
            f"--alertmanager.url={url}",
            f"--http.config.file={login}",
        ), self.settings.environment

    def data(self) -> Sequence[str]:
        """Return the folders of data, logs and secrets."""
        return [str(folder) for folder in (self.directory, self.context.secrets) if folder.exists()]

    def clean(self) -> None:
        for folder in (self.directory, self.context.secrets):
            shutil.rmtree(folder, ignore_errors=True)

    def leftovers(self) -> Sequence[str]:
        """Return the users, and the programs that the package manager has installed."""
        installed = [program for program in programs.NEEDED if program.find()]
        packages = dict.fromkeys(package for program in installed for package in program.debian_packages)
        lines = leftover_users()
        if packages and Path("/etc/debian_version").exists():
            lines.append(f"programs, if nothing else needs them: apt-get remove {' '.join(packages)}")
        return lines

    def _check(self, services: Sequence[Service]) -> None:
        """Raise StackError if a service would reject or ignore its configuration."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        refuse_mistakes(services, self.settings, NativeTools(self.settings), self.directory)

    def _write_configuration(self) -> Mapping[Service, Command]:
        services = self.services()
        for folder in (self.directory, self.directory / "logs"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        shared = PROJECT_ROOT / "prometheus" / "prometheus.yml"
        prometheus_config.write(
            shared,
            self.directory,
            services,
            self.settings.address,
            self.context.secret(ALERTMANAGER_PASSWORD, PROMETHEUS),
            self.settings.scrape_targets(),
        )
        commands = {service: command(service, self.context) for service in services}
        text = supervisor_config.render(self.directory, commands)
        write_private(self.supervisor.config_path, text)
        if self.context.accounts:
            close_to_jobs(self.directory, self.context.accounts)
        return commands

    def _logs(self, service: Service) -> list[Path]:
        names = program_names(service, self.settings.number(service))
        logs = [supervisor_config.log_path(self.directory, name) for name in names]
        return [log for log in logs if log.exists()]

    def _state(self, service: Service, found: Mapping[str, ProcessInfo]) -> State:
        names = program_names(service, self.settings.number(service))
        state = worst_state(_state_of_program(found.get(name)) for name in names)
        if state.health not in {Health.HEALTHY, Health.STARTING}:
            return state
        from stack.native.health import find_fault  # The import is slow, so it runs while services start.

        if frozen := [found[name].pid for name in names if processes.is_frozen(found[name].pid)]:
            return State(Health.FAILED, f"frozen: a signal stopped process {frozen[0]}")
        fault = find_fault(service, self.context)
        if not fault:
            return State(Health.HEALTHY)  # supervisord calls its first second STARTING
        uptime = min(found[name].uptime for name in names)
        return State(Health.STARTING if uptime < ANSWERS_WITHIN else Health.FAILED, fault)

    def _programs_of(self, service: Service) -> set[str]:
        return {name for name in self.supervisor.processes() if is_program_of(service, name)}

    def _running_programs(self, service: Service, found: Mapping[str, ProcessInfo]) -> Mapping[str, int]:
        """Return the process ids of the service's running programs."""
        return {
            name: process.pid
            for name, process in found.items()
            if is_program_of(service, name) and process.state == "RUNNING"
        }

    def _stop_frozen(self) -> None:
        found = self.supervisor.processes()
        frozen = {name for name, process in found.items() if process.pid and processes.is_frozen(process.pid)}
        for name in sorted(frozen):
            print(f"Restarting {name}: it was frozen, a signal stopped it", flush=True)
        self._end_programs(frozen)

    def _end_programs(self, names: AbstractSet[str]) -> None:
        """Stop these programs. supervisord kills one that exceeds its grace period.

        Raises:
            StackError: some are still running after that.
        """
        if not names:
            return
        within = max(self.settings.stop_grace, STOPS_WITHIN) + KILLED_WITHIN
        self._stop_programs(lambda name: name in names, within)
        if left := names & self._running():
            raise StackError(f"not ended {within:.0f} s after SIGTERM: {', '.join(sorted(left))}")

    def _stop_programs(self, chosen: Callable[[str], bool], within: float | None = None) -> None:
        within = self.settings.stop_grace if within is None else within
        for name in filter(chosen, self._running()):
            self.supervisor.request_stop(name)
        for name, process in self._ask_again().items():
            if chosen(name) and process.pid:
                processes.wake(process.pid)
        started, said = time.monotonic(), False
        while left := set(filter(chosen, self._running())):
            waited = time.monotonic() - started
            if waited > within:
                return
            if waited > QUIETLY_WAITED_FOR and not said:
                print(self._waiting_message(left, within), flush=True)
                said = True
            time.sleep(POLL)

    def _waiting_message(self, names: set[str], within: float) -> str:
        return (
            f"Still running: {', '.join(sorted(names))}. Waiting at most {within:.0f} s ({STOP_GRACE.name})"
        )

    def _running(self) -> set[str]:
        return {name for name, process in self._ask_again().items() if process.state not in ENDED}

    def _ask_again(self) -> Mapping[str, ProcessInfo]:
        """Retry until supervisord answers. On a busy machine it may be slow, while its programs run on.

        Raises:
            StackError: it did not answer within ASKED_AGAIN_WITHIN.
        """
        deadline = time.monotonic() + min(ASKED_AGAIN_WITHIN, self.settings.stop_grace)
        while True:
            try:
                return self.supervisor.processes()
            except StackError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(POLL)

    def _end_leftovers(self) -> None:
        left = processes.processes_of(self.directory)
        if left:
            print(f"Killing {len(left)} processes that are still running", flush=True)
            processes.end_all(self.directory, self.settings.stop_grace)


def is_program_of(service: Service, program: str) -> bool:
    """Return whether a program belongs to the service."""
    return re.fullmatch(rf"{re.escape(service.name)}(-\d+)?", program) is not None


def _state_of_program(process: ProcessInfo | None) -> State:
    """Return the state that supervisord knows: HEALTHY if the program runs."""
    if process is None or process.state in {"STOPPED", "STOPPING"}:
        return STOPPED
    if process.state == "RUNNING":
        return State(Health.HEALTHY)
    return State(HEALTH_BY_STATE.get(process.state, Health.FAILED), process.description)
