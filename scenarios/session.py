"""One variant of a scenario, run from the factory to its last step, with power cuts where the scenario wants them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

from deltabench.firmware_model.commands import Command, Opcode
from deltabench.firmware_model.config import CacheMode
from deltabench.firmware_model.controller import Controller
from deltabench.hwsim.clock import NS_PER_MS
from deltabench.hwsim.disk import ZERO_SECTOR, Disk, TornSector
from deltabench.hwsim.medium import Operation, Outcome
from deltabench.hwsim.power import Listener
from deltabench.scenarios import scenario as steps
from deltabench.scenarios.build import build_rig
from deltabench.scenarios.closure import Closure
from deltabench.scenarios.equivalence import equivalence_of
from deltabench.scenarios.explorer import Budget, Explorer
from deltabench.scenarios.flash_faults import FlashFaults
from deltabench.scenarios.handheld import Handheld
from deltabench.scenarios.hands import Hands
from deltabench.scenarios.oracle import Candidate, Oracle, Rule, Violation, expect, judge_live, judge_saved
from deltabench.scenarios.radio import Radio
from deltabench.scenarios.remote_probe import RemoteProbe
from deltabench.scenarios.rig import check_read_only, check_refused
from deltabench.scenarios.scenario import Cuts, Variant
from deltabench.scenarios.workload import Action, Button, Crash, LastWrite, Press, actions, described, expected_presses

AFTER_RELEASE_MS = 30
"""How long a recovered device is watched after a switch that was held is let go."""


class _PowerLost(BaseException):
    """Leaves a firmware whose power is gone for good: its run is not taken up again."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


