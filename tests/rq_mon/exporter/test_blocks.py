"""Compressed text from the cache and new text are joined in one gzip stream."""

from __future__ import annotations

import gzip
import random
import zlib

import pytest

from rq_mon.exporter.blocks import Block, gzipped, plain

SHAPES = ("", "t", "b", "tb", "bt", "bb", "tt", "btb", "tbt", "bbtbbtt")


def _text(length: int, seed: str) -> bytes:
    """It repeats itself, like metrics, so that one piece could refer to another."""
    chosen = random.Random(seed)
    return b"".join(b'rq_jobs{queue="%d"} 1\n' % chosen.randrange(50) for _ in range(length // 20 + 1))[
        :length
    ]


@pytest.mark.parametrize("length", [0, 1, 255, 70_000])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_stream_is_valid_and_contains_all_blocks_in_order(shape: str, length: int) -> None:
    texts = [_text(length + place, f"{shape} {place}") for place in range(len(shape))]
    pieces = [Block(text) if kind == "b" else text for kind, text in zip(shape, texts, strict=True)]

    stream = b"".join(gzipped(pieces))

    decompressor = zlib.decompressobj(zlib.MAX_WBITS + 16)
    assert decompressor.decompress(stream) == b"".join(texts)
    assert decompressor.eof, "the stream is cut off"
    assert not decompressor.unused_data, "it is more than one stream"
    assert b"".join(plain(pieces)) == b"".join(texts)


def test_a_block_can_be_used_in_many_streams() -> None:
    block = Block(_text(5000, "block"))

    for text in (b"", b"one", b"another"):
        stream = b"".join(gzipped([text, block, text, block]))
        assert gzip.decompress(stream) == 2 * (text + block.text())
