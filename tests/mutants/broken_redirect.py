"""Mistakes in the write path and in the device labels."""

from __future__ import annotations

from collections.abc import Mapping

from broken_part import broken

from deltabench.firmware_model.formats import IDENTITY
from deltabench.firmware_model.label import IDENTITY_ATOM, Labels
from deltabench.firmware_model.redirect import Extent, Redirection


@broken("_volume")
class DdmFirst(Redirection):
    """The map entry is written before the data that it points at."""

    def write(self, sectors: Mapping[int, bytes]) -> None:
        super().write(sectors)
        super()._make_durable(self._late)
        del self._late

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
class CopiesFromSecondary(Redirection):
    """A partial first write takes the unit's other sectors from its secondary."""

    def _completed(self, unit: int, piece: dict[int, bytes]) -> dict[int, bytes]:
        disk, first_lba = self._layout.homes[1 ^ self._maps.vsm >> unit & 1]
        first = first_lba + unit * self._size
        return dict(enumerate(disk.read(first, self._size), unit * self._size)) | piece


@broken("_volume")
class WritesInPlace(Redirection):
    """A write goes to where the live data is, be that the primary (rule 3)."""

    def write(self, sectors: Mapping[int, bytes]) -> None:
        live = self._maps.vsm ^ self._maps.ddm
        for lba, sector in sectors.items():
            disk, first_lba = self._layout.homes[live >> lba // self._size & 1]
            disk.write(first_lba + lba, [sector], fua=True)


class Caches(Redirection):
    """Base of mistakes: data goes through the drives' caches, and only ``_flush`` makes it durable."""

    def _make_durable(self, extents: list[Extent]) -> None:
        for side, lba, sectors in extents:
            disk, first_lba = self._layout.homes[side]
            disk.write(first_lba + lba, sectors, fua=False)


@broken("_volume")
class NoFlush(Caches):
    """The drives' caches are not flushed before the map entry is written, nor after it."""


@broken("_volume")
class FlushesOneDisk(Caches):
    """Of two drives, only one is flushed."""

    def _make_durable(self, extents: list[Extent]) -> None:
        super()._make_durable(extents)
        self._layout.disks[0].flush()


@broken("_volume")
class FlushesLate(Caches):
    """The drives' caches are flushed after the map entry is written."""

    def write(self, sectors: Mapping[int, bytes]) -> None:
        super().write(sectors)
        for disk in self._layout.disks:
            disk.flush()


@broken("_labels")
class LabelsStand(Labels):
    """Labels and identity are not brought up to date, so that a stale device passes for the right one."""

    def bring_up_to_date(self, system_version: int) -> None:
        pass


@broken("_labels")
class LabelsUnread(Labels):
    """A boot does not look at the labels, so that swapped devices are used as they are."""

    def boot(self, system_version: int) -> None:
        self._volume_id, self._version = IDENTITY.unpack(self._store.read(IDENTITY_ATOM))
        for label in self._labels:
            label.boot()


@broken("_labels")
class IdentityFirst(Labels):
    """The identity is brought up to date before the labels are."""

    def bring_up_to_date(self, system_version: int) -> None:
        if self._version != system_version:
            self._store.write(IDENTITY_ATOM, self._store.padded(IDENTITY.pack(self._volume_id, system_version)))
        super().bring_up_to_date(system_version)


@broken("_labels")
class LabelsLeftAhead(Labels):
    """A boot does not finish an update of the labels that was cut, so that a label is refused one save later."""

    def finish(self, system_version: int) -> None:
        pass
