"""Disk space of Prometheus' samples after compaction, measured on the data of a run."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from proofs.harness.prometheus import PrometheusServer
from proofs.harness.waiting import wait_until

COMPACTED_WITHIN = 240.0
WHOLE_PART = 0.7
"""A block with this part of the longest one's samples counts as whole: the first and last are shorter."""


class Block(NamedTuple):
    """Prometheus' samples of some minutes."""

    samples: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Blocks:
    """The blocks of a run, oldest first."""

    blocks: tuple[Block, ...]

    @property
    def bytes_per_sample(self) -> float:
        """Bytes for each sample, its share of the index included."""
        return _bytes_per_sample(self.blocks)

    @property
    def growth_ratio(self) -> float:
        """Actual size of the second half of the whole blocks ÷ the size predicted from the first half."""
        most = max(block.samples for block in self.blocks)
        whole = tuple(block for block in self.blocks if block.samples >= WHOLE_PART * most)
        half = max(1, len(whole) // 2)
        first, second = whole[:half], whole[half:] or whole
        return sum(block.bytes for block in second) / (
            _bytes_per_sample(first) * sum(block.samples for block in second)
        )


def compact(data: Path, block_minutes: int) -> Blocks:
    """Let another Prometheus make blocks from a copy of the data, even while the first one runs.

    Args:
        data: the data folder of the first one.
        block_minutes: length of a block. Prometheus uses 2 hours and so fewer bytes for each sample: the
            shorter a block, the larger its index in comparison.

    Raises:
        AssertionError: there are fewer than two blocks, because the run was too short.
    """
    length = f"{block_minutes}m"
    options = (f"--storage.tsdb.min-block-duration={length}", f"--storage.tsdb.max-block-duration={length}")
    with tempfile.TemporaryDirectory(prefix="rq-soak-blocks-") as directory:
        prometheus = PrometheusServer(Path(directory), "{}", *options)
        for name in ("wal", "chunks_head"):
            shutil.copytree(data / name, prometheus.blocks / name, dirs_exist_ok=True)
        with prometheus:
            wait_until(
                lambda: len(_blocks(prometheus.blocks)) >= 2, "two blocks", within=COMPACTED_WITHIN, every=1
            )
        return Blocks(tuple(_blocks(prometheus.blocks)))


def _blocks(folder: Path) -> list[Block]:
    found = []
    for path in folder.glob("*/meta.json"):
        meta = json.loads(path.read_text())
        size = sum(file.stat().st_size for file in path.parent.rglob("*") if file.is_file())
        found.append((meta["minTime"], Block(meta["stats"]["numSamples"], size)))
    return [block for _, block in sorted(found)]


def _bytes_per_sample(blocks: tuple[Block, ...]) -> float:
    return sum(block.bytes for block in blocks) / sum(block.samples for block in blocks)
