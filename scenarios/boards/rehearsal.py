"""The workload on a board once without cuts: what each action does, judged, and where there is what to cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from deltabench.firmware_model import commands
from deltabench.firmware_model.commands import Command, Opcode
from deltabench.firmware_model.link.remote_frames import Request
from deltabench.hwsim.instability import Adversary
from deltabench.scenarios import scenario as steps
from deltabench.scenarios.boards.contents import Kept
from deltabench.scenarios.boards.target import BoardTarget
from deltabench.scenarios.boards.workout import Workout
from deltabench.scenarios.oracle import Candidate, Image, Oracle, Rule, Violation, judge_live
from deltabench.scenarios.rig import check_refused
from deltabench.scenarios.scenario import Variant
from deltabench.scenarios.workload import Action, Button, Crash, Press, expected_presses


class Start(NamedTuple):
    """A power-on that actions from ``action`` on follow, with the media as they were ``kept`` before its boot."""

    action: int
    kept: Kept


class Spot(NamedTuple):
    """Where power can be cut: the place ``number`` of crash ids, after ``inside`` media operations of ``action``.

    ``what``: in the ``action`` itself, in the ``boot`` after it, or ``between`` two commands, before it.
    """

    action: int
    number: int
    inside: int
    what: str = "action"


class Settled(NamedTuple):
    """What a loss of power in the workload came to: whether the command before it had ended, and both images."""

    acknowledged: bool
    live: Image
    saved: Image


class Rehearsal:
    """One run, by ``run``; what was learnt in it stands in the attributes."""

    def __init__(self, variant: Variant, target: BoardTarget, actions: Sequence[Action], oracle: Oracle) -> None:
        self.starts: list[Start] = []
        self.spots: list[Spot] = []
        self.settled: dict[int, Settled] = {}
        self.presses: dict[int, int] = {}
        """How often the switch of a press gave its command, by the number of the action."""
        self.accepted: dict[int, Request] = {}
        """What the remote said and was answered, by the number of the action."""
        self.durations_s: dict[int, float] = {}
        """How long an action took, by its number; a boot that follows it is not in it."""
        self.boot_s = 0.0
        self.boots: list[int] = []
        """How many media operations the boots took."""
        self.doing: Action | None = None
        self._variant = variant
        self._target = target
        self._actions = actions
        self._oracle = oracle
        self._workout = Workout(variant, target)
        self._base = 0
        self._in_order = True
        """Whether the disks are those that the device expects: the oracle has no say in what it reads otherwise."""

    @property
    def operations(self) -> int:
        """The number of the media operation to come, counted as on the model: from the end of the first boot on."""
        return self._base + self._workout.controller.operations

    @property
    def snapshots(self) -> Mapping[str, Kept]:
        """What disks held when somebody took a copy of them."""
        return self._workout.snapshots

    @property
    def counter(self) -> int:
        """Of the last thing that the remote said."""
        return self._workout.remote.counter

    def run(self) -> None:
        """Raises Violation: a rule was broken without any cut."""
        target, workout = self._target, self._workout
        target.power.off()
        target.readings(Adversary.FIRST_POLICY)
        workout.power_on()
        self.starts.append(Start(0, target.keep()))
        began_s = target.clock.now_s()
        self._boot()
        self.boot_s = target.clock.now_s() - began_s
        self._base = -workout.controller.operations
        for number, action in enumerate(self._actions):
            self.doing = action
            before = self.operations
            if isinstance(action, steps.PowerCycle | Crash):
                self._lose_power(number, action, before)
                continue
            began_s = target.clock.now_s()
            self._do(number, action)
            self.durations_s[number] = target.clock.now_s() - began_s
            if self._in_order:
                self._note(number, before, self.operations - before)
        if self._in_order:
            self.spots.append(Spot(len(self._actions), self.operations, 0, "between"))

    def _do(self, number: int, action: Action) -> None:
        workout, oracle = self._workout, self._oracle
        match action:
            case Command(opcode=Opcode.READ_DMA_EXT, lba=lba, count=count):
                if self._target.read(workout.controller, lba, count) != oracle.live[lba : lba + count]:
                    raise Violation(
                        Rule.DURABILITY, f"{action} returns what was not written there last, without any cut"
                    )
            case Command():
                oracle.begin(action)
                self._target.must(workout.controller, action, "without any cut")
                oracle.acknowledge()
            case Press(switch=switch, hold_ms=hold_ms):
                workout.do(action)
                spec = self._variant.scenario.document.board.switches[switch]
                debounce_ms = self._variant.firmware.debounce_ms
                least, most = expected_presses(hold_ms, spec.bounce_us, spec.stuck, debounce_ms)
                if not least <= workout.presses <= most:
                    raise Violation(
                        Rule.USABILITY,
                        f"a press of {hold_ms} ms gives {workout.presses} commands, and should give {most}",
                    )
                self.presses[number] = workout.presses
                if workout.presses:
                    oracle.begin(action.command)
                    oracle.acknowledge()
            case Button(command=command):
                workout.do(action)
                if workout.presses != 1:
                    raise Violation(
                        Rule.USABILITY, f"{command} by the remote is answered, and done {workout.presses} times"
                    )
                self.accepted[number] = workout.accepted[-1]
                oracle.begin(command)
                oracle.acknowledge()
            case _:
                workout.do(action)
                if isinstance(action, steps.Idle) and workout.presses:
                    raise Violation(Rule.USABILITY, "the device did a save or restore that nobody asked for")
                self._in_order &= not isinstance(action, steps.Swap | steps.PutBack)

    def _boot(self) -> None:
        self._workout.boot()
        self.boots.append(self._workout.controller.operations)

    def _note(self, action: int, number: int, operations: int, what: str = "action") -> None:
        """Spots at so many media operations from place ``number`` on."""
        self.spots += [Spot(action, number + inside, inside, what) for inside in range(operations)]

    def _lose_power(self, number: int, action: steps.PowerCycle | Crash, before: int) -> None:
        target, workout, oracle = self._target, self._workout, self._oracle
        oracle.begin(action.command if isinstance(action, Crash) else None)
        ended = workout.lose_power(action)
        if isinstance(action, Crash):
            inside = self.operations - before if ended else action.operations + 1
            self._note(number, before, inside)
            place = before + inside + ended
            if ended:
                oracle.acknowledge()
        else:
            if not action.refused:
                self.spots.append(Spot(number, before, 0, "between"))
            place = before + 1
        workout.power_on()
        self.starts.append(Start(number + 1, target.keep()))
        self._boot()
        self._base = place
        if isinstance(action, steps.PowerCycle) and action.refused:
            self._in_order = False
            check_refused(target, workout.controller)
            return
        self._in_order = True
        self._note(number, place, workout.controller.operations, "boot")
        image = target.read_all(workout.controller)
        saved = self._saved(judge_live(oracle.candidates(), image, oracle.in_flight))
        self.settled[number] = Settled(ended, image, saved)
        oracle.settle(list(image), saved)

    def _saved(self, candidates: Sequence[Candidate]) -> Image:
        """The save point: what all candidates have, or what a RESTORE finds, which is undone again."""
        target, workout, saved = self._target, self._workout, candidates[0].saved
        if all(candidate.saved == saved for candidate in candidates):
            return saved
        place = self.operations
        controller = target.power_cycle()
        target.must(controller, commands.RESTORE, "after recovery")
        saved = target.read_all(controller)
        if saved not in [candidate.saved for candidate in candidates]:
            raise Violation(Rule.ALL_OR_NOTHING, "after a RESTORE the volume reads as neither before nor after the cut")
        target.power.off()
        target.power.on()
        # From where repetitions start too: a boot that recovers takes other operations than the one after it.
        target.put_back(self.starts[-1].kept)
        workout.boot()
        self._base = place - workout.controller.operations
        return saved
