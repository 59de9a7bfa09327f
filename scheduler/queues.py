"""The names of the queues, for jobs and applications."""

from rq_mon.queue_names import LONG_RUNNING_QUEUE, SHORT_RUNNING_QUEUE

__all__ = ["LONG_RUNNING_QUEUE", "SHORT_RUNNING_QUEUE"]
