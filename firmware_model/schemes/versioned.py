"""Map scheme ``versioned`` (figure 12): VSM, DDM, version data, system version.  A save is one atom.

A save writes system version + 1 and nothing else.  A unit whose own version is older missed that save; when it is
next touched it is brought up to date (VSM ^= DDM, DDM = 0) and gets the system version.  Several missed saves are as
one: the first leaves DDM = 0, which makes the later ones do nothing.  A restore is done as in ``flagged``.

A unit's version has ``version_bits`` bits, the low bits of the system version.  Before a version could come round and
an old unit look current, every save first brings the few blocks up to date whose turn it is (the scrub): each block
once in ``window`` versions, and ``window`` is less than what the bits can tell apart.
"""

from __future__ import annotations

from typing import Final

from deltabench.firmware_model.atoms.store import AtomStore
from deltabench.firmware_model.branches import CAUGHT_UP
from deltabench.firmware_model.branches import CLEARING as CLEARING_BRANCH
from deltabench.firmware_model.branches import IDLE as IDLE_BRANCH
from deltabench.firmware_model.formats import SYSTEM
from deltabench.firmware_model.schemes.scheme import MapScheme, blocks_of, unit_span
from deltabench.firmware_model.steps import MAP_ENTRIES, MAP_WORDS, words

IDLE: Final = 0
CLEARING: Final = 2
SAVE: Final = 1
RESTORE: Final = 0


class Versioned(MapScheme):
    """System atom, then entry blocks: for K units, their VSM bits, their DDM bits and their versions."""

    def __init__(self, store: AtomStore, units: int, version_bits: int) -> None:
        super().__init__(store, units, version_bits)
        self._system = self.FIRST_ATOM
        self._first_block = self._system + 1
        self._version_bytes = version_bits // 8
        self._per_block = units_per_block(store.atom_bytes, version_bits)
        self._map_bytes = -(-self._per_block // 8)
        self._blocks = -(-units // self._per_block)
        self._window = 1 << version_bits - 1
        self._flag = IDLE

    @staticmethod
    def initial_atoms(units: int, atom_bytes: int, version_bits: int) -> list[bytes]:
        return [bytes(atom_bytes)] * (1 + -(-units // units_per_block(atom_bytes, version_bits)))

    @property
    def flag(self) -> str:
        return "clearing" if self._flag == CLEARING else "idle"

    def boot(self) -> None:
        self.store.core.spend(MAP_ENTRIES, self.units)
        self._load_system(self.read_or_lose(self._system, unit_span(0, self.units)))
        for block in range(self._blocks):
            self._load_block(block)
        self.store.core.takes(CLEARING_BRANCH if self._flag == CLEARING else IDLE_BRANCH)
        if self._flag == CLEARING:
            if self.lost:
                # Nothing may be written any more, so that the restore is finished in RAM only, at each boot anew.
                self.ddm = 0
            else:
                self._clear_ddm()

    def mark_written(self, units: int) -> None:
        self.ddm |= units
        for block in blocks_of(units, self._per_block):
            self._write_block(block, units)

    def save(self) -> None:
        self._scrub()
        self.system_version += 1
        self.vsm ^= self.ddm
        self.ddm = 0
        self._write_system()

    def restore(self) -> None:
        self._flag = CLEARING
        self._write_system()
        self._clear_ddm()

    def _clear_ddm(self) -> None:
        """DDM = 0, block by block.  Idempotent: a unit that missed a save has DDM = 0 already."""
        self.store.core.spend(MAP_WORDS, words(self.units))
        dirty = blocks_of(self.ddm, self._per_block)
        self.ddm = 0
        for block in dirty:
            self._write_block(block, self._block_units(block))
        self._flag = IDLE
        self._write_system()

    def _scrub(self) -> None:
        """Bring the blocks up to date whose turn it is at this system version."""
        for block in range(self.system_version % self._window, self._blocks, self._window):
            self.store.core.spend(MAP_ENTRIES, self._per_block)
            if not self._is_current(block, self.store.read(self._first_block + block)):
                self._write_block(block, self._block_units(block))

    def _unit_version(self) -> bytes:
        """The system version as a unit that is up to date has it."""
        return (self.system_version % (1 << self.version_bits)).to_bytes(self._version_bytes, "little")

    def _block_units(self, block: int) -> int:
        first = block * self._per_block
        return unit_span(first, min(first + self._per_block, self.units))

    def _is_current(self, block: int, atom: bytes) -> bool:
        """Whether every unit of the block has the system version."""
        versions = self._unit_version() * min(self._per_block, self.units - block * self._per_block)
        return atom.startswith(versions, 2 * self._map_bytes)

    def _first_missed(self, lag: int) -> int:
        """Which command a unit missed first that is ``lag`` versions old: here, every version was made by a save."""
        assert lag > 0, "a unit that is up to date has missed nothing"
        return SAVE

    def _load_block(self, block: int) -> None:
        """Take over a block's bits, as they are after the commands that its units have missed."""
        atom = self.read_or_lose(self._first_block + block, self._block_units(block))
        size, first = self._map_bytes, block * self._per_block
        vsm = int.from_bytes(atom[:size], "little")
        ddm = int.from_bytes(atom[size : 2 * size], "little")
        # To a unit with DDM = 0 no command makes a difference, so that its version need not be looked at.
        written = ddm
        while written:
            unit = written & -written
            written ^= unit
            at = 2 * size + (unit.bit_length() - 1) * self._version_bytes
            version = int.from_bytes(atom[at : at + self._version_bytes], "little")
            lag = (self.system_version - version) % (1 << self.version_bits)
            if lag:
                self.store.core.takes(CAUGHT_UP)
                if self._first_missed(lag) == SAVE:
                    vsm ^= unit
                ddm ^= unit
        self.vsm |= vsm << first
        self.ddm |= ddm << first

    def _write_block(self, block: int, units: int) -> None:
        """Write a block in which ``units`` are up to date; the others stay as they are on the medium."""
        self.store.core.spend(MAP_ENTRIES, self._per_block)
        size, first = self._map_bytes, block * self._per_block
        atom = bytearray(self.store.read(self._first_block + block))
        chosen = units >> first & (1 << self._per_block) - 1
        for at, bits in ((0, self.vsm), (size, self.ddm)):
            kept = int.from_bytes(atom[at : at + size], "little") & ~chosen
            atom[at : at + size] = (kept | bits >> first & chosen).to_bytes(size, "little")
        version, width = self._unit_version(), self._version_bytes
        while chosen:
            at = 2 * size + ((chosen & -chosen).bit_length() - 1) * width
            atom[at : at + width] = version
            chosen &= chosen - 1
        self.store.write(self._first_block + block, bytes(atom))

    def _load_system(self, atom: bytes) -> None:
        self.system_version, self._flag = SYSTEM.unpack(atom)

    def _write_system(self) -> None:
        self.store.write(self._system, self.store.padded(SYSTEM.pack(self.system_version, self._flag)))


def units_per_block(atom_bytes: int, version_bits: int) -> int:
    """K: the most units whose VSM bits, DDM bits and versions fit an atom."""
    count = 8 * atom_bytes // (2 + version_bits)
    while 2 * -(-count // 8) + count * version_bits // 8 > atom_bytes:
        count -= 1
    return count
