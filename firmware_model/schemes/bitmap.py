"""A map as an array of bits in consecutive atoms: what ``plain`` and ``flagged`` keep VSM and DDM in."""

from __future__ import annotations

from deltabench.firmware_model.schemes.scheme import MapScheme, unit_span


class Bitmap:
    """``bytes_per_block`` bytes of each atom from ``first_atom`` on are map; ``blocks`` atoms hold all units."""

    def __init__(self, scheme: MapScheme, first_atom: int, bytes_per_block: int) -> None:
        self._scheme = scheme
        self._first_atom = first_atom
        self._bytes = bytes_per_block
        self.units_per_block = 8 * bytes_per_block
        self.blocks = -(-scheme.units // self.units_per_block)
        self._mask = (1 << self.units_per_block) - 1

    def load(self) -> int:
        """The whole map; units whose atom is lost are marked in the scheme."""
        bits = 0
        for block in range(self.blocks):
            first = block * self.units_per_block
            atom = self._scheme.read_or_lose(
                self._first_atom + block, unit_span(first, min(first + self.units_per_block, self._scheme.units))
            )
            bits |= int.from_bytes(atom[: self._bytes], "little") << first
        return bits

    def block(self, bits: int, block: int) -> int:
        """The part of a map that is in ``block``."""
        return bits >> block * self.units_per_block & self._mask

    def write(self, block: int, bits: int) -> None:
        """Replace one block; one atom."""
        data = bits.to_bytes(self._bytes, "little")
        self._scheme.store.write(self._first_atom + block, self._scheme.store.padded(data))
