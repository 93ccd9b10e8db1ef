"""Any number of cuts: the graph of what media can be left in, explored until nothing new appears.

A node is a state of the media without power.  Its edges are cuts: power on, and off again inside a media operation of
the recovery, or when it is through.  Breadth first, so that the path to a violation has the fewest cuts.  First cuts
are made in every state that they leave; in a recovery, of states that are equivalent (equivalence.py) the first is cut
again and the others are counted.  When no state waits any more the graph is closed: whatever is done to the power, as
often as you like, leads to one of the states that were judged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Final, NamedTuple

from deltabench.firmware_model.controller import Controller
from deltabench.hwsim.core import unseen
from deltabench.hwsim.medium import Change, Operation, Outcome
from deltabench.hwsim.power import Listener
from deltabench.scenarios.crash_id import Path
from deltabench.scenarios.crash_map import BETWEEN
from deltabench.scenarios.equivalence import Equivalence
from deltabench.scenarios.explorer import Explorer, kind_of
from deltabench.scenarios.oracle import Oracle, Violation
from deltabench.scenarios.rig import Rig

NEVER: Final = -2
"""Less than any number of cuts that may be left."""
MOST_BOOTS: Final = 64
"""A device that has not come up in so many boots without a cut never will."""


class Waiting(NamedTuple):
    """A state that has not been powered on yet: how it was come to, and what of the media differs from the base.

    ``origin`` and ``left``: the digest of what the first cut left, and in words.  ``is_new``: it was not met before.
    """

    path: Path
    number: int
    outcome: int
    kind: str
    changes: tuple[Change, ...]
    origin: int
    left: str
    is_new: bool


class Closure(Explorer):
    """An explorer of any number of cuts, or of ``depth`` in a row, that judges one of what is equivalent.

    Without an ``equivalence`` it tells states apart byte by byte.
    """

    def __init__(
        self,
        rig: Rig,
        oracle: Oracle,
        equivalence: Equivalence | None,
        selects: Callable[[int, int], bool] | None = None,
        depth: int | None = None,
    ) -> None:
        super().__init__(rig, oracle, 1, selects)
        self._most_cuts = depth
        self._equivalence = equivalence
        self._queue: deque[Waiting] = deque()
        self._digests: dict[int, int] = {}
        self._classes: dict[Hashable, int] = {}
        """States and classes met, with the most cuts that were left behind one: fewer would show nothing new."""
        self._edges: dict[Hashable, tuple[int, int, int]] = {}
        """Operations cut, by the class of the media before: cuts left, how many outcomes, how many possible ones."""
        self._signatures: dict[Hashable, int] = {}
        self._signature = 0
        self._base = 0
        self._origin = 0

    def begin(self, doing: object, number: int, held_ms: int = 0) -> None:
        super().begin(doing, number, held_ms)
        self._digests.clear()
        self._classes.clear()
        self._edges.clear()
        self._signatures.clear()
        if self._equivalence is not None:
            self._equivalence.forget()

    def _branch(
        self, number: int, outcomes: Sequence[Outcome], path: Path, left: int, operation: Operation | None = None
    ) -> None:
        self._base = len(self._rig.board.cells.journal)
        super()._branch(number, outcomes, path, left, operation)

    def _finish_branch(self) -> None:
        """Every state that a first cut leaves has been judged; now those that cuts in the recoveries leave."""
        cells, queue = self._rig.board.cells, self._queue
        while queue:
            if self.is_spent:
                self.beyond_budget += len(queue)
                queue.clear()
                return
            state = queue.popleft()
            for cell, value in state.changes:
                cells.put(cell, value)
            self._kind, self._origin, self._left, met = state.kind, state.origin, state.left, self._met
            self._judge(state.path, state.number, state.outcome, 0, is_new=state.is_new)
            if self._met > met:
                self._wrong.add(state.origin)
            cells.rollback(self._base)

    def _power_on(self, here: Path, policy: str, _left: int) -> Controller:
        board, equivalence = self._rig.board, self._equivalence
        if len(here) == 1:
            self._origin = board.cells.digest
        left = self._cuts_left(here)
        if self._most_cuts is not None and not left:
            controller = self._booted(policy, [])
            self.beyond_depth += board.rail.operations
            return controller
        self._signature = 0
        start = (self._key(), policy)
        self._classes[start[0]] = max(left, self._classes.get(start[0], 0))

        def cut_again(operation: Operation) -> None:
            self._signature = hash((self._signature, operation.device, operation.kind, operation.address))
            if equivalence is None:
                self._collect(here, board.rail.operations, board.cut_outcomes(operation), operation)
                return
            # Equal operations on equivalent media leave equivalent states.
            edge = (self._key(), equivalence.operation(operation))
            known = self._edges.get(edge)
            if known is not None and known[0] >= left:
                _, count, possible = known
                self.generated += count
                self.equivalent += count
                self.possible += possible
                return
            outcomes = board.cut_outcomes(operation)
            self._edges[edge] = left, len(outcomes), self._collect(here, board.rail.operations, outcomes, operation)

        controller = self._booted(policy, [cut_again])
        signature = hash((self._signature, self._key()))
        if self._signatures.setdefault(start, signature) != signature:
            self.unlike += 1
        self._collect(here, board.rail.operations, board.idle_outcomes(), None)
        return controller

    def _booted(self, policy: str, listeners: Sequence[Listener]) -> Controller:
        """Power on; of a boot that fails, whether a later one does not."""
        try:
            return self._rig.power_on(policy, listeners)
        except Violation as violation:
            core = self._rig.board.core
            watching, core.takes = core.takes, unseen
            later = self._later_boots()
            core.takes = watching
            raise Violation(violation.rule, f"{violation.detail}; {later}") from violation

    def _cuts_left(self, path: Path) -> int:
        """How many may follow; none is ever left of any number, which makes all states alike in this."""
        return 0 if self._most_cuts is None else self._most_cuts - len(path)

    def _collect(self, here: Path, number: int, outcomes: Sequence[Outcome], operation: Operation | None) -> int:
        """Unless its like was met before, what a cut here leaves waits for power; returns how many are possible."""
        cells = self._rig.board.cells
        mark, left = len(cells.journal), self._cuts_left(here) - 1
        kind = BETWEEN if operation is None else kind_of(operation)
        possible = self._rig.board.possible_outcomes(operation)
        self.possible += possible
        for index, outcome in enumerate(outcomes):
            self.generated += 1
            for cell, value in outcome.changes:
                cells.put(cell, value)
            if self._digests.get(cells.digest, NEVER) < left:
                self._digests[cells.digest] = left
                key = self._key()
                known = self._classes.get(key, NEVER)
                if known >= left:
                    self.equivalent += 1
                else:
                    self._classes[key] = left
                    self.distinct += known == NEVER
                    changed = {cell for cell, _, _ in cells.journal[self._base :]}
                    changes = tuple((cell, cells.values[cell]) for cell in changed)
                    waiting = Waiting(
                        here, number, index, kind, changes, self._origin, self._left, is_new=known == NEVER
                    )
                    self._queue.append(waiting)
            cells.rollback(mark)
        return possible

    def _key(self) -> Hashable:
        return self._rig.board.cells.digest if self._equivalence is None else self._equivalence.key()

    def _later_boots(self) -> str:
        """Whether a device whose boot has failed comes up later, if power stays: in words."""
        board, seen = self._rig.board, set[int]()
        for boots in range(1, MOST_BOOTS + 1):
            board.lose_power()
            if board.cells.digest in seen:
                break
            seen.add(board.cells.digest)
            try:
                self._rig.power_on()
            except Violation:
                continue
            return f"boot {boots} behind it completes"
        return "no later boot completes, however long power stays (livelock)"
