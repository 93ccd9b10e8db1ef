"""Decodes the translation layer of a NAND flash: what a mount makes of its pages, by docs/format.md and formats.py.

Written beside the firmware's own mount, so that each can be held against the other.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from deltabench.firmware_model.formats import NAND_CHECKPOINT
from deltabench.hwsim.disk import SECTOR_BYTES, ZERO_SECTOR
from deltabench.scenarios.images.documents import BlockSeen, CheckpointSeen, LayerSeen
from deltabench.scenarios.images.flash import BLOCK_ENTRY_BYTES, CRC_BYTES, Flash
from deltabench.scenarios.images.flash_pages import (
    CHECKPOINT,
    CHECKPOINT_HEADER,
    COPY,
    DATA,
    DATA_HEADER,
    Page,
    Pages,
    PageSpare,
)
from deltabench.scenarios.images.memory_image import MemoryImage

MAGIC: Final = b"DBT1"
SEQUENCES: Final = 1 << 32
NO_PAGE: Final = SEQUENCES - 1
ERASES: Final = (1 << 30) - 1
FREE: Final = 1 << 30
BAD: Final = 1 << 31


class Head(NamedTuple):
    """What the first page of a block that can be read says of it; ``first``: sequence of the checkpoint it names."""

    block: int
    sequence: int
    of_data: bool
    first: int | None
    erases: int


class Layer(NamedTuple):
    """What a mount makes of a flash; ``seen`` tells it.

    ``map``: the page of each logical page that was ever written.  ``counting``: the blocks of the checkpoint in force
    and of the log behind it.  ``stray``: logical pages of which the checkpoint's map says what cannot be.
    ``given_up``: blocks that it calls free, and that its map names.
    """

    flash: Flash
    seen: LayerSeen
    map: dict[int, int]
    pages: Pages
    counting: tuple[Head, ...] = ()
    heads: tuple[Head, ...] = ()
    stray: tuple[int, ...] = ()
    given_up: tuple[int, ...] = ()

    def sectors(self) -> Iterator[tuple[int, bytes]]:
        """The sectors that can be read, each with where it begins behind the layer, in bytes."""
        if self.seen.fault:
            return
        flash = self.flash
        zeros = ZERO_SECTOR * flash.page_sectors
        for logical in range(flash.logical_pages):
            at = logical * flash.page_bytes
            if logical not in self.map:
                yield at, zeros
                continue
            page = self.pages[self.map[logical]]
            lost = page.spare.extra if page.spare is not None else 0
            for number, sector in enumerate(page.sectors):
                if sector is not None and not lost >> number & 1:
                    yield at + number * SECTOR_BYTES, sector


def read_layer(image: MemoryImage, flash: Flash) -> Layer:
    """What a mount makes of the flash, without writing anything; its pages must be in the image."""
    pages = Pages(image, flash)
    heads = _heads(pages, flash)
    # A block with nothing but a header may share its sequence with another.
    more = [head for head in heads if has_more(pages, flash, head.block)]
    named = {head.first for head in more if head.of_data}
    groups: dict[int, list[Head]] = {}
    for head in more:
        if not head.of_data and head.first is not None:
            groups.setdefault(head.first, []).append(head)
    for first, group in reversed(groups.items()):
        found = _checkpoint(pages, flash, [head.block for head in group])
        settled = first in named or found.proved
        if found.content is None:
            if settled:
                return _refused(pages, flash, "both copies of its checkpoint are unreadable")
            continue
        said = _said(found.content, flash)
        if settled or (_follows_data(group, more) and _is_complete(pages, flash, group, said.map)):
            return _mounted(pages, flash, heads, group, found, said, named=first in named)
    return _refused(pages, flash, "it has no checkpoint of a translation layer that can be read")


def _refused(pages: Pages, flash: Flash, fault: str) -> Layer:
    return Layer(flash, _seen(flash, fault), {}, pages)


def _heads(pages: Pages, flash: Flash) -> list[Head]:
    """Of each block that belongs to the log; oldest first."""
    heads: list[Head] = []
    for block in range(flash.blocks):
        for page in pages.of_block(block):
            if page.spare is not None:
                heads.append(_head(block, page.spare))
                break
            if page.blank:
                break
    newest = heads[0].sequence if heads else 0
    for head in heads:
        if _is_newer(head.sequence, newest):
            newest = head.sequence
    return sorted(heads, key=lambda head: -((newest - head.sequence) % SEQUENCES))


def _head(block: int, spare: PageSpare) -> Head:
    """By the header; a header that cannot be read is made up for by the page behind it, as far as that says as much."""
    kind, sequence, subject, extra, before = spare
    if kind in (DATA_HEADER, CHECKPOINT_HEADER):
        return Head(block, sequence, kind == DATA_HEADER, extra, subject)
    if kind == DATA:
        return Head(block, sequence, True, None, 0)
    return Head(block, sequence, False, before if kind == COPY else extra, 0)


def _is_newer(sequence: int, other: int) -> bool:
    return 0 < (sequence - other) % SEQUENCES < SEQUENCES // 2


class _Found(NamedTuple):
    """A checkpoint: what it holds, if that can be read; whether a page of the second copy can, and whether all can."""

    content: bytes | None
    proved: bool
    whole: bool


def _checkpoint(pages: Pages, flash: Flash, blocks: Sequence[int]) -> _Found:
    found: dict[int, bytes] = {}
    for block in blocks:
        for page in list(pages.of_block(block))[1:]:
            held = page.data
            if page.spare is not None and page.spare.kind == CHECKPOINT and held is not None:
                found[page.spare.subject] = held
    count = flash.checkpoint_pages
    whole = b"".join(found.get(number, found.get(number + count, b"")) for number in range(count))
    entries = flash.blocks * BLOCK_ENTRY_BYTES + flash.logical_pages * flash.address_bytes
    content = whole[: NAND_CHECKPOINT.fixed_bytes + entries + CRC_BYTES]
    head = NAND_CHECKPOINT.pack(MAGIC, flash.blocks, flash.logical_pages)
    good = content.startswith(head) and zlib.crc32(content[:-CRC_BYTES]).to_bytes(4, "little") == content[-CRC_BYTES:]
    return _Found(content if good else None, any(number >= count for number in found), len(found) >= 2 * count)


def has_more(pages: Pages, flash: Flash, block: int) -> bool:
    """Whether there is more in a block than its header, which is stable then."""
    return not pages[block * flash.pages_per_block + flash.usable[1]].blank


class _Said(NamedTuple):
    """What a checkpoint says: of each block how often it was erased; those called free and bad; the map."""

    erases: list[int]
    free: frozenset[int]
    bad: frozenset[int]
    map: dict[int, int]


def _said(content: bytes, flash: Flash) -> _Said:
    start = NAND_CHECKPOINT.fixed_bytes
    middle = start + flash.blocks * BLOCK_ENTRY_BYTES
    entries = _integers(content[start:middle], BLOCK_ENTRY_BYTES)
    found = enumerate(_integers(content[middle:-CRC_BYTES], flash.address_bytes))
    return _Said(
        [entry & ERASES for entry in entries],
        frozenset(block for block, entry in enumerate(entries) if entry & FREE),
        frozenset(block for block, entry in enumerate(entries) if entry & BAD),
        {logical: page for logical, page in found if page != flash.nowhere},
    )


def _follows_data(group: Sequence[Head], more: Sequence[Head]) -> bool:
    """Whether no data are newer than a checkpoint that they do not name."""
    data = [head for head in more if head.of_data]
    return not data or _is_newer(group[0].sequence, data[-1].sequence)


def _is_complete(pages: Pages, flash: Flash, group: Sequence[Head], mapped: dict[int, int]) -> bool:
    """Whether all blocks of a checkpoint are there, and all copies in them that its map names."""
    first = group[0].first or 0
    if any(head.sequence != (first + number) % SEQUENCES for number, head in enumerate(group)):
        return False
    blocks = {head.block for head in group}
    for logical, number in mapped.items():
        block, number_in_block = divmod(number, flash.pages_per_block)
        if block in blocks:
            spare = pages[number].spare if number_in_block in flash.usable[1:] else None
            if spare is None or spare.kind != COPY or spare.subject != logical:
                return False
    return True


def _mounted(
    pages: Pages, flash: Flash, heads: Sequence[Head], group: Sequence[Head], found: _Found, said: _Said, *, named: bool
) -> Layer:
    """The checkpoint, and what the log behind it says."""
    log = [head for head in heads if head.of_data and _is_newer(head.sequence, group[-1].sequence)]
    per_block = flash.pages_per_block
    mapped = dict(said.map)
    stray = [
        logical
        for logical, page in mapped.items()
        if page >= flash.blocks * per_block or page % per_block not in flash.usable[1:]
    ]
    for logical in stray:
        del mapped[logical]
    own = {head.block for head in group}
    filled = {page // per_block for page in mapped.values()} - own
    written, torn = _replay(pages, flash, log, mapped)
    checkpoint = CheckpointSeen(
        sequence=group[0].sequence,
        blocks=tuple(head.block for head in group),
        named=named,
        settled=named or found.proved,
        whole=found.whole,
    )
    erases = list(said.erases)
    for head in heads:
        erases[head.block] = max(erases[head.block], head.erases)
    blocks = _blocks(heads, checkpoint, mapped, flash, erases, said)
    seen = _seen(flash, "", checkpoint, written, torn, blocks, len(mapped))
    counting = (*group, *log)
    return Layer(flash, seen, mapped, pages, counting, tuple(heads), tuple(stray), tuple(sorted(filled & said.free)))


def _integers(data: bytes, size: int) -> list[int]:
    return [int.from_bytes(data[at : at + size], "little") for at in range(0, len(data), size)]


def _replay(pages: Pages, flash: Flash, log: Sequence[Head], mapped: dict[int, int]) -> tuple[int, bool]:
    """Takes over what the log says; returns how many pages it has, and whether the last of them is torn.

    A page that cannot be read is known by what the page behind it says that it held.
    """
    written: list[Page] = []
    ends_in = -1
    log = [head for head in log if has_more(pages, flash, head.block)]
    for head in log:
        for page in pages.of_block(head.block):
            if page.blank:
                break
            written.append(page)
            ends_in = head.block
    torn = False
    for number, page in enumerate(written):
        spare, is_last = page.spare, number + 1 == len(written)
        if is_last and ends_in == log[-1].block:
            torn = spare is None or page.data is None
            if spare is not None and spare.kind == DATA and not torn:
                _place(flash, mapped, spare.subject, page.number)
        elif spare is not None:
            if spare.kind == DATA:
                _place(flash, mapped, spare.subject, page.number)
        elif not is_last:
            behind = written[number + 1].spare
            if behind is not None and behind.before != NO_PAGE:
                _place(flash, mapped, behind.before, page.number)
    return len(written), torn


def _place(flash: Flash, mapped: dict[int, int], logical: int, page: int) -> None:
    if logical < flash.logical_pages:
        mapped[logical] = page


def _blocks(
    heads: Sequence[Head],
    checkpoint: CheckpointSeen,
    mapped: dict[int, int],
    flash: Flash,
    erases: Sequence[int],
    said: _Said,
) -> tuple[BlockSeen, ...]:
    valid = [0] * flash.blocks
    for page in mapped.values():
        valid[page // flash.pages_per_block] += 1
    sequences = {head.block: head.sequence for head in heads}

    def role(block: int) -> Literal["free", "waiting", "data", "checkpoint", "bad"]:
        if block in said.bad:
            return "bad"
        if block in checkpoint.blocks:
            return "checkpoint"
        if valid[block]:
            return "data"
        return "free" if checkpoint.settled or block in said.free else "waiting"

    return tuple(
        BlockSeen(
            number=block, role=role(block), erases=erases[block], valid=valid[block], sequence=sequences.get(block)
        )
        for block in range(flash.blocks)
    )


def _seen(
    flash: Flash,
    fault: str,
    checkpoint: CheckpointSeen | None = None,
    log_pages: int = 0,
    torn: bool = False,
    blocks: tuple[BlockSeen, ...] = (),
    written: int = 0,
) -> LayerSeen:
    return LayerSeen(
        device=flash.device.name,
        address=flash.device.address,
        page_bytes=flash.page_bytes,
        pages_per_block=flash.pages_per_block,
        logical_pages=flash.logical_pages,
        written=written,
        fault=fault,
        checkpoint=checkpoint,
        log_pages=log_pages,
        log_torn=torn,
        blocks=blocks,
    )
