"""A store that keeps nothing, for mistakes that leave in RAM what belongs on a medium."""

from __future__ import annotations

from collections.abc import Sequence

from deltabench.firmware_model.atoms.store import AtomStore


class RamStore(AtomStore):
    """Shares the atoms of ``store`` in RAM; what is written to it is forgotten with the power."""

    def __init__(self, store: AtomStore) -> None:
        super().__init__(store.count, store.atom_bytes, store.core)
        self.atoms = store.atoms

    def format(self, atoms: Sequence[bytes]) -> None:
        self.atoms[:] = atoms

    def boot(self) -> None:
        """There is nothing to be read."""

    def write(self, index: int, data: bytes) -> None:
        self.atoms[index] = data
