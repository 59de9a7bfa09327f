"""Values of many jobs, read in batches that are short for Redis."""

from __future__ import annotations

from redis import Redis

from rq_mon.state.stored_jobs import BYTES_AT_ONCE, SMALL, read_functions


def test_each_job_keeps_its_own_values_across_batches(redis_client: Redis) -> None:
    number = 5 * BYTES_AT_ONCE // (2 * SMALL)
    for each in range(number):
        description = f"shop.tasks.send_{each}({'x' * (SMALL - 100)})"
        redis_client.hset(f"rq:job:{each}", mapping={"origin": "mail", "description": description})

    functions = read_functions(redis_client, [str(each).encode() for each in range(number)])

    assert functions == [f"shop.tasks.send_{each}" for each in range(number)]
