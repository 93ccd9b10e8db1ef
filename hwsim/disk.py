"""A disk of 512-byte sectors with a volatile write cache.

A sector is written whole or not at all (the drive finishes it on the energy of its spindle); as an option, a sector
that was being written is uncorrectable until it is rewritten.  Writes go to the cache unless they carry FUA (force
unit access); FLUSH CACHE empties it.  When power is lost any subset of what the cache holds may have reached the
platters, in any order (ATA/ATAPI-6, 4.2.4 and the commands FLUSH CACHE EXT and WRITE DMA FUA EXT).
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Sequence
from typing import Final, cast

from deltabench.hwsim.errors import HardwareError
from deltabench.hwsim.medium import Cells, Change, MediaRuleError, Medium, Operation, Outcome, UncorrectableError
from deltabench.hwsim.parts import DiskPart
from deltabench.hwsim.power import PowerRail

SECTOR_BYTES: Final = 512
ZERO_SECTOR: Final = bytes(SECTOR_BYTES)
UNCORRECTABLE: Final = b"uncorrectable"
"""The cell of a sector that cannot be read; it is no sector's content, which is 512 bytes long."""

Choice = tuple[tuple[int, bytes | None], ...]


class TornSector(enum.Enum):
    """What a sector holds when power is lost while it is being written."""

    OLD_OR_NEW = "old-or-new"
    UNCORRECTABLE = "uncorrectable"


class DiskOutOfRangeError(HardwareError):
    """A scenario uses more sectors than the part has."""


