"""Atom store on NAND flash: a sector for each atom, behind the translation layer, whose writes are atomic and durable.

The layer programs a page for each atom that is written, and the old one counts until that is done: one slot is enough.
"""

from __future__ import annotations

from collections.abc import Sequence

from deltabench.firmware_model.atoms.store import AtomStore
from deltabench.firmware_model.branches import ATOM_LOST, ATOMS_GOOD
from deltabench.firmware_model.formats import CRC_BYTES, crc32, intact
from deltabench.firmware_model.sector_device import SectorDevice
from deltabench.firmware_model.steps import ATOM, CRC
from deltabench.hwsim.core import IDLE_CORE, Core
from deltabench.hwsim.disk import SECTOR_BYTES
from deltabench.hwsim.medium import UncorrectableError


class NandAtoms(AtomStore):
    """``count`` atoms in the sectors from ``first_lba`` of ``device`` on."""

    def __init__(
        self, device: SectorDevice, first_lba: int, count: int, atom_bytes: int, core: Core = IDLE_CORE
    ) -> None:
        super().__init__(count, atom_bytes, core)
        self._device = device
        self._first_lba = first_lba

    def format(self, atoms: Sequence[bytes]) -> None:
        self._device.write(self._first_lba, [self._sealed(index, atom) for index, atom in enumerate(atoms)], fua=True)

    def boot(self) -> None:
        size = self.atom_bytes + CRC_BYTES
        self.core.spend(CRC, self.count * size)
        slots = self._slots()
        self.atoms = [
            slot[: self.atom_bytes] if slot is not None and intact(slot[:size], index) else None
            for index, slot in enumerate(slots)
        ]
        self.core.takes(ATOM_LOST if None in self.atoms else ATOMS_GOOD)

    def write(self, index: int, data: bytes) -> None:
        assert len(data) == self.atom_bytes, "an atom is written whole"
        self.core.spend(ATOM, self.atom_bytes)
        self._device.write(self._first_lba + index, [self._sealed(index, data)], fua=True)
        self.atoms[index] = data

    def _sealed(self, index: int, data: bytes) -> bytes:
        self.core.spend(CRC, self.atom_bytes)
        return (data + crc32(data, index)).ljust(SECTOR_BYTES, b"\0")

    def _slots(self) -> list[bytes | None]:
        try:
            return list(self._device.read(self._first_lba, self.count))
        except UncorrectableError:
            return [self._slot(index) for index in range(self.count)]

    def _slot(self, index: int) -> bytes | None:
        try:
            return self._device.read(self._first_lba + index, 1)[0]
        except UncorrectableError:
            return None
