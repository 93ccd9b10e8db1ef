"""One variant of a scenario, run from the factory to its last step, with power cuts wherever the scenario wants them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import cast

from deltabench.firmware_model import commands
from deltabench.firmware_model.commands import Command, Error, Opcode
from deltabench.firmware_model.config import CacheMode
from deltabench.firmware_model.controller import Controller, DeltaController
from deltabench.firmware_model.errors import ConfigurationError
from deltabench.firmware_model.schemes import SCHEMES
from deltabench.firmware_model.schemes.scheme import MapScheme
from deltabench.hwsim.board import Board
from deltabench.hwsim.disk import ZERO_SECTOR, Disk, TornSector
from deltabench.hwsim.errors import HardwareError
from deltabench.hwsim.medium import Operation
from deltabench.hwsim.power import Listener
from deltabench.scenarios import scenario as steps
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.explorer import Explorer
from deltabench.scenarios.guest import load_class
from deltabench.scenarios.oracle import Oracle, Rule, Violation, judge_live
from deltabench.scenarios.rig import Rig
from deltabench.scenarios.scenario import Cuts, Variant
from deltabench.scenarios.workload import Action, Press, actions

TICK_NS = 1_000_000
SETTLE_MS = 30
"""How long a press is followed after the switch was let go."""


def build_rig(variant: Variant) -> Rig:
    """The device of a variant, factory-fresh; raises ScenarioError if it cannot be built."""
    document, path = variant.scenario.document, variant.scenario.path
    try:
        board = Board(document.board, near=path.parent, seed=document.seed)
        make = controller_factory(variant, board)
        make().initialise()
    except (ConfigurationError, HardwareError) as error:
        raise ScenarioError(f"{path}: [board], [firmware] ({variant.name}): {error}") from error
    except ScenarioError:
        raise
    except Exception as error:
        if document.controller is None and variant.firmware.scheme in SCHEMES:
            raise
        # A guest may raise anything; without its initial structures there is nothing to explore.
        raise ScenarioError(
            f"{path}: the firmware of {variant.name} stopped while it was initialised: {type(error).__name__}: {error}"
        ) from error
    board.lose_power()
    firmware = variant.firmware
    limit = document.power.boot_limit or 64 + 4 * firmware.units
    return Rig(board, make, firmware.volume_sectors, limit)


def controller_factory(variant: Variant, board: Board) -> Callable[[], Controller]:
    """What a power-on starts: our controller with the variant's scheme, or a controller of the user's own."""
    document, firmware, near = variant.scenario.document, variant.firmware, variant.scenario.path.parent
    if document.controller is not None:
        guest = load_class(document.controller, near)
        missing = [name for name in ("initialise", "boot", "execute", "tick") if not hasattr(guest, name)]
        if missing:
            raise ScenarioError(
                f"{variant.scenario.path}: controller = {document.controller!r} is no Controller: "
                f"it has no {', '.join(missing)}"
            )
        return lambda: cast(Controller, guest(board, firmware))
    scheme = SCHEMES.get(firmware.scheme)
    if scheme is None:
        if ":" not in firmware.scheme:
            raise ScenarioError(
                f"{variant.scenario.path}: firmware.scheme = {firmware.scheme!r}: allowed: "
                f"{', '.join(SCHEMES)}, or module:Class"
            )
        guest = load_class(firmware.scheme, near)
        if not issubclass(guest, MapScheme):
            raise ScenarioError(
                f"{variant.scenario.path}: firmware.scheme = {firmware.scheme!r} is no subclass of MapScheme"
            )
        scheme = guest
    return lambda: DeltaController(board, firmware, scheme)


class Session:
    """Runs a variant.  Cuts fall only in the actions ``window`` (first, last + 1); the others just happen.

    ``selects`` says which operations and outcomes of the workload are cut (None: all); see ``selection``.
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
        self._check_hands()
        self._window = window or (0, len(self.actions))
        self.explorer = Explorer(self.rig, self.oracle, self.power.depth, selects)
        cutting = self.power.cuts is not Cuts.NONE
        self.listener: Listener | None = self.explorer.on_operation if cutting else None
        self.idle_listener: Callable[[int], None] | None = self.explorer.cut_between if cutting else None
        self.operations = 0
        self.commands = 0
        self._snapshots: dict[str, list[object]] = {}
        self.doing = "the first boot"
        self.controller: Controller | None = None
        self.violation: Violation | None = None

    def run(self, progress: Callable[[int], bool] = lambda _: True) -> bool:
        """Do everything; ``progress`` is told the actions done and says whether to go on.  True if all was done.

        A violation with no cut at all is a finding, too, and ends the run: what comes after it means nothing.
        """
        rail = self.rig.board.rail
        first, last = self._window
        number = 0
        try:
            self._begin("the first boot", number)
            self.controller = self.rig.power_on()
            rail.operations = 0
            for number, action in enumerate(self.actions):
                rail.listeners = (self.listener,) if self.listener and first <= number < last else ()
                self._do(number, action)
                self.operations = rail.operations
                self.rig.board.cells.journal.clear()
                if not progress(number + 1):
                    return False
            if last == len(self.actions) and self.idle_listener is not None:
                self.oracle.begin(None)
                self._begin("nothing, at the end of the workload", len(self.actions))
                self.idle_listener(rail.operations)
        except Violation as violation:
            self.violation = violation
            if first <= number < max(last, 1):
                self.explorer.without_cut(violation)
        self.operations = rail.operations
        return True

    def _do(self, number: int, action: Action) -> None:
        controller = self.controller
        assert controller is not None, "the device is on"
        match action:
            case Command():
                self.commands += 1
                self._begin(str(action), number)
                self._command(controller, action)
            case Press():
                self._begin(f"{action.command} by its switch", number)
                self._press(controller, action)
            case steps.Idle(ms=ms):
                self._begin(f"{ms} ms idle", number)
                self.oracle.begin(None)
                self._tick(controller, ms)
            case steps.PowerCycle(refused=refused):
                self._begin("a power cycle", number)
                self._power_cycle(refused)
            case steps.Swap(devices=(one, other)):
                contents = self._contents(one), self._contents(other)
                self._replace(one, contents[1])
                self._replace(other, contents[0])
            case steps.Snapshot(device=device):
                self._snapshots[device] = self._contents(device)
            case steps.PutBack(device=device):
                self._replace(device, self._snapshots[device])

    def _begin(self, doing: str, number: int) -> None:
        """What the device is doing from here on; a violation is found in it."""
        self.doing = doing
        self.explorer.begin(doing, number)

    def _command(self, controller: Controller, command: Command) -> None:
        self.oracle.begin(command)
        response = self.rig.must(controller, command, "without any cut")
        if command.opcode == Opcode.READ_DMA_EXT:
            wanted = self.oracle.live[command.lba : command.lba + command.count]
            if list(response.data) != wanted:
                raise Violation(Rule.DURABILITY, f"{command} returns what was not written there last, without any cut")
        self.oracle.acknowledge()

    def _press(self, controller: Controller, press: Press) -> None:
        """A press that is long enough does its command once; a shorter one, or a stuck switch, does nothing."""
        board = self.rig.board
        switch = board.switches[press.switch]
        due = switch.stuck is None and press.hold_ms >= self.variant.firmware.debounce_ms + -(-switch.bounce_us // 1000)
        self.oracle.begin(press.command)
        switch.press(board.clock.now_ns, press.hold_ms * TICK_NS)
        done = self._tick(controller, press.hold_ms + SETTLE_MS + -(-switch.bounce_us // 1000))
        if done != due:
            raise Violation(
                Rule.USABILITY, f"a press of {press.hold_ms} ms gives {done} commands, and should give {int(due)}"
            )
        if due:
            self.oracle.acknowledge()

    def _tick(self, controller: Controller, ms: int) -> int:
        """Let time pass; returns how often a switch made the device save or restore."""
        done = 0
        for _ in range(ms):
            self.rig.board.clock.advance_ns(TICK_NS)
            done += controller.tick()
        return done

    def _power_cycle(self, refused: bool) -> None:
        rail = self.rig.board.rail
        # The cut between two operations has a number of its own, so that each crash has an id of its own.
        number, listeners = rail.operations, rail.listeners
        self.oracle.begin(None)
        if listeners and self.idle_listener and not refused:
            self.idle_listener(number)
        self.rig.board.lose_power()
        candidates = self.oracle.candidates()
        controller = self.controller = self.rig.power_on(listeners=listeners, first_operation=number + 1)
        if refused:
            response = self.rig.execute(controller, commands.read(0, 1))
            if response.ok or response.error != Error.ABRT:
                raise Violation(Rule.HONESTY, f"a device that must be refused is read: {response}")
            return
        image = self.rig.read_all(controller)
        judge_live(candidates, image, None)
        self.oracle.settle(image)

    def _check_hands(self) -> None:
        """Whether all that somebody does to the disks can be done; raises ScenarioError that names the disk."""
        path = self.variant.scenario.path
        taken = set()
        for action in self.actions:
            match action:
                case steps.Swap(devices=(one, other)):
                    if self._disk(one).size != self._disk(other).size:
                        raise ScenarioError(
                            f"{path}: {one!r} has {self._disk(one).size} sectors and {other!r} {self._disk(other).size}; "
                            f"only disks of one size can be swapped"
                        )
                case steps.Snapshot(device=device):
                    taken.add(self._disk(device).name)
                case steps.PutBack(device=device) if device not in taken:
                    raise ScenarioError(f"{path}: put-back of {device!r}: there is no snapshot of it before that step")

    def _contents(self, device: str) -> list[object]:
        disk = self._disk(device)
        return list(self.rig.board.cells.values[disk.first : disk.first + disk.size])

    def _replace(self, device: str, contents: list[object]) -> None:
        disk, cells = self._disk(device), self.rig.board.cells
        for index, value in enumerate(contents, disk.first):
            if cells.values[index] != value:
                cells.put(index, cast(bytes, value))

    def _disk(self, device: str) -> Disk:
        disk = self.rig.board.media[device]
        if not isinstance(disk, Disk):
            raise ScenarioError(
                f"{self.variant.scenario.path}: {device!r} is no disk; only a disk can be swapped or put back"
            )
        return disk


def selection(variant: Variant) -> Callable[[int, int], bool] | None:
    """Which operations and outcomes of the workload the scenario's [power] table cuts; None for all."""
    power = variant.scenario.document.power
    path = variant.scenario.path
    if power.cuts in (Cuts.EXHAUSTIVE, Cuts.NONE):
        return None
    outcomes = outcome_counts(variant)
    if power.cuts is Cuts.AT:
        if power.operation not in outcomes:
            raise ScenarioError(
                f"{path}: power.operation = {power.operation}: with cuts = 'at' it must name a place where the "
                f"workload of {variant.name} can be cut; they are numbered 0 to {max(outcomes)}"
            )
        if power.outcome is not None and power.outcome >= outcomes[power.operation]:
            raise ScenarioError(
                f"{path}: power.outcome = {power.outcome}: operation {power.operation} has the outcomes 0 to "
                f"{outcomes[power.operation] - 1} ({variant.name})"
            )
        return lambda operation, outcome: operation == power.operation and power.outcome in (None, outcome)
    draw = random.Random(variant.scenario.document.seed)
    chosen = set()
    places = list(outcomes)
    for _ in range(power.count):
        operation = draw.choice(places)
        chosen.add((operation, draw.randrange(outcomes[operation])))
    return lambda operation, outcome: (operation, outcome) in chosen


def outcome_counts(variant: Variant) -> dict[int, int]:
    """How many outcomes a cut has at each place of the workload, by number, found by running it without cuts.

    A place is a media operation, a power cycle (between two operations) or the end.
    """
    counts: dict[int, int] = {}
    session = Session(variant)
    board = session.rig.board

    def count(operation: Operation) -> None:
        counts[board.rail.operations] = len(board.cut_outcomes(operation))

    def count_idle(number: int) -> None:
        counts[number] = len(board.idle_outcomes())

    session.listener, session.idle_listener = count, count_idle
    session.run()
    return counts
