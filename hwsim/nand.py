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
from deltabench.hwsim.medium import Cells, Change, MediaRuleError, Medium
from deltabench.hwsim.nand_operations import Erase, Program
from deltabench.hwsim.nand_pages import (
    WEAK_BLANK,
    Cell,
    Page,
    Stable,
    Units,
    UnstablePage,
    later_of,
    mixture,
    settled,
    spoilt,
    units_of,
)
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
        self.rail.announce(Program, self, page, whole)
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
        self.rail.announce(Erase, self, block)
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
        held = later_of(self.cells.values[self.first + page])
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
