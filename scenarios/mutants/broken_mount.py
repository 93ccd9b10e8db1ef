"""Mistakes of the translation layer at mount: what it finds on the flash, and what it makes firm."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from deltabench.firmware_model.formats import NAND_SPARE
from deltabench.firmware_model.translation.blocks import BlockTable
from deltabench.firmware_model.translation.checkpoint import Checkpoint, Checkpoints
from deltabench.firmware_model.translation.geometry import Geometry
from deltabench.firmware_model.translation.layer import TranslationLayer
from deltabench.firmware_model.translation.log import Log
from deltabench.firmware_model.translation.mapping import Mapping
from deltabench.firmware_model.translation.mount import Block, InForce, Mount, Open, Written
from deltabench.firmware_model.translation.spare import NO_PAGE, Spare
from deltabench.hwsim.disk import UNCORRECTABLE
from deltabench.hwsim.nand import PageRead
from deltabench.hwsim.nand_pages import Units
from deltabench.scenarios.mutants.broken_part import broken_flash


@broken_flash
class ComparesSequencesPlainly(Mount):
    """The block with the larger sequence is the newer one; that the count wraps is forgotten."""

    def _is_newer(self, sequence: int, other: int) -> bool:
        return sequence > other


@broken_flash
class TrustsTornTail(Mount):
    """The last page of the log counts as soon as its spare bytes can be read, whatever became of its sectors."""

    def _is_whole(self, units: Units) -> bool:
        return True


@broken_flash
class TrustsReadableTail(Mount):
    """The last page of the log reads well, and so it is not written once more."""

    def _make_firm(
        self, log: Log, mapping: Mapping, opened: Open | None, before: Checkpoint, spared: set[int] | None
    ) -> tuple[int, ...]:
        return super()._make_firm(log, mapping, opened and opened._replace(pages=opened.pages[:-1]), before, spared)


@broken_flash
class DropsTail(Mount):
    """The last page of the log is suspect, and so it is never counted, though it may have been acknowledged."""

    def _take_tail(self, last: Written, mapping: Mapping) -> int | None:
        return None


@broken_flash
class RereadsTail(Mount):
    """The last page of the log is read once to judge it, and once more to copy it."""

    def _make_firm(
        self, log: Log, mapping: Mapping, opened: Open | None, before: Checkpoint, spared: set[int] | None
    ) -> tuple[int, ...]:
        if opened is not None:
            again = tuple(each._replace(units=self._nand.read(each.page).units) for each in opened.pages)
            opened = opened._replace(pages=again)
        return super()._make_firm(log, mapping, opened, before, spared)


@broken_flash
class IgnoresLog(Mount):
    """A mount takes the checkpoint for the whole truth; what was written after it is not looked at."""

    def _pages_of(self, data: Sequence[Block]) -> list[Written]:
        return []


@broken_flash
class ReplaysNewestFirst(Mount):
    """The log is replayed from its end, so that the oldest version of a page counts."""

    def _pages_of(self, data: Sequence[Block]) -> list[Written]:
        written = super()._pages_of(data)
        return [*reversed(written[:-1]), *written[-1:]]


@broken_flash
class ReplaysByPlace(Mount):
    """The blocks after the checkpoint are replayed in the order of their numbers."""

    def _written_since(self, found: Sequence[Block], group: Sequence[Block]) -> list[Block]:
        return sorted(super()._written_since(found, group))


@broken_flash
class ReplaysHalfBlocks(Mount):
    """Of each block after the checkpoint the last page is not looked at."""

    def _pages_of(self, data: Sequence[Block]) -> list[Written]:
        last = self._geometry.usable[-1]
        return [each for each in super()._pages_of(data) if each.page % self._geometry.pages_per_block != last]


@broken_flash
class GoesOnQuietly(Mount):
    """A mount that finds the log sound writes no checkpoint: it goes on behind what it has found."""

    def _make_firm(
        self, log: Log, mapping: Mapping, opened: Open | None, before: Checkpoint, spared: set[int] | None
    ) -> tuple[int, ...]:
        return ()


@broken_flash
class OldestCheckpointCounts(Mount):
    """Of several checkpoints that count, the oldest is taken."""

    def _in_force(self, found: Sequence[Block]) -> InForce | None:
        for number in range(len(found)):
            in_force = super()._in_force(found[: number + 1])
            if in_force is not None:
                return in_force
        return None


class _OneCopyIsWhole(Checkpoints):
    def read(self, read: Callable[[int], PageRead], geometry: Geometry, blocks: Sequence[int]) -> Checkpoint:
        found = super().read(read, geometry, blocks)
        return found._replace(proved=found.content is not None, whole=found.content is not None)


@broken_flash
class OneCopySettles(Mount):
    """A checkpoint counts for good if its first copy can be read, the last page of which may be unstable."""

    checkpoints_type = _OneCopyIsWhole


@broken_flash
class ForgetsBadBlocks(Mount):
    """The marks of bad blocks in the checkpoint are not read: they are used again after each power-on."""

    def _take_over(
        self, checkpoint: Checkpoint, found: Sequence[Block], mapping: Mapping, blocks: BlockTable
    ) -> set[int]:
        free = super()._take_over(checkpoint, found, mapping, blocks)
        blocks.bad = {block for block in blocks.bad if self._nand.is_bad(block)}
        return free


@broken_flash
class PassesOverHoles(Mount):
    """A page of the log that has become unreadable is passed over: the version before it counts again."""

    def _pages_of(self, data: Sequence[Block]) -> list[Written]:
        return [
            each._replace(spare=None if each.spare is None else each.spare._replace(before=NO_PAGE))
            for each in super()._pages_of(data)
        ]


@broken_flash
class SparesUnchecked(Mount):
    """The CRC of the spare bytes is not looked at."""

    def _opened(self, page: int, units: Units) -> Spare | None:
        data = units[-1]
        if data is None or data == UNCORRECTABLE:
            return None
        return Spare(*NAND_SPARE.unpack(data))


class _Defers(Mount):
    def _make_firm(
        self, log: Log, mapping: Mapping, opened: Open | None, before: Checkpoint, spared: set[int] | None
    ) -> tuple[int, ...]:
        self.due = (log, mapping, opened, before, spared)
        return ()


@broken_flash
class ServesBeforeFirm(TranslationLayer):
    """The checkpoint that makes the log firm is left to the first write; reads are served before that."""

    mount_type = _Defers
    _mounting: _Defers | None = None

    def mount(self) -> None:
        self._mounting = _Defers(self.nand, self.geometry, self._core)
        self._begin(*self._mounting.run())

    def write(self, lba: int, sectors: Sequence[bytes], *, fua: bool = True) -> None:
        mounting, self._mounting = self._mounting, None
        if mounting is not None and hasattr(mounting, "due"):
            self._checkpoint = Mount._make_firm(mounting, *mounting.due)
        super().write(lba, sectors, fua=fua)
