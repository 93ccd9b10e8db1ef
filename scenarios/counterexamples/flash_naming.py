"""What a page of NAND flash is about, from its spare bytes: a page of the log, or what keeps the log going."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from deltabench.firmware_model.formats import NAND_SPARE, crc32
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nand_pages import Page, Units, UnstablePage, units_of
from deltabench.scenarios.images.flash_pages import CHECKPOINT, CHECKPOINT_HEADER, COPY, DATA, DATA_HEADER

HOUSEKEEPING: Final = ("header of block", "checkpoint in block", "block", "copy of")
"""How everything begins that is said here of what is not data that somebody has just written."""
OPENING: Final = ("header of block", "block")
KEEPS: Final = {
    DATA_HEADER: "header of",
    CHECKPOINT_HEADER: "header of",
    CHECKPOINT: "checkpoint in",
}


class Written(NamedTuple):
    """What is programmed: its sectors, and the fields of its spare bytes (formats.py)."""

    sectors: Units
    kind: int
    sequence: int
    subject: int
    extra: int
    before: int


def written(cell: object, count: int) -> Written | None:
    """What a cell of ``count`` units holds, if its spare bytes are there: of two readings, the later one."""
    if isinstance(cell, UnstablePage):
        cell = cell.other
    if not isinstance(cell, tuple | Page):
        return None
    stable: Any = cell
    units = units_of(stable, count)
    spare = units[-1]
    if spare is None or len(spare) < NAND_SPARE.fixed_bytes:
        return None
    return Written(units[:-1], *NAND_SPARE.unpack(spare))


def page_name(nand: NandFlash, page: int, found: Written | None, sectors: Callable[[Sequence[int], Units], str]) -> str:
    """What ``page`` is about; ``sectors`` names some, by their numbers behind the layer and what they hold."""
    block = f"block {page // nand.pages_per_block} of {nand.name}"
    if found is None or found.kind not in (*KEEPS, DATA, COPY):
        return ""
    if found.kind in KEEPS:
        return f"{KEEPS[found.kind]} {block}"
    first = found.subject * nand.page_sectors
    about = sectors(range(first, first + nand.page_sectors), found.sectors)
    return f"copy of {about}" if found.kind == COPY and about else about


def appended_in_place_of(what: Written, other: Written, page: int) -> Units:
    """What the log would have in ``page``, which holds ``other``, if ``what`` had come there instead."""
    body = NAND_SPARE.pack(what.kind, other.sequence, what.subject, what.extra, other.before)
    return (*what.sectors, body + crc32(body, page))
