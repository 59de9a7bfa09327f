"""What Prometheus' samples need on disk once they are compacted, measured on what a run has left."""

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
"""The first and the last block are shorter: one with a smaller part of the longest is not whole."""


class Block(NamedTuple):
    """Samples of some minutes, as Prometheus keeps them."""

    samples: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Blocks:
    """The blocks of a run, the oldest first."""

    blocks: tuple[Block, ...]

    @property
    def bytes_per_sample(self) -> float:
        """What one sample takes, its part of the index included."""
        return _bytes_per_sample(self.blocks)

    @property
    def growth_ratio(self) -> float:
        """Size of the second half of the whole blocks ÷ what the first half lets one compute for it."""
        most = max(block.samples for block in self.blocks)
        whole = tuple(block for block in self.blocks if block.samples >= WHOLE_PART * most)
        half = max(1, len(whole) // 2)
        first, second = whole[:half], whole[half:] or whole
        return sum(block.bytes for block in second) / (
            _bytes_per_sample(first) * sum(block.samples for block in second)
        )


def compact(data: Path, block_minutes: int) -> Blocks:
    """Let another Prometheus make blocks of a copy of the data; the one that wrote it need not have stopped.

    Args:
        data: the folder of its data.
        block_minutes: length of a block. Prometheus' own are of 2 hours, in which a sample takes less: the
            shorter a block, the larger its index in comparison.

    Raises:
        AssertionError: there are not two blocks in the end: the run was too short.
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
