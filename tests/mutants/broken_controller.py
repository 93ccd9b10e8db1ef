"""Mistakes in the controller: its write cache, its commands and its switches."""

from __future__ import annotations

from typing import ClassVar

from deltabench.firmware_model.commands import Command, Opcode, Response
from deltabench.firmware_model.config import FirmwareConfig
from deltabench.firmware_model.controller import DeltaController
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


class ReleaseCounts(BrokenSwitches):
    """Letting go of a switch counts as a press, too."""

    debouncer = BothEdges


class HeldCounts(BrokenSwitches):
    """A switch that is closed when power comes on counts as pressed."""

    debouncer = OpenAtFirst
