"""Map scheme ``flagged`` (figures 10 and 11): VSM and DDM as two arrays, status data, save flag.

VSM ^= DDM is not idempotent, so the redo of a cut save needs to know exactly what was done.  One control atom says it:

    save:     for each VSM block that changes
                  control = switching, block, what the block is to hold    the first of these is the save flag
                  VSM[block] = what it is to hold                          idempotent: a redo writes the same
              control = clearing                                           all of VSM is switched
              DDM = 0, block by block                                      idempotent
              control = idle, system version + 1
    restore:  from ``control = clearing`` on

A boot that finds ``switching`` redoes that block and goes on behind it; ``clearing`` clears again.  A cut before the
first control atom leaves the device as before the command, any later one as after it.  Cost: O(map).
"""

from __future__ import annotations

from typing import Final

from deltabench.firmware_model.atoms.store import AtomStore
from deltabench.firmware_model.branches import FLAGS
from deltabench.firmware_model.formats import CONTROL
from deltabench.firmware_model.schemes.bitmap import bitmap
from deltabench.firmware_model.schemes.scheme import MapScheme, blocks_of
from deltabench.firmware_model.steps import MAP_WORDS, words

IDLE: Final = 0
SWITCHING: Final = 1
CLEARING: Final = 2


class Flagged(MapScheme):
    """Control atom, VSM blocks, DDM blocks."""

    def __init__(self, store: AtomStore, units: int, version_bits: int) -> None:
        super().__init__(store, units, version_bits)
        self._control = self.FIRST_ATOM
        block_bytes = store.atom_bytes - CONTROL.fixed_bytes
        self._vsm = bitmap(units, self._control + 1, block_bytes)
        self._ddm = bitmap(units, self._control + 1 + self._vsm.blocks, block_bytes)
        self._flag = IDLE

    @staticmethod
    def initial_atoms(units: int, atom_bytes: int, version_bits: int) -> list[bytes]:
        blocks = -(-units // (8 * (atom_bytes - CONTROL.fixed_bytes)))
        return [bytes(atom_bytes)] * (1 + 2 * blocks)

    @property
    def flag(self) -> str:
        known = ("idle", "switching", "clearing")
        return known[self._flag] if self._flag < len(known) else f"unknown ({self._flag})"

    def boot(self) -> None:
        self.store.core.spend(MAP_WORDS, 2 * words(self.units))
        control = self.read_or_lose(self._control, (1 << self.units) - 1)
        self._flag, progress, self.system_version = CONTROL.unpack(control)
        self.store.core.takes(FLAGS[min(self._flag, CLEARING)], f"block {progress}" if self._flag == SWITCHING else "")
        self.vsm = self._vsm.load(self)
        self.ddm = self._ddm.load(self)
        if self.lost:
            if self._flag != IDLE:
                # Half-way through a save or restore, VSM and DDM of no unit can be vouched for.
                self.lost = (1 << self.units) - 1
            return
        if self._flag == SWITCHING:
            target = int.from_bytes(control[CONTROL.fixed_bytes :], "little")
            self._switch(progress, target)
            self._switch_blocks_from(progress + 1)
        if self._flag == CLEARING:
            self._clear_ddm()

    def mark_written(self, units: int) -> None:
        self.ddm |= units
        self._ddm.write_blocks(self.store, self.ddm, units)

    def save(self) -> None:
        self._switch_blocks_from(0)

    def restore(self) -> None:
        self._set_control(CLEARING)
        self._clear_ddm()

    def _switch_blocks_from(self, first: int) -> None:
        """VSM ^= DDM for the blocks from ``first`` on, then DDM = 0."""
        self.store.core.spend(MAP_WORDS, words(self.units))
        for block in blocks_of(self.ddm, self._ddm.units_per_block):
            if block >= first:
                target = self._vsm.block(self.vsm, block) ^ self._ddm.block(self.ddm, block)
                self._set_control(SWITCHING, block, target)
                self._switch(block, target)
        self._set_control(CLEARING)
        self._clear_ddm()

    def _switch(self, block: int, target: int) -> None:
        self.vsm ^= (self._vsm.block(self.vsm, block) ^ target) << block * self._vsm.units_per_block
        self._vsm.write(self.store, block, target)

    def _clear_ddm(self) -> None:
        self.store.core.spend(MAP_WORDS, words(self.units))
        for block in blocks_of(self.ddm, self._ddm.units_per_block):
            self.ddm ^= self._ddm.block(self.ddm, block) << block * self._ddm.units_per_block
            self._ddm.write(self.store, block, 0)
        self.system_version += 1
        self._set_control(IDLE)

    def _set_control(self, flag: int, progress: int = 0, target: int = 0) -> None:
        self._flag = flag
        body = CONTROL.pack(flag, progress, self.system_version)
        target_bytes = self.store.atom_bytes - len(body)
        self.store.write(self._control, body + target.to_bytes(target_bytes, "little"))
