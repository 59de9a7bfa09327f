"""`python -m shop.enqueue URL`: fill all queues of the application."""

from __future__ import annotations

import sys
from datetime import timedelta

from redis import Redis
from rq import Queue, Retry

from . import tasks
from .classes import Order, ShopQueue


def main(url: str, file: str) -> None:
    connection = Redis.from_url(url)
    for name in ("orders", "priority orders"):
        orders = ShopQueue(name, connection=connection)
        first = orders.enqueue(tasks.ship, Order(1), meta={"customer": "ann"})
        for number in (2, 3, 4):
            orders.enqueue(tasks.ship, Order(number))
        for number in (5, 6):
            orders.enqueue(tasks.charge, Order(number))
        orders.enqueue(tasks.charge, Order(7), retry=Retry(1))
        orders.enqueue_in(timedelta(hours=1), tasks.ship, Order(8))
        orders.enqueue(tasks.ship, Order(9), depends_on=[first, orders.enqueue(tasks.charge, Order(10))])
    mail = Queue("mail", connection=connection)
    for number in range(20):
        mail.enqueue(tasks.send, f"customer-{number}@example.org")
    numbers = Queue("numbers", connection=connection, serializer="json")
    for number in range(5):
        numbers.enqueue(tasks.add, number, 1)
    numbers.enqueue(tasks.divide, 1, 0)
    Queue("packing", connection=connection).enqueue(tasks.pack_until, file, job_timeout=600)


if __name__ == "__main__":
    main(*sys.argv[1:])
