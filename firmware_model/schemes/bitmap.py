"""A map as an array of bits in consecutive atoms: what ``plain`` and ``flagged`` keep VSM and DDM in."""

from __future__ import annotations

from functools import lru_cache

from deltabench.firmware_model.atoms.store import AtomStore
from deltabench.firmware_model.rom import Rom
from deltabench.firmware_model.schemes.scheme import MapScheme, blocks_of, unit_span


class Bitmap(Rom):
    """Where a map of ``units`` bits lies: ``bytes_per_block`` bytes of each atom from ``first_atom`` on."""

    def __init__(self, units: int, first_atom: int, bytes_per_block: int) -> None:
        self._bytes = bytes_per_block
        self.units_per_block = 8 * bytes_per_block
        self.blocks = -(-units // self.units_per_block)
        self._mask = (1 << self.units_per_block) - 1
        self._first_atom = first_atom
        starts = range(0, units, self.units_per_block)
        self._spans = tuple(
            (first_atom + block, unit_span(first, min(first + self.units_per_block, units)))
            for block, first in enumerate(starts)
        )

    def load(self, scheme: MapScheme) -> int:
        """The whole map, from the scheme's store; units whose atom is lost are marked in the scheme."""
        atoms = [scheme.read_or_lose(atom, span) for atom, span in self._spans]
        return int.from_bytes(b"".join([atom[: self._bytes] for atom in atoms]), "little")

    def block(self, bits: int, block: int) -> int:
        """The part of a map that is in ``block``."""
        return bits >> block * self.units_per_block & self._mask

    def write_blocks(self, store: AtomStore, bits: int, units: int) -> None:
        """Write the blocks of a map that a set of units touches, ascending; one atom each."""
        for block in blocks_of(units, self.units_per_block):
            self.write(store, block, self.block(bits, block))

    def write(self, store: AtomStore, block: int, bits: int) -> None:
        """Replace one block; one atom."""
        store.write(self._first_atom + block, bits.to_bytes(self._bytes, "little").ljust(store.atom_bytes, b"\0"))


@lru_cache(maxsize=64)
def bitmap(units: int, first_atom: int, bytes_per_block: int) -> Bitmap:
    """The one Bitmap of this shape."""
    return Bitmap(units, first_atom, bytes_per_block)
