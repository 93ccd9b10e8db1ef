"""Mistakes in the controller: its write cache, its commands and its switches."""

from __future__ import annotations

from typing import ClassVar

from deltabench.firmware_model.commands import Command, Opcode, Response
from deltabench.firmware_model.config import FirmwareConfig
from deltabench.firmware_model.controller import DeltaController, State
from deltabench.firmware_model.switch import Debouncer
from deltabench.hwsim.board import Board


class AcknowledgesEarly(DeltaController):
    """Write-through is configured, and writes are cached all the same."""

    def __init__(self, board: Board, config: FirmwareConfig) -> None:
        super().__init__(board, config)
        self._write_back = True


class IgnoresFua(DeltaController):
    """A write with FUA is cached like any other."""

    def _write(self, sectors: dict[int, bytes], *, fua: bool) -> None:
        super()._write(sectors, fua=False)


class FuaLeavesCache(DeltaController):
    """A write with FUA leaves older contents of its sectors in the cache, to be written over it later."""

    def _write(self, sectors: dict[int, bytes], *, fua: bool) -> None:
        held = dict(self._cache.sectors)
        super()._write(sectors, fua=fua)
        if fua:
            self._cache.sectors.update({lba: sector for lba, sector in held.items() if lba in sectors})


class IgnoresFlush(DeltaController):
    """FLUSH CACHE does nothing."""

    def execute(self, command: Command) -> Response:
        return Response() if command.opcode == Opcode.FLUSH_CACHE_EXT else super().execute(command)


class SaveForgetsCache(DeltaController):
    """A save does not include what the write cache holds."""

    def _command(self, opcode: int) -> None:
        if opcode == Opcode.SAVE:
            self.maps.save()
        else:
            super()._command(opcode)


class RestoreKeepsCache(DeltaController):
    """A restore leaves in the write cache what was written since the save point."""

    def _command(self, opcode: int) -> None:
        held = self._cache.sectors
        super()._command(opcode)
        if opcode == Opcode.RESTORE:
            self._cache.sectors = held


class SavesBeforeFlush(DeltaController):
    """A save is done first, and then what the write cache holds is written: it belongs to no save point."""

    def _command(self, opcode: int) -> None:
        if opcode == Opcode.SAVE:
            self.maps.save()
            self._flush()
        else:
            super()._command(opcode)


class ReadsPastCache(DeltaController):
    """A read asks the disks, and not the write cache first."""

    def _read(self, lba: int, count: int) -> list[bytes]:
        return self._volume.read(lba, count)


class FlushesHalf(DeltaController):
    """FLUSH CACHE writes half of what the cache holds, and takes it for empty."""

    def _flush(self) -> None:
        held = sorted(self._cache.sectors.items())
        self._cache.sectors = dict(held[: (len(held) + 1) // 2])
        super()._flush()


class FullCacheForgets(DeltaController):
    """A full cache makes room by forgetting its oldest sector, which was acknowledged."""

    def _write(self, sectors: dict[int, bytes], *, fua: bool) -> None:
        super()._write(sectors, fua=fua)
        if len(self._cache.sectors) >= self._config.cache_sectors // 2:
            self._cache.sectors.pop(next(iter(self._cache.sectors)))


class CacheOutlivesRestore(DeltaController):
    """A restore flushes the write cache before it goes back, and once more what it held behind it."""

    def _command(self, opcode: int) -> None:
        held = dict(self._cache.sectors)
        super()._command(opcode)
        if opcode == Opcode.RESTORE and held:
            self._volume.write(held)


class SavesTwice(DeltaController):
    """A SAVE is done twice, as a firmware does that retries what has not failed."""

    def _command(self, opcode: int) -> None:
        super()._command(opcode)
        if opcode == Opcode.SAVE:
            self.maps.save()


class SavesOnBoot(DeltaController):
    """Each boot saves, to begin with a clean DDM."""

    def boot(self) -> None:
        super().boot()
        if self.state is State.READY:
            self.maps.save()


class RestoresOnBoot(DeltaController):
    """Each boot restores, to begin with a clean DDM."""

    def boot(self) -> None:
        super().boot()
        if self.state is State.READY:
            self.maps.restore()


class ServesRefused(DeltaController):
    """A device that was refused at boot is reported, and read from all the same."""

    def boot(self) -> None:
        super().boot()
        if self.state is State.REFUSED:
            self.state = State.MAPS_LOST


class NoDebouncing(Debouncer):
    def __init__(self, debouncer: Debouncer) -> None:
        super().__init__(debouncer._pin, 1)


class BothEdges(Debouncer):
    def __init__(self, debouncer: Debouncer) -> None:
        super().__init__(debouncer._pin, debouncer._steady_ticks)

    def pressed(self) -> bool:
        before = self._level
        super().pressed()
        return self._level != before


class OpenAtFirst(Debouncer):
    def __init__(self, debouncer: Debouncer) -> None:
        super().__init__(debouncer._pin, debouncer._steady_ticks)
        self._level = self._candidate = False


class BrokenSwitches(DeltaController):
    """Base of mistakes: switches are debounced by ``debouncer``."""

    debouncer: ClassVar[type]

    def __init__(self, board: Board, config: FirmwareConfig) -> None:
        super().__init__(board, config)
        self._switches = {opcode: self.debouncer(switch) for opcode, switch in self._switches.items()}


class NoDebouncer(BrokenSwitches):
    """Switches are not debounced: each bounce is a press."""

    debouncer = NoDebouncing


class SwapsSwitches(DeltaController):
    """The switches are wired to each other's command."""

    def __init__(self, board: Board, config: FirmwareConfig) -> None:
        super().__init__(board, config)
        save, restore = self._switches[Opcode.SAVE], self._switches[Opcode.RESTORE]
        self._switches = {Opcode.SAVE: restore, Opcode.RESTORE: save}


class ReleaseCounts(BrokenSwitches):
    """Letting go of a switch counts as a press, too."""

    debouncer = BothEdges


class HeldCounts(BrokenSwitches):
    """A switch that is closed when power comes on counts as pressed."""

    debouncer = OpenAtFirst
