"""Hypothesis tries the same inputs in every run, whatever else runs in the same process."""

from __future__ import annotations

from functools import lru_cache

from hypothesis.internal.conjecture import providers


def try_the_same_inputs() -> None:
    """Keep constants of our modules out of the inputs.

    Hypothesis tries those of all modules that are loaded, and which these are depends on what ran before:
    even with `derandomize`, a test would get inputs in one run that it does not get in another.
    """
    providers.is_local_module_file = lru_cache(lambda path: False)  # type: ignore[attr-defined]
