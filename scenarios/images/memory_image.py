"""An image: bytes at addresses of a board's bus, and the files that hold them.

Intel HEX and S-records say their addresses themselves (records.py); raw binary needs to be told where it begins.
"""

from __future__ import annotations

import enum
import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from deltabench.scenarios.images import records
from deltabench.scenarios.images.errors import ImageError
from deltabench.scenarios.verdict import write_whole

ADDRESSES: Final = 1 << 32
MOST_FILE_BYTES: Final = 192 << 20
MOST_BYTES: Final = 64 << 20
"""So much an image may hold: four of the largest NOR flashes, and more than anyone waits for on a serial line."""
MOST_FILL_BYTES: Final = 1 << 20
"""So many bytes that no one gave may a raw binary be filled up with."""
FILL: Final = b"\xff"
"""What unused flash reads as."""


class Format(enum.Enum):
    """The files that an image can be written to."""

    HEX = "hex"
    SREC = "srec"
    BIN = "bin"


SUFFIXES: Final = {
    Format.HEX: (".hex", ".ihex", ".ihx"),
    Format.SREC: (".srec", ".s19", ".s28", ".s37", ".mot"),
    Format.BIN: (".bin", ".img", ".raw"),
}


class Segment(NamedTuple):
    """``data`` from ``address`` on."""

    address: int
    data: bytes

    @property
    def end(self) -> int:
        return self.address + len(self.data)


class MemoryImage:
    """Bytes at addresses: ``segments`` in rising order, none of which touches the next."""

    def __init__(self, pieces: Iterable[tuple[int, bytes]] = ()) -> None:
        """Neighbouring pieces become one segment; raises ImageError if two overlap or one leaves the 32 bits."""
        joined: list[list[Segment]] = []
        for piece in sorted((Segment(address, data) for address, data in pieces if data), key=lambda s: s.address):
            last = joined[-1][-1] if joined else None
            if last is not None and piece.address < last.end:
                raise ImageError(f"two pieces of the image both have address 0x{piece.address:08X}")
            if last is not None and piece.address == last.end:
                joined[-1].append(piece)
            else:
                joined.append([piece])
        self.segments: Final = tuple(Segment(run[0].address, b"".join(s.data for s in run)) for run in joined)
        if self.segments and (self.segments[0].address < 0 or self.segments[-1].end > ADDRESSES):
            raise ImageError(f"the image leaves the addresses of 32 bits: it ends at {self.segments[-1].end - 1:#x}")
        self._starts = [segment.address for segment in self.segments]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MemoryImage) and self.segments == other.segments

    def __hash__(self) -> int:
        return hash(self.segments)

    def __len__(self) -> int:
        """The bytes that it holds, gaps not counted."""
        return sum(len(segment.data) for segment in self.segments)

    @property
    def sha256(self) -> str:
        """Of its bytes, one behind the other.  A CRC-32 would not see what has its own CRC-32 behind it."""
        digest = hashlib.sha256()
        for segment in self.segments:
            digest.update(segment.data)
        return digest.hexdigest()

    def within(self, address: int, length: int) -> MemoryImage:
        """What it holds of ``length`` bytes from ``address`` on."""
        return MemoryImage(self._pieces(address, address + length))

    def read(self, address: int, length: int) -> bytes | None:
        """``length`` bytes from ``address`` on; None unless it holds them all."""
        number = bisect_right(self._starts, address) - 1
        if number < 0 or address + length > self.segments[number].end:
            return None
        start, data = self.segments[number]
        return data[address - start : address - start + length]

    def _pieces(self, address: int, end: int) -> Iterator[Segment]:
        for start, data in self.segments[max(bisect_right(self._starts, address) - 1, 0) :]:
            if start >= end:
                return
            first, last = max(address, start), min(end, start + len(data))
            if first < last:
                yield Segment(first, data[first - start : last - start])


