"""Mistakes in the read and write path: the order of data and map, and what is copied along."""

from __future__ import annotations

from deltabench.firmware_model.redirect import Extent, Redirection
from deltabench.scenarios.mutants.broken_part import broken
from deltabench.scenarios.mutants.ram_store import RamStore


@broken("_volume")
class DdmFirst(Redirection):
    """The map entry is written before the data that it points at."""

    def write(self, sectors: dict[int, bytes]) -> None:
        self._late: list[Extent] = []
        super().write(sectors)
        super()._make_durable(self._late)

    def _make_durable(self, extents: list[Extent]) -> None:
        self._late = extents


@broken("_volume")
class ForgetsTheRest(Redirection):
    """A partial first write does not copy the unit's other sectors."""

    def _completed(self, unit: int, piece: dict[int, bytes]) -> dict[int, bytes]:
        return piece


@broken("_volume")
class CopiesTooLittle(Redirection):
    """A partial first write copies the sectors behind it, and not those before it."""

    def _completed(self, unit: int, piece: dict[int, bytes]) -> dict[int, bytes]:
        whole = super()._completed(unit, piece)
        return {lba: sector for lba, sector in whole.items() if lba >= min(piece)}


@broken("_volume")
class CopiesBehindMap(Redirection):
    """The unit's other sectors are copied when its map entry is there already."""

    def write(self, sectors: dict[int, bytes]) -> None:
        self._rest: dict[int, bytes] = {}
        super().write(sectors)
        for lba, sector in self._rest.items():
            disk, first_lba = self._volumes.homes[(self._maps.vsm ^ self._maps.ddm) >> lba // self._size & 1]
            disk.write(first_lba + lba, [sector], fua=True)

    def _completed(self, unit: int, piece: dict[int, bytes]) -> dict[int, bytes]:
        whole = super()._completed(unit, piece)
        self._rest |= {lba: sector for lba, sector in whole.items() if lba not in piece}
        return piece


@broken("_volume")
class CopiesEachTime(Redirection):
    """Each partial write copies the unit's other sectors, over what was written to them since the save point."""

    def write(self, sectors: dict[int, bytes]) -> None:
        whole = dict(sectors)
        for unit, piece in self._by_unit(sectors):
            whole |= self._completed(unit, piece)
        super().write(whole)


@broken("_volume")
class CopiesFirstUnit(Redirection):
    """Of a write to several units, only the first has its other sectors copied."""

    def write(self, sectors: dict[int, bytes]) -> None:
        self._first = min(sectors) // self._size
        super().write(sectors)

    def _completed(self, unit: int, piece: dict[int, bytes]) -> dict[int, bytes]:
        return super()._completed(unit, piece) if unit == self._first else piece


@broken("_volume")
class CopiesFromSecondary(Redirection):
    """A partial first write takes the unit's other sectors from its secondary."""

    def _completed(self, unit: int, piece: dict[int, bytes]) -> dict[int, bytes]:
        disk, first_lba = self._volumes.homes[1 ^ self._maps.vsm >> unit & 1]
        first = first_lba + unit * self._size
        return dict(enumerate(disk.read(first, self._size), unit * self._size)) | piece


@broken("_volume")
class WritesInPlace(Redirection):
    """A write goes to where the live data is, be that the primary (rule 3)."""

    def write(self, sectors: dict[int, bytes]) -> None:
        live = self._maps.vsm ^ self._maps.ddm
        for lba, sector in sectors.items():
            disk, first_lba = self._volumes.homes[live >> lba // self._size & 1]
            disk.write(first_lba + lba, [sector], fua=True)


@broken("_volume")
class MarksFirstUnit(Redirection):
    """Of a write to several units, only the first is entered in the map."""

    def write(self, sectors: dict[int, bytes]) -> None:
        first = min(sectors) // self._size
        head = {lba: sector for lba, sector in sectors.items() if lba // self._size == first}
        rest = {lba: sector for lba, sector in sectors.items() if lba not in head}
        super().write(head)
        for unit, piece in self._by_unit(rest):
            whole = self._completed(unit, piece)
            disk, first_lba = self._volumes.homes[1 ^ self._maps.vsm >> unit & 1]
            disk.write(first_lba + min(whole), [whole[lba] for lba in sorted(whole)], fua=True)


@broken("_volume")
class NeverMarks(Redirection):
    """A unit is entered in the map in RAM only, as if the next save would see to it."""

    def write(self, sectors: dict[int, bytes]) -> None:
        store, self._maps.store = self._maps.store, RamStore(self._maps.store)
        super().write(sectors)
        self._maps.store = store


class Caches(Redirection):
    """Base of mistakes: data goes through the drives' caches, and only ``_flush`` makes it durable."""

    def _make_durable(self, extents: list[Extent]) -> None:
        for side, lba, sectors in extents:
            disk, first_lba = self._volumes.homes[side]
            disk.write(first_lba + lba, sectors, fua=False)


@broken("_volume")
class NoFlush(Caches):
    """The drives' caches are not flushed before the map entry is written, nor after it."""


@broken("_volume")
class FlushesOneDisk(Caches):
    """Of two drives, only one is flushed."""

    def _make_durable(self, extents: list[Extent]) -> None:
        super()._make_durable(extents)
        self._volumes.disks[0].flush()


@broken("_volume")
class FlushesLate(Caches):
    """The drives' caches are flushed after the map entry is written."""

    def write(self, sectors: dict[int, bytes]) -> None:
        super().write(sectors)
        for disk in self._volumes.disks:
            disk.flush()
