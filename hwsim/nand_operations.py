"""The operations that change NAND flash, and what a cut leaves of each: the NAND rows of the power-loss table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deltabench.hwsim.medium import Change, Operation, Outcome
from deltabench.hwsim.nand_pages import (
    WEAK_BLANK,
    Cell,
    Stable,
    Units,
    UnstablePage,
    earlier_of,
    later_of,
    settled,
    spoilt,
)
from deltabench.hwsim.nand_tears import half_erased, torn_pages
from deltabench.hwsim.nor import wandering
from deltabench.hwsim.tearing import Detail

if TYPE_CHECKING:
    from deltabench.hwsim.nand import NandFlash


class Program(Operation):
    """A program of one page; on MLC it endangers the earlier page in the same cells."""

    __slots__ = ("medium", "units")
    kind = "program"

    def __init__(self, medium: NandFlash, page: int, units: Units) -> None:
        self.device = medium.name
        self.address = page
        self.length = 1
        self.medium = medium
        self.units = units

    def outcomes(self) -> list[Outcome]:
        nand = self.medium
        index = nand.first + self.address
        old: Cell = nand.cells.values[index]
        spare = self.units[-1]
        position = wandering(self.address, spare or b"") % nand.codewords
        block, in_block = divmod(self.address, nand.pages_per_block)
        fill = (nand.fill_of(block), in_block + 1)
        tears = torn_pages(old, self.units, nand.edges, position, nand.detail)
        results = [Outcome("nothing", ())]
        results += [Outcome(label, ((index, self._stamped(cell, old)), fill)) for label, cell in tears]
        earlier = nand.paired.get(in_block)
        if earlier is not None:
            results[-1:-1] = self._with_damage(block * nand.pages_per_block + earlier, results)
        return results

    def _with_damage(self, earlier: int, results: Sequence[Outcome]) -> list[Outcome]:
        """The earlier page in the same cells is damaged while nothing, part or all of this one is done."""
        nand = self.medium
        index = nand.first + earlier
        held: Cell = nand.cells.values[index]
        if held in (None, WEAK_BLANK):
            return []
        reading = later_of(held)
        lost = spoilt(nand.units)
        damages: list[tuple[str, Cell]] = [("uncorrectable", lost), ("unstable", settled(reading, lost, weak=False))]
        bases = results if nand.detail is Detail.EVERY else (results[0], results[len(results) // 2], results[-1])
        return [
            Outcome(f"{base.label}; paired page {earlier} {what}", (*base.changes, (index, cell)))
            for base in bases
            for what, cell in damages
        ]

    def _stamped(self, cell: Cell, old: Cell) -> Cell:
        """As the medium does it, on top of what was programmed in the page before."""
        held = later_of(old)
        if not isinstance(cell, UnstablePage):
            return self.medium.stamped(cell, held)
        return cell._replace(one=self.medium.stamped(cell.one, held), other=self.medium.stamped(cell.other, held))

    def possible(self) -> int:
        nand = self.medium
        in_block = self.address % nand.pages_per_block
        earlier = nand.paired.get(in_block)
        old: Cell = nand.cells.values[nand.first + self.address]
        count = 1 + len(torn_pages(old, self.units, nand.edges, 0, Detail.EVERY))
        if earlier is None or nand.cells.values[nand.first + self.address - in_block + earlier] in (None, WEAK_BLANK):
            return count
        return 3 * count

    def whole(self) -> Sequence[Change]:
        nand = self.medium
        block, in_block = divmod(self.address, nand.pages_per_block)
        cell = nand.programmed(self.address, self.units, works=nand.works(block, self.kind))
        return ((nand.first + self.address, cell), (nand.fill_of(block), in_block + 1))


class Erase(Operation):
    """An erase of one block."""

    __slots__ = ("block", "medium")
    kind = "erase"

    def __init__(self, medium: NandFlash, block: int) -> None:
        self.device = medium.name
        self.block = block
        self.address = block * medium.pages_per_block
        self.length = medium.pages_per_block
        self.medium = medium

    def outcomes(self) -> list[Outcome]:
        nand, count = self.medium, self.length
        first = nand.first + self.address
        old: list[Cell] = nand.cells.values[first : first + count]
        empty = (nand.fill_of(self.block), 0)
        lost = spoilt(nand.units)

        def leaves(label: str, pages: Sequence[Cell], *more: Change) -> Outcome:
            changes: list[Change] = [(first + i, page) for i, page in enumerate(pages) if page != old[i]]
            return Outcome(label, [*changes, *more])

        programmed = [number for number, page in enumerate(old) if page is not None]
        results = [Outcome("nothing", ())]
        for k in self._stops(programmed):
            half = half_erased(earlier_of(old[k]), nand.edges)
            results.append(leaves(f"{k} pages and half a page blank", [*[None] * k, half, *old[k + 1 :]]))
        if programmed:
            results.append(leaves("all pages uncorrectable", [None if page is None else lost for page in old]))
            shaky, shaky_other = self._shaky(old)
            results.append(leaves("blank or as before, unstable", shaky))
            if shaky_other != shaky:
                results.append(leaves("blank or as before, the other way round, unstable", shaky_other))
        results.append(leaves("blank, but weak", [WEAK_BLANK] * count, empty))
        results.append(leaves("all", [None] * count, empty))
        return results

    def _stops(self, programmed: Sequence[int]) -> Sequence[int]:
        """The pages in the middle of which the erase may have stopped."""
        if not programmed:
            return ()
        if self.medium.detail is Detail.EVERY:
            return programmed
        sample = programmed[wandering(self.address, bytes(programmed)) % len(programmed)]
        return sorted({programmed[0], sample})

    def _shaky(self, old: Sequence[Cell]) -> tuple[list[Cell], list[Cell]]:
        """Pages that an erase has not quite made blank, whichever reading of an unstable one was there."""
        blank = (None,) * self.medium.units

        def shaky(page: Cell, reading: Stable) -> Cell:
            return page if reading in (None, blank) else settled(reading, None, weak=False)

        ways = [(shaky(page, earlier_of(page)), shaky(page, later_of(page))) for page in old]
        return [one for one, _ in ways], [other for _, other in ways]

    def possible(self) -> int:
        nand = self.medium
        first = nand.first + self.address
        old: list[Cell] = nand.cells.values[first : first + self.length]
        programmed = sum(page is not None for page in old)
        if not programmed:
            return 3
        shaky, shaky_other = self._shaky(old)
        return 5 + programmed + (shaky != shaky_other)

    def whole(self) -> Sequence[Change]:
        return self.medium.erased(self.block, works=self.medium.works(self.block, self.kind))