def load_image(path: Path, address: int | None = None) -> MemoryImage:
    """Read an image file; raises ImageError.  ``address`` is where a raw binary begins, and for nothing else.

    A file is Intel HEX or S-record if its name or its first record says so, and raw binary otherwise.
    """
    return parse_image(read_raw(path, MOST_FILE_BYTES), path, address)


def read_raw(path: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """All bytes of a file; raises ImageError if it cannot be read or has more than ``most_bytes``."""
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except OSError as error:
        raise ImageError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(content) > most_bytes:
        raise ImageError(f"{path}: is larger than the {most_bytes >> 20} MiB that such a file may take")
    return content


def parse_image(content: bytes, path: Path, address: int | None = None) -> MemoryImage:
    """As ``load_image``, of what the file ``path`` holds."""
    if not content:
        raise ImageError(f"{path}: is empty")
    file_format = recognised(content, path)
    if file_format is Format.BIN:
        return _raw(content, path, address)
    if address is not None:
        raise ImageError(f"{path}: says its addresses itself; an address is for raw binary only")
    read = records.read_hex if file_format is Format.HEX else records.read_srec
    return MemoryImage(read(content, path, MOST_BYTES))


def recognised(content: bytes, path: Path) -> Format:
    """The format of a file, by its name if that says raw binary, by its first record, or else by its name."""
    by_name = format_of(path)
    first = re.match(rb"\s{0,80}(:[0-9A-Fa-f]{10}|S[0-9][0-9A-Fa-f]{8})", content)
    if by_name is not Format.BIN and first is not None:
        return Format.HEX if first[1].startswith(b":") else Format.SREC
    return by_name or Format.BIN


def format_of(path: Path) -> Format | None:
    """The format that a file's name says."""
    return next((known for known, suffixes in SUFFIXES.items() if path.suffix.lower() in suffixes), None)


def _raw(content: bytes, path: Path, address: int | None) -> MemoryImage:
    if content.startswith(b"\x7fELF"):
        raise ImageError(f"{path}: is an ELF file, and no image; `deltabench image build --elf` makes one of it")
    if len(content) > MOST_BYTES:
        raise ImageError(f"{path}: is larger than the {MOST_BYTES >> 20} MiB that an image may hold")
    if address is None:
        raise ImageError(
            f"{path}: is neither Intel HEX nor S-record; if it is raw binary, say with --address where it begins"
        )
    if not 0 <= address <= ADDRESSES - len(content):
        raise ImageError(f"{path}: {len(content)} bytes from {address:#x} on leave the addresses of 32 bits")
    return MemoryImage([(address, content)])


def encoded(image: MemoryImage, file_format: Format) -> bytes:
    """What a file of this format holds; raises ImageError for a raw binary that would be mostly gaps."""
    match file_format:
        case Format.HEX:
            return records.as_hex(image.segments)
        case Format.SREC:
            return records.as_srec(image.segments)
        case Format.BIN:
            return _as_raw(image)


def _as_raw(image: MemoryImage) -> bytes:
    gaps = [(one.end, other.address) for one, other in pairwise(image.segments)]
    fill = sum(after - before for before, after in gaps)
    if fill > MOST_FILL_BYTES:
        before, after = max(gaps, key=lambda gap: gap[1] - gap[0])
        raise ImageError(
            f"a raw binary of this image would have a gap of {after - before:,} bytes (0x{before:08X} to "
            f"0x{after - 1:08X}); choose one region with --region, or --format hex, which has addresses"
        )
    pieces = [image.segments[0].data] if image.segments else []
    for (before, after), segment in zip(gaps, image.segments[1:], strict=True):
        pieces += [FILL * (after - before), segment.data]
    return b"".join(pieces)


def write_image(image: MemoryImage, path: Path, file_format: Format) -> None:
    """Write an image file, whole or not at all; raises ImageError as ``encoded`` does, and OSError."""
    write_whole(path, encoded(image, file_format))
