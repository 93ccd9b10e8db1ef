"""Mistakes in the atom stores with twin slots, NVRAM and disk."""

from __future__ import annotations

from deltabench.firmware_model.atoms.disk import DiskAtoms
from deltabench.firmware_model.atoms.nvram import NvramAtoms
from deltabench.firmware_model.atoms.twin import TwinStore
from deltabench.firmware_model.formats import crc32, intact
from deltabench.hwsim.disk import SECTOR_BYTES
from deltabench.scenarios.mutants.broken_part import broken


@broken("_store")
class OverwritesCopyInForce(TwinStore):
    """An atom is written over the slot that is in force, which a cut may leave torn or uncorrectable."""

    def write(self, index: int, data: bytes) -> None:
        self._side[index] = 1 - self._side[index]
        super().write(index, data)


@broken("_store")
class OneSlot(TwinStore):
    """Each atom has one slot, which is written over: the second copy is for others."""

    def write(self, index: int, data: bytes) -> None:
        self._side[index] = 1
        super().write(index, data)


@broken("_store")
class NoSlotCrc(NvramAtoms):
    """A slot counts whatever its CRC is."""

    def _read_slots(self) -> list[bytes | None]:
        slots = super()._read_slots()
        return [slot and slot[:-4] + crc32(slot[:-4], number >> 1) for number, slot in enumerate(slots)]


@broken("_store")
class SequenceStands(TwinStore):
    """The sequence is not counted up, so that nothing says which slot is newer."""

    def write(self, index: int, data: bytes) -> None:
        self._sequence[index] -= 1
        super().write(index, data)


@broken("_store")
class SequenceOfOneByte(TwinStore):
    """The sequence is counted in one byte, and compared as if it had two."""

    def write(self, index: int, data: bytes) -> None:
        if self._sequence[index] == 0xFF:
            self._sequence[index] = -1
        super().write(index, data)


@broken("_store")
class OlderSlotCounts(TwinStore):
    """Of two good slots the older one counts."""

    def boot(self) -> None:
        super().boot()
        for number, slot in enumerate(self._read_slots()):
            index = number >> 1
            if slot is not None and intact(slot, index) and number & 1 != self._side[index]:
                self.atoms[index] = slot[2:-4]


@broken("_store")
class SequenceUnread(TwinStore):
    """A boot takes over the atoms, and not where their sequence and their side had come to."""

    def boot(self) -> None:
        super().boot()
        self._sequence, self._side = [0] * self.count, [0] * self.count


@broken("_store")
class CachesSlots(DiskAtoms):
    """Slots are written without FUA, and not flushed."""

    def _write_slot(self, slot: int, data: bytes) -> None:
        self._disk.write(self._first_lba + slot, [data.ljust(SECTOR_BYTES, b"\0")], fua=False)


@broken("_store")
class OverwritesGoodSlot(TwinStore):
    """A boot takes a torn slot for the one in force, as it was written last: the next write goes over the good one."""

    def boot(self) -> None:
        super().boot()
        for number, slot in enumerate(self._read_slots()):
            if slot is None or not intact(slot, number >> 1):
                self._side[number >> 1] = number & 1
