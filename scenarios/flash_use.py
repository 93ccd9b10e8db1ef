"""What NAND flash is accessed for, told from the steps of the firmware and from what stands in the pages.

A page for the firmware is announced by a step, and so is the collection of a block; that pages were moved to level wear
or to leave a failed block is said once they are.  What else a page is, its spare bytes say: a header, a checkpoint, a
copy that a mount has made.  So each program has one cause, of PAGE_CAUSES, and the sums of the causes are all programs.

Time and bytes are put down to data, maps or labels where a page is programmed for them, whole, or read for them; all
else that a flash does is put down to its translation layer.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

from deltabench.firmware_model.layout import LABEL, MAPS, Layout
from deltabench.firmware_model.steps import (
    ATOM,
    COLLECT,
    COLLECTED,
    EVACUATED,
    LEVELLED,
    MOUNT,
    PAGE,
    RELABEL,
    REPLAY,
    SCRUBBED,
    TRANSLATE,
)
from deltabench.firmware_model.translation.spare import Kind, Spare, opened
from deltabench.hwsim.board import Board
from deltabench.hwsim.core import Step
from deltabench.hwsim.medium import Operation
from deltabench.hwsim.meter import OTHER
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nand_operations import Program
from deltabench.hwsim.nand_pages import Units, later_of, units_of

DATA: Final = "data"
CAUSE_OF_REGION: Final = {LABEL: "labels", MAPS: "maps"}
"""What bytes and time are put down to; whatever else the layout has is data."""
TRANSLATION: Final = "translation"
HOST: Final = "host"
MOVES: Final = {COLLECT: "collected", LEVELLED: "levelled", SCRUBBED: "scrubbed", EVACUATED: "evacuated"}
RECOVERED: Final = "recovered"
CHECKPOINTS: Final = "checkpoints"
HEADERS: Final = "headers"
FAILED: Final = "failed"
PAGE_CAUSES: Final = (HOST, *MOVES.values(), RECOVERED, CHECKPOINTS, HEADERS, FAILED, OTHER)
"""Why pages are programmed; ``failed``: whatever it was for, the part has reported that the program failed."""
OF_KIND: Final[Mapping[int, str]] = {
    Kind.DATA_BLOCK: HEADERS,
    Kind.CHECKPOINT_BLOCK: HEADERS,
    Kind.CHECKPOINT: CHECKPOINTS,
    Kind.COPY: RECOVERED,
}


class Use(NamedTuple):
    """What was done with one flash.

    ``pages`` that were programmed, by cause; ``blocks_collected`` to the end, and how many pages were ``valid`` in them
    and had to be moved; ``mounts`` that had to write.
    """

    pages: Mapping[str, int]
    blocks_collected: int = 0
    valid: int = 0
    mounts: int = 0


class FlashUse:
    """Follows what the firmware does with the NAND flash of a board, for a meter."""

    def __init__(self, board: Board, layout: Layout) -> None:
        self._pages: dict[str, Counter[str]] = {
            name: Counter() for name, medium in board.media.items() if isinstance(medium, NandFlash)
        }
        self._blocks_collected: Counter[str] = Counter()
        self._valid: Counter[str] = Counter()
        self._mounts: Counter[str] = Counter()
        self._maps_on_nand = layout.maps.device in self._pages
        self._ends: dict[str, list[int]] = {}
        self._whats: dict[str, list[str]] = {}
        for region in sorted(layout.regions, key=lambda region: region.first):
            self._ends.setdefault(region.device, []).append(region.first + region.length)
            self._whats.setdefault(region.device, []).append(CAUSE_OF_REGION.get(region.name, DATA))
        self._device = ""
        self._forget()

    def _forget(self) -> None:
        """Between two commands, and after power-on, nothing is being done."""
        self._cause = ""
        """Why pages of data are programmed; empty: that is told behind them."""
        self._untold = 0
        """So many were, in a row, and it is still to be told why."""
        self._left = 0
        """Pages that what is being done has still to write."""
        self._is_atom = self._is_label = False
        self._given = DATA
        """What is being written."""
        self._serves_firmware = False
        """Whether pages are read for the firmware, and not for the layer itself."""
        self._mounting = False

    def use_of(self, device: str) -> Use:
        """So far; between two commands."""
        self._settle()
        return Use(self._pages[device], self._blocks_collected[device], self._valid[device], self._mounts[device])

    def power_on(self) -> None:
        self._settle()
        self._forget()

    def _settle(self) -> None:
        """Pages whose cause was never told, as power was cut: blocks are evacuated once all is written, not before."""
        if self._untold:
            self._count(MOVES[LEVELLED if self._left else EVACUATED], self._untold)
            self._untold = 0

    def hear(self, step: Step, amount: int, /) -> None:
        if step is TRANSLATE:
            self._given = "maps" if self._is_atom else "labels" if self._is_label else DATA
            self._is_atom, self._mounting = False, False
            self._cause, self._left, self._serves_firmware = "", amount, True
        elif step is PAGE:
            self._cause, self._serves_firmware = HOST, False
        elif step in (COLLECT, SCRUBBED):
            self._cause, self._serves_firmware = MOVES[step], False
        elif step is COLLECTED:
            self._cause = ""
            self._blocks_collected[self._device] += 1
            self._valid[self._device] += amount
        elif step in (LEVELLED, EVACUATED):
            self._count(MOVES[step], self._untold)
            self._untold = 0
        elif step is ATOM:
            # The next write is of that atom, if atoms are behind a translation layer; those of labels come before it.
            self._is_atom, self._is_label = self._maps_on_nand, False
        elif step is RELABEL:
            self._is_label = True
        elif step is MOUNT:
            self._mounting = False
        elif step is REPLAY:
            self._mounting = True

    def of_read(self, medium: NandFlash, page: int, /) -> str:
        if not self._serves_firmware:
            return TRANSLATION
        spare = opened(page, _units(medium, page))
        return TRANSLATION if spare is None else self._held(medium, spare)

    def of_change(self, medium: NandFlash, operation: Operation, /) -> str:
        self._device = medium.name
        self._serves_firmware = False
        if self._mounting:
            self._mounts[medium.name] += 1
            self._mounting = False
        if not isinstance(operation, Program):
            return TRANSLATION
        page = operation.address
        works = medium.works(page // medium.pages_per_block, "program")
        return self._programmed(opened(page, operation.units), works=works)

    def _programmed(self, spare: Spare | None, *, works: bool) -> str:
        """What a page is programmed for."""
        if spare is None:
            self._count(OTHER)
            return OTHER
        if not works:
            # It is programmed again, for the same cause.
            self._count(FAILED)
            return TRANSLATION
        if spare.kind != Kind.DATA:
            self._count(OF_KIND.get(spare.kind, OTHER))
            return TRANSLATION
        cause = self._cause
        if not cause:
            self._untold += 1
            return TRANSLATION
        self._count(cause)
        if cause == MOVES[COLLECT]:
            return TRANSLATION
        self._cause = ""
        if cause != HOST:
            return TRANSLATION
        # What is not given yet may have to be read for, where only part of a page is.
        self._left -= 1
        self._serves_firmware = self._left > 0
        return self._given

    def _held(self, medium: NandFlash, spare: Spare) -> str:
        """What a page holds, by the first of its sectors that anything lies in."""
        if spare.kind not in (Kind.DATA, Kind.COPY):
            return TRANSLATION
        whats = self._whats.get(medium.name, ())
        place = bisect_right(self._ends.get(medium.name, ()), spare.subject * medium.page_sectors)
        return whats[place] if place < len(whats) else OTHER

    def _count(self, cause: str, pages: int = 1) -> None:
        self._pages[self._device][cause] += pages


def _units(medium: NandFlash, page: int) -> Units:
    """What a page holds, or may hold, for an observer."""
    return units_of(later_of(medium.cells.values[medium.first + page]), medium.units)
