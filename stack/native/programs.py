"""The system programs that native runs, and how to find them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass

from stack.runtime import StackError

SERVER_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Debian installs servers outside the PATH of ordinary users."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program with its names in different distributions."""

    names: tuple[str, ...]
    debian_packages: tuple[str, ...]
    """What to install on Debian; empty where Debian does not have it."""

    def find(self) -> str | None:
        """Return the path of the first name that is installed."""
        folders = os.pathsep.join((os.environ.get("PATH", os.defpath), *SERVER_FOLDERS))
        return next(filter(None, (shutil.which(name, path=folders) for name in self.names)), None)

    def path(self) -> str:
        """Return the path.

        Raises:
            StackError: the program is not installed.
        """
        found = self.find()
        if found is None:
            raise StackError(f"{' or '.join(self.names)} is not installed")
        return found


REDIS_SERVER = Program(("redis-server", "valkey-server"), ("redis-server",))
PROMETHEUS = Program(("prometheus",), ("prometheus",))
ALERTMANAGER = Program(("prometheus-alertmanager", "alertmanager"), ("prometheus-alertmanager",))
REDIS_EXPORTER = Program(("prometheus-redis-exporter", "redis_exporter"), ("prometheus-redis-exporter",))
GRAFANA = Program(("grafana", "grafana-server"), ())

NEEDED = (REDIS_SERVER, PROMETHEUS, ALERTMANAGER, REDIS_EXPORTER)
"""Native does not start without these. Grafana is optional: the viewer replaces it."""

PROMTOOL = Program(("promtool",), ("prometheus",))
AMTOOL = Program(("amtool",), ("prometheus-alertmanager",))
REDIS_CLI = Program(("redis-cli",), ("redis-tools",))
OPENSSL = Program(("openssl",), ("openssl",))
HEADLESS_CHROMIUM = Program(("chromium-headless-shell",), ("chromium-headless-shell", "fonts-dejavu-core"))
CHROMIUM = Program((*HEADLESS_CHROMIUM.names, "chromium"), HEADLESS_CHROMIUM.debian_packages)
"""Without a window it takes a third of the time to start; where it is missing, the whole browser will do."""
FAKETIME = Program(("faketime",), ("faketime",))

NEEDED_BY_TESTS = (*NEEDED, PROMTOOL, AMTOOL, REDIS_CLI, OPENSSL, CHROMIUM, FAKETIME)


def missing(programs: Iterable[Program]) -> list[Program]:
    """Return the programs that are not installed."""
    return [program for program in programs if program.find() is None]
