"""What operators change is counted in the step that changes it, and logged: who, what, how many."""

from __future__ import annotations

import logging
from typing import Any

from rq_mon.catalogue import OPERATOR_CHANGES_KEY, OperatorAction

logger = logging.getLogger(__name__)

# pcall: a key of a foreign type must not end a script, or fail a transaction, that has changed something.
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
        who: made it: the user who is logged in, or the account and machine of a command.
        action: what was done.
        number: how many jobs, cron jobs or series.
        of: what they are, with the name of their queue: `failed jobs of mail`.
    """
    logger.info("%s: %s: %d %s", who, action, number, of)
