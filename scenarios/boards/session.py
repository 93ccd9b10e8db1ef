"""One variant of a scenario on a board, with power cuts.

A board cannot branch.  So the workload is run once without cuts (rehearsal.py); then, for each cut, the media are put
back to what they were at the last power-on before it, the actions since are done again, and power is lost there.  Only
what the link offers is used: host commands, power, and reading and writing the bus.
"""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable
from typing import Final

from deltabench.firmware_model.commands import Command
from deltabench.firmware_model.config import CacheMode
from deltabench.firmware_model.link.messages import Message
from deltabench.hwsim.disk import ZERO_SECTOR, TornSector
from deltabench.hwsim.instability import Adversary
from deltabench.scenarios.boards.after_recovery import check
from deltabench.scenarios.boards.link import LinkError, PowerLost
from deltabench.scenarios.boards.rehearsal import Rehearsal, Spot, Start
from deltabench.scenarios.boards.target import BoardController, BoardTarget, prepared
from deltabench.scenarios.boards.workout import Workout
from deltabench.scenarios.crash_id import Cut, Path
from deltabench.scenarios.explorer import Counts, Finding, most_telling
from deltabench.scenarios.oracle import Oracle, Violation
from deltabench.scenarios.scenario import Cuts, Variant
from deltabench.scenarios.session import AFTER_RELEASE_MS
from deltabench.scenarios.verdict import BoardCuts, Result
from deltabench.scenarios.workload import Button, Crash, Press, actions, described

BOTH_WAYS: Final = ("o", "n")
"""The readings of unstable cells as before a cut operation, and as after it."""


