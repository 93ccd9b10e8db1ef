"""Map scheme ``plain`` (figure 7): VSM and DDM and nothing else.  NOT safe against power loss.

A save that touches more than one atom can be cut between two of them, and nothing tells the boot.  It stays as the
control that the bench must catch.
"""

from __future__ import annotations

from deltabench.firmware_model.atoms.store import AtomStore
from deltabench.firmware_model.schemes.bitmap import bitmap
from deltabench.firmware_model.schemes.scheme import MapScheme
from deltabench.firmware_model.steps import MAP_WORDS, words


class Plain(MapScheme):
    """VSM blocks, then as many DDM blocks."""

    def __init__(self, store: AtomStore, units: int, version_bits: int) -> None:
        super().__init__(store, units, version_bits)
        self._vsm = bitmap(units, self.FIRST_ATOM, store.atom_bytes)
        self._ddm = bitmap(units, self.FIRST_ATOM + self._vsm.blocks, store.atom_bytes)

    @staticmethod
    def initial_atoms(units: int, atom_bytes: int, version_bits: int) -> list[bytes]:
        return [bytes(atom_bytes)] * (2 * -(-units // (8 * atom_bytes)))

    def boot(self) -> None:
        self.store.core.spend(MAP_WORDS, 2 * words(self.units))
        self.vsm = self._vsm.load(self)
        self.ddm = self._ddm.load(self)

    def mark_written(self, units: int) -> None:
        self.ddm |= units
        self._ddm.write_blocks(self.store, self.ddm, units)

    def save(self) -> None:
        self.store.core.spend(MAP_WORDS, words(self.units))
        self.vsm ^= self.ddm
        self._vsm.write_blocks(self.store, self.vsm, self.ddm)
        self._clear_ddm()

    def restore(self) -> None:
        self._clear_ddm()

    def _clear_ddm(self) -> None:
        self.store.core.spend(MAP_WORDS, words(self.units))
        written, self.ddm = self.ddm, 0
        self._ddm.write_blocks(self.store, self.ddm, written)
