"""NAND flash: pages of sectors and a spare area, in blocks that are erased whole; ECC by codeword, and what wears.

Follows the ONFI command set (ONFI 1.0, Block Erase and Page Program) and the rules of a datasheet: a page is programmed
once between two erases, or in as many parts as the datasheet allows (NOP), each of whole codewords that are blank, the
pages of a block in ascending order, and a block that is marked bad at the factory not at all.  ECC is part of the
device, as on parts with ECC on die: a read says of each codeword whether it is erased, or how many bits were corrected,
or that it is beyond correction (as the BCH decoder of the i.MX 6 does, whose status is FFh for erased and FEh for
uncorrectable).  The bytes of the spare area that the ECC leaves to the firmware are a codeword of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec

from deltabench.hwsim.aging import Aging
from deltabench.hwsim.disk import SECTOR_BYTES, UNCORRECTABLE
from deltabench.hwsim.instability import Adversary
from deltabench.hwsim.medium import Cells, Change, MediaRuleError, Medium, Operation, Outcome
from deltabench.hwsim.nand_pages import (
    WEAK_BLANK,
    Cell,
    Page,
    Stable,
    Units,
    UnstablePage,
    mixture,
    settled,
    spoilt,
    units_of,
)
from deltabench.hwsim.nand_tears import half_erased, torn_pages
from deltabench.hwsim.nor import wandering
from deltabench.hwsim.onfi import parameter_page
from deltabench.hwsim.pairing import lower_pages, paired_with
from deltabench.hwsim.parts import NandPart
from deltabench.hwsim.power import PowerRail
from deltabench.hwsim.tearing import Detail

MARKER_BYTES: Final = 2
"""Spare bytes that the factory's mark of a bad block takes (ONFI 1.0, Factory Defect Mapping)."""
MOST_FAILURES: Final = 4
"""A firmware that uses a block again that has failed so often does not keep a table of bad blocks."""


