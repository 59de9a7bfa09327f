"""Text that is compressed once and served many times, as part of a gzip stream."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import accumulate, repeat

HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
"""Header of a gzip stream without name and time (RFC 1952)."""

CRC_POLYNOMIAL = 0xEDB88320
X = 1 << 30
"""The polynomial x, with its bits in the order of gzip's checksum; 1 << 31 is the polynomial 1."""


def _compressor() -> zlib._Compress:
    """The fastest level: the text is so repetitive that a higher level saves little and takes longer."""
    return zlib.compressobj(1, wbits=-zlib.MAX_WBITS)


class _OfThread(threading.local):
    """A template: creating a compressor takes as long as compressing a few thousand bytes."""

    def __init__(self) -> None:
        self.compressor = _compressor()


_of_thread = _OfThread()


class Block:
    """A piece of text, kept compressed."""

    __slots__ = ("_checksum", "_compressed", "_length")

    def __init__(self, text: bytes) -> None:
        compressor = _of_thread.compressor
        # A full flush refers to nothing before it, ends at a full byte, and does not end the stream.
        self._compressed = compressor.compress(text) + compressor.flush(zlib.Z_FULL_FLUSH)
        self._checksum = zlib.crc32(text)
        self._length = len(text)

    def text(self) -> bytes:
        """Return the original text."""
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(self._compressed)

    def append_to(self, checksum: int, length: int) -> tuple[bytes, int, int]:
        """Return the compressed text, and checksum and length of the stream after appending it."""
        moved = _product(_shift(self._length), checksum)
        return self._compressed, moved ^ self._checksum, length + self._length


def plain(pieces: Iterable[bytes | Block]) -> Iterator[bytes]:
    """Return the text of all pieces."""
    return (piece.text() if isinstance(piece, Block) else piece for piece in pieces)


def gzipped(pieces: Iterable[bytes | Block]) -> Iterator[bytes]:
    """Return one gzip stream of all pieces."""
    compressor = _compressor()
    checksum = length = 0
    is_clean = True
    yield HEADER
    for piece in pieces:
        if isinstance(piece, Block):
            if not is_clean:  # what follows the block must not refer to what is before it
                yield compressor.flush(zlib.Z_FULL_FLUSH)
            is_clean = True
            compressed, checksum, length = piece.append_to(checksum, length)
            yield compressed
        else:
            is_clean = False
            checksum, length = zlib.crc32(piece, checksum), length + len(piece)
            yield compressor.compress(piece)
    yield compressor.flush() + checksum.to_bytes(4, "little") + (length & 0xFFFFFFFF).to_bytes(4, "little")


# The checksum of two texts together, from those of each: that of the first as if as many zero bytes followed
# as the second is long, xor that of the second. Checksums are polynomials over bits; a zero bit multiplies
# by x. zlib has this as crc32_combine, Python does not.


def _product(a: int, b: int) -> int:
    """Multiply two polynomials modulo that of the checksum."""
    product = 0
    while a:
        if a & 0x80000000:
            product ^= b
        a = (a << 1) & 0xFFFFFFFF
        b = (b >> 1) ^ (CRC_POLYNOMIAL if b & 1 else 0)
    return product


@lru_cache(4096)
def _shift(length: int) -> int:
    """Return x to the power of the bits in `length` bytes."""
    power = 1 << 31
    for place, factor in enumerate(_POWERS):
        if length >> place & 1:
            power = _product(factor, power)
    return power


_POWERS = [*accumulate(repeat(None, 34), lambda power, _: _product(power, power), initial=X)][3:]
"""x to the power of 8, 16, 32 and so on."""
