from __future__ import annotations

import hypothesis

from tests.harness.same_inputs import try_the_same_inputs

# How long an example takes depends on what else the machine does.
hypothesis.settings.register_profile("untimed", deadline=None, derandomize=True)
hypothesis.settings.load_profile("untimed")
try_the_same_inputs()
