"""Installs the programs that the tests run: `python -m stack.native.programs_for_tests`."""

from __future__ import annotations

import sys

from stack.native.debian import ensure_installed
from stack.native.programs import HEADLESS_CHROMIUM, NEEDED_BY_TESTS, missing
from stack.runtime import StackError


def main() -> None:
    """Install missing programs. If that fails, print why: the tests that need them are skipped.

    A machine with the whole Chromium also gets the one without a window, with which tests are faster.
    """
    try:
        ensure_installed(missing((*NEEDED_BY_TESTS, HEADLESS_CHROMIUM)))
    except StackError as error:
        print(error, file=sys.stderr)
        if missing(NEEDED_BY_TESTS):
            print("Tests that need these programs are skipped.", file=sys.stderr)


if __name__ == "__main__":
    main()
