"""Atom store in NVRAM: twin slots, one after the other."""

from __future__ import annotations

from deltabench.firmware_model.atoms.twin import TwinStore, slot_bytes
from deltabench.hwsim.core import IDLE_CORE, Core
from deltabench.hwsim.nvram import Nvram


class NvramAtoms(TwinStore):
    """``count`` atoms from ``address`` of an NVRAM on; takes ``bytes_needed`` bytes."""

    def __init__(self, nvram: Nvram, address: int, count: int, atom_bytes: int, core: Core = IDLE_CORE) -> None:
        super().__init__(count, atom_bytes, core)
        self._nvram = nvram
        self._address = address

    @staticmethod
    def bytes_needed(count: int, atom_bytes: int) -> int:
        return 2 * count * slot_bytes(atom_bytes)

    def _read_slots(self) -> list[bytes | None]:
        size = slot_bytes(self.atom_bytes)
        image = self._nvram.read(self._address, 2 * self.count * size)
        return [image[at : at + size] for at in range(0, len(image), size)]

    def _write_slot(self, slot: int, data: bytes) -> None:
        self._nvram.write(self._address + slot * len(data), data)
