"""Atoms in twin slots, for media whose writes tear at most what is being written: NVRAM and disk sectors.

Each atom has two slots, written in turn, so that the copy in force is never touched (rule 4).  A cut leaves the other
slot old, new or failing its check; the sequence says which of two good slots is newer.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from deltabench.firmware_model.atoms.store import AtomStore
from deltabench.firmware_model.branches import BOTH_SLOTS, NO_SLOT, ONE_SLOT
from deltabench.firmware_model.formats import TWIN_SLOT, crc32, intact
from deltabench.firmware_model.steps import ATOM, CRC
from deltabench.hwsim.core import IDLE_CORE, Core

HALF_RANGE = 1 << 15


class TwinStore(AtomStore):
    """The slots of atom ``i`` are numbered ``2 * i`` and ``2 * i + 1``."""

    def __init__(self, count: int, atom_bytes: int, core: Core = IDLE_CORE) -> None:
        super().__init__(count, atom_bytes, core)
        self._sequence = [0] * count
        self._side = [0] * count

    @abstractmethod
    def _read_slots(self) -> list[bytes | None]:
        """All 2 * count slots; None for one that cannot be read."""

    @abstractmethod
    def _write_slot(self, slot: int, data: bytes) -> None:
        """Write one slot; durable when it returns."""

    def format(self, atoms: Sequence[bytes]) -> None:
        for index, atom in enumerate(atoms):
            # Both slots, so that nothing an earlier life left in them can pass for the newer copy.
            self._write_slot(2 * index, self._sealed(index, 0, atom))
            self._write_slot(2 * index + 1, self._sealed(index, 1, atom))

    def boot(self) -> None:
        self.atoms = [None] * self.count
        self.core.spend(CRC, 2 * self.count * slot_bytes(self.atom_bytes))
        bad = 0
        for number, slot in enumerate(self._read_slots()):
            index, side = number >> 1, number & 1
            if slot is None or not intact(slot, index):
                bad += 1
                continue
            sequence = slot[0] | slot[1] << 8
            if self.atoms[index] is None or (sequence - self._sequence[index]) % (2 * HALF_RANGE) < HALF_RANGE:
                self.atoms[index] = slot[2:-4]
                self._sequence[index] = sequence
                self._side[index] = side
        self.core.takes(NO_SLOT if None in self.atoms else ONE_SLOT if bad else BOTH_SLOTS)

    def write(self, index: int, data: bytes) -> None:
        assert len(data) == self.atom_bytes, "an atom is written whole"
        self.core.spend(ATOM, self.atom_bytes)
        self.core.spend(CRC, slot_bytes(self.atom_bytes))
        sequence = (self._sequence[index] + 1) % (2 * HALF_RANGE)
        side = 1 - self._side[index]
        self._write_slot(2 * index + side, self._sealed(index, sequence, data))
        self.atoms[index] = data
        self._sequence[index] = sequence
        self._side[index] = side

    def _sealed(self, index: int, sequence: int, data: bytes) -> bytes:
        body = TWIN_SLOT.pack(sequence) + data
        return body + crc32(body, index)


def slot_bytes(atom_bytes: int) -> int:
    """The length of one twin slot."""
    return atom_bytes + 6
