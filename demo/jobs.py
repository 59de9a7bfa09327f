"""Jobs that behave as those of an application do: most are quick, some slow, some fail or fail at first."""

from __future__ import annotations

import random
import time

from rq import get_current_job


class CardDeclinedError(Exception):
    """The bank said no; trying again would not help."""


def send_email(recipient: int) -> None:
    """Take a moment, and hardly ever fail."""
    _take(0.01, 0.08)
    if random.random() < 0.01:
        raise ConnectionRefusedError(f"the mail server refused the message to user {recipient}")


def resize_image(width: int, height: int) -> int:
    """Take longer for a larger image."""
    _take(0.1, 0.1 + width * height / 4_000_000)
    return width * height


def charge_card(amount: int) -> str:
    """Be declined now and then."""
    _take(0.03, 0.2)
    if random.random() < 0.06:
        raise CardDeclinedError(f"declined: {amount}")
    return "charged"


def parse_upload(rows: int) -> int:
    """Stumble over bad data in one of several ways."""
    _take(0.05, 0.3)
    random.choice((_parse_number, _look_up_column, len))("n/a")
    return rows


def sync_catalogue() -> str:
    """Fail at the first try and succeed at the next, as calls of a shaky service do."""
    _take(0.05, 0.2)
    job = get_current_job()
    if job is not None and not job.meta.get("tried"):
        job.meta["tried"] = True
        job.save_meta()  # type: ignore[no-untyped-call]
        raise TimeoutError("the catalogue service did not answer")
    return "in sync"


def prune_sessions() -> None:
    """Be quick and reliable."""
    _take(0.02, 0.1)


def build_report() -> None:
    """Take a while."""
    _take(4, 15)


def export_archive() -> None:
    """Take longer than its caller allows, now and then."""
    _take(2, 10)


def _take(shortest: float, longest: float) -> None:
    time.sleep(random.uniform(shortest, longest))


def _parse_number(text: str) -> int:
    return int(text)


def _look_up_column(name: str) -> int:
    return {"id": 0, "amount": 1}[name]
