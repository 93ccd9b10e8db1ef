"""Intel HEX and S-record files, line by line, so that whatever is wrong is wrong in a line.

A record itself is bincopy's affair.  Hexadecimal Object File Format Specification (Intel, rev. A, 1988); S-records as
in srec(5) of the SRecord package.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import bincopy

from deltabench.scenarios.images.errors import ImageError

RECORD_BYTES: Final = 32
LONGEST_LINE: Final = 1024
"""A record of 255 bytes takes 525 characters; the rest is blanks."""
MOST_RUNS: Final = 1 << 16
"""So many stretches that do not continue one another may a file have."""
WINDOW: Final = 1 << 16
HEX_RECORD: Final = re.compile(r":[0-9A-Fa-f]{10,}")
SREC_RECORD: Final = re.compile(r"S[0-9][0-9A-Fa-f]{8,}")
ADDRESS_BYTES: Final = dict(zip("0123456789", (2, 2, 3, 4, 0, 2, 3, 4, 3, 2), strict=True))
"""Of an S-record of each type; there is no type 4."""


Record = tuple[Any, int, int, bytes]
"""Type, a number with Intel and a character with Motorola; address; bytes of data; data."""


class _Run(NamedTuple):
    address: int
    data: bytearray
    line: int

    @property
    def end(self) -> int:
        return self.address + len(self.data)


class _Runs:
    """Collects records into runs of bytes that follow one another."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        self._path = path
        self._room = most_bytes
        self._most_bytes = most_bytes
        self._runs: list[_Run] = []

    def add(self, line: int, address: int, data: bytes) -> None:
        if address + len(data) > 1 << 32:
            raise _wrong(self._path, line, f"{len(data)} bytes from {address:#x} on leave the addresses of 32 bits")
        self._room -= len(data)
        if self._room < 0:
            raise _wrong(self._path, line, f"here are more than the {self._most_bytes >> 20} MiB an image may hold")
        if self._runs and self._runs[-1].end == address:
            self._runs[-1].data.extend(data)
            return
        if len(self._runs) == MOST_RUNS:
            raise _wrong(self._path, line, f"here begins stretch {MOST_RUNS + 1} of scattered bytes; that is no image")
        self._runs.append(_Run(address, bytearray(data), line))

    def sorted(self) -> Iterator[tuple[int, bytes]]:
        """The runs in rising order; raises ImageError if two overlap."""
        runs = sorted((run for run in self._runs if run.data), key=lambda run: run.address)
        for one, other in pairwise(runs):
            if other.address < one.end:
                first, second = sorted((one.line, other.line))
                raise _wrong(
                    self._path, second,
                    f"gives the byte at 0x{other.address:08X} once more; the records from line {first} on have it, too",
                )  # fmt: skip
        return ((run.address, bytes(run.data)) for run in runs)


def read_hex(content: bytes, path: Path, most_bytes: int) -> Iterator[tuple[int, bytes]]:
    """The stretches of an Intel HEX file; raises ImageError."""
    runs, base, linear, ended = _Runs(path, most_bytes), 0, True, False
    for number, text in _lines(content, path):
        if ended:
            raise _wrong(path, number, "is behind the end-of-file record")
        kind, address, size, data = _unpacked(path, number, text, HEX_RECORD, bincopy.unpack_ihex, "an Intel HEX")
        if kind == bincopy.IHEX_DATA:
            if not linear and address + size > WINDOW:
                raise _wrong(path, number, "goes beyond its segment of 64 KiB")
            runs.add(number, base + address, data)
        elif kind == bincopy.IHEX_END_OF_FILE and not size:
            ended = True
        elif kind == bincopy.IHEX_EXTENDED_SEGMENT_ADDRESS and size == 2:
            base, linear = int.from_bytes(data, "big") << 4, False
        elif kind == bincopy.IHEX_EXTENDED_LINEAR_ADDRESS and size == 2:
            base, linear = int.from_bytes(data, "big") << 16, True
        elif kind not in (bincopy.IHEX_START_SEGMENT_ADDRESS, bincopy.IHEX_START_LINEAR_ADDRESS) or size != 4:
            raise _wrong(path, number, f"is a record of type {kind} with {size} bytes; there is no such record")
    if not ended:
        raise ImageError(f"{path}: is cut short: its end-of-file record (:00000001FF) is missing")
    return runs.sorted()


