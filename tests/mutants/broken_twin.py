"""Mistakes in the atom stores with twin slots, NVRAM and disk."""

from __future__ import annotations

from broken_part import broken

from deltabench.firmware_model.atoms.disk import DiskAtoms
from deltabench.firmware_model.atoms.nvram import NvramAtoms
from deltabench.firmware_model.formats import crc32, intact
from deltabench.hwsim.disk import SECTOR_BYTES


@broken("_store")
class OverwritesCopyInForce(NvramAtoms):
    """An atom is written over the slot that is in force."""

    def write(self, index: int, data: bytes) -> None:
        self._side[index] = 1 - self._side[index]
        super().write(index, data)


@broken("_store")
class OverwritesSectorInForce(DiskAtoms):
    """An atom is written over the sector that is in force, which a cut may leave uncorrectable."""

    def write(self, index: int, data: bytes) -> None:
        self._side[index] = 1 - self._side[index]
        super().write(index, data)


@broken("_store")
class NoSlotCrc(NvramAtoms):
    """A slot counts whatever its CRC is."""

    def _read_slots(self) -> list[bytes | None]:
        slots = super()._read_slots()
        return [slot and slot[:-4] + crc32(slot[:-4], number >> 1) for number, slot in enumerate(slots)]


@broken("_store")
class SequenceStands(NvramAtoms):
    """The sequence is not counted up, so that nothing says which slot is newer."""

    def write(self, index: int, data: bytes) -> None:
        self._sequence[index] -= 1
        super().write(index, data)


@broken("_store")
class CachesSlots(DiskAtoms):
    """Slots are written without FUA, and not flushed."""

    def write(self, index: int, data: bytes) -> None:
        sequence, side = self._sequence[index] + 1, 1 - self._side[index]
        sector = self._sealed(index, sequence, data).ljust(SECTOR_BYTES, b"\0")
        self._disk.write(self._first_lba + 2 * index + side, [sector], fua=False)
        self.atoms[index], self._sequence[index], self._side[index] = data, sequence, side


@broken("_store")
class OverwritesGoodSlot(NvramAtoms):
    """A boot takes a torn slot for the one in force, as it was written last: the next write goes over the good one."""

    def boot(self) -> None:
        super().boot()
        for number, slot in enumerate(self._read_slots()):
            if slot is None or not intact(slot, number >> 1):
                self._side[number >> 1] = number & 1


@broken("_store")
class OverwritesGoodSector(DiskAtoms):
    """As OverwritesGoodSlot, on a disk that leaves a torn sector uncorrectable."""

    def boot(self) -> None:
        super().boot()
        for number, slot in enumerate(self._read_slots()):
            if slot is None or not intact(slot, number >> 1):
                self._side[number >> 1] = number & 1
