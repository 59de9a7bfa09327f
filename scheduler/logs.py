"""One style of log line for all processes of this package."""

from __future__ import annotations

import logging
import sys
import time

LINE = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s"
TIME = "%Y-%m-%dT%H:%M:%S"


class _UtcFormatter(logging.Formatter):
    converter = staticmethod(time.gmtime)


def configure_logging(level: str) -> None:
    """Write log lines of `level` and above to standard output, in UTC."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_UtcFormatter(LINE, TIME))
    logging.basicConfig(level=level, handlers=[handler], force=True)
