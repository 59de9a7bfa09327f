"""Finds the age of a queue's oldest job.

The oldest job need not be at the head: jobs can be enqueued at the front, and ids of expired jobs stay in the
list until a worker takes them out. So ids at both ends and in between are checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rq_mon.state.pipeline import Reading, fair_share
from rq_mon.state.round_trip import Command
from rq_mon.state.values import Fields, job_key

IDS_PER_QUEUE = 100
"""A queue of up to this length is read as a whole."""
IDS_IN_ALL = 5000
"""Limit for all non-empty queues together, so that a scrape stays short with a thousand queues."""
FEWEST_IDS = 5


def ids_per_queue(queues: int) -> int:
    """Return how many ids of each queue are read if this number of queues has jobs.

    Halved as often as needed, so that one more queue with jobs rarely changes what is read of the others.
    """
    share = IDS_PER_QUEUE
    while share > fair_share(queues, IDS_PER_QUEUE, IDS_IN_ALL):
        share //= 2
    return max(FEWEST_IDS, share)


def read_oldest(lengths: Mapping[bytes, int], share: int, fields: Fields) -> Reading[dict[bytes, float]]:
    """Return since when the oldest job found in each queue waits; nothing for queues without one.

    Args:
        lengths: number of ids in each queue, by its key.
        share: ids to read of each queue.
        fields: parses the dates.
    """
    commands = {key: _looks(key, length, share) for key, length in lengths.items()}
    replies = iter((yield [command for looks in commands.values() for command in looks]))
    ids = {key: {*_ids(next(replies) for _ in looks)} for key, looks in commands.items()}

    moments = iter(
        (yield [("HGET", job_key(job_id), "enqueued_at") for each in ids.values() for job_id in each])
    )
    found: dict[bytes, float] = {}
    for key, each in ids.items():
        stored = {job_id: next(moments) for job_id in each}
        since = [
            moment
            for job_id, enqueued_at in stored.items()
            if enqueued_at  # an expired or deleted job, whose id is still in the list
            and (moment := fields.timestamp(enqueued_at, "enqueued_at of job", job_id)) is not None
        ]
        if since:
            found[key] = min(since)
    return found


def _looks(key: bytes, length: int, share: int) -> list[Command]:
    """Return the ranges to read: two fifths at each end and one fifth between, or the whole list."""
    if length <= share:
        return [("LRANGE", key, 0, share - 1)]
    end = 2 * share // 5
    between = share - 2 * end
    step = (length - 2 * end) // (between + 1)
    return [
        ("LRANGE", key, 0, end - 1),
        ("LRANGE", key, -end, -1),
        *(("LINDEX", key, end + number * step) for number in range(1, between + 1)),
    ]


def _ids(replies: Iterable[bytes | list[bytes] | None]) -> Iterator[bytes]:
    for reply in replies:
        if isinstance(reply, list):
            yield from reply
        elif reply is not None:  # the list has become shorter
            yield reply
