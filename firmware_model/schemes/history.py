"""Map scheme ``history`` (figures 13 and 14): adds the command history, so that a restore is one atom, too.

Saves and restores both count the system version up; the history says which of them made each version.  Of the commands
after a unit's version only the first matters to it: a save gives VSM ^= DDM, DDM = 0; a restore gives DDM = 0; after
either, DDM is 0 and the rest do nothing.  Version and history are one atom, and that atom is the command.

The history is a ring of ``window`` bits; the scrub of ``versioned`` brings every unit up to date before the bit of the
first command that it missed is used anew.
"""

from __future__ import annotations

from deltabench.firmware_model.atoms.store import AtomStore
from deltabench.firmware_model.formats import HISTORY_SYSTEM
from deltabench.firmware_model.schemes.versioned import RESTORE, SAVE, Versioned


class History(Versioned):
    """As ``versioned``, with the command history in the system atom."""

    def __init__(self, store: AtomStore, units: int, version_bits: int) -> None:
        super().__init__(store, units, version_bits)
        self._history_bytes = history_window(store.atom_bytes, version_bits) // 8
        self._window = 8 * self._history_bytes
        self._history = 0

    def save(self) -> None:
        self._command(SAVE)

    def restore(self) -> None:
        self._command(RESTORE)

    def _command(self, command: int) -> None:
        """Make the next system version with ``command``: the one atom."""
        self._scrub()
        if command == SAVE:
            self.vsm ^= self.ddm
        self.ddm = 0
        self.system_version += 1
        bit = self.system_version % self._window
        self._history = self._history & ~(1 << bit) | command << bit
        self._write_system()

    def _first_missed(self, lag: int) -> int:
        return self._history >> (self.system_version - lag + 1) % self._window & 1

    def _load_system(self, atom: bytes) -> None:
        (self.system_version,) = HISTORY_SYSTEM.unpack(atom)
        at = HISTORY_SYSTEM.fixed_bytes
        self._history = int.from_bytes(atom[at : at + self._history_bytes], "little")

    def _write_system(self) -> None:
        body = HISTORY_SYSTEM.pack(self.system_version) + self._history.to_bytes(self._history_bytes, "little")
        self.store.write(self._system, self.store.padded(body))


def history_window(atom_bytes: int, version_bits: int) -> int:
    """W: the largest power of two, from 8 on, whose bits fit the atom and that versions can tell apart."""
    room = min(8 * (atom_bytes - HISTORY_SYSTEM.fixed_bytes), 1 << version_bits - 1)
    return 1 << room.bit_length() - 1