class Failing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A block that wears out: after ``after`` successful erases or programs of it, each further one fails."""

    block: Annotated[int, msgspec.Meta(ge=0)]
    on: Literal["erase", "program"]
    after: Annotated[int, msgspec.Meta(ge=0)] = 0


class Faults(NamedTuple):
    """What is wrong with a part beyond power loss.  ``aging``: what makes bits flip; None: none do."""

    bad_blocks: frozenset[int] = frozenset()
    failing: Sequence[Failing] = ()
    aging: Aging | None = None


NO_FAULTS: Final = Faults()


class PageRead(NamedTuple):
    """What a page reads as: its sectors and then the spare bytes of the firmware.

    None: erased.  UNCORRECTABLE: beyond correction.  ``corrected``: most bits that were corrected in one codeword.
    """

    units: Units
    corrected: int


class NandFlash(Medium):
    """A NAND flash; its addresses are numbers of pages, a cell is a page."""

    def __init__(
        self,
        name: str,
        part: NandPart,
        cells: Cells,
        rail: PowerRail,
        adversary: Adversary,
        detail: Detail,
        faults: Faults = NO_FAULTS,
    ) -> None:
        self.name = name
        self.part = part
        self.blocks = part.blocks
        self.pages_per_block = part.pages_per_block
        self.size = self.blocks * part.pages_per_block
        self.page_sectors = part.page_bytes // SECTOR_BYTES
        self.units = self.page_sectors + 1
        self.spare_bytes = spare_bytes_left(part)
        self.codeword_sectors = part.codeword_bytes // SECTOR_BYTES
        self.codewords = self.page_sectors // self.codeword_sectors + 1
        """Codewords of a page, the one of the spare bytes included."""
        self.edges = (*range(0, self.units, self.codeword_sectors), self.units)
        """The first unit of each codeword, and behind the last."""
        self.bad_blocks = faults.bad_blocks
        self.detail = detail
        self.cells = cells
        self.rail = rail
        self.adversary = adversary
        self.first = cells.allocate(self.size, None)
        self._fill = cells.allocate(self.blocks, 0)
        """A cell for each block: the page behind the last that was programmed."""
        self.lower = lower_pages(part.pairing, part.pages_per_block)
        """Pages of a block whose program endangers no earlier one."""
        self.paired = paired_with(part.pairing, part.pages_per_block)
        self._failing: dict[tuple[int, str], tuple[int, int]] = {}
        for fault in faults.failing:
            self._failing[fault.block, fault.on] = (cells.allocate(1, (0, 0)), fault.after)
        self.aging = faults.aging

    def read(self, page: int) -> PageRead:
        """A page with its spare bytes; unstable cells read as the adversary wants."""
        if not 0 <= page < self.size:
            self.check_range("read", page, 1)
        if self.rail.meter is not None:
            self.rail.meter.reads(self, page, 1)
        if self.aging is not None:
            self.aging.count_read(page)
        else:
            cell: Any = self.cells.values[self.first + page]
            if type(cell) is tuple:
                return PageRead(cell, 0)
        return self.reading(page)

    def reading(self, page: int) -> PageRead:
        """As ``read``, past the part's commands: it takes no time, and disturbs nothing."""
        cell: Cell = self.cells.values[self.first + page]
        if isinstance(cell, UnstablePage):
            cell = self.adversary.choose(self.first + page, cell.one, cell.other, self._mixture)
        return self._corrected(page, cell) if isinstance(cell, Page) else PageRead(units_of(cell, self.units), 0)

    def program(self, page: int, units: Units, first: int = 0) -> bool:
        """Program sectors and spare bytes, from unit ``first`` on; False if the part reports a failure.

        Raises MediaRuleError for what the datasheet forbids: a page out of order, an overwrite, too many partial
        programs, a bad block.
        """
        if not 0 <= page < self.size:
            self.check_range("program", page, 1)
        block = page // self.pages_per_block
        values, index = self.cells.values, self.first + page
        if first or len(units) != self.units:
            whole = self._completed(page, units, first)
        else:
            whole = units
            if values[index] is not None and values[index] != WEAK_BLANK:
                raise MediaRuleError(f"{self.name}: program of page {page}, which is not blank; erase the block first")
            fill: int = values[self._fill + block]
            if fill > page % self.pages_per_block or block in self.bad_blocks:
                self._check_order(page, block, fill)
        spare = whole[-1]
        if spare is not None and len(spare) > self.spare_bytes:
            raise MediaRuleError(f"{self.name}: {len(spare)} spare bytes, and the part leaves {self.spare_bytes}")
        works = not self._failing or self.works(block, "program")
        self.rail.announce(_Program, self, page, whole)
        plain = works and values[index] is None and self.aging is None
        self.cells.put(index, whole if plain else self.programmed(page, whole, works=works))
        fill = page % self.pages_per_block + 1
        if values[self._fill + block] != fill:
            self.cells.put(self._fill + block, fill)
        if self._failing:
            self._tally(block, "program", works)
        return works

    def erase(self, block: int) -> bool:
        """Make every page of ``block`` blank; False if the part reports a failure."""
        if not 0 <= block < self.blocks:
            self.check_range("erase", block * self.pages_per_block, self.pages_per_block)
        if block in self.bad_blocks:
            raise MediaRuleError(f"{self.name}: erase of block {block}, which the factory has marked as bad")
        works = not self._failing or self.works(block, "erase")
        self.rail.announce(_Erase, self, block)
        for index, value in self.erased(block, works=works):
            self.cells.put(index, value)
        if self._failing:
            self._tally(block, "erase", works)
        if self.aging is not None:
            self.aging.count_erase(block)
        return works

    def parameter_page(self) -> bytes:
        """What the command Read Parameter Page returns; hwsim/onfi.py says what stands in it."""
        return parameter_page(self.part)

    def is_bad(self, block: int) -> bool:
        """Whether the first page of ``block`` bears the factory's mark of a bad block; costs a read."""
        page = block * self.pages_per_block
        if not 0 <= block < self.blocks:
            self.check_range("read", page, 1)
        if self.rail.meter is not None:
            self.rail.meter.reads(self, page, 1)
        if self.aging is not None:
            self.aging.count_read(page)
        return block in self.bad_blocks

    def add_errors(self, page: int, unit: int, bits: int) -> None:
        """Time, or a particle, has flipped ``bits`` more bits of the codeword that unit ``unit`` of ``page`` is in.

        Of an unstable page both readings have them; a blank page stays blank.
        """
        codeword = unit // self.codeword_sectors

        def flipped(held: Stable) -> Stable:
            if held is None:
                return None
            whole = held if isinstance(held, Page) else Page(held)
            errors = list(whole.errors or (0,) * self.codewords)
            errors[codeword] += bits
            return whole._replace(errors=tuple(errors))

        cell: Cell = self.cells.values[self.first + page]
        if isinstance(cell, UnstablePage):
            self.cells.put(self.first + page, cell._replace(one=flipped(cell.one), other=flipped(cell.other)))
        else:
            self.cells.put(self.first + page, flipped(cell))

    def errors_of(self, page: int, unit: int) -> int:
        """Bits that have flipped so in the codeword that unit ``unit`` of ``page`` is in."""
        held = _other(self.cells.values[self.first + page])
        return held.errors[unit // self.codeword_sectors] if isinstance(held, Page) and held.errors else 0

    def fill_of(self, block: int) -> int:
        """The cell that says how far ``block`` is programmed."""
        return self._fill + block

    def stamped(self, page: Stable, old: Stable = None) -> Stable:
        """``page``, programmed now on top of ``old``, whose bits that had flipped stay so, and whose age stays."""
        if page is None or page is old:
            return page
        if self.aging is None and old is None:
            return page
        units, errors = (page.units, page.errors) if isinstance(page, Page) else (page, ())
        if old is None or not isinstance(old, Page):
            day = 0 if self.aging is None else self.aging.day
            return Page(units, errors, 1 if old is None else 2, day)
        if errors and old.errors:
            errors = tuple(map(sum, zip(errors, old.errors, strict=True)))
        return Page(units, errors or old.errors, old.programs + 1, old.day)

    def programmed(self, page: int, units: Units, *, works: bool) -> Cell:
        """What the cell of ``page`` is after a program of it; a page whose program failed cannot be read."""
        old: Cell = self.cells.values[self.first + page]
        after: Stable = units if works else spoilt(self.units)
        if isinstance(old, UnstablePage):
            return settled(old.one, self.stamped(after, old.other), weak=True)
        return self.stamped(after, old)

    def erased(self, block: int, *, works: bool) -> list[Change]:
        """What an erase of ``block`` changes; one that failed leaves no page that can be read, or relied on."""
        first = self.first + block * self.pages_per_block
        pages: list[Cell] = self.cells.values[first : first + self.pages_per_block]
        if not works:
            lost = spoilt(self.units)
            return [(first + n, WEAK_BLANK if page in (None, WEAK_BLANK) else lost) for n, page in enumerate(pages)]
        changes: list[Change] = [(first + n, None) for n, page in enumerate(pages) if page is not None]
        if self.cells.values[self._fill + block]:
            changes.append((self._fill + block, 0))
        return changes

    def works(self, block: int, what: str) -> bool:
        """Whether a planned failure lets the next such operation succeed; MediaRuleError if it failed too often."""
        planned = self._failing.get((block, what))
        if planned is None:
            return True
        index, after = planned
        done, failures = self.cells.values[index]
        if done >= after and failures >= MOST_FAILURES:
            raise MediaRuleError(
                f"{self.name}: {what} of block {block}, which has reported {failures} failures: it has to be retired"
            )
        return bool(done < after)

    def _tally(self, block: int, what: str, works: bool) -> None:
        planned = self._failing.get((block, what))
        if planned is not None:
            done, failures = self.cells.values[planned[0]]
            self.cells.put(planned[0], (done + works, failures + (not works)))

    def _mixture(self, one: Stable, other: Stable) -> Stable:
        return mixture(one, other, self.edges)

    def _corrected(self, page: int, cell: Page) -> PageRead:
        """A page in which bits have flipped: what the ECC makes of it."""
        errors = cell.errors or (0,) * self.codewords
        if self.aging is not None:
            errors = tuple(map(sum, zip(errors, self.aging.errors(page, cell), strict=True)))
        if not any(errors):
            return PageRead(cell.units, 0)
        units, corrected = list(cell.units), 0
        for start, end, bits in zip(self.edges, self.edges[1:], errors, strict=False):
            if all(unit is None or unit == UNCORRECTABLE for unit in units[start:end]):
                continue
            if bits <= self.part.ecc_bits:
                corrected = max(corrected, bits)
            else:
                units[start:end] = [UNCORRECTABLE] * (end - start)
        return PageRead(tuple(units), corrected)

    def _completed(self, page: int, units: Units, first: int) -> Units:
        """The page after a partial program; raises MediaRuleError if the part forbids it."""
        end = first + len(units)
        if not (units and first in self.edges and end in self.edges):
            raise MediaRuleError(
                f"{self.name}: program of units {first} to {end - 1} of page {page}, which has {self.units}: they are "
                f"no whole codewords of {self.codeword_sectors}"
            )
        cell: Cell = self.cells.values[self.first + page]
        if isinstance(cell, UnstablePage):
            if cell.one is not None or not cell.weak:
                raise MediaRuleError(f"{self.name}: partial program of page {page}, which a cut has left unstable")
            cell = cell.other
        done = cell.programs if isinstance(cell, Page) else 0 if cell is None else 1
        if done >= self.part.partial_programs:
            raise MediaRuleError(
                f"{self.name}: program {done + 1} of page {page}, and the part allows {self.part.partial_programs} "
                "between two erases"
            )
        block = page // self.pages_per_block
        self._check_order(page, block, self.cells.values[self._fill + block] - (cell is not None))
        held = list(units_of(cell, self.units))
        if any(unit is not None for unit in held[first:end]):
            raise MediaRuleError(f"{self.name}: program of page {page} would overwrite; erase the block first")
        held[first:end] = units
        return tuple(held)

    def _check_order(self, page: int, block: int, fill: int) -> None:
        if block in self.bad_blocks:
            raise MediaRuleError(f"{self.name}: program in block {block}, which the factory has marked as bad")
        if fill > page % self.pages_per_block:
            raise MediaRuleError(
                f"{self.name}: program of page {page % self.pages_per_block} of block {block} behind page "
                f"{self.cells.values[self._fill + block] - 1}: the pages of a block are programmed in ascending order"
            )


def parity_bytes(part: NandPart) -> int:
    """Spare bytes that the ECC takes for each codeword of data.

    A BCH code over a codeword of up to 1 KiB takes 14 bits for each bit that it corrects.
    """
    return -(-14 * part.ecc_bits // 8)


def spare_bytes_left(part: NandPart) -> int:
    """Spare bytes of a page that the firmware has, without the factory's mark and the check bits of the ECC."""
    return part.spare_bytes - MARKER_BYTES - part.codewords * parity_bytes(part)


class _Program(Operation):
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
        reading = _other(held)
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
        held = old.other if isinstance(old, UnstablePage) else old
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


class _Erase(Operation):
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
            half = half_erased(_one(old[k]), nand.edges)
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

        ways = [(shaky(page, _one(page)), shaky(page, _other(page))) for page in old]
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


def _one(cell: Cell) -> Stable:
    return cell.one if isinstance(cell, UnstablePage) else cell


def _other(cell: Cell) -> Stable:
    return cell.other if isinstance(cell, UnstablePage) else cell
