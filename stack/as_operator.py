"""Run a command with RQ_REDIS_URL set to the stack's Redis, logged in as its operator.

    python -m stack.as_operator rq info

It does the same as `python -m stack exec`, but loads nothing that starts or stops services. That keeps
`./rqmon` fast.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import NoReturn

from rq_mon.environment.variables import SettingsError
from stack.redis_access import access_of
from stack.redis_users import OPERATOR
from stack.runtime import StackError
from stack.settings import StackSettings, load_settings
from stack.variables import REDIS_PASSWORD_FILE, REDIS_URL, REDIS_USERNAME


def main() -> int:
    """Run the command of the command line; return 1 if that is not possible."""
    try:
        run_as_operator(sys.argv[1:], load_settings())
    except (StackError, SettingsError) as error:
        print(error, file=sys.stderr)
    return 1


def run_as_operator(command: list[str], settings: StackSettings) -> NoReturn:
    """Replace this process by a command that reads Redis' address from RQ_REDIS_URL.

    Raises:
        StackError: the command is missing or cannot run.
    """
    if not command:
        raise StackError("expected a command to run: python -m stack exec rq info")
    environment = {**settings.environment, REDIS_URL: access_of(OPERATOR, settings).url()}
    for name in (REDIS_USERNAME, REDIS_PASSWORD_FILE):  # rq's commands read the URL and no other variable
        environment.pop(name, None)
    become(command, environment)


def become(command: list[str], environment: Mapping[str, str]) -> NoReturn:
    """Replace this process by a command. Ctrl-C then reaches the command itself, which may have to clean up.

    Raises:
        StackError: the command cannot run.
    """
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606
    except OSError as error:
        raise StackError(f"{command[0]}: {error.strerror}") from error


if __name__ == "__main__":
    sys.exit(main())
