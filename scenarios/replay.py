"""One crash told step by step: what the device was doing, the cut, the recovery, and what the host reads then."""

from __future__ import annotations

import contextlib
from collections import deque
from typing import Final, NamedTuple

from deltabench.firmware_model.controller import Controller, MapsView
from deltabench.firmware_model.translation.spare import Kind
from deltabench.hwsim.board import Board
from deltabench.hwsim.instability import Adversary
from deltabench.hwsim.medium import Operation, Outcome
from deltabench.hwsim.nand_operations import Erase, Program
from deltabench.scenarios.crash_id import CrashId, CrashIdError, Path
from deltabench.scenarios.oracle import Violation
from deltabench.scenarios.scenario import Variant
from deltabench.scenarios.session import Session

OPERATIONS_BEFORE: Final = 12
"""So many media operations before the first cut are told."""


class Event(NamedTuple):
    """One thing that happens: ``kind`` is operation, cut, boot or note; ``maps`` are VSM and DDM before it.

    ``maps`` is None where there are none to see, and where a translation layer only keeps its log going.
    """

    kind: str
    number: int
    text: str
    maps: MapsView | None


class Story(NamedTuple):
    """A crash: what was being done, the events around the cuts, and the violation that they led to, if any."""

    crash: CrashId
    doing: str
    events: tuple[Event, ...]
    violation: Violation | None
    last_maps: MapsView | None
    number: int = 0
    """The action that the first cut falls in."""
    unstable: bool = False
    """Whether the last boot read cells that may read otherwise the next time."""


class _Told(BaseException):
    """Leaves the firmware once all is told: its run is not taken up again."""


class _Teller:
    """Listens to the rail, cuts where the path says, and keeps the events."""

    def __init__(self, session: Session, path: Path, *, recovers: bool = True) -> None:
        """Unless it ``recovers``, power stays off after the last cut."""
        self._session = session
        self._path = path
        self._recovers = recovers
        self._before: deque[Event] = deque(maxlen=OPERATIONS_BEFORE)
        self._events: list[Event] = []
        self._done = 0
        self.violation: Violation | None = None
        self.told = False
        self.error = ""
        self.last_maps: MapsView | None = None
        self.unstable = False

    @property
    def events(self) -> tuple[Event, ...]:
        return (*self._before, *self._events)

    @property
    def is_behind_the_last_cut(self) -> bool:
        """Whether no cut is to come."""
        return self._done == len(self._path)

    def on_operation(self, operation: Operation) -> None:
        """Listener while the workload or a recovery runs."""
        number = self._session.rig.board.rail.operations
        event = Event("operation", number, str(operation), None if _keeps_log_going(operation) else self._maps())
        (self._events if self._done else self._before).append(event)
        if self._done < len(self._path) and number == self._path[self._done].operation:
            self.cut(number, self._session.rig.board.cut_outcomes(operation))

    def on_idle(self, number: int) -> None:
        """Listener between two operations of the workload."""
        if not self._done and self._path and number == self._path[0].operation:
            self.cut(number, self._session.rig.board.idle_outcomes())

    def cut(self, number: int, outcomes: list[Outcome]) -> None:
        """Lose power here, as the path says, recover, and judge."""
        rig, cut = self._session.rig, self._path[self._done]
        self._done += 1
        if cut.outcome >= len(outcomes):
            self.error = f"operation {number} has the outcomes 0 to {len(outcomes) - 1}, and no {cut.outcome}"
            raise _Told
        outcome = outcomes[cut.outcome]
        rig.board.lose_power()
        for cell, value in outcome.changes:
            rig.board.cells.put(cell, value)
        left = f"power is cut; this operation leaves: {outcome.label or 'nothing'}"
        self._events.append(Event("cut", number, left, None))
        if self._done == len(self._path) and not self._recovers:
            self.told = True
            raise _Told
        self._events.append(Event("boot", 0, f"power on; {Adversary.MEANING[cut.policy]}", None))
        try:
            controller = rig.power_on(cut.policy, [self.on_operation])
            operations = rig.board.rail.operations
            if self._done < len(self._path) and self._path[self._done].operation == operations:
                # The recovery is through, and power is cut before anything is asked of the device.
                self.cut(operations, rig.board.idle_outcomes())
            if self._done < len(self._path):
                self.error = (
                    f"the recovery has only {rig.board.rail.operations} media operations, and no "
                    f"{self._path[self._done].operation}"
                )
                raise _Told
            self.last_maps = self._maps()
            self.unstable = rig.board.adversary.consulted
            self._session.explorer.check(controller)
        except Violation as violation:
            self.violation = violation
            self.unstable |= rig.board.adversary.consulted
        self.told = True
        raise _Told

    def _maps(self) -> MapsView | None:
        return maps_of(self._session.rig.controller)