def read_srec(content: bytes, path: Path, most_bytes: int) -> Iterator[tuple[int, bytes]]:
    """The stretches of an S-record file; raises ImageError."""
    runs, count, ended, counted = _Runs(path, most_bytes), 0, False, False
    for number, text in _lines(content, path):
        if ended:
            raise _wrong(path, number, "is behind the record that ends the file")
        kind, address, size, data = _unpacked(path, number, text, SREC_RECORD, bincopy.unpack_srec, "an S-record")
        if int(text[2:4], 16) < ADDRESS_BYTES[kind] + 1:
            raise _wrong(path, number, f"is too short for the address that a record of type {kind} has")
        if kind in "123":
            count += 1
            runs.add(number, address, data)
        elif kind in "56":
            counted = True
            if address != count:
                raise _wrong(path, number, f"counts {address} data records, and there are {count} before it")
        elif kind in "789":
            ended = True
        if kind in "56789" and size:
            raise _wrong(path, number, f"is a record of type {kind}, which has no data, with {size} bytes")
    if not ended and not counted:
        raise ImageError(f"{path}: is cut short: the record that ends it (S7, S8 or S9) is missing")
    return runs.sorted()


def as_hex(segments: Iterable[tuple[int, bytes]]) -> bytes:
    """An Intel HEX file of these segments, in rising order."""
    lines, upper = [], 0
    for address, data in _chunks(segments):
        if address >> 16 != upper:
            upper = address >> 16
            lines.append(bincopy.pack_ihex(bincopy.IHEX_EXTENDED_LINEAR_ADDRESS, 0, 2, upper.to_bytes(2, "big")))
        lines.append(bincopy.pack_ihex(bincopy.IHEX_DATA, address & 0xFFFF, len(data), data))
    lines.append(bincopy.pack_ihex(bincopy.IHEX_END_OF_FILE, 0, 0, b""))
    return _text(lines)


def as_srec(segments: Iterable[tuple[int, bytes]]) -> bytes:
    """An S-record file, with addresses of 32 bits, of these segments, in rising order."""
    lines = [bincopy.pack_srec("3", address, len(data), data) for address, data in _chunks(segments)]
    if len(lines) < 1 << 24:
        lines.append(bincopy.pack_srec("5" if len(lines) < 1 << 16 else "6", len(lines), 0, b""))
    lines.append(bincopy.pack_srec("7", 0, 0, b""))
    return _text(lines)


def _text(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def _chunks(segments: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Pieces for a record each, none across a multiple of RECORD_BYTES: a record never leaves its 64 KiB."""
    for address, data in segments:
        at = 0
        while at < len(data):
            take = RECORD_BYTES - (address + at) % RECORD_BYTES
            yield address + at, data[at : at + take]
            at += take


def _lines(content: bytes, path: Path) -> Iterator[tuple[int, str]]:
    """Each line that is not blank, with its number."""
    file = io.BytesIO(content)
    for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), 1):
        if len(line) == LONGEST_LINE:
            raise _wrong(path, number, f"is longer than the {LONGEST_LINE} characters that any record could take")
        text = line.strip().decode("latin-1")
        if text:
            yield number, text


def _unpacked(
    path: Path, number: int, text: str, shape: re.Pattern[str], unpack: Callable[[str], Record], what: str
) -> Record:
    if not shape.fullmatch(text):
        raise _wrong(path, number, f"is no record of {what} file: {text!r:.60}")
    try:
        return unpack(text)
    except (bincopy.Error, ValueError) as error:
        raise _wrong(path, number, f"is no sound record of {what} file: {error!s:.120}") from error


def _wrong(path: Path, line: int, what: str) -> ImageError:
    return ImageError(f"{path}: line {line}: {what}")