class Session:
    """Runs a variant.  Cuts fall only in the actions ``window`` (first, last + 1); the others just happen.

    ``selects`` says which operations and outcomes of the workload are cut (None: all); see selection.py.
    """

    def __init__(
        self,
        variant: Variant,
        window: tuple[int, int] | None = None,
        selects: Callable[[int, int], bool] | None = None,
    ) -> None:
        self.variant = variant
        self.power = variant.scenario.document.power
        self.rig = build_rig(variant)
        board = self.rig.board
        disks = [medium for medium in board.media.values() if isinstance(medium, Disk)]
        self.oracle = Oracle(
            variant.firmware.volume_sectors,
            write_back=variant.firmware.cache is CacheMode.WRITE_BACK,
            may_break=any(disk.torn_sector is TornSector.UNCORRECTABLE for disk in disks),
            blank=ZERO_SECTOR,
        )
        self.actions = actions(variant.scenario, variant.firmware.volume_sectors)
        self._hands = Hands(board, variant.scenario.path)
        self._hands.check(self.actions)
        self._faults = FlashFaults(board, variant.scenario.path)
        self._faults.check(self.actions)
        self._window = window or (0, len(self.actions))
        self._selects = selects
        self._radio: Radio | None = None
        if variant.firmware.remote is not None:
            self._radio = Radio(self.rig, board.uarts[variant.firmware.remote], Handheld(board.otp_key))
        self._cutting = self.power.cuts is not Cuts.NONE
        self.listener: Listener | None = None
        self.idle_listener: Callable[[int], None] | None = None
        self._has_enough = False
        self.explorer = self.start_afresh()
        self.between: Callable[[int], None] | None = None
        """Called before each action, when nothing is asked of the device, with the number of the operation to come."""
        self.operations = 0
        self.commands = 0
        self._refused = False
        self._handled = False
        self._doing: object = "the first boot"
        self._number = 0
        self.controller: Controller | None = None
        self.violation: Violation | None = None

    def start_afresh(self, actions: int | None = None) -> Explorer:
        """From here on an explorer that has seen nothing does the cuts; between two actions that changes no count.

        If it is for so many ``actions``, it has their part of the budget.
        """
        unbounded = self.power.cuts is Cuts.UNBOUNDED
        if unbounded or self.power.classes:
            classes, depth = equivalence_of(self.rig, self.variant), None if unbounded else self.power.depth
            explorer: Explorer = Closure(self.rig, self.oracle, classes, self._selects, depth)
        else:
            explorer = Explorer(self.rig, self.oracle, self.power.depth, self._selects)
        explorer.stops_at_first = self.power.stop_at_first
        # What has found enough goes on having it.
        explorer.has_enough = self._has_enough
        explorer.may_refuse = any(isinstance(action, LastWrite | steps.ReadOnly) for action in self.actions)
        self.explorer = explorer
        states, seconds, whole = self.power.most_states, self.power.most_seconds, max(len(self.actions), 1)
        if states is not None or seconds is not None:
            part = whole if actions is None else actions
            explorer.budget = Budget(
                None if states is None else -(-states * part // whole),
                None if seconds is None else time.thread_time() + seconds * part / whole,
                time.thread_time,
            )
        if self._radio is not None:
            explorer.probe = RemoteProbe(self.rig, self._radio)
        if self._cutting:
            self.listener, self.idle_listener = explorer.on_operation, explorer.cut_between
        return explorer

    def run(self, progress: Callable[[int], bool] = lambda _: True) -> bool:
        """Do everything; ``progress`` is told the actions done and says whether to go on.  True if all was done.

        A violation with no cut at all is a finding, too, and ends the run: what comes after it means nothing.  So does
        the first of all, if that is all that the scenario wants.
        """
        rail = self.rig.board.rail
        first, last = self._window
        number = 0
        try:
            self._begin("the first boot", number)
            self.controller = self.rig.power_on()
            rail.operations = 0
            for number, action in enumerate(self.actions):
                inside = first <= number < last
                rail.listeners = (self.listener,) if self.listener and inside else ()
                if self.between is not None and inside and self._in_order:
                    self.oracle.begin(None)
                    self._begin("nothing, between two commands", number)
                    self.between(rail.operations)
                self._do(number, action)
                self.operations = rail.operations
                self.rig.board.cells.journal.clear()
                self._has_enough = self.explorer.has_enough
                if not progress(number + 1):
                    return False
                if self._has_enough:
                    return True
            if last == len(self.actions) and self.idle_listener is not None and self._in_order:
                self.oracle.begin(None)
                self._begin("nothing, at the end of the workload", len(self.actions))
                self.idle_listener(rail.operations)
        except Violation as violation:
            self.violation = violation
            if first <= number < max(last, 1):
                self.explorer.begin(self._doing, self._number)
                self.explorer.without_cut(violation)
        self.operations = rail.operations
        return True

    def _do(self, number: int, action: Action) -> None:
        controller = self.controller
        assert controller is not None, "the device is on"
        match action:
            case Command():
                self.commands += 1
                self._begin(action, number)
                self._command(controller, action)
            case Press():
                self._begin(described(action), number, action.hold_ms + AFTER_RELEASE_MS)
                self._press(controller, action)
            case Button(command=command):
                self._begin(described(action), number)
                self._button(controller, command)
            case steps.Radio(frame=frame):
                self._begin(described(action), number)
                self._suffer(controller, frame)
            case steps.Idle(ms=ms):
                self._begin(described(action), number)
                self.oracle.begin(None)
                if self._tick(controller, ms):
                    raise Violation(Rule.USABILITY, "the device did a save or restore that nobody asked for")
            case steps.PowerCycle(refused=refused):
                self._begin(described(action), number)
                self._power_cycle(refused)
            case Crash(command=command):
                self.commands += 1
                self._begin(command, number)
                self._crash(controller, action)
            case steps.Swap() | steps.PutBack():
                self._handled = True
                self._hands.do(action)
            case steps.Snapshot():
                self._hands.do(action)
            case LastWrite(command=command):
                self.commands += 1
                self._begin(command, number)
                self._last_write(controller, command)
            case steps.ReadOnly():
                self._begin(described(action), number)
                self.oracle.begin(None)
                if not self.rig.is_read_only(controller):
                    raise Violation(Rule.HONESTY, "the device is to be read-only, and STATUS does not say so")
                check_read_only(self.rig, controller)
                expect(self.rig.read_all(controller), self.oracle.live, Rule.DURABILITY, "from a read-only device")
            case steps.BitErrors(lba=lba):
                if self._faults.flip(action, controller):
                    self.oracle.lose(lba)
            case steps.Age():
                self._begin(described(action), number)
                self._faults.age(action)
                self._power_cycle(refused=False)

    @property
    def _in_order(self) -> bool:
        """Whether the disks are those that the device expects: the oracle has no say in what it reads otherwise."""
        return not self._refused and not self._handled

    @property
    def doing(self) -> str:
        """What the device is doing."""
        return str(self._doing)

    @property
    def number(self) -> int:
        """The number of the action that is being done."""
        return self._number

    def _begin(self, doing: object, number: int, held_ms: int = 0) -> None:
        """What the device is doing from here on, with a switch held for so long; a violation is found in it."""
        self._doing = doing
        self._number = number
        if self._cutting:
            self.explorer.begin(doing, number, held_ms)

    def _command(self, controller: Controller, command: Command) -> None:
        self.oracle.begin(command)
        if command.opcode != Opcode.READ_DMA_EXT:
            self.rig.must(controller, command, "without any cut")
        else:
            wanted = self.oracle.live[command.lba : command.lba + command.count]
            if self.rig.read(controller, command.lba, command.count) != wanted:
                raise Violation(Rule.DURABILITY, f"{command} returns what was not written there last, without any cut")
        self.oracle.acknowledge()

    def _crash(self, controller: Controller, crash: Crash) -> None:
        """Power is lost inside a command, and what comes after it happens to the device that has recovered.

        The live image is settled by reading it, the save point by a RESTORE that is undone again.
        """
        board, rail = self.rig.board, self.rig.board.rail
        draw, listeners, last = random.Random(crash.seed), rail.listeners, rail.operations + crash.operations

        def lose_power(operation: Operation) -> None:
            if rail.operations == last:
                raise _PowerLost(draw.choice(board.cut_outcomes(operation)))

        rail.listeners = (*listeners, lose_power)
        self.oracle.begin(crash.command)
        try:
            self.rig.must(controller, crash.command, "without any cut")
            self.oracle.acknowledge()
            self._begin(f"power loss behind {crash.command}", self._number)
            left = draw.choice(board.idle_outcomes())
        except _PowerLost as lost:
            left = lost.outcome
        board.lose_power()
        for cell, value in left.changes:
            board.cells.put(cell, value)
        self._recover(self.oracle.candidates(), listeners)

    def _recover(self, candidates: list[Candidate], listeners: Sequence[Listener]) -> None:
        """Power on, and go on with what the device has come to, if that is allowed."""
        rig, rail = self.rig, self.rig.board.rail
        # The cut has a number of its own, so that each crash in this boot has an id of its own.
        controller = rig.power_on(listeners=listeners, first_operation=rail.operations + 1)
        with rig.aside():
            image = rig.read_all(controller)
            candidates = judge_live(candidates, image, self.oracle.in_flight)
            if self.explorer.may_refuse and rig.is_read_only(controller):
                saved = candidates[0].saved
            else:
                saved = rig.save_point()
                judge_saved(candidates, saved)
        self.controller = rig.controller = controller
        self.oracle.settle(image, saved)

    def _last_write(self, controller: Controller, command: Command) -> None:
        """A device without spare blocks may refuse a write, and then everything that would change it, for good."""
        if self.rig.is_read_only(controller):
            self.oracle.begin(None)
            check_read_only(self.rig, controller)
            return
        self.oracle.begin(command)
        self.rig.must(controller, command, "before the device says that it is read-only")
        self.oracle.acknowledge()

    def _press(self, controller: Controller, press: Press) -> None:
        """The switch is at rest before the press for as long as the firmware needs to see it open, and after it."""
        board, debounce_ms = self.rig.board, self.variant.firmware.debounce_ms
        switch = board.switches[press.switch]
        bounce_ms = -(-switch.bounce_us // 1000)
        least, most = expected_presses(press.hold_ms, switch.bounce_us, switch.stuck, debounce_ms)
        self.oracle.begin(None)
        done = self._tick(controller, debounce_ms)
        self.oracle.begin(press.command if most else None)
        switch.press(board.clock.now_ns, press.hold_ms * NS_PER_MS)
        done += self._tick(controller, press.hold_ms + bounce_ms + debounce_ms)
        if not least <= done <= most:
            raise Violation(
                Rule.USABILITY, f"a press of {press.hold_ms} ms gives {done} commands, and should give {most}"
            )
        if done:
            self.oracle.acknowledge()

    def _button(self, controller: Controller, command: Command) -> None:
        radio, rail = self._radio, self.rig.board.rail
        assert radio is not None, "a button without a remote was refused"

        def acknowledge_early(_: Operation) -> None:
            if radio.is_answered:
                # What a device has once said is done must not be undone by a cut, even if it is still busy with it.
                self.oracle.acknowledge()
                self._begin(self._doing, self._number)

        if rail.listeners:
            rail.listeners = (acknowledge_early, *rail.listeners)
        self.oracle.begin(command)
        radio.order(controller, command)
        self.oracle.acknowledge()

    def _suffer(self, controller: Controller, frame: steps.Hostile) -> None:
        """Whatever comes in, both images are what they were."""
        assert self._radio is not None, "a frame without a remote was refused"
        self.oracle.begin(None)
        draw = random.Random(f"{self.variant.scenario.document.seed} {self._number}")
        self._radio.suffer(controller, frame, draw)
        with self.rig.aside():
            when = f"after {self.doing}"
            expect(self.rig.read_all(controller), self.oracle.live, Rule.STABILITY, when)
            expect(self.rig.save_point(), self.oracle.saved, Rule.ISOLATION, f"{when} and a RESTORE")

    def _tick(self, controller: Controller, ms: int) -> int:
        """Let time pass; returns how often a switch made the device save or restore."""
        done = 0
        for _ in range(ms):
            self.rig.board.clock.advance_ns(NS_PER_MS)
            done += self.rig.tick(controller)
        return done

    def _power_cycle(self, refused: bool) -> None:
        rail = self.rig.board.rail
        number, listeners = rail.operations, rail.listeners
        self.oracle.begin(None)
        self._refused = refused
        self._handled &= refused
        if refused:
            # The oracle has no say in what a device reads that must not be read.
            listeners = ()
        if listeners and self.idle_listener:
            self.idle_listener(number)
        self.rig.board.lose_power()
        if not refused:
            self._recover(self.oracle.candidates(), listeners)
            return
        controller = self.controller = self.rig.power_on(first_operation=number + 1)
        with self.rig.aside():
            check_refused(self.rig, controller)
