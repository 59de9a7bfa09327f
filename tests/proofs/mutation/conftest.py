"""Only `make mutation` runs these tests, in its own environment, the only one with mutmut."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = [] if find_spec("mutmut") else ["test_mutation.py"]
