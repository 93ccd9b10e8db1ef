"""Mistakes in map schemes ``versioned`` and ``history``: versions, the command history, and the scrub."""

from __future__ import annotations

from deltabench.firmware_model.schemes.history import History
from deltabench.firmware_model.schemes.scheme import blocks_of
from deltabench.firmware_model.schemes.versioned import CLEARING, IDLE, RESTORE, SAVE, Versioned
from deltabench.scenarios.mutants.broken_part import broken_scheme
from deltabench.scenarios.mutants.ram_store import RamStore


@broken_scheme
class RestoreWithoutFlag(Versioned):
    """A restore clears DDM block by block, and no flag says that it has begun."""

    def restore(self) -> None:
        self._clear_ddm()


@broken_scheme
class RestoreFlagBehindFirst(Versioned):
    """A restore sets its flag when it has cleared the first entry block."""

    def restore(self) -> None:
        for block in blocks_of(self.ddm, self._per_block)[:1]:
            self.ddm &= ~self._block_units(block)
            self._write_block(block, self._block_units(block))
        super().restore()


@broken_scheme
class RestoreFlagCleared(Versioned):
    """A restore clears its flag before it has cleared DDM."""

    def restore(self) -> None:
        self._flag = CLEARING
        self._write_system()
        dirty = blocks_of(self.ddm, self._per_block)
        self.ddm = 0
        self._flag = IDLE
        self._write_system()
        for block in dirty:
            self._write_block(block, self._block_units(block))


class ForgetsToClear(Versioned):
    """Base of mistakes: the end of a restore does not write that it has ended."""

    _clearing = _due = False

    def _clear_ddm(self) -> None:
        self._clearing = True
        super()._clear_ddm()
        self._clearing = False

    def _write_system(self) -> None:
        self._due = self._clearing
        if not self._clearing:
            super()._write_system()


@broken_scheme
class RestoreFlagStays(ForgetsToClear):
    """The flag of a finished restore is left to be overwritten by the next save."""


@broken_scheme
class RestoreFlagClearedLate(ForgetsToClear):
    """The flag of a finished restore is cleared late, with the second write: until then a boot undoes the first one."""

    def mark_written(self, units: int) -> None:
        if self._due and self.ddm:
            self._write_system()
        super().mark_written(units)


@broken_scheme
class FinishesRestoreInRam(Versioned):
    """A boot finishes a restore in RAM only."""

    def boot(self) -> None:
        store, self.store = self.store, RamStore(self.store)
        super().boot()
        self.store = store


@broken_scheme
class IgnoresRestoreFlag(Versioned):
    """A boot does not look at the flag of a restore that was cut."""

    def _load_system(self, atom: bytes) -> None:
        super()._load_system(atom)
        self._flag = IDLE


@broken_scheme
class SaveInRam(Versioned):
    """The new system version is written with the next write: until then a save is in RAM only."""

    _due = False

    def save(self) -> None:
        self._scrub()
        self.system_version += 1
        self.vsm ^= self.ddm
        self.ddm = 0
        self._due = True

    def mark_written(self, units: int) -> None:
        if self._due:
            self._due = False
            self._write_system()
        super().mark_written(units)


@broken_scheme
class DropsMissedSave(Versioned):
    """A unit that missed a save is brought up to date with DDM = 0 only, as after a restore."""

    def _first_missed(self, lag: int) -> int:
        return RESTORE


@broken_scheme
class FlipsPerMissedSave(Versioned):
    """A unit changes sides once for each save that it missed, though DDM is 0 from the second on."""

    def _first_missed(self, lag: int) -> int:
        return SAVE if lag % 2 else RESTORE


@broken_scheme
class StampsWholeBlock(Versioned):
    """A block that is written gets the system version for all its units, also for those not brought up to date."""

    def _write_block(self, block: int, units: int) -> None:
        super()._write_block(block, units)
        maps = self.store.read(self._first_block + block)[: 2 * self._map_bytes]
        versions = self._unit_version() * self._per_block
        self.store.write(self._first_block + block, self.store.padded(maps + versions))


@broken_scheme
class StampsNothing(Versioned):
    """A unit that is written keeps its old version, and looks as if it had missed saves."""

    def _unit_version(self) -> bytes:
        return bytes(self._version_bytes)


@broken_scheme
class StampsNextVersion(Versioned):
    """A unit that is written gets the version of the next save, which it then looks to have lived through."""

    def _unit_version(self) -> bytes:
        version = (self.system_version + 1) % (1 << self.version_bits)
        return version.to_bytes(self._version_bytes, "little")


@broken_scheme
class StampFirst(Versioned):
    """A unit's version is written before its map bits are, in an atom write of its own."""

    def _write_block(self, block: int, units: int) -> None:
        before = self.store.read(self._first_block + block)
        kept, self.store = self.store, RamStore(self.store)
        super()._write_block(block, units)
        self.store = kept
        after = self.store.read(self._first_block + block)
        self.store.write(self._first_block + block, before[: 2 * self._map_bytes] + after[2 * self._map_bytes :])
        self.store.write(self._first_block + block, after)


@broken_scheme
class NoScrub(Versioned):
    """No scrub: when the version has come round, a unit that missed 256 saves looks up to date."""

    def _scrub(self) -> None:
        pass


@broken_scheme
class ScrubTooSeldom(Versioned):
    """The scrub comes to each block once in as many versions as there are, which is one too late."""

    def _scrub(self) -> None:
        self._window *= 2
        super()._scrub()
        self._window //= 2


@broken_scheme
class ScrubMissesLastBlock(Versioned):
    """The scrub is off by one: it never comes to the last block."""

    def _scrub(self) -> None:
        self._blocks -= 1
        super()._scrub()
        self._blocks += 1


@broken_scheme
class LastMissed(History):
    """Of the commands that a unit missed, the last is taken, and not the first."""

    def _first_missed(self, lag: int) -> int:
        return super()._first_missed(1)


@broken_scheme
class HistoryOffByOne(History):
    """The history is read one command too far back."""

    def _first_missed(self, lag: int) -> int:
        return super()._first_missed(lag + 1)


@broken_scheme
class NoHistoryScrub(History):
    """No scrub: a history bit is used anew while there are units that still need it."""

    def _scrub(self) -> None:
        pass


@broken_scheme
class LateHistoryScrub(History):
    """A block is brought up to date one version late, when the history bit that it needs has been used anew."""

    def _scrub(self) -> None:
        self._window += 1
        super()._scrub()
        self._window -= 1


@broken_scheme
class ScrubBehindCommand(History):
    """The scrub comes behind the command, when the history bit that a block needs may have been used anew."""

    def _command(self, command: int) -> None:
        self._behind = False
        super()._command(command)
        self._behind = True
        self._scrub()

    _behind = True

    def _scrub(self) -> None:
        if self._behind:
            super()._scrub()


@broken_scheme
class HistoryBitStays(History):
    """A restore does not clear the history bit that a save has set a round before."""

    def _command(self, command: int) -> None:
        self._scrub()
        if command == SAVE:
            self.vsm ^= self.ddm
        self.ddm = 0
        self.system_version += 1
        self._history |= command << self.system_version % self._window
        self._write_system()


@broken_scheme
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


@broken_scheme
class RestoreInRam(History):
    """A restore is not written anywhere: the next boot has the old live image again."""

    def restore(self) -> None:
        self.ddm = 0
