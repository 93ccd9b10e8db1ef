"""NOR flash: page program clears bits, sector erase sets them, and a cut inside either tears.

Follows the command set of SPI NOR parts (W25Q64JV datasheet rev. J, 8.2.15 Page Program and 8.2.17 Sector Erase).
"""

from __future__ import annotations

import zlib
from typing import Final

from deltabench.hwsim.instability import Adversary, Unstable, settled
from deltabench.hwsim.medium import Cells, Change, MediaRuleError, Medium, Operation, Outcome
from deltabench.hwsim.parts import NorPart
from deltabench.hwsim.power import PowerRail
from deltabench.hwsim.tearing import Detail, random_bits, torn_programs

Page = bytes | Unstable
ONCE: Final = 5
"""So many outcomes of a cut erase say nothing of how many pages are blank: from "nothing" to "all"."""


class NorFlash(Medium):
    """A NOR flash of byte addresses; a cell is a page."""

    def __init__(
        self, name: str, part: NorPart, cells: Cells, rail: PowerRail, adversary: Adversary, detail: Detail
    ) -> None:
        self.name = name
        self.part = part
        self.size = part.size_bytes
        self.page_bytes = part.page_bytes
        self.sector_bytes = part.sector_bytes
        self.blank = b"\xff" * part.page_bytes
        self.detail = detail
        self.cells = cells
        self.rail = rail
        self.adversary = adversary
        self.first = cells.allocate(part.size_bytes // part.page_bytes, self.blank)

    def read(self, address: int, length: int) -> bytes:
        """``length`` bytes from ``address``; unstable cells read as the adversary wants."""
        if address < 0 or length < 0 or address + length > self.size:
            self.check_range("read", address, length)
        if self.rail.meter is not None:
            self.rail.meter.reads(self, address, length)
        page, offset = divmod(address, self.page_bytes)
        start = self.first + page
        cells = self.cells.values[start : start - (-(offset + length) // self.page_bytes)]
        for i, cell in enumerate(cells):
            if type(cell) is Unstable:
                cells[i] = self.adversary.read(start + i, cell)
        return b"".join(cells)[offset : offset + length]

    def program(self, address: int, data: bytes) -> None:
        """Clear the bits that are 0 in ``data``.

        Raises MediaRuleError for a program that leaves the part, crosses a page, or would have to set a bit.
        """
        length = len(data)
        if address < 0 or address + length > self.size:
            self.check_range("program", address, length)
        page, offset = divmod(address, self.page_bytes)
        end = offset + length
        if end > self.page_bytes:
            raise MediaRuleError(
                f"{self.name}: program of {length} at {address:#x} crosses the page that ends at "
                f"{(page + 1) * self.page_bytes:#x}"
            )
        index = self.first + page
        old: Page = self.cells.values[index]
        if isinstance(old, bytes) and old.startswith(self.blank[:length], offset):
            self.rail.announce(_Program, self, address, data)
            self.cells.put(index, old[:offset] + data + old[end:])
            return
        one, other, weak = readings(old)
        wanted = int.from_bytes(data, "big")
        was = int.from_bytes(other[offset:end], "big")
        if wanted & ~(was | int.from_bytes(one[offset:end], "big")):
            raise MediaRuleError(
                f"{self.name}: program of {length} at {address:#x} would set a bit that is 0; erase the sector first"
            )
        self.rail.announce(_Program, self, address, data)
        self.cells.put(index, _programmed(one, other, weak, offset, end, wanted, wanted))

    def erase(self, address: int) -> None:
        """Set every bit of the sector that begins at ``address`` (a multiple of ``sector_bytes``)."""
        self.check_range("erase", address, self.sector_bytes)
        if address % self.sector_bytes:
            raise MediaRuleError(
                f"{self.name}: erase at {address:#x} does not begin a sector of {self.sector_bytes:#x} bytes"
            )
        self.rail.announce(_Erase, self, address)
        blank, cells = self.blank, self.cells
        page = self.first + address // self.page_bytes
        for index, cell in enumerate(cells.values[page : page + self.sector_bytes // self.page_bytes], page):
            if cell is not blank and cell != blank:
                cells.put(index, blank)


def readings(cell: Page) -> Unstable:
    """Both readings of a cell; those of a stable one are the same."""
    return Unstable(cell, cell) if isinstance(cell, bytes) else cell


def _programmed(one: bytes, other: bytes, weak: bool, offset: int, end: int, sure: int, maybe: int) -> Page:
    """The page after bits were cleared: those 0 in ``sure`` for certain, those 0 in ``maybe`` perhaps.

    In a weakly erased page nothing is certain: the cells may still read as before.
    """
    length = end - offset
    low = int.from_bytes(one[offset:end], "big")
    if not weak:
        low &= sure
    high = int.from_bytes(other[offset:end], "big") & maybe
    return settled(
        one[:offset] + low.to_bytes(length, "big") + one[end:],
        other[:offset] + high.to_bytes(length, "big") + other[end:],
        weak,
    )


class _Program(Operation):
    __slots__ = ("data", "medium")
    kind = "program"

    def __init__(self, medium: NorFlash, address: int, data: bytes) -> None:
        self.device = medium.name
        self.address = address
        self.length = len(data)
        self.medium = medium
        self.data = data

    def outcomes(self) -> list[Outcome]:
        nor, length = self.medium, self.length
        page, offset = divmod(self.address, nor.page_bytes)
        index, end = nor.first + page, offset + length
        old: Page = nor.cells.values[index]
        one, other, weak = readings(old)
        data = int.from_bytes(self.data, "big")
        full = (1 << 8 * length) - 1
        # The sampled position wanders with what is written and to what page, so that a workload visits every byte.
        position = wandering(self.address, one + self.data) % (8 * length)
        results = []
        for label, sure, maybe in torn_programs(length, position, nor.detail):
            cell = _programmed(one, other, weak, offset, end, data | full ^ sure, data | full ^ maybe)
            results.append(Outcome(label, ((index, cell),) if cell != old else ()))
        return results

    def possible(self) -> int:
        return len(torn_programs(self.length, 0, Detail.EVERY))


class _Erase(Operation):
    __slots__ = ("medium",)
    kind = "erase"

    def __init__(self, medium: NorFlash, address: int) -> None:
        self.device = medium.name
        self.address = address
        self.length = medium.sector_bytes
        self.medium = medium

    def outcomes(self) -> list[Outcome]:
        nor = self.medium
        blank, size = nor.blank, nor.page_bytes
        first = nor.first + self.address // size
        count = nor.sector_bytes // size
        old: list[Page] = nor.cells.values[first : first + count]

        def leaves(label: str, pages: list[Page]) -> Outcome:
            changes: list[Change] = [(first + i, page) for i, page in enumerate(pages) if page != old[i]]
            return Outcome(label, changes)

        results = [Outcome("nothing", ())]
        sample = wandering(self.address, readings(old[0]).one) % count
        for k in range(count) if nor.detail is Detail.EVERY else sorted({0, sample}):
            half = blank[: size // 2] + readings(old[k]).one[size // 2 :]
            results.append(leaves(f"{k} pages and half a page blank", [*[blank] * k, half, *old[k + 1 :]]))
        noisy: list[Page] = []
        shaky: list[Page] = []
        shaky_other: list[Page] = []
        for i, page in enumerate(old):
            reading = readings(page).one
            noise = int.from_bytes(random_bits(size, i), "big")
            mixed = (int.from_bytes(reading, "big") | noise).to_bytes(size, "big")
            noisy.append(mixed if reading != blank else page)
            shaky.append(_shaky(page, reading, blank))
            shaky_other.append(_shaky(page, readings(page).other, blank))
        results.append(leaves("random bits set", noisy))
        results.append(leaves("blank or as before, unstable", shaky))
        if shaky_other != shaky:
            results.append(leaves("blank or as before, the other way round, unstable", shaky_other))
        results.append(leaves("blank, but weak", [Unstable(blank, blank, weak=True)] * count))
        results.append(leaves("all", [blank] * count))
        return results

    def possible(self) -> int:
        """A stop at each page, and what there is but once; unstable pages may come out the other way round, too."""
        nor = self.medium
        first, count = nor.first + self.address // nor.page_bytes, nor.sector_bytes // nor.page_bytes
        differs = any(
            _shaky(page, page.one, nor.blank) != _shaky(page, page.other, nor.blank)
            for page in nor.cells.values[first : first + count]
            if isinstance(page, Unstable)
        )
        return count + ONCE + differs


def _shaky(page: Page, reading: bytes, blank: bytes) -> Page:
    """A page that an erase has not quite made blank: as ``reading``, or blank."""
    return settled(reading, blank, weak=False) if reading != blank else page


def wandering(address: int, contents: bytes) -> int:
    """A number that is the same in every run, and differs from place to place and from content to content."""
    return zlib.crc32(contents, address)