class Disk(Medium):
    """A disk of ``sectors`` sectors (default: all that the part has); a cell is a sector."""

    SUBSET_LIMIT: Final = 16
    """Up to this many combinations of surviving writes are all generated; beyond it they are sampled."""

    def __init__(
        self,
        name: str,
        part: DiskPart,
        cells: Cells,
        rail: PowerRail,
        torn_sector: TornSector = TornSector.OLD_OR_NEW,
        sectors: int | None = None,
    ) -> None:
        if sectors is not None and not 0 < sectors <= part.sectors:
            raise DiskOutOfRangeError(f"{name}: {sectors} sectors asked of {part.name}, which has {part.sectors}")
        self.name = name
        self.part = part
        self.size = sectors or part.sectors
        self.cells = cells
        self.rail = rail
        self.torn_sector = torn_sector
        self.first = cells.allocate(self.size, ZERO_SECTOR)
        self.cache: dict[int, tuple[bytes, ...]] = {}
        """Cached writes: sector -> its unflushed contents, oldest first.  Gone with the power."""

    def read(self, lba: int, count: int) -> list[bytes]:
        """``count`` sectors from ``lba``; raises UncorrectableError for the first that cannot be read."""
        if lba < 0 or count < 0 or lba + count > self.size:
            self.check_range("read", lba, count)
        if self.rail.meter is not None:
            self.rail.meter.reads(self, lba, count)
        start = self.first + lba
        sectors: list[bytes] = self.cells.values[start : start + count]
        if self.cache:
            for i in range(count):
                versions = self.cache.get(lba + i)
                if versions:
                    sectors[i] = versions[-1]
        if UNCORRECTABLE in sectors:
            raise UncorrectableError(self.name, lba + sectors.index(UNCORRECTABLE))
        return sectors

    def write(self, lba: int, sectors: Sequence[bytes], *, fua: bool) -> None:
        """Write ``sectors`` from ``lba`` on: into the cache or, with ``fua``, durable when it returns.

        UNCORRECTABLE in the place of a sector makes it uncorrectable: WRITE UNCORRECTABLE EXT (ATA8-ACS, 45h).
        """
        self.check_range("write", lba, len(sectors))
        if set(map(len, sectors)) != {SECTOR_BYTES} and any(
            len(sector) != SECTOR_BYTES and sector != UNCORRECTABLE for sector in sectors
        ):
            raise MediaRuleError(f"{self.name}: write at {lba:#x} of a sector that is not {SECTOR_BYTES} bytes long")
        self.rail.announce(_Write, self, lba, sectors, fua)
        if fua:
            if self.cache:
                for i in range(lba, lba + len(sectors)):
                    self.cache.pop(i, None)
            self.cells.put_all(self.first + lba, sectors)
            return
        for i, sector in enumerate(sectors, lba):
            self.cache[i] = (*self.cache.get(i, ()), sector)

    def flush(self) -> None:
        """FLUSH CACHE: all that was written is durable when it returns."""
        if not self.cache:
            return
        self.rail.announce(_Flush, self)
        for lba, versions in self.cache.items():
            self.cells.put(self.first + lba, versions[-1])
        self.cache.clear()

    def lose_power(self) -> object:
        cache, self.cache = self.cache, {}
        return cache

    def regain(self, volatile: object) -> None:
        self.cache = cast(dict[int, tuple[bytes, ...]], volatile)

    def possible_survivors(self) -> int:
        return self.combinations({})

    def combinations(self, being_written: dict[int, bytes]) -> int:
        """How many choices there are, were they not sampled."""
        broken, total = self.torn_sector is TornSector.UNCORRECTABLE, 1
        for lba in self.cache.keys() | being_written.keys():
            total *= 1 + len(self.cache.get(lba, ())) + (lba in being_written) + broken
        return total

    def survivors(self) -> list[Outcome]:
        return [self._outcome(choice) for choice in self.choices({})]

    def choices(self, being_written: dict[int, bytes]) -> list[Choice]:
        """Which version of each unflushed sector reaches the platters: none (None), or one of those in the cache.

        ``being_written`` are sectors that the cut operation adds.  The first choice is that nothing survives.  All
        combinations up to SUBSET_LIMIT; beyond it none, all, each sector alone, all but each, and each prefix of the
        sectors in ascending order, thinned out evenly to four times the limit.
        """
        options = {lba: [None, *versions] for lba, versions in self.cache.items()}
        for lba, sector in being_written.items():
            options.setdefault(lba, [None]).append(sector)
        lbas = sorted(options)
        newest = {lba: options[lba][-1] for lba in lbas}
        if self.torn_sector is TornSector.UNCORRECTABLE:
            for versions in options.values():
                versions.append(UNCORRECTABLE)
        total = 1
        for lba in lbas:
            total *= len(options[lba])
        if total <= self.SUBSET_LIMIT:
            return [
                tuple(zip(lbas, picks, strict=True)) for picks in itertools.product(*(options[lba] for lba in lbas))
            ]
        some: dict[Choice, None] = {}
        some[tuple((lba, None) for lba in lbas)] = None
        some[tuple(newest.items())] = None
        step = -(-len(lbas) // self.SUBSET_LIMIT)
        for k in range(0, len(lbas), step):
            before, others = set(range(k)), set(range(len(lbas))) - {k}
            for chosen in (before, {k}, others):
                some[tuple((lba, newest[lba] if i in chosen else None) for i, lba in enumerate(lbas))] = None
            for version in options[lbas[k]][1:]:
                some[tuple((lba, version if i == k else newest[lba]) for i, lba in enumerate(lbas))] = None
        return list(some)

    def _outcome(self, choice: Choice) -> Outcome:
        first, values = self.first, self.cells.values
        return Outcome(
            _describe(choice),
            [(first + lba, sector) for lba, sector in choice if sector is not None and sector != values[first + lba]],
        )


def _describe(choice: Choice) -> str:
    kept = [lba for lba, sector in choice if sector is not None and sector != UNCORRECTABLE]
    broken = [lba for lba, sector in choice if sector == UNCORRECTABLE]
    if not kept and not broken:
        return "nothing"
    words = []
    if len(kept) == len(choice):
        words.append("all")
    elif kept:
        words.append(f"{len(kept)} of {len(choice)} sectors ({', '.join(map(str, kept[:4]))}{'…' * (len(kept) > 4)})")
    if broken:
        words.append(f"sector {', '.join(map(str, broken[:4]))} uncorrectable")
    return ", ".join(words)


class _Write(Operation):
    __slots__ = ("disk", "kind", "sectors")

    def __init__(self, disk: Disk, lba: int, sectors: Sequence[bytes], fua: bool) -> None:
        self.device = disk.name
        self.address = lba
        self.length = len(sectors)
        self.disk = disk
        self.sectors = sectors
        self.kind = "write FUA" if fua else "write"

    def outcomes(self) -> list[Outcome]:
        disk = self.disk
        return [disk._outcome(choice) for choice in disk.choices(dict(enumerate(self.sectors, self.address)))]

    def possible(self) -> int:
        return self.disk.combinations(dict(enumerate(self.sectors, self.address)))

    def whole(self) -> Sequence[Change]:
        return list(enumerate(self.sectors, self.disk.first + self.address))


class _Flush(Operation):
    __slots__ = ("disk",)
    kind = "flush cache"

    def __init__(self, disk: Disk) -> None:
        super().__init__(disk.name, 0, len(disk.cache))
        self.disk = disk

    def outcomes(self) -> list[Outcome]:
        return self.disk.survivors()

    def possible(self) -> int:
        return self.disk.combinations({})

    def whole(self) -> Sequence[Change]:
        return [(self.disk.first + lba, versions[-1]) for lba, versions in self.disk.cache.items()]
