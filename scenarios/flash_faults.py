"""What befalls NAND flash beyond power loss while a scenario runs: bits flip, years pass.

Where a sector lies is asked of the firmware, as it is for pictures: what comes of it is judged by what the host reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from deltabench.firmware_model.controller import Controller, DeltaController
from deltabench.firmware_model.translation.layer import TranslationLayer
from deltabench.firmware_model.translation.spare import Kind, opened
from deltabench.hwsim.aging import DAYS_A_YEAR, NS_PER_DAY
from deltabench.hwsim.board import Board
from deltabench.hwsim.disk import SECTOR_BYTES
from deltabench.hwsim.nand import NandFlash
from deltabench.scenarios import scenario as steps
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.workload import Action

FAULTS: Final = (steps.BitErrors, steps.Age, steps.ReadOnly)
"""A step `wear-out` is writes, and then the last of these."""


class FlashFaults:
    """Flips bits in a board's NAND flash, and ages it; ``path`` is the scenario file, for messages."""

    def __init__(self, board: Board, path: Path) -> None:
        self._board = board
        self._path = path
        self._flash = [medium for medium in board.media.values() if isinstance(medium, NandFlash)]

    def check(self, actions: Sequence[Action]) -> None:
        """Whether all that befalls the flash can; raises ScenarioError."""
        for action in actions:
            if isinstance(action, FAULTS) and not self._flash:
                what = (
                    "read-only and wear-out are"
                    if isinstance(action, steps.ReadOnly)
                    else f"{action.__struct_config__.tag} is"
                )
                raise ScenarioError(f"{self._path}: {what} for NAND flash, and the board has none")
            if isinstance(action, steps.Age):
                for nand in self._flash:
                    if nand.aging is None:
                        key = f"board.devices.{nand.name}.cycles"
                        raise ScenarioError(f"{self._path}: age: NAND flash ages if {key} says how worn it is")
            if isinstance(action, steps.BitErrors):
                for nand in self._flash:
                    if nand.part.codeword_bytes != SECTOR_BYTES:
                        raise ScenarioError(
                            f"{self._path}: bit-errors: a codeword of {nand.part.name} holds several sectors, which "
                            f"would all be harmed; allowed: parts whose codewords hold {SECTOR_BYTES} bytes"
                        )

    def flip(self, action: steps.BitErrors, controller: Controller) -> bool:
        """Flip bits; whether that makes the sector unreadable to the host."""
        if not isinstance(controller, DeltaController):
            raise ScenarioError(f"{self._path}: bit-errors: where a sector lies only our own controller can say")
        device, sector = controller.home_of(action.lba)
        if not isinstance(device, TranslationLayer):
            raise ScenarioError(
                f"{self._path}: bit-errors: LBA {action.lba} lies on {device.name}, which is no NAND flash"
            )
        nand, page = device.nand, device.page_of(sector)
        unit = sector % device.geometry.page_sectors
        if action.of == "checkpoint":
            page, unit = _checkpoint_page(device), 0
        elif action.of == "spare":
            unit = device.geometry.page_sectors
        if page is None:
            raise ScenarioError(f"{self._path}: bit-errors: LBA {action.lba} was never written; write it before")
        nand.add_errors(page, unit, action.bits)
        return action.of == "sector" and nand.errors_of(page, unit) > nand.part.ecc_bits

    def age(self, action: steps.Age) -> None:
        """Let the reads and the years pass."""
        for nand in self._flash:
            assert nand.aging is not None, "checked before"
            nand.aging.disturb(action.reads)
        self._board.clock.advance_ns(action.years * DAYS_A_YEAR * NS_PER_DAY)


def _checkpoint_page(layer: TranslationLayer) -> int | None:
    """The first page of the first copy of the checkpoint in force."""
    per_block = layer.geometry.pages_per_block
    for block in layer.checkpoint:
        for page in range(block * per_block, (block + 1) * per_block):
            spare = opened(page, layer.nand.read(page).units)
            if spare is not None and spare.kind == Kind.CHECKPOINT:
                return page
    return None
