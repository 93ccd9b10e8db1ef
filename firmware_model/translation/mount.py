"""Mounting: finds the checkpoint in force, replays what was written after it, and makes it firm before it is relied on.

Why a mount is safe however often power is cut in it:

* A checkpoint counts if one copy of each of its pages can be read.  It is *settled*, and counts from now on, if a page
  of the second copy can: the first had returned before, and is stable.  So it is if a block of data names it in which
  there is more than its header, which then is stable.  One that is not settled might not count at the next mount, but
  the one that it was made from.  Unless all of both copies can be read it is written anew.
* Until a checkpoint is settled, or was written to its end by this very mount, nothing is erased but blocks that were
  free before it was written, and not of the one that it was made from: it says which.  So that can always be fallen
  back to, and comes to the same.  (Power lost within the same two pages of one mount after the other could use up all
  blocks so.  Then the last of these checkpoints is given up; for that to matter takes four more cuts, each in its
  place.)
* A cut may leave blocks of a checkpoint that does not count half-erased, or such that they read as before once more.  A
  checkpoint that is not settled is passed over unless all its blocks are there, and all copies of data in them can be
  read; and if data have been written since, which name the one that was in force then.  Each page is read once, and
  what was read is written anew from RAM.
* What is not seen by one mount, as it is half-erased, may be there at the next: it is older than what has been written
  meanwhile, as the block with the newest sequence is never erased before another has a newer one.
* But for a header with nothing behind it, which may have been torn: its sequence may have been given once more.  Such a
  block is of no checkpoint, and names none.
* Data are appended in blocks of their own, and within one time of power: a mount that finds a block of data newer than
  the checkpoint writes a new one.  What a cut has torn or left unstable in the log is before that checkpoint, and never
  looked at again, whatever it may read as later.
* Only the last page of the log can be unstable: any other had returned before the next was begun.  If it reads whole,
  it is written once more with the new checkpoint (rule 5).  Until that is there neither its block nor the block of the
  page that it replaces is erased: at the next mount it may read as if it had never been.  Nor is the newest block of
  the log, if there is only a header in it: at the next mount the page may be there.
* With a checkpoint a mount writes all that is valid in the block that was open, and in the blocks of the checkpoint
  before, so that both are free afterwards: however often power is cut, no blocks are lost to a few pages each (rule 6).
* A quiet mount, with a settled checkpoint and no data after it, writes nothing; nor is anything ever appended to a
  block of before a power-on, whose next page may be half-programmed.

In the log after the checkpoint each page says what the page before it held, so that a page that has become unreadable
since is known to be lost, and an older version is not taken for it.  Only of the last page that cannot be told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple

from deltabench.firmware_model.branches import CHECKPOINT_ALONE, NO_CHECKPOINT, TAIL_TORN, TAIL_WHOLE, UNSETTLED
from deltabench.firmware_model.errors import RefusedDeviceError
from deltabench.firmware_model.steps import MOUNT, RECOVERED, REPLAY
from deltabench.firmware_model.translation.blocks import BlockTable
from deltabench.firmware_model.translation.checkpoint import (
    BAD,
    ERASES,
    FREE,
    Checkpoint,
    Checkpoints,
    copy_of,
    decoded,
)
from deltabench.firmware_model.translation.geometry import Geometry
from deltabench.firmware_model.translation.log import Log
from deltabench.firmware_model.translation.mapping import NOTHING, Mapping
from deltabench.firmware_model.translation.spare import (
    NO_PAGE,
    SEQUENCES,
    Kind,
    Spare,
    by_age,
    is_newer,
    is_whole,
    opened,
)
from deltabench.hwsim.core import Core
from deltabench.hwsim.nand import NandFlash, PageRead
from deltabench.hwsim.nand_pages import Units

LAST_SEQUENCE: Final = SEQUENCES - 1


class Block(NamedTuple):
    """A block that belongs to the log.  ``first``: sequence of the first block of the checkpoint that it names.

    ``erases`` and ``first`` are None if the header that says so has become unreadable.
    """

    block: int
    sequence: int
    holds_data: bool
    first: int | None
    erases: int | None


class Written(NamedTuple):
    """A page of the log after the checkpoint; ``spare``: None if it cannot be read."""

    page: int
    units: Units
    spare: Spare | None


class Open(NamedTuple):
    """The block that was open when power went: its pages, and the block of the page that the last one replaces."""

    block: int
    pages: tuple[Written, ...]
    replaced: int | None


class InForce(NamedTuple):
    """The checkpoint that counts: its blocks, oldest first, and what it says; ``settled``: it counts from now on."""

    blocks: tuple[Block, ...]
    checkpoint: Checkpoint
    settled: bool


class Mounted(NamedTuple):
    """What a mount comes to: ``checkpoint`` are the blocks of the one in force."""

    mapping: Mapping
    log: Log
    checkpoint: tuple[int, ...]


class Mount:
    """One mount of a flash."""

    log_type: ClassVar[type[Log]] = Log
    blocks_type: ClassVar[type[BlockTable]] = BlockTable
    checkpoints_type: ClassVar[type[Checkpoints]] = Checkpoints

    def __init__(self, nand: NandFlash, geometry: Geometry, core: Core) -> None:
        self._nand = nand
        self._geometry = geometry
        self._core = core
        self._checkpoints = self.checkpoints_type()
        self._read_before: dict[int, PageRead] = {}

    def run(self) -> Mounted:
        """Raises RefusedDeviceError if there is no checkpoint that can be read, NoSpareBlocksError."""
        geometry, core = self._geometry, self._core
        found = self._blocks_of_log()
        written = {each.block for each in found if self._has_pages(each.block)}
        core.spend(MOUNT, len(found))
        in_force = self._in_force([each for each in found if each.block in written])
        if in_force is None:
            core.takes(NO_CHECKPOINT)
            raise RefusedDeviceError(f"{self._nand.name} has no checkpoint of a translation layer that can be read")
        group, checkpoint, settled = in_force
        data = self._written_since(found, group)
        blocks = self.blocks_type(geometry.blocks)
        mapping = Mapping(geometry, blocks)
        log = self.log_type(self._nand, geometry, blocks)
        log.sequence, log.checkpoint = found[-1].sequence, group[0].sequence
        blocks.newest = {each.block for each in found if each.sequence == log.sequence}
        was_free = self._take_over(checkpoint, found, mapping, blocks)
        replayed = [each for each in data if each.block in written]
        opened = self._replay(replayed, mapping) if replayed else None
        core.spend(REPLAY, len(replayed) * geometry.data_pages)

        blocks.hold(each.block for each in group)
        later = [each.block for each in group]
        for block in range(geometry.blocks):
            if block in blocks.bad:
                continue
            if settled or blocks.valid_pages(block) or block in was_free:
                blocks.close(block)
            else:
                later.append(block)
        if checkpoint.whole and not data and not checkpoint.fades:
            core.takes(CHECKPOINT_ALONE)
            return Mounted(mapping, log, tuple(each.block for each in group))

        counts = opened is not None and opened.replaced is not None
        core.takes(UNSETTLED if not settled else TAIL_WHOLE if counts else TAIL_TORN)
        spared = None if settled else self._spared(was_free, group, blocks)
        # Even if there is only a header in it, next time there may be a page.
        blocks.pinned = {each.block for each in data[-1:]}
        renewed = self._make_firm(log, mapping, opened, checkpoint, spared)
        blocks.pinned = set()
        for block in later:
            blocks.close(block)
        return Mounted(mapping, log, renewed)

    def _blocks_of_log(self) -> list[Block]:
        """Oldest first.

        A header that has become unreadable is no reason to forget its block: the pages behind it say where it belongs.
        """
        geometry, found = self._geometry, []
        for block in range(geometry.blocks):
            for number in geometry.usable:
                page = block * geometry.pages_per_block + number
                units = self._read(page).units
                spare = self._opened(page, units)
                if spare is not None:
                    found.append(_block(block, spare))
                    break
                if not any(units):
                    break
        if not found:
            return []
        newest = found[0].sequence
        for each in found:
            if self._is_newer(each.sequence, newest):
                newest = each.sequence
        return sorted(found, key=lambda each: by_age(each.sequence, newest))

    def _in_force(self, found: Sequence[Block]) -> InForce | None:
        """The newest checkpoint that counts; raises RefusedDeviceError if it counts for good and cannot be read.

        An older one is not taken in its place: what it refers to may be erased.
        """
        named = {each.first for each in found if each.holds_data}
        groups: dict[int, list[Block]] = {}
        for each in found:
            if not each.holds_data and each.first is not None:
                groups.setdefault(each.first, []).append(each)
        for first, group in reversed(groups.items()):
            checkpoint = self._checkpoints.read(self._read, self._geometry, [each.block for each in group])
            if first in named or checkpoint.proved:
                if checkpoint.content is None:
                    raise RefusedDeviceError(
                        f"{self._nand.name}: both copies of the translation layer's checkpoint are unreadable"
                    )
                return InForce(tuple(group), checkpoint, settled=True)
            if self._is_newer_than_data(group, found) and self._is_complete(group, checkpoint):
                return InForce(tuple(group), checkpoint, settled=False)
        return None

    def _has_pages(self, block: int) -> bool:
        """Whether there is more in a block than its header, whose program then has returned."""
        page = block * self._geometry.pages_per_block + self._geometry.usable[1]
        return any(self._read(page).units)

    def _is_newer_than_data(self, group: Sequence[Block], found: Sequence[Block]) -> bool:
        """Whether no data were written since: they name what was in force, and that was not this one."""
        data = [each for each in found if each.holds_data]
        return not data or self._is_newer(group[0].sequence, data[-1].sequence)

    def _is_complete(self, group: Sequence[Block], checkpoint: Checkpoint) -> bool:
        """Whether all blocks of a checkpoint are there, one after the other, and all copies that it refers to."""
        if checkpoint.content is None:
            return False
        if [each.sequence for each in group] != [(group[0].first or 0) + n & LAST_SEQUENCE for n in range(len(group))]:
            return False
        _, pages = decoded(checkpoint.content, self._geometry)
        inside, per_block = {each.block for each in group}, self._geometry.pages_per_block
        return all(
            page in checkpoint.copies and checkpoint.copies[page].logical == logical
            for logical, page in enumerate(pages)
            if page != self._geometry.none and page // per_block in inside
        )

    def _written_since(self, found: Sequence[Block], group: Sequence[Block]) -> list[Block]:
        """The blocks of data that are newer than a checkpoint, oldest first."""
        return [each for each in found if each.holds_data and self._is_newer(each.sequence, group[-1].sequence)]

    def _take_over(
        self, checkpoint: Checkpoint, found: Sequence[Block], mapping: Mapping, blocks: BlockTable
    ) -> set[int]:
        """Begin with what the checkpoint says; returns the blocks that are free whether it counts next time or not."""
        entries, pages = decoded(checkpoint.content or b"", self._geometry)
        blocks.erases = [entry & ERASES for entry in entries]
        for each in found:
            blocks.erases[each.block] = max(blocks.erases[each.block], each.erases or 0)
        blocks.bad = {block for block, entry in enumerate(entries) if entry & BAD}
        for logical, page in enumerate(pages):
            if page != self._geometry.none:
                mapping.move(logical, page)
        return {block for block, entry in enumerate(entries) if entry & FREE}

    def _replay(self, data: Sequence[Block], mapping: Mapping) -> Open:
        """Take over what the blocks of ``data`` hold; returns the last of them."""
        for each in data:
            self._forget(each.block, mapping)
        written, per_block = self._pages_of(data), self._geometry.pages_per_block
        replaced = None
        for number, (page, _, spare) in enumerate(written):
            if number + 1 == len(written) and page // per_block == data[-1].block:
                replaced = self._take_tail(written[-1], mapping)
            elif spare is not None and spare.kind == Kind.DATA:
                mapping.move(spare.subject, page)
            elif spare is None:
                following = written[number + 1].spare if number + 1 < len(written) else None
                if following is not None and following.before != NO_PAGE:
                    mapping.move(following.before, page)
        last = data[-1].block
        return Open(last, tuple(each for each in written if each.page // per_block == last), replaced)

    def _forget(self, block: int, mapping: Mapping) -> None:
        """What the checkpoint has in a block of the log was moved before that was erased, and comes in the log."""
        mapping.forget(block)

    def _pages_of(self, data: Sequence[Block]) -> list[Written]:
        """The pages of blocks that were programmed, as far as can be seen, in the order of the log."""
        geometry, written = self._geometry, []
        for each in data:
            for number in geometry.usable:
                page = each.block * geometry.pages_per_block + number
                units = self._read(page).units
                if not any(units):
                    break
                written.append(Written(page, units, self._opened(page, units)))
        return written

    def _take_tail(self, last: Written, mapping: Mapping) -> int | None:
        """The last page of the log counts only if it is whole; returns the block of the page that it replaces.

        None if it does not count; its own block if it replaces none.
        """
        page, units, spare = last
        if spare is None or spare.kind != Kind.DATA or not self._is_whole(units):
            return None
        replaced = mapping.pages[spare.subject]
        mapping.move(spare.subject, page)
        return (page if replaced == self._geometry.none else replaced) // self._geometry.pages_per_block

    def _spared(self, was_free: set[int], group: Sequence[Block], blocks: BlockTable) -> set[int]:
        """What is free whether the checkpoint in force, which is not settled, and the next one count next time or not.

        An earlier mount may have seen it settled, and relied on it: it is kept as well, while there is room for two
        more of its kind.
        """
        others = was_free - {each.block for each in group}
        enough = 2 * (self._geometry.checkpoint_blocks + 2)
        return others if len(others & blocks.free) >= enough else was_free

    def _make_firm(
        self, log: Log, mapping: Mapping, opened: Open | None, before: Checkpoint, spared: set[int] | None
    ) -> tuple[int, ...]:
        """Write a checkpoint, and with it what is valid in the open block and in those of the checkpoint ``before``.

        If that one is not settled, all its copies are written, and ``spared`` are the blocks that may be used.  Returns
        the blocks of the new one.
        """
        per_block = self._geometry.pages_per_block
        copies = [
            copy
            for page, copy in before.copies.items()
            if mapping.owner[page] != NOTHING and (spared is not None or page // per_block in before.blocks)
        ]
        if opened is not None:
            copies += [
                copy_of(mapping.owner[page], units, spare)
                for page, units, spare in opened.pages
                if mapping.owner[page] != NOTHING
            ]
            log.blocks.pinned |= {opened.block} | ({opened.replaced} if opened.replaced is not None else set())
        self._core.spend(RECOVERED, len(copies))
        return self._checkpoints.write(log, mapping, copies, spared)

    def _read(self, page: int) -> PageRead:
        """A page, which is read once: an unstable one could read otherwise a line later."""
        reading = self._read_before.get(page)
        if reading is None:
            reading = self._read_before[page] = self._nand.read(page)
        return reading

    def _opened(self, page: int, units: Units) -> Spare | None:
        return opened(page, units)

    def _is_whole(self, units: Units) -> bool:
        return is_whole(units)

    def _is_newer(self, sequence: int, other: int) -> bool:
        return is_newer(sequence, other)


def _block(block: int, spare: Spare) -> Block:
    """What the first page of a block that can be read says of it."""
    kind, sequence, subject, extra, before = spare
    if kind in (Kind.DATA_BLOCK, Kind.CHECKPOINT_BLOCK):
        return Block(block, sequence, kind == Kind.DATA_BLOCK, extra, subject)
    if kind == Kind.DATA:
        return Block(block, sequence, True, None, None)
    return Block(block, sequence, False, before if kind == Kind.COPY else extra, None)
