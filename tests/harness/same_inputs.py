"""Makes Hypothesis try the same inputs in every run, independent of other tests in the process."""

from __future__ import annotations

from functools import lru_cache

from hypothesis.internal.conjecture import providers


def try_the_same_inputs() -> None:
    """Exclude constants of our modules from the inputs.

    Hypothesis uses constants from all loaded modules. Which modules are loaded depends on earlier tests. So
    even with `derandomize` a test would get different inputs in different runs.
    """
    providers.is_local_module_file = lru_cache(lambda path: False)  # type: ignore[attr-defined]
