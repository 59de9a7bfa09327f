"""How tests generate inputs: the same ones in every run of `make test`, new ones in `make fuzz`."""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy

from tests.harness.same_inputs import try_the_same_inputs

FACTOR_VARIABLE = "FUZZ"
"""A number that multiplies the inputs, and makes them new in every run."""

FACTOR = int(os.environ.get(FACTOR_VARIABLE, "1"))

if FACTOR == 1:
    try_the_same_inputs()

TRIED: Counter[str] = Counter()
"""Numbers of tried inputs, by their target."""


def throw(
    what: str, inputs: int, **strategies: SearchStrategy[Any]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a test with this number of generated inputs, and count them.

    Args:
        what: the part of the product that gets them.
        inputs: the number in `make test`.
        strategies: for the test's arguments; the others are fixtures, the same for every input.
    """

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def counted(*args: object, **kwargs: object) -> None:
            TRIED[what] += 1
            test(*args, **kwargs)

        return settings(
            max_examples=inputs * FACTOR,
            derandomize=FACTOR == 1,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        )(given(**strategies)(counted))

    return decorate
