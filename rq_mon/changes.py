"""Operators' changes: counted in the transaction that makes them, and logged with who, what and how many."""

from __future__ import annotations

import logging
from typing import Any

from rq_mon.catalogue import OPERATOR_CHANGES_KEY, OperatorAction

logger = logging.getLogger(__name__)

# pcall: if the key has a wrong type, the change itself must still succeed.
COUNT_CHANGES = f"""
local function count_changes(action, number)
    if number > 0 then redis.pcall('HINCRBY', '{OPERATOR_CHANGES_KEY}', action, number) end
end
"""
"""Lua: `count_changes(action, number)`."""

_COUNT = f"{COUNT_CHANGES} count_changes(ARGV[1], tonumber(ARGV[2]))"


def count_changes(pipeline: Any, action: OperatorAction, number: int = 1) -> None:
    """Count changes in the transaction that makes them."""
    pipeline.eval(_COUNT, 0, action, number)


def log_change(who: str, action: OperatorAction, number: int, of: str) -> None:
    """Log a change that was made.

    Args:
        who: the logged-in user, or account and machine of a command.
        action: what was done.
        number: how many jobs, cron jobs or series.
        of: which ones, with the name of their queue, such as `failed jobs of mail`.
    """
    logger.info("%s: %s: %d %s", who, action, number, of)
