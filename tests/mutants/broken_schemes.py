"""Mistakes in the map schemes."""

from __future__ import annotations

from typing import Any

from deltabench.firmware_model.schemes.flagged import CLEARING, IDLE, SWITCHING, Flagged
from deltabench.firmware_model.schemes.history import History
from deltabench.firmware_model.schemes.scheme import blocks_of
from deltabench.firmware_model.schemes.versioned import RESTORE, SAVE, Versioned


class NoFlag(Flagged):
    """No save flag: VSM is switched and DDM cleared block by block, and a boot does not see that it was cut."""

    def _set_control(self, flag: int, progress: int = 0, target: int = 0) -> None:
        if flag == IDLE:
            super()._set_control(flag)


class NoStatus(Flagged):
    """A save flag without progress: a boot switches all blocks, those that were switched before the cut included."""

    def _switch_blocks_from(self, first: int) -> None:
        self._set_control(SWITCHING)
        for block in blocks_of(self.ddm, self._ddm.units_per_block):
            super()._switch(block, self._vsm.block(self.vsm, block) ^ self._ddm.block(self.ddm, block))
        self._set_control(CLEARING)
        self._clear_ddm()

    def _switch(self, block: int, target: int) -> None:
        """Only a boot comes here, to redo one block."""


class NoTarget(Flagged):
    """The status data says which block is being switched, and not to what: a boot switches it once more."""

    def _switch(self, block: int, target: int) -> None:
        super()._switch(block, self._vsm.block(self.vsm, block) ^ self._ddm.block(self.ddm, block))


class RedoesOneBlock(Flagged):
    """A boot redoes the block that was being switched, and takes the save for finished."""

    _booting = False

    def boot(self) -> None:
        self._booting = True
        super().boot()
        self._booting = False

    def _switch_blocks_from(self, first: int) -> None:
        super()._switch_blocks_from(self._vsm.blocks if self._booting else first)


class ClearBeforeFlag(Flagged):
    """The flag is cleared before DDM is."""

    def _clear_ddm(self) -> None:
        dirty = blocks_of(self.ddm, self._ddm.units_per_block)
        self.ddm = 0
        super()._clear_ddm()
        for block in dirty:
            self._ddm.write(self.store, block, 0)


class VolSwap(Flagged):
    """A finished save or restore leaves its flag to be overwritten by the next one's."""

    def _set_control(self, flag: int, progress: int = 0, target: int = 0) -> None:
        if flag != IDLE:
            super()._set_control(flag, progress, target)


class RamStore:
    """A store whose writes are forgotten with the power."""

    def __init__(self, store: Any) -> None:
        self.atoms = store.atoms
        self.atom_bytes = store.atom_bytes
        self.core = store.core

    def write(self, index: int, data: bytes) -> None:
        self.atoms[index] = data


class RamOnlyRecover(Flagged):
    """A boot finishes a save or restore in RAM only."""

    def boot(self) -> None:
        store, self.store = self.store, RamStore(self.store)
        super().boot()
        self.store = store


class RestoreWithoutFlag(Versioned):
    """A restore clears DDM block by block, and no flag says that it has begun."""

    def restore(self) -> None:
        self._clear_ddm()


class DropsMissedSave(Versioned):
    """A unit that missed a save is brought up to date with DDM = 0 only, as after a restore."""

    def _first_missed(self, lag: int) -> int:
        return RESTORE


class StampsWholeBlock(Versioned):
    """A block that is written gets the system version for all its units, also for those not brought up to date."""

    def _write_block(self, block: int, units: int) -> None:
        super()._write_block(block, units)
        maps = self.store.read(self._first_block + block)[: 2 * self._map_bytes]
        versions = self._unit_version() * self._per_block
        self.store.write(self._first_block + block, self.store.padded(maps + versions))


class NoScrub(Versioned):
    """No scrub: when the version has come round, a unit that missed 256 saves looks up to date."""

    def _scrub(self) -> None:
        pass


class LastMissed(History):
    """Of the commands that a unit missed, the last is taken, and not the first."""

    def _first_missed(self, lag: int) -> int:
        return super()._first_missed(1)


class NoHistoryScrub(History):
    """No scrub: a history bit is used anew while there are units that still need it."""

    def _scrub(self) -> None:
        pass


class LateHistoryScrub(History):
    """A block is brought up to date one version late, when the history bit that it needs has been used anew."""

    def _scrub(self) -> None:
        self._window += 1
        super()._scrub()
        self._window -= 1


class HistoryInTwoSteps(History):
    """The system version is counted up first, and its history bit written after that."""

    def _command(self, command: int) -> None:
        self._scrub()
        if command == SAVE:
            self.vsm ^= self.ddm
        self.ddm = 0
        self.system_version += 1
        self._write_system()
        bit = self.system_version % self._window
        self._history = self._history & ~(1 << bit) | command << bit
        self._write_system()
