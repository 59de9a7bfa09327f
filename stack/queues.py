"""RQ_MON_QUEUES: the queues of the stack's workers, and the number of workers of each."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from rq_mon.environment.kinds import whole_number
from stack.services import QUEUES_COMPOSE_FILE, WORKERS, Service

WORKERS_OF_A_QUEUE = whole_number(0, 99)
NAME = re.compile(r"[A-Za-z0-9_.:/@+{}-]{1,100}")
NAME_OF_A_SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
"""Names that are valid in supervisord, in compose and in file systems."""


def read_queues(text: str) -> Mapping[str, int]:
    """Return the number of workers of each queue in a text such as `mail:2,reports:1`.

    Raises:
        ValueError: the text has another form. The message says what was expected, and which part is wrong.
    """
    queues: dict[str, int] = {}
    for part in text.split(","):
        name, colon, number = part.strip().rpartition(":")
        if not colon:
            raise ValueError(f"QUEUE:WORKERS,… such as mail:2,reports:1, got {part.strip()!r}")
        if not NAME.fullmatch(name):
            raise ValueError(f"names of 1 to 100 letters, digits and any of _.:/@+{{}}-, got {name!r}")
        if name in queues:
            raise ValueError(f"each queue once, got {name!r} twice")
        try:
            queues[name] = WORKERS_OF_A_QUEUE(number)
        except ValueError as error:
            raise ValueError(f"workers of {name} as {error}") from error
    return queues


def written(queues: Mapping[str, int]) -> str:
    """Return the text for these queues."""
    return ",".join(f"{name}:{number}" for name, number in queues.items())


def worker_of(queue: str) -> Service:
    """Return the service that runs a queue."""
    if queue in WORKERS:
        return WORKERS[queue]
    return Service(f"{_word(queue)}-worker", f"runs the {queue} queue", QUEUES_COMPOSE_FILE, queue=queue)


def _word(queue: str) -> str:
    """Return a name for services and files: the queue's own, or a unique one without special characters."""
    if NAME_OF_A_SERVICE.fullmatch(queue):
        return queue
    digest = hashlib.sha256(queue.encode()).hexdigest()[:8]
    return f"queue-{re.sub('[^A-Za-z0-9]+', '-', queue).strip('-')}-{digest}"
