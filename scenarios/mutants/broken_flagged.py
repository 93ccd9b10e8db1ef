"""Mistakes in map scheme ``flagged``: its save flag, its status data, and what a boot makes of them."""

from __future__ import annotations

from deltabench.firmware_model.schemes.flagged import CLEARING, IDLE, SWITCHING, Flagged
from deltabench.firmware_model.schemes.plain import Plain
from deltabench.firmware_model.schemes.scheme import blocks_of
from deltabench.scenarios.mutants.broken_part import broken_scheme
from deltabench.scenarios.mutants.ram_store import RamStore


@broken_scheme
class PlainMaps(Plain):
    """VSM and DDM and nothing else (figure 7): a save that is cut between two writes leaves half of it."""


@broken_scheme
class NoFlag(Flagged):
    """No save flag: VSM is switched and DDM cleared block by block, and a boot does not see that it was cut."""

    def _set_control(self, flag: int, progress: int = 0, target: int = 0) -> None:
        if flag == IDLE:
            super()._set_control(flag)


@broken_scheme
class FlagAfterSwitch(Flagged):
    """The save flag is set late: a VSM block is switched, and then it is written that it is being switched."""

    _late: tuple[int, int] | None = None

    def _set_control(self, flag: int, progress: int = 0, target: int = 0) -> None:
        if flag == SWITCHING:
            self._late = progress, target
        else:
            super()._set_control(flag, progress, target)

    def _switch(self, block: int, target: int) -> None:
        super()._switch(block, target)
        if self._late:
            super()._set_control(SWITCHING, *self._late)
            self._late = None


@broken_scheme
class FlagsNextBlock(Flagged):
    """The save flag is set early: it names the next block before the one at hand is switched."""

    _waiting: tuple[int, int] | None = None

    def _set_control(self, flag: int, progress: int = 0, target: int = 0) -> None:
        super()._set_control(flag, progress, target)
        if self._waiting is not None:
            super()._switch(*self._waiting)
            self._waiting = None

    def _switch(self, block: int, target: int) -> None:
        self._waiting = block, target


@broken_scheme
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


@broken_scheme
class NoTarget(Flagged):
    """The status data says which block is being switched, and not to what: a boot switches it once more."""

    def _switch(self, block: int, target: int) -> None:
        super()._switch(block, self._vsm.block(self.vsm, block) ^ self._ddm.block(self.ddm, block))


class ResumesElsewhere(Flagged):
    """Base of mistakes: a boot goes on with a save from a block that is ``_off`` by some."""

    _off = 0
    _booting = False

    def boot(self) -> None:
        self._booting = True
        super().boot()
        self._booting = False

    def _switch_blocks_from(self, first: int) -> None:
        super()._switch_blocks_from(first + self._off if self._booting else first)


@broken_scheme
class ProgressOneBehind(ResumesElsewhere):
    """Progress is off by one: a boot goes on with the block that it has just redone."""

    _off = -1


@broken_scheme
class ProgressOneAhead(ResumesElsewhere):
    """Progress is off by one: a boot leaves out the block behind the one that it has redone."""

    _off = 1


@broken_scheme
class RedoesOneBlock(ResumesElsewhere):
    """A boot redoes the block that was being switched, and takes the save for finished."""

    _off = 1 << 16


@broken_scheme
class SkipsRedo(Flagged):
    """A boot takes the block that was being switched for switched, and goes on behind it."""

    _booting = False

    def boot(self) -> None:
        self._booting = True
        super().boot()
        self._booting = False

    def _switch_blocks_from(self, first: int) -> None:
        self._booting = False
        super()._switch_blocks_from(first)

    def _switch(self, block: int, target: int) -> None:
        if not self._booting:
            super()._switch(block, target)


@broken_scheme
class UndoesClearing(Flagged):
    """A boot that finds DDM being cleared lets it be: units of a finished save still count as written."""

    def boot(self) -> None:
        control = self.store.read(self._control)
        if control[0] == CLEARING:
            self.store.write(self._control, bytes([IDLE]) + control[1:])
        super().boot()


@broken_scheme
class ClearingEarly(Flagged):
    """The flag goes over to clearing before the last VSM block is switched."""

    _waiting: tuple[int, int] | None = None

    def _switch(self, block: int, target: int) -> None:
        self._settle()
        self._waiting = block, target

    def _set_control(self, flag: int, progress: int = 0, target: int = 0) -> None:
        if flag == SWITCHING:
            self._settle()
        super()._set_control(flag, progress, target)
        self._settle()

    def _settle(self) -> None:
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            super()._switch(*waiting)


@broken_scheme
class NeverClearing(Flagged):
    """A save never sets the flag to clearing, so that it still names the last VSM block while DDM is cleared."""

    def _set_control(self, flag: int, progress: int = 0, target: int = 0) -> None:
        if flag != CLEARING or self._flag != SWITCHING:
            super()._set_control(flag, progress, target)


@broken_scheme
class RestoreUnflagged(Flagged):
    """A restore clears DDM block by block, and no flag says that it has begun."""

    def restore(self) -> None:
        self._clear_ddm()


@broken_scheme
class RestoreFlagLate(Flagged):
    """A restore sets its flag when it has cleared the first DDM block."""

    def restore(self) -> None:
        for block in blocks_of(self.ddm, self._ddm.units_per_block)[:1]:
            self._ddm.write(self.store, block, 0)
        super().restore()


@broken_scheme
class ClearBeforeFlag(Flagged):
    """The flag is cleared before DDM is."""

    def _clear_ddm(self) -> None:
        dirty = blocks_of(self.ddm, self._ddm.units_per_block)
        self.ddm = 0
        super()._clear_ddm()
        for block in dirty:
            self._ddm.write(self.store, block, 0)


@broken_scheme
class ClearsFlagLate(Flagged):
    """The flag is cleared late, with the second write: until then a boot clears the bit of the first one."""

    _due = False

    def _set_control(self, flag: int, progress: int = 0, target: int = 0) -> None:
        self._due = flag == IDLE
        if flag != IDLE:
            super()._set_control(flag, progress, target)

    def mark_written(self, units: int) -> None:
        if self._due and self.ddm:
            self._due = False
            super()._set_control(IDLE)
        super().mark_written(units)


@broken_scheme
class VolSwap(Flagged):
    """A finished save or restore leaves its flag to be overwritten by the next one's."""

    def _set_control(self, flag: int, progress: int = 0, target: int = 0) -> None:
        if flag != IDLE:
            super()._set_control(flag, progress, target)


@broken_scheme
class RamOnlyRecover(Flagged):
    """A boot finishes a save or restore in RAM only."""

    def boot(self) -> None:
        store, self.store = self.store, RamStore(self.store)
        super().boot()
        self.store = store


@broken_scheme
class VersionStands(Flagged):
    """Saves and restores do not count the system version up, so that no device ever looks stale."""

    def _clear_ddm(self) -> None:
        self.system_version -= 1
        super()._clear_ddm()


@broken_scheme
class OnlyFirstMapBlock(Flagged):
    """A write to units of several DDM blocks records the first of them."""

    def mark_written(self, units: int) -> None:
        first = blocks_of(units, self._ddm.units_per_block)[0]
        self.ddm |= units
        self._ddm.write(self.store, first, self._ddm.block(self.ddm, first))
