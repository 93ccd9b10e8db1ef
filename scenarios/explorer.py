"""Cuts the power in place, at every operation and with every outcome, and judges each recovery.

At each announcement of the power rail, for each outcome: apply it, power on a fresh controller on the same board, boot,
check, roll back; then let the operation happen and the firmware go on.  Nothing is executed twice and no exception
passes through the firmware, so cost grows linearly with the workload.  Nested cuts are the same, one level down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from deltabench.firmware_model import commands
from deltabench.firmware_model.controller import Controller
from deltabench.hwsim.clock import NS_PER_MS
from deltabench.hwsim.core import unseen
from deltabench.hwsim.instability import Adversary
from deltabench.hwsim.medium import Operation, Outcome
from deltabench.scenarios.coverage import Coverage, Taken
from deltabench.scenarios.crash_id import Cut, Path
from deltabench.scenarios.crash_map import BETWEEN, DUPLICATE, HELD, VIOLATED, CutRow
from deltabench.scenarios.oracle import Candidate, Image, Oracle, Rule, Violation, expect, judge_live, judge_saved
from deltabench.scenarios.ram import RamCamera
from deltabench.scenarios.rig import ReadOnlyRefusal, Rig, check_read_only


class Finding(NamedTuple):
    """A violation that a cut led to: the path of cuts, what the device was doing, and what was wrong."""

    path: Path
    rule: Rule
    doing: str
    cut: str
    detail: str


class Probe(Protocol):
    """Something more that must hold after a recovery, for devices that have more to them."""

    @property
    def urgent(self) -> bool:
        """Whether it is about the command in flight, and must be the first to use the device that has recovered."""

    def check(self, controller: Controller, image: Image, saved: Image, lba: int, *, done: bool) -> None:
        """Raises Violation.  What it does to the media is undone.

        ``lba`` is a place to write to; ``done``: the images show that the command in flight has been done.
        """


MOST_FINDINGS: Final = 20
"""Findings kept in full; the rest are counted."""


def most_telling(findings: Sequence[Finding]) -> list[Finding]:
    """Those with the fewest cuts, and in any case one for each rule that was broken."""
    ordered = sorted(findings, key=lambda finding: len(finding.path))
    first = {finding.rule: finding for finding in reversed(ordered)}
    return [
        finding for number, finding in enumerate(ordered) if number < MOST_FINDINGS or first[finding.rule] is finding
    ]


class Counts(NamedTuple):
    """What was explored: crash states generated, distinct ones, recoveries judged, recoveries found wrong.

    ``equivalent``: states that were generated and are like one that was judged, and so were not.  ``possible``: states
    that the fault model has at the operations cut, each position of a tear and each subset of a cache counted.  Left
    out: ``beyond_depth`` operations of recoveries, ``beyond_budget`` states and operations.  ``unlike``: recoveries
    from states taken for equivalent that did not do the same.
    """

    generated: int = 0
    distinct: int = 0
    verified: int = 0
    violations: int = 0
    equivalent: int = 0
    possible: int = 0
    beyond_depth: int = 0
    beyond_budget: int = 0
    unlike: int = 0


class Budget(NamedTuple):
    """How much may be explored: so many recoveries, and until ``now_s`` says that it is ``until_s``."""

    most_states: int | None
    until_s: float | None
    now_s: Callable[[], float]

    def is_spent(self, verified: int) -> bool:
        """Whether no more may be explored."""
        if self.most_states is not None and verified >= self.most_states:
            return True
        return self.until_s is not None and self.now_s() >= self.until_s


def kind_of(operation: Operation) -> str:
    """An operation without its place."""
    return f"{operation.device} {operation.kind}"


class Explorer:
    """Branches at the operations of one rig, and asks one oracle.

    ``depth``: how many cuts in a row, the first one included.  ``selects``: which operations and outcomes of the
    workload are cut (all, unless the plan says otherwise); operations inside recoveries are cut at all of them.
    """

    def __init__(self, rig: Rig, oracle: Oracle, depth: int, selects: Callable[[int, int], bool] | None = None) -> None:
        self._rig = rig
        self._oracle = oracle
        self._depth = depth
        self._selects = selects
        self._seen: dict[int, int] = {}
        self._wrong: set[int] = set()
        self._met = 0
        """Wrong recoveries met so far, those of media that had been judged before included."""
        self._judged: dict[tuple[int, bytes], Violation | None] = {}
        self._camera = RamCamera()
        self.probe: Probe | None = None
        self._candidates: list[Candidate] | None = None
        self._doing: object = ""
        self._cut = ""
        self._left = ""
        self._probe = 0
        self._held_ms = 0
        self.generated = 0
        self.distinct = 0
        self.verified = 0
        self.violations = 0
        self.equivalent = 0
        self.coverage = Coverage()
        self._kind = ""
        """What kind of operation was cut last."""
        self.possible = 0
        self.beyond_depth = 0
        self.beyond_budget = 0
        self.unlike = 0
        self.budget: Budget | None = None
        self.findings: list[Finding] = []
        self.may_refuse = False
        """Whether the device may come to say that it is read-only."""
        self.stops_at_first = False
        """Whether the first finding is enough: nothing is cut after it."""
        self.has_enough = False
        self.cut_rows: list[CutRow] = []

    @property
    def counts(self) -> Counts:
        return Counts(
            self.generated, self.distinct, self.verified, self.violations, self.equivalent, self.possible,
            self.beyond_depth, self.beyond_budget, self.unlike,
        )  # fmt: skip

    def begin(self, doing: object, number: int, held_ms: int = 0) -> None:
        """A new command (``number`` of the workload) is in flight: what was seen before it no longer counts.

        ``held_ms``: a switch may still be held for so long when power comes back, which must not be a press.
        """
        self._held_ms = held_ms
        self._seen.clear()
        self._wrong.clear()
        self._judged.clear()
        self._candidates = None
        self._doing = doing
        self._probe = number

    def without_cut(self, violation: Violation) -> None:
        """A rule was broken with no cut at all."""
        self._cut = "nowhere"
        self._found((), violation)

    def on_operation(self, operation: Operation) -> None:
        """Listener of the power rail, for the workload itself."""
        board = self._rig.board
        self._cut = str(operation)
        number = board.rail.operations
        self.cut_rows.append(CutRow(number, str(self._doing), kind_of(operation)))
        self._kind = kind_of(operation)
        self._branch(number, board.cut_outcomes(operation), (), self._depth - 1, operation)

    def cut_between(self, number: int) -> None:
        """Cut with no operation under way: ``number`` is that of the operation to come."""
        self._cut = BETWEEN
        self.cut_rows.append(CutRow(number, str(self._doing), self._cut))
        self._kind = BETWEEN
        self._branch(number, self._rig.board.idle_outcomes(), (), self._depth - 1)

    @property
    def is_spent(self) -> bool:
        """Whether the budget is used up."""
        return self.budget is not None and self.budget.is_spent(self.verified)

    def _branch(
        self, number: int, outcomes: Sequence[Outcome], path: Path, left: int, operation: Operation | None = None
    ) -> None:
        """Judge every outcome of a cut at operation ``number``, with ``left`` more cuts to spend.

        ``operation``: what is cut; None between two.
        """
        indices: Sequence[int] = range(len(outcomes))
        if self._selects is not None and not path:
            indices = [index for index in indices if self._selects(number, index)]
        if self.has_enough or not indices:
            return
        if self.is_spent:
            self.beyond_budget += 1
            return
        board = self._rig.board
        self.possible += board.possible_outcomes(operation)
        cells, rail = board.cells, board.rail
        journal, seen = cells.journal, self._seen
        judged: list[tuple[str, int, str]] = []
        held = (rail.operations, rail.limit, rail.listeners, board.adversary.suspend(), board.clock.now_ns)
        volatile = board.lose_power()
        for index in indices:
            if self.has_enough:
                break
            outcome = outcomes[index]
            self.generated += 1
            if not path:
                self._left = outcome.label
            met = self._met
            mark = len(journal)
            for cell, value in outcome.changes:
                cells.put(cell, value)
            known = seen.get(cells.digest, -1)
            if known < left:
                if known < 0:
                    self.distinct += 1
                seen[cells.digest] = left
                digest = cells.digest
                self._judge(path, number, index, left, is_new=known < 0)
                if self._met > met:
                    self._wrong.add(digest)
            elif cells.digest in self._wrong:
                self._met += 1
            if not path:
                judged.append((outcome.label, cells.digest, HELD if known < left else DUPLICATE))
            cells.rollback(mark)
        self._finish_branch()
        for label, digest, verdict in judged:
            self.cut_rows[-1].add(label, VIOLATED if digest in self._wrong else verdict)
        board.regain(volatile)
        rail.operations, rail.limit, rail.listeners, adversary, instant_ns = held
        board.adversary.resume(adversary)
        board.clock.rewind(instant_ns)

    def _finish_branch(self) -> None:
        """All outcomes have been judged, and power is still off."""

    def _judge(self, path: Path, number: int, index: int, left: int, *, is_new: bool) -> None:
        """Recover from the state that the media are in, under every policy for unstable cells, and check."""
        board = self._rig.board
        mark = len(board.cells.journal)
        adversary, instant_ns = board.adversary, board.clock.now_ns
        for policy in adversary.policies():
            if self.has_enough:
                break
            self.verified += 1
            if policy != Adversary.FIRST_POLICY:
                # How unstable cells read makes it another crash state, with an id of its own.
                self.generated += 1
                self.distinct += is_new
            here = (*path, Cut(number, index, policy))
            try:
                controller = self._watched(here, policy, left)
                read_in_boot = adversary.suspend()
                try:
                    self.check(controller)
                finally:
                    adversary.resume(read_in_boot)
            except Violation as violation:
                self._found(here, violation)
            board.lose_power()
            board.cells.rollback(mark)
            board.clock.rewind(instant_ns)

    def _watched(self, here: Path, policy: str, left: int) -> Controller:
        """Power on, and note which branches the boot takes; nobody looks at those of the checks."""
        core, taken = self._rig.board.core, Taken()
        watching = core.takes
        core.takes = lambda branch, status="": taken.append((branch, status))
        try:
            return self._power_on(here, policy, left)
        finally:
            core.takes = watching
            self.coverage.add(taken, self._kind)

    def _power_on(self, here: Path, policy: str, left: int) -> Controller:
        board = self._rig.board
        if not left:
            controller = self._rig.power_on(policy)
            self.beyond_depth += board.rail.operations
            return controller

        def cut_again(operation: Operation) -> None:
            kind, self._kind = self._kind, kind_of(operation)
            self._branch(board.rail.operations, board.cut_outcomes(operation), here, left - 1, operation)
            self._kind = kind

        return self._rig.power_on(policy, [cut_again])

    def _found(self, path: Path, violation: Violation) -> None:
        if self.has_enough:
            return  # one of a later cut, in a recovery that was under way
        self.violations += 1
        self._met += 1
        left = f"; it leaves: {self._left or 'nothing'}" if path else ""
        self.findings.append(Finding(path, violation.rule, str(self._doing), self._cut + left, violation.detail))
        self.findings = most_telling(self.findings)
        self.has_enough = self.stops_at_first

    def check(self, controller: Controller) -> None:
        """All rules, on a device that has just recovered; raises Violation.

        A machine whose media and RAM are those of one already checked would behave in the same way, and is not run
        through the checks again; one that has left something in a drive's cache always is.
        """
        ram = None if self._rig.board.holds_volatile else self._camera.picture(controller)
        if ram is None:
            self._check_all(controller)
            return
        state = (self._rig.board.cells.digest, ram)
        if state not in self._judged:
            self._judged[state] = None
            try:
                self._check_all(controller)
            except Violation as violation:
                self._judged[state] = violation
        verdict = self._judged[state]
        if verdict is not None:
            raise Violation(verdict.rule, verdict.detail)

    def _check_all(self, controller: Controller) -> None:
        core = self._rig.board.core
        watching, core.takes = core.takes, unseen
        try:
            self._check_each(controller)
        finally:
            core.takes = watching

    def _check_each(self, controller: Controller) -> None:
        try:
            self._check_in_turn(controller)
        except ReadOnlyRefusal:
            # It has come to that while it was checked; what was checked up to there holds.
            if not self.may_refuse:
                raise

    def _check_in_turn(self, controller: Controller) -> None:
        cells = self._rig.board.cells
        if self._candidates is None:
            self._candidates = self._oracle.candidates()
        for _ in range(self._held_ms):
            self._rig.board.clock.advance_ns(NS_PER_MS)
            if self._rig.tick(controller):
                raise Violation(Rule.USABILITY, "a switch that was held when power came back counts as pressed")
        image = self._rig.read_all(controller)
        candidates = judge_live(self._candidates, image, self._oracle.in_flight)
        if self.may_refuse and self._rig.is_read_only(controller):
            self._check_read_only(controller, image)
            return
        mark = len(cells.journal)
        volatile = self._rig.board.lose_power()
        saved = self._check_again(candidates, image)
        cells.rollback(mark)
        self._rig.board.regain(volatile)
        if self.probe is not None:
            done = all(candidate.name == "after" for candidate in candidates if candidate.saved == saved)
            controller = self._check_probe(controller, image, saved, done=done)
        self._check_usable(controller, image, saved)

    def _check_again(self, candidates: list[Candidate], image: Image) -> Image:
        """Stability and isolation: power off and on; all reads as before, and a RESTORE finds the save point.

        A write in between must not reach the save-point image, which is returned.
        """
        rig, board = self._rig, self._rig.board
        mark = len(board.cells.journal)
        saved: Image | None = None
        for policy in board.adversary.policies():
            controller = rig.power_on(policy)
            expect(rig.read_all(controller), image, Rule.STABILITY, "after one more boot")
            self._rig.write_probe(controller, self._probe_lba(), b"a probe after one more boot", fua=True)
            rig.must(controller, commands.RESTORE, "after recovery")
            now = rig.read_all(controller)
            if saved is None:
                judge_saved(candidates, now)
                saved = now
            else:
                expect(now, saved, Rule.STABILITY, "after a RESTORE")
            board.lose_power()
            board.cells.rollback(mark)
        assert saved is not None, "there is always a first policy"
        return saved

    def _check_read_only(self, controller: Controller, image: Image) -> None:
        """A device that has no spare block left refuses whatever would change it, and stays as it is."""
        rig, board = self._rig, self._rig.board
        check_read_only(rig, controller)
        board.lose_power()
        mark = len(board.cells.journal)
        for policy in board.adversary.policies():
            controller = rig.power_on(policy)
            expect(rig.read_all(controller), image, Rule.STABILITY, "after one more boot of a read-only device")
            check_read_only(rig, controller)
            board.lose_power()
            board.cells.rollback(mark)

    def _check_probe(self, controller: Controller, image: Image, saved: Image, *, done: bool) -> Controller:
        """Only one can be the first to use the device that has recovered; the other finds it after one more boot.

        Returns the device for those that come after the probe.
        """
        rig, board, probe = self._rig, self._rig.board, self.probe
        assert probe is not None, "there is one"
        mark, lba = len(board.cells.journal), self._wandering_lba()
        if probe.urgent:
            probe.check(controller, image, saved, lba, done=done)
            board.lose_power()
            board.cells.rollback(mark)
            return rig.power_on()
        volatile, read_in_boot = board.lose_power(), board.adversary.suspend()
        probe.check(rig.power_on(), image, saved, lba, done=done)
        board.lose_power()
        board.cells.rollback(mark)
        board.regain(volatile)
        board.adversary.resume(read_in_boot)
        return controller

    def _check_usable(self, controller: Controller, image: Image, saved: Image) -> None:
        """Usability: the device that has recovered writes, saves, survives a power cycle and reads back.

        Some mistakes show only where a save comes first, or a restore, and others only where a write does: commands
        take turns.
        """
        rig, board = self._rig, self._rig.board
        wanted = list(image)
        if self._probe % 3 == 2:
            rig.must(controller, commands.RESTORE, "after recovery")
            wanted = list(saved)
            expect(rig.read_all(controller), wanted, Rule.STABILITY, "after a RESTORE with no boot in between")
        elif self._probe % 3 == 1:
            rig.must(controller, commands.SAVE, "after recovery")
            board.lose_power()
            controller = rig.power_on()
            expect(rig.read_all(controller), wanted, Rule.USABILITY, "after a SAVE and a power cycle")
        lba = self._wandering_lba()
        wanted[lba] = self._rig.write_probe(controller, lba, b"a probe after recovery")
        rig.must(controller, commands.SAVE, "after recovery")
        board.lose_power()
        mark = len(board.cells.journal)
        for policy in board.adversary.policies():
            controller = rig.power_on(policy)
            why = "after a write, a SAVE and a power cycle"
            expect(rig.read_all(controller), wanted, Rule.USABILITY, why)
            rig.must(controller, commands.RESTORE, why)
            expect(rig.read_all(controller), wanted, Rule.USABILITY, f"{why}, and then a RESTORE")
            board.lose_power()
            board.cells.rollback(mark)

    def _probe_lba(self) -> int:
        """Where the command in flight writes, if it does: what it has left half-done is most likely to trip there."""
        command = self._oracle.in_flight
        return command.lba if command is not None and command.count else self._wandering_lba()

    def _wandering_lba(self) -> int:
        return (self._probe + 1) * 7 % self._rig.volume_sectors
