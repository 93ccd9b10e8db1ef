"""Redirection: the read and write path of figures 5 and 8.

A read goes to the home that holds the unit's live data; a write goes to its secondary, and never anywhere else, so that
the save-point image stays as it is (rule 3).  Data is durable before the map entry that points at it (rule 1).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from deltabench.firmware_model.label import Labels
from deltabench.firmware_model.layout import Volumes
from deltabench.firmware_model.schemes.scheme import MapScheme
from deltabench.firmware_model.sector_device import SectorDevice
from deltabench.firmware_model.steps import COPIED, COPY, DIRECT_READ, FIRST_WRITE, REDIRECT, REDIRECTED_READ
from deltabench.hwsim.disk import UNCORRECTABLE
from deltabench.hwsim.medium import UncorrectableError

SIDE_B: Final = "1"
RUN: Final = re.compile("0+|1+")
"""Units one after the other whose live data is on the same side."""


class Extent(NamedTuple):
    """Consecutive sectors to be written to one side (0: volume A, 1: volume B), from ``lba`` of the volume on."""

    side: int
    lba: int
    sectors: list[bytes]


class SectorError(Exception):
    """Logical sector ``lba`` cannot be read: its home is uncorrectable, or its map entry is lost."""

    def __init__(self, lba: int) -> None:
        super().__init__(f"LBA {lba} cannot be read")
        self.lba = lba


class Redirection:
    """The logical volume of ``maps.units`` units of ``sectors_per_unit`` sectors, over its two homes."""

    def __init__(self, maps: MapScheme, labels: Labels, volumes: Volumes, sectors_per_unit: int) -> None:
        self._maps = maps
        self._labels = labels
        self._volumes = volumes
        self._size = sectors_per_unit
        self._core = maps.store.core

    def read(self, lba: int, count: int) -> list[bytes]:
        """The live image; raises SectorError for the first sector that cannot be read."""
        size, end = self._size, lba + count
        if self._maps.lost:
            self._check_not_lost(lba, end)
        homes, unit, last = self._volumes.homes, lba // size, -(-end // size)
        self._count_lookups(unit, last)
        sectors: list[bytes] = []
        for run in RUN.findall(self._sides(unit, last)):
            unit += len(run)
            stop = min(unit * size, end)
            disk, first_lba = homes[run[0] == SIDE_B]
            try:
                sectors += disk.read(first_lba + lba, stop - lba)
            except UncorrectableError as error:
                raise SectorError(error.address - first_lba) from error
            lba = stop
        return sectors

    def home_of(self, lba: int) -> tuple[SectorDevice, int]:
        """Where the live data of a sector is, for observers."""
        device, first_lba = self._volumes.homes[self._sides(lba // self._size, lba // self._size + 1) == SIDE_B]
        return device, first_lba + lba

    def _count_lookups(self, first: int, last: int) -> None:
        """The maps are asked for the units from ``first`` to ``last - 1``."""
        redirected = (self._maps.ddm >> first & (1 << last - first) - 1).bit_count()
        if redirected:
            self._core.spend(REDIRECTED_READ, redirected)
        if redirected < last - first:
            self._core.spend(DIRECT_READ, last - first - redirected)

    def _sides(self, first: int, last: int) -> str:
        """On which side the live data of each unit from ``first`` to ``last - 1`` is, a character a unit."""
        live = self._maps.vsm ^ self._maps.ddm
        return f"{live >> first & (1 << last - first) - 1:0{last - first}b}"[::-1]

    def write(self, sectors: dict[int, bytes]) -> None:
        """Write sectors (LBA -> content), durable when it returns."""
        maps, first_writes, copied = self._maps, 0, []
        extents: list[Extent] = []
        for unit, given in self._by_unit(sectors):
            piece = given
            self._core.spend(REDIRECT, 1)
            if not maps.ddm >> unit & 1:
                first_writes |= 1 << unit
                if len(given) < self._size:
                    copied.append(self._size - len(given))
                    self._core.spend(COPY, copied[-1])
                    piece = self._completed(unit, given)
            _add_piece(extents, 1 ^ maps.vsm >> unit & 1, piece)
        self._labels.bring_up_to_date(maps.system_version)
        self._make_durable(extents)
        for count in copied:
            self._core.spend(COPIED, count)
        if first_writes:
            self._core.spend(FIRST_WRITE, first_writes.bit_count())
            maps.mark_written(first_writes)

    def _make_durable(self, extents: list[Extent]) -> None:
        """One extent is written with FUA; several go through the drives' caches and are flushed together."""
        for side, lba, sectors in extents:
            disk, first_lba = self._volumes.homes[side]
            disk.write(first_lba + lba, sectors, fua=len(extents) == 1)
        if len(extents) > 1:
            for disk in self._volumes.disks:
                disk.flush()

    def _by_unit(self, sectors: dict[int, bytes]) -> Iterator[tuple[int, dict[int, bytes]]]:
        """Each unit that is touched, ascending, with its sectors."""
        lbas, size, start = sorted(sectors), self._size, 0
        if lbas and lbas[0] // size == lbas[-1] // size:
            yield lbas[0] // size, sectors
            return
        while start < len(lbas):
            unit = lbas[start] // size
            stop = bisect_left(lbas, (unit + 1) * size, start)
            yield unit, {lba: sectors[lba] for lba in lbas[start:stop]}
            start = stop

    def _completed(self, unit: int, piece: dict[int, bytes]) -> dict[int, bytes]:
        """``piece`` with the unit's other sectors, copied from its primary (rule 1).

        A sector that cannot be read stays so: its copy is made uncorrectable, too, and the host hears of it on reading.
        """
        disk, first_lba = self._volumes.homes[self._maps.vsm >> unit & 1]
        whole = dict(piece)
        for lba in range(unit * self._size, (unit + 1) * self._size):
            if lba not in piece:
                try:
                    whole[lba] = disk.read(first_lba + lba, 1)[0]
                except UncorrectableError:
                    whole[lba] = UNCORRECTABLE
        return whole

    def _check_not_lost(self, lba: int, end: int) -> None:
        for unit in range(lba // self._size, -(-end // self._size)):
            if self._maps.lost >> unit & 1:
                raise SectorError(max(lba, unit * self._size))


def _add_piece(extents: list[Extent], side: int, piece: Mapping[int, bytes]) -> None:
    """Put sectors of one unit behind those that are to be written already, into the last extent where they can."""
    lbas = sorted(piece)
    if lbas[-1] - lbas[0] >= len(lbas):
        for lba in lbas:
            _add_piece(extents, side, {lba: piece[lba]})
        return
    sectors = [piece[lba] for lba in lbas]
    last = extents[-1] if extents else None
    if last and last.side == side and last.lba + len(last.sectors) == lbas[0]:
        last.sectors.extend(sectors)
    else:
        extents.append(Extent(side, lbas[0], sectors))
