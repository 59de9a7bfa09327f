"""`make mutation` runs these tests, in its own environment: mutmut is in no other."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = [] if find_spec("mutmut") else ["test_mutation.py"]
