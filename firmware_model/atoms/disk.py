"""Atom store in disk sectors: twin slots of one sector each, written with FUA.

One sector would do where a drive finishes the sector it writes; twins hold, too, where a cut leaves it uncorrectable.
"""

from __future__ import annotations

from deltabench.firmware_model.atoms.twin import TwinStore, slot_bytes
from deltabench.firmware_model.sector_device import SectorDevice
from deltabench.hwsim.core import IDLE_CORE, Core
from deltabench.hwsim.disk import SECTOR_BYTES
from deltabench.hwsim.medium import UncorrectableError

LARGEST_ATOM_BYTES = SECTOR_BYTES - slot_bytes(0)


class DiskAtoms(TwinStore):
    """``count`` atoms in the ``2 * count`` sectors from ``first_lba`` on."""

    def __init__(self, disk: SectorDevice, first_lba: int, count: int, atom_bytes: int, core: Core = IDLE_CORE) -> None:
        assert atom_bytes <= LARGEST_ATOM_BYTES, "a slot must fit a sector"
        super().__init__(count, atom_bytes, core)
        self._disk = disk
        self._first_lba = first_lba

    def _read_slots(self) -> list[bytes | None]:
        size = slot_bytes(self.atom_bytes)
        try:
            return [sector[:size] for sector in self._disk.read(self._first_lba, 2 * self.count)]
        except UncorrectableError:
            return [self._read_slot(slot, size) for slot in range(2 * self.count)]

    def _read_slot(self, slot: int, size: int) -> bytes | None:
        try:
            return self._disk.read(self._first_lba + slot, 1)[0][:size]
        except UncorrectableError:
            return None

    def _write_slot(self, slot: int, data: bytes) -> None:
        self._disk.write(self._first_lba + slot, [data.ljust(SECTOR_BYTES, b"\0")], fua=True)
