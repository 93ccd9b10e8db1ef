"""The metadata in the spare bytes of each page: what the page is, where in the log it stands, and a check."""

from __future__ import annotations

import enum
from typing import Final, NamedTuple

from deltabench.firmware_model.formats import CRC_BYTES, NAND_SPARE, crc32, intact
from deltabench.hwsim.disk import UNCORRECTABLE
from deltabench.hwsim.nand_pages import Units

HALF_RANGE: Final = 1 << 31
SEQUENCES: Final = 2 * HALF_RANGE
SPARE_BYTES: Final = NAND_SPARE.fixed_bytes + CRC_BYTES
EXTRA: Final = slice(NAND_SPARE.offset("extra"), NAND_SPARE.offset("before"))
NONE_LOST: Final = bytes(4)
NO_PAGE: Final = 0xFFFF_FFFF
"""Stands for a logical page that there is not."""


class Kind(enum.IntEnum):
    """What a page is; the first page of a block says what the block is for."""

    DATA_BLOCK = 1
    DATA = 2
    CHECKPOINT_BLOCK = 3
    CHECKPOINT = 4
    COPY = 5
    """Data that a recovery wrote once more: it counts only with the checkpoint in whose block it stands."""


class Spare(NamedTuple):
    """``subject`` and ``extra`` mean something else in each kind of page; formats.py says what."""

    kind: int
    sequence: int
    subject: int
    extra: int
    before: int


def sealed(page: int, kind: int, sequence: int, subject: int, extra: int, before: int) -> bytes:
    """The spare bytes of ``page``; the fields are those of Spare."""
    body = NAND_SPARE.pack(kind, sequence, subject, extra, before)
    return body + crc32(body, page)


def opened(page: int, units: Units) -> Spare | None:
    """The metadata that ``page`` reads as; None if it is erased, beyond correction, or fails its check."""
    data = units[-1]
    if data is None or data == UNCORRECTABLE:
        return None
    # What a programmer has put back is as long as the part's spare area allows.
    data = data[:SPARE_BYTES]
    return Spare(*NAND_SPARE.unpack(data)) if intact(data, page) else None


def is_clean(units: Units) -> bool:
    """Whether a page of data can be read as a whole, and none of its sectors is said to be uncorrectable."""
    spare = units[-1]
    return is_whole(units) and spare is not None and spare[EXTRA] == NONE_LOST


def is_whole(units: Units) -> bool:
    """Whether every codeword of a page was programmed to its end."""
    return None not in units and UNCORRECTABLE not in units


def is_newer(sequence: int, other: int) -> bool:
    """Whether ``sequence`` was given after ``other``: the count wraps, and all that there are lie within half of it."""
    return 0 < (sequence - other) % SEQUENCES < HALF_RANGE


def by_age(sequence: int, newest: int) -> int:
    """Sorts sequences from the oldest to the newest."""
    return -((newest - sequence) % SEQUENCES)