class BoardSession:
    """Runs the variant that ``target`` was made for, with at most ``most_cuts`` power cuts."""

    def __init__(self, variant: Variant, target: BoardTarget, most_cuts: int) -> None:
        self.variant = variant
        self._target = target
        self._power = variant.scenario.document.power
        self._actions = actions(variant.scenario, variant.firmware.volume_sectors)
        self._most_cuts = most_cuts
        self._draw = random.Random(variant.scenario.document.seed)
        self._judged = 0
        self._boots: list[int] = []
        """How many media operations boots took, those of recoveries included: among so many a nested cut is drawn."""
        self._read: list[str] = []
        """How unstable cells read in each boot since the last cut of the workload."""
        self._violations = 0
        self._findings: list[Finding] = []
        self._states: set[Path] = set()
        """The crash states that were judged, by place, outcome and readings."""
        self._acknowledged = -1
        self.problem = ""
        """Why it ended early, if the board is to blame."""
        self.spots = 0
        """Places of the workload at which power may be cut."""
        self.unreached = 0
        """Cuts at operations that the workload, done again, did not come to."""

    def run(self, progress: Callable[[int, int], None] = lambda _done, _total: None) -> Result:
        """Everything; ``progress`` is told how many cuts of how many are done.

        After Ctrl-C, and if the board no longer answers (``problem`` says so), what was found so far.
        """
        started, complete = time.process_time(), False
        rehearsal = Rehearsal(self.variant, self._target, self._actions, self._new_oracle())
        try:
            try:
                rehearsal.run()
            except Violation as violation:
                doing = described(rehearsal.doing) if rehearsal.doing else "the first boot"
                self._found((), doing, "nowhere", violation)
            else:
                self._cut_all(rehearsal, progress)
            complete = True
        except KeyboardInterrupt:
            complete = False
        except LinkError as error:
            self.problem = str(error)
        counts = Counts(self._judged, len(self._states), self._judged, self._violations)
        return Result(
            self.variant,
            sum(isinstance(action, Command | Crash) for action in self._actions),
            rehearsal.operations,
            counts,
            tuple(self._findings),
            time.process_time() - started,
            complete,
            board=BoardCuts(self.spots, self.unreached, self._target.in_fixture),
        )

    def _new_oracle(self) -> Oracle:
        devices = self.variant.scenario.document.board.devices.values()
        return Oracle(
            self.variant.firmware.volume_sectors,
            write_back=self.variant.firmware.cache is CacheMode.WRITE_BACK,
            may_break=any(device.torn_sector is TornSector.UNCORRECTABLE for device in devices),
            blank=ZERO_SECTOR,
        )

    def _cut_all(self, rehearsal: Rehearsal, progress: Callable[[int, int], None]) -> None:
        self._boots += rehearsal.boots
        spots = self._chosen(rehearsal.spots)
        oracle, done = self._new_oracle(), 0
        for number, spot in enumerate(spots, 1):
            while done < spot.action:
                self._follow(rehearsal, oracle, done)
                done += 1
            self._cut(rehearsal, oracle, spot)
            progress(number, len(spots))

    def _chosen(self, spots: list[Spot]) -> list[Spot]:
        """The spots to be cut, in the order of the workload; each of few more than once, with outcomes drawn anew."""
        power, most = self._power, self._most_cuts
        if power.cuts is Cuts.AT:
            spots = [spot for spot in spots if spot.number == power.operation]
        self.spots = len(spots)
        if power.cuts is Cuts.NONE:
            return []
        if power.cuts is Cuts.RANDOM:
            most = min(most, power.count)
        rounds, rest = divmod(most, len(spots)) if spots else (0, 0)
        chosen = [number for number in range(len(spots)) for _ in range(rounds)]
        chosen += self._draw.sample(range(len(spots)), rest)
        return [spots[number] for number in sorted(chosen)]

    def _follow(self, rehearsal: Rehearsal, oracle: Oracle, number: int) -> None:
        """The oracle goes on behind an action that is not done: the rehearsal has seen what comes of it."""
        action = self._actions[number]
        if number in rehearsal.settled:
            settled = rehearsal.settled[number]
            oracle.settle(list(settled.live), settled.saved)
        elif isinstance(action, Command):
            oracle.begin(action)
            oracle.acknowledge()
        elif isinstance(action, Button) or (isinstance(action, Press) and rehearsal.presses[number]):
            oracle.begin(action.command)
            oracle.acknowledge()

    def _cut(self, rehearsal: Rehearsal, oracle: Oracle, spot: Spot) -> None:
        """One crash state: reach it, recover, judge."""
        first = spot.action + (spot.what == "boot")
        start = next(start for start in reversed(rehearsal.starts) if start.action <= first)
        accepted = [request for number, request in rehearsal.accepted.items() if number < start.action]
        workout = Workout(self.variant, self._target, rehearsal.counter, accepted)
        workout.snapshots |= rehearsal.snapshots
        lost = self._reached(rehearsal, spot, start, workout)
        if lost is None:
            self.unreached += 1
            return
        action = self._actions[spot.action] if spot.action < len(self._actions) else None
        in_flight = action if isinstance(action, Command) else None
        if isinstance(action, Press | Button | Crash):
            in_flight = action.command
        doing = described(action) if action is not None else "nothing, at the end of the workload"
        if spot.what == "between" or (spot.what == "boot" and not isinstance(action, Crash)):
            in_flight = None
        elif spot.what == "boot" and rehearsal.settled[spot.action].acknowledged:
            if self._acknowledged != spot.action:
                oracle.begin(in_flight)
                oracle.acknowledge()
                self._acknowledged = spot.action
            in_flight, doing = None, f"power loss behind {in_flight}"
        oracle.begin(in_flight)
        if lost.answer is not None and spot.what == "action":
            # The host has been told that it is done; for the other cuts in this action it has not been.
            oracle = copy.deepcopy(oracle)
            oracle.acknowledge()
        held_ms = action.hold_ms + AFTER_RELEASE_MS if isinstance(action, Press) else 0
        self._read.clear()
        path: Path = (Cut(spot.number, lost.outcome, self._policy()),)
        self._judged += 1
        try:
            path, workout.controller = self._recovered(path, workout)
            self._states.add(path)
            check(self._target, workout, oracle.candidates(), oracle.in_flight, self._judged, held_ms, self._policy)
        except _Recovery as failed:
            self._states.add(failed.path)
            self._found(failed.path, doing, str(lost), failed.violation)
        except Violation as violation:
            self._found(path, doing, f"{lost}{self._later(len(path))}", violation)

    def _reached(self, rehearsal: Rehearsal, spot: Spot, start: Start, workout: Workout) -> PowerLost | None:
        """Do the workload again up to the spot, and lose power there; None if it does not come to it."""
        target = self._target
        target.power.off()
        target.readings(Adversary.FIRST_POLICY)
        target.power.on()
        target.put_back(start.kept)
        try:
            if spot.what != "boot":
                workout.boot()
                workout.again(self._actions[start.action : spot.action])
                if spot.what == "between":
                    return target.power_off(seed=self._draw.getrandbits(32))
            if not target.in_fixture:
                return self._interrupted(rehearsal, spot)
            target.cut(spot.inside, outcome=self._power.outcome, seed=self._draw.getrandbits(32))
            if spot.what == "boot":
                workout.boot()
            else:
                workout.do(self._actions[spot.action])
        except PowerLost as lost:
            return lost
        target.cut_never()
        return None

    def _interrupted(self, rehearsal: Rehearsal, spot: Spot) -> PowerLost:
        """On a real board: switch off at a time drawn from what the boot or the command took in the rehearsal."""
        if spot.what == "boot":
            return self._target.interrupted(Message.BOOT, b"", self._draw.uniform(0, rehearsal.boot_s))
        command = self._actions[spot.action]
        assert isinstance(command, Command), "all else needs a fixture"
        delay_s = self._draw.uniform(0, rehearsal.durations_s[spot.action])
        return self._target.interrupted(Message.COMMAND, prepared(self._target.link, command), delay_s)

    def _policy(self) -> str:
        """How unstable cells read in the boot to come.

        In half of all cases the other way than in the boot before, for that is where a firmware is caught that relies
        on what it has read once.
        """
        before = self._read[-1] if self._read else self._draw.choice(BOTH_WAYS)
        other = BOTH_WAYS[before == Adversary.FIRST_POLICY]
        self._read.append(self._draw.choice((other, self._draw.choice(Adversary.POLICIES))))
        return self._read[-1]

    def _later(self, in_path: int) -> str:
        """In words, how unstable cells read in the boots that a path of so many cuts says nothing of."""
        later = self._read[in_path:]
        if set(later) <= {Adversary.FIRST_POLICY}:
            return ""
        told = "; ".join(
            f"boot {number}: {Adversary.MEANING[policy]}" for number, policy in enumerate(later, in_path + 1)
        )
        return f"; {told}"

    def _recovered(self, path: Path, workout: Workout) -> tuple[Path, BoardController]:
        """Power on and boot, with more cuts in the recovery as the depth allows; raises _Recovery."""
        target = self._target
        for left in range(self._power.depth - 1, -1, -1):
            target.readings(path[-1].policy)
            workout.power_on()
            operation = self._draw.randrange(1 + self._draw.choice(self._boots))
            if left and target.in_fixture:
                target.cut(operation, seed=self._draw.getrandbits(32))
            try:
                controller = target.boot()
            except PowerLost as lost:
                path = (*path, Cut(operation, lost.outcome, self._policy()))
                continue
            except Violation as violation:
                raise _Recovery(path, violation) from violation
            if left:
                target.cut_never()
            self._boots.append(controller.operations)
            return path, controller
        raise AssertionError("the last boot is not cut")

    def _found(self, path: Path, doing: str, cut: str, violation: Violation) -> None:
        self._violations += 1
        self._findings.append(Finding(path, violation.rule, doing, cut, violation.detail))
        self._findings = most_telling(self._findings)


class _Recovery(Exception):
    """A violation in a boot, with the path of cuts that led to it."""

    def __init__(self, path: Path, violation: Violation) -> None:
        super().__init__(violation.detail)
        self.path = path
        self.violation = violation