def _keeps_log_going(operation: Operation) -> bool:
    """Whether a translation layer does it for itself: no change of the maps becomes durable by that."""
    if isinstance(operation, Program):
        spare = operation.units[-1]
        return spare is None or spare[0] != Kind.DATA
    return isinstance(operation, Erase)


def maps_of(controller: Controller | None) -> MapsView | None:
    """The maps as a controller shows them, if it does."""
    try:
        view = getattr(controller, "view", None)
    except Exception:
        # A guest that has read garbage may have nothing to show, and it is not its fault that somebody looks.
        return None
    return view if isinstance(view, MapsView) else None


def tell(variant: Variant, crash: CrashId) -> Story:
    """Run a crash of a variant again; raises CrashIdError if there is no such operation or outcome in it."""
    teller, session = _run(variant, crash, recovers=True)
    violation = teller.violation or session.violation
    return Story(crash, session.doing, teller.events, violation, teller.last_maps, session.number, teller.unstable)


def left_by(variant: Variant, crash: CrashId) -> Board:
    """The board of a variant as the last cut of a crash leaves it, with power off; unstable cells read as the id says.

    Raises CrashIdError as ``tell`` does, or if the run violates a rule before it comes to the cut.
    """
    teller, session = _run(variant, crash, recovers=False)
    violation = teller.violation or session.violation
    if violation:
        raise CrashIdError(f"{crash}: does not come that far: {violation.rule.value}: {violation.detail}")
    board = session.rig.board
    board.lose_power()
    board.adversary.power_on(crash.path[-1].policy if crash.path else Adversary.FIRST_POLICY)
    return board


def outcomes_after(variant: Variant, path: Path) -> dict[int, list[str]]:
    """What one more cut may leave: of each place in the recovery from ``path``, by number, the labels of its outcomes.

    Of an empty path, of each place in the workload.
    """
    session = Session(variant)
    board = session.rig.board
    labels: dict[int, list[str]] = {}

    class Lister(_Teller):
        def on_operation(self, operation: Operation) -> None:
            if self.is_behind_the_last_cut:
                labels[board.rail.operations] = [outcome.label for outcome in board.cut_outcomes(operation)]
            super().on_operation(operation)

        def on_idle(self, number: int) -> None:
            if self.is_behind_the_last_cut:
                labels[number] = [outcome.label for outcome in board.idle_outcomes()]
            super().on_idle(number)

    _tell(Lister(session, path), session)
    return labels


def _run(variant: Variant, crash: CrashId, *, recovers: bool) -> tuple[_Teller, Session]:
    session = Session(variant)
    teller = _Teller(session, crash.path, recovers=recovers)
    _tell(teller, session)
    if teller.error:
        raise CrashIdError(f"{crash}: {teller.error}")
    if crash.path and not teller.told:
        raise CrashIdError(f"{crash}: the workload has only {session.operations} media operations; none was cut")
    return teller, session


def _tell(teller: _Teller, session: Session) -> None:
    session.listener = teller.on_operation
    session.idle_listener = teller.on_idle
    with contextlib.suppress(_Told):
        session.run()
