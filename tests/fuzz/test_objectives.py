"""Whatever the objectives file contains: objectives, or an error that names the file."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import strategies as st

from rq_mon.catalogue import DURATION_BUCKETS, WAIT_BUCKETS
from rq_mon.objectives import ObjectivesError, load_objectives
from tests.fuzz.tried import throw

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.dates(),
    st.binary(max_size=5),
    st.sampled_from([60, 0.95, 99, "60", "0.95"]),
)
keys = st.one_of(
    scalars, st.sampled_from(["default", "queues", "wait_seconds", "run_seconds", "success_ratio"])
)
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)
)


@pytest.mark.slow
@throw(
    "objectives", 400, content=st.one_of(st.binary(max_size=100), trees.map(yaml.safe_dump).map(str.encode))
)
def test_any_file_is_read_or_refused_by_its_name(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "objectives.yml"
    path.write_bytes(content)

    try:
        objectives = load_objectives(path)
    except ObjectivesError as error:
        assert str(path) in str(error)  # noqa: PT017 - some inputs raise nothing
        return

    for objective in (objectives.default, *objectives.queues.values()):
        assert objective.wait_seconds in WAIT_BUCKETS
        assert objective.run_seconds in DURATION_BUCKETS
        assert 0.5 <= objective.on_time_ratio < 1
        assert 0.5 <= objective.success_ratio < 1
    assert all(isinstance(queue, str) for queue in objectives.queues)
