"""The media operations of a run, with what each of them changes and what it is about."""

from __future__ import annotations

import contextlib
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from deltabench.hwsim.disk import Disk
from deltabench.hwsim.medium import Operation, Outcome
from deltabench.scenarios.counterexamples.naming import Names
from deltabench.scenarios.crash_id import Path
from deltabench.scenarios.oracle import Violation
from deltabench.scenarios.scenario import Variant
from deltabench.scenarios.session import Session


class Persisted(NamedTuple):
    """Of one cell: what it held before an operation, and what it holds after it."""

    cell: int
    old: Hashable
    new: Hashable


class Done(NamedTuple):
    """One media operation: of which action, what it is about, what it changes once it is durable."""

    number: int
    action: int
    doing: str
    text: str
    device: str
    kind: str
    address: int
    length: int
    about: str
    changes: tuple[Persisted, ...]

    @property
    def name(self) -> str:
        """``operation 6 (VSM of units 0 to 79)``."""
        return f"operation {self.number} ({self.about or self.text})"


class _Over(BaseException):
    """Leaves the firmware once all is known."""


class Rerun:
    """The workload once more, up to a cut; ``done`` are the operations since the last recovery began."""

    def __init__(self, variant: Variant, path: Path, stop: int | None) -> None:
        """Without ``stop`` the workload goes on behind ``path``, and tells its operations; with it, that is the end."""
        self.session = session = Session(variant)
        self._path = path
        self._stops = stop is not None
        self._cuts = 0
        self.done: list[Done] = []
        self.left = ""
        self.cached: tuple[int, ...] = ()
        self.is_between = False
        self.names = Names(session.rig.board, variant.firmware, session.rig.make())
        session.listener, session.idle_listener = self._on_operation, self._on_idle
        with contextlib.suppress(_Over):
            session.run()

    @property
    def is_cut(self) -> bool:
        """Whether every cut of the path was made."""
        return self._cuts == len(self._path)

    def _on_operation(self, operation: Operation) -> None:
        board = self.session.rig.board
        number = board.rail.operations
        if not self._stops and self.is_cut:
            self._note(number, operation)
        elif self._path and number == self._path[self._cuts].operation:
            self._cut(board.cut_outcomes(operation))

    def _on_idle(self, number: int) -> None:
        if not self._cuts and self._path and number == self._path[0].operation:
            self.is_between = True
            self._cut(self.session.rig.board.idle_outcomes())

    def _note(self, number: int, operation: Operation) -> None:
        session = self.session
        changes = operation.whole()
        values = session.rig.board.cells.values
        self.done.append(
            Done(
                number,
                session.number,
                session.doing,
                str(operation),
                operation.device,
                operation.kind,
                operation.address,
                operation.length,
                self.names.of(operation, changes),
                tuple(Persisted(cell, values[cell], new) for cell, new in changes),
            )
        )

    def _cut(self, outcomes: Sequence[Outcome]) -> None:
        board, cut = self.session.rig.board, self._path[self._cuts]
        if cut.outcome >= len(outcomes):
            raise _Over
        self._cuts += 1
        outcome = outcomes[cut.outcome]
        disks = [medium for medium in board.media.values() if isinstance(medium, Disk)]
        self.cached = tuple(disk.first + lba for disk in disks for lba in disk.cache)
        board.lose_power()
        for cell, value in outcome.changes:
            board.cells.put(cell, value)
        self.left = outcome.label or "nothing"
        if self._stops and self.is_cut:
            raise _Over
        self.done.clear()
        with contextlib.suppress(Violation):
            self.session.rig.power_on(cut.policy, [self._on_operation])
            if not self.is_cut and self._path[self._cuts].operation == board.rail.operations:
                # The recovery is through, and power is cut before anything is asked of the device.
                self.is_between = True
                self._cut(board.idle_outcomes())
        raise _Over
