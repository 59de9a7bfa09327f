"""`rqmon demo`: realistic load, so that there is something to see."""

from __future__ import annotations

import importlib
from pathlib import Path

import click

import scheduler
from scheduler.cli.exits import CommandError
from scheduler.cli.redis_connection import open_redis

CHECKOUT = Path(scheduler.__file__).resolve().parents[1]


@click.command()
@click.option(
    "--seconds",
    type=click.IntRange(min=1, max=7 * 86400),
    default=60,
    show_default=True,
    help="For how long.",
)
def demo(seconds: int) -> int:
    """Feed realistic jobs, so that there is something to see; only from a checkout of rq-mon."""
    if not (CHECKOUT / "demo" / "__main__.py").is_file():
        raise CommandError("demo: expected a checkout of rq-mon, the installed package has no demo")
    with open_redis():
        pass
    return int(importlib.import_module("demo.__main__").main(["--seconds", str(seconds)]))
