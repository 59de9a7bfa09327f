"""The application's own job and queue classes."""

from __future__ import annotations

from rq import Queue
from rq.job import Job


class ShopJob(Job):
    """A job that knows its customer."""

    @property
    def customer(self) -> str:
        return str(self.meta.get("customer", ""))


class ShopQueue(Queue):
    """A queue of such jobs."""

    job_class = ShopJob


class Order:
    """An argument that is pickled."""

    def __init__(self, number: int) -> None:
        self.number = number
