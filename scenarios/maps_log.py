"""VSM and DDM over a run: units moved, maps shown step by step, and how they filled up over time."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from deltabench.firmware_model.commands import Command, Opcode
from deltabench.firmware_model.controller import MapsView
from deltabench.scenarios.documents import MapsAt, Moment
from deltabench.scenarios.workload import Action

MOST_MOMENTS: Final = 1000
MOST_MAPS: Final = 40
SAVE_CODE: Final = int(Opcode.SAVE)
ORDERS: Final = (SAVE_CODE, int(Opcode.RESTORE))
MOVE_NOTHING: Final = frozenset(map(int, Opcode)) - {SAVE_CODE}


class MapsLog:
    """What became of the maps of ``units`` units in the course of ``actions``."""

    def __init__(self, units: int, actions: int) -> None:
        self.unit_moves: NDArray[np.int64] = np.zeros(units, np.int64)
        self.moved = 0
        self.most_ddm = 0
        self.moving_saves = 0
        self.largest_save = 0
        self.moments: list[Moment] = []
        self.last_view: MapsView | None = None
        self._actions = actions
        self._stride = max(1, actions // (MOST_MOMENTS // 2))
        self._maps: dict[int, MapsAt] = {}
        self._last_save: dict[int, MapsAt] = {}
        self._before: Action | None = None

    def wants(self, number: int, action: Action) -> bool:
        """Whether the maps after this action are to be looked at, which takes time; most commands move nothing."""
        if number < MOST_MAPS or self._samples(number):
            return True
        return not isinstance(action, Command) or action.opcode not in MOVE_NOTHING

    def look(self, number: int, action: Action, view: MapsView, now_ns: int, erases: int) -> None:
        """The maps are ``view`` after action ``number``."""
        before = self.last_view or MapsView(view.units, 0, 0, view.flag, view.system_version)
        self.last_view = view
        moved = before.vsm ^ view.vsm
        self.most_ddm = max(self.most_ddm, view.ddm.bit_count())
        if moved:
            # A save moves what was written since T0, a write cache that it has flushed included.
            count = moved.bit_count()
            self.moved += count
            self.moving_saves += 1
            self.largest_save = max(self.largest_save, count)
            self.most_ddm = max(self.most_ddm, count)
            bits = np.frombuffer(moved.to_bytes(-(-view.units // 8), "little"), np.uint8)
            self.unit_moves += np.unpackbits(bits, bitorder="little")[: view.units]
        is_save = isinstance(action, Command) and action.opcode == SAVE_CODE
        if number < MOST_MAPS or is_save:
            shown = {number - 1: _maps_at(number - 1, self._before, before), number: _maps_at(number, action, view)}
            if number < MOST_MAPS or not self._last_save:
                self._maps |= shown
            if is_save:
                self._last_save = shown
        self._before = action
        if self._samples(number) or (moved and len(self.moments) < MOST_MOMENTS):
            ddm, vsm = view.ddm.bit_count(), view.vsm.bit_count()
            self.moments.append(Moment(command=number, ns=now_ns, ddm=ddm, vsm_b=vsm, moved=self.moved, erases=erases))

    def before_order(self, action: Action | None, view: MapsView) -> None:
        """A save or restore begins after ``action``, behind which the maps may not have been looked at."""
        self.last_view, self._before = view, action
        self.most_ddm = max(self.most_ddm, view.ddm.bit_count())

    @property
    def maps(self) -> tuple[MapsAt, ...]:
        """Those after the first actions, and around the first and the last save."""
        maps = self._last_save | self._maps
        return tuple(maps[number] for number in sorted(maps))

    def _samples(self, number: int) -> bool:
        return (number + 1) % self._stride == 0 or number + 1 == self._actions


def _maps_at(number: int, action: Action | None, view: MapsView) -> MapsAt:
    """The maps after an action; before the first of them is the power-on."""
    if action is None:
        name = "power on"
    else:
        name = str(action) if isinstance(action, Command) else type(action).__name__.lower()
    return MapsAt(number=number, command=name, vsm=f"{view.vsm:x}", ddm=f"{view.ddm:x}")
