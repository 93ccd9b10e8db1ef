"""What every map scheme offers to the rest of the controller.

Maps are integers used as bit sets: bit ``u`` belongs to unit ``u``.  In VSM it says which volume holds the unit's
primary (0: A, 1: B); in DDM, that the unit was written since T0, so that its live data is on its secondary.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from deltabench.firmware_model.atoms.store import AtomStore


class MapScheme(ABC):
    """VSM and DDM of ``units`` units, kept in the atoms of ``store`` from ``FIRST_ATOM`` on.

    ``vsm`` and ``ddm`` are the maps as they stand now; ``lost`` marks the units whose entry has no good copy.
    """

    FIRST_ATOM: ClassVar[int] = 1
    """Atom 0 is the identity that device labels are compared with."""

    def __init__(self, store: AtomStore, units: int, version_bits: int) -> None:
        self.store = store
        self.units = units
        self.version_bits = version_bits
        self.vsm = 0
        self.ddm = 0
        self.lost = 0
        self.system_version = 0

    @staticmethod
    @abstractmethod
    def initial_atoms(units: int, atom_bytes: int, version_bits: int) -> list[bytes]:
        """The atoms of a new device: every unit's primary on volume A, nothing written.

        Their number is how many atoms the scheme needs.
        """

    @abstractmethod
    def boot(self) -> None:
        """Load the maps, and finish a save or restore that was cut."""

    @abstractmethod
    def mark_written(self, units: int) -> None:
        """Record that the live data of the units in this set is on their secondaries: figure 5, record location."""

    @abstractmethod
    def save(self) -> None:
        """Make the live image the save point: VSM ^= DDM, DDM = 0."""

    @abstractmethod
    def restore(self) -> None:
        """Go back to the save point: DDM = 0."""

    @property
    def flag(self) -> str:
        """What the save flag says, for a person to read."""
        return "-"

    def read_or_lose(self, atom: int, units: int) -> bytes:
        """An atom of the store; if no copy is good, its ``units`` are lost and zero bytes stand in for it."""
        data = self.store.atoms[atom]
        if data is None:
            self.lost |= units
            return bytes(self.store.atom_bytes)
        return data


def unit_span(first: int, last: int) -> int:
    """The set of units ``first`` … ``last - 1``."""
    return (1 << last) - (1 << first)


def blocks_of(units: int, per_block: int) -> list[int]:
    """The numbers of the blocks of ``per_block`` units that a set of units touches, ascending."""
    blocks = []
    while units:
        block = ((units & -units).bit_length() - 1) // per_block
        blocks.append(block)
        end = (block + 1) * per_block
        units = units >> end << end
    return blocks
