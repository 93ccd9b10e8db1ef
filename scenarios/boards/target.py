"""A board on a line as the device under test: the bench's view of it, behind the same protocol as the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple, TypeVar

import msgspec

from deltabench.firmware_model.commands import STATUS, WRITES, Command, Response
from deltabench.firmware_model.configuration import device_entry, encode
from deltabench.firmware_model.controller import Controller, DeltaController
from deltabench.firmware_model.link.messages import (
    BOOT_ANSWER,
    BUFFER_REQUEST,
    COMMAND_ANSWER,
    COMMAND_REQUEST,
    CUT_REQUEST,
    ELAPSE_ANSWER,
    ELAPSE_REQUEST,
    FIT_REQUEST,
    HELLO_ANSWER,
    LOST_EVENT,
    MOST_PAYLOAD,
    NEVER,
    POWER_REQUEST,
    PRESS_REQUEST,
    PROTOCOL_VERSION,
    PUT_REQUEST,
    Message,
    Result,
)
from deltabench.firmware_model.schemes import SCHEMES
from deltabench.hwsim.board import Board
from deltabench.hwsim.devboard.spec import CONFIGURATION, DevBoardFile
from deltabench.hwsim.disk import SECTOR_BYTES, Disk
from deltabench.hwsim.instability import Adversary
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nand_image import raw_page_bytes
from deltabench.hwsim.nor import NorFlash
from deltabench.scenarios import scenario as steps
from deltabench.scenarios.boards.clock import SystemClock, WaitingClock
from deltabench.scenarios.boards.contents import Kept, Place, keep, load, put_back
from deltabench.scenarios.boards.link import Link, LinkError, PowerLost, RefusedError
from deltabench.scenarios.boards.power_switch import PowerSwitch
from deltabench.scenarios.build import build_rig, parts_named_from_anywhere
from deltabench.scenarios.oracle import Rule, Violation
from deltabench.scenarios.rig import COMMAND_LIMIT, HostSide
from deltabench.scenarios.scenario import Cuts, Variant
from deltabench.scenarios.workload import Button, Crash, Press, actions

T = TypeVar("T")
LIMIT: Final = "exceeds the limit"
"""In what the fixture says of a firmware that does more media operations than any should."""
NVRAM_BLOCK_BYTES: Final = 256
MOST_ELAPSED_MS: Final = 600_000
"""A fixture lets no more time go by at once."""
FLASH_STEPS: Final = (steps.BitErrors, steps.Age, steps.ReadOnly, steps.WearOut)
MOST_INLINE: Final = (MOST_PAYLOAD - COMMAND_ANSWER.size) // SECTOR_BYTES


class BoardController:
    """The controller at the other end of a link, as the bench drives any: the Controller protocol."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.operations = 0
        """Media operations since the boot began."""

    def initialise(self) -> None:
        self._link.ask(Message.FORMAT)

    def boot(self) -> None:
        (self.operations,) = BOOT_ANSWER.unpack(self._link.ask(Message.BOOT))

    def execute(self, command: Command) -> Response:
        """Raises RefusedError for a command that the board's transfer buffer has no room for."""
        answer = self._link.ask(Message.COMMAND, prepared(self._link, command))
        status, error, lba, count, self.operations = COMMAND_ANSWER.unpack_from(answer)
        content = answer[COMMAND_ANSWER.size :]
        if len(content) != count * SECTOR_BYTES:
            content = self._fetched(count * SECTOR_BYTES)
        sectors = [content[at : at + SECTOR_BYTES] for at in range(0, len(content), SECTOR_BYTES)]
        return Response(status, error, lba, sectors)

    def tick(self) -> bool:
        return self.elapse(1) > 0

    def elapse(self, milliseconds: int) -> int:
        """Let simulated time go by; returns how many saves and restores the switches gave.

        Raises Violation if the firmware stops in a tick.
        """
        return sum(
            _run("a tick", partial(self._elapsed, some), Rule.USABILITY)
            for some in _portions(milliseconds, MOST_ELAPSED_MS)
        )

    def _elapsed(self, milliseconds: int) -> int:
        (done,) = ELAPSE_ANSWER.unpack(self._link.ask(Message.ELAPSE, ELAPSE_REQUEST.pack(milliseconds)))
        return int(done)

    def _fetched(self, length: int) -> bytes:
        return b"".join(
            self._link.ask(Message.GET, BUFFER_REQUEST.pack(at, min(MOST_PAYLOAD, length - at)))
            for at in range(0, length, MOST_PAYLOAD)
        )


def prepared(link: Link, command: Command) -> bytes:
    """The payload of COMMAND; what a write is to write goes ahead into the transfer buffer if it is too long for it."""
    data = b"".join(command.data) if command.opcode in WRITES else b""
    if len(data) > MOST_INLINE * SECTOR_BYTES:
        step = MOST_PAYLOAD - PUT_REQUEST.size
        for at in range(0, len(data), step):
            link.ask(Message.PUT, PUT_REQUEST.pack(at) + data[at : at + step])
        data = b""
    return COMMAND_REQUEST.pack(command.opcode, command.lba, command.count) + data


class Met(NamedTuple):
    """A board that answers: its transfer buffer, and whether it is ``in_fixture``.

    In one, cuts fall where they are asked for, and parts, switches and time are at the bench's command.
    """

    buffer_bytes: int
    in_fixture: bool


def meet(link: Link, power: PowerSwitch) -> Met:
    """Switch a board on, if somebody has left it off, and ask who is there; raises LinkError."""
    if link.is_at_bootloader():
        raise LinkError(
            "the board is in its system bootloader, and no firmware runs: flash an image and start it "
            "(deltabench flash IMAGE --port PORT --go)"
        )
    power.on()
    version, _, _, most, buffer_bytes, _ = HELLO_ANSWER.unpack(link.ask(Message.HELLO))
    if version != PROTOCOL_VERSION or most < MOST_PAYLOAD:
        raise LinkError(
            f"the board speaks version {version} of the link with messages of {most} bytes; "
            f"version {PROTOCOL_VERSION} with {MOST_PAYLOAD} is needed"
        )
    try:
        link.ask(Message.READINGS, Adversary.FIRST_POLICY.encode())
    except RefusedError as error:
        if error.result is not Result.UNKNOWN_MESSAGE:
            raise
        return Met(buffer_bytes, in_fixture=False)
    return Met(buffer_bytes, in_fixture=True)


def refuse_what_no_board_runs(variants: Sequence[Variant], met: Met | None = None) -> None:
    """Raises LinkError that names all the variants that cannot be run on the board, or, without one, on any."""
    refused = []
    for variant in variants:
        name = f"{variant.scenario.path}: {variant.name} has"
        if only_there := needs_model(variant):
            refused.append(f"{name} {only_there}")
        elif met is not None and not met.in_fixture and (needed := needs_fixture(variant)):
            refused.append(
                f"{name} {needed}, for which the board must be in a fixture; "
                "run it on an emulated board (deltabench board)"
            )
    if refused:
        raise LinkError("\n".join(refused))


class BoardTarget(HostSide):
    """A board with the parts of one variant in its sockets, and its firmware configured for it.

    Raises ScenarioError if the variant cannot be built, ConfigurationError if it cannot be told to a board, and
    LinkError if the board is not what it should be.
    """

    def __init__(
        self, variant: Variant, link: Link, power: PowerSwitch, file: DevBoardFile, clock: WaitingClock | None = None
    ) -> None:
        self.link = link
        self.power = power
        self.clock = clock or SystemClock()
        refuse_what_no_board_runs([variant])
        model = build_rig(variant)
        self.volume_sectors = model.volume_sectors
        self.boot_limit = model.boot_limit
        spec = parts_named_from_anywhere(variant.scenario.document.board, variant.scenario.path.parent)
        places = file.places(spec)
        self._addresses = {name: place.address for name, place in places.items()}
        controller = model.make()
        assert isinstance(controller, DeltaController), "checked above"
        self._model = model.board
        layout = controller.layout
        entries = tuple(device_entry(model.board.media[name], place.address) for name, place in places.items())
        block = encode(variant.firmware, layout, entries)
        met = meet(link, power)
        self.most_sectors = met.buffer_bytes // SECTOR_BYTES
        self.in_fixture = met.in_fixture
        refuse_what_no_board_runs([variant], met)
        if met.in_fixture:
            seed = variant.scenario.document.seed
            link.ask(Message.FIT, FIT_REQUEST.pack(seed & 0xFFFFFFFF) + msgspec.json.encode(spec))
        # A real board has the parts that it has; its firmware refuses a configuration that does not fit them.
        self.power.off()
        self.power.on()
        load(self.link, {file.regions[CONFIGURATION].address: block})
        BoardController(link).initialise()
        self.contents = tuple(
            dict.fromkeys(
                place
                for region in layout.regions
                for place in _places(
                    model.board, region.device, self._addresses[region.device], region.first, region.length
                )
            )
        )

    def keep(self) -> Kept:
        """What lies in all the regions of the firmware."""
        return keep(self.link, self.contents)

    def put_back(self, kept: Kept) -> None:
        put_back(self.link, kept)

    def disk_contents(self, name: str) -> Place:
        """All of a disk."""
        (place,) = _places(self._model, name, self._addresses[name], 0, self._model.media[name].size)
        return place

    def interrupted(self, message: Message, payload: bytes, delay_s: float) -> PowerLost:
        """Ask for something, and switch the power off while it is done: what comes of it is up to the board."""
        self.link.send(message, payload)
        self.clock.sleep(delay_s)
        self.power.off()
        told = f"power switched off after {1000 * delay_s:.1f} ms; it leaves what it leaves"
        return PowerLost(0, 1, 0, told, self.link.heard(message))

    def power_off(self, *, seed: int | None = None) -> PowerLost:
        """Switch off between two operations; ``seed`` draws what the drives' caches still write (else: nothing)."""
        if seed is None or not self.in_fixture:
            self.power.off()
            return PowerLost(0, 1, 0, "nothing")
        answer = self.link.ask(Message.POWER, POWER_REQUEST.pack(0, 1, seed))
        outcome, many, operation = LOST_EVENT.unpack_from(answer)
        return PowerLost(outcome, many, operation, answer[LOST_EVENT.size :].decode("utf-8", "replace"))

    def readings(self, policy: str) -> None:
        """How unstable cells read from the next power-on on; on a real board they read as they will."""
        if self.in_fixture:
            self.link.ask(Message.READINGS, policy.encode())

    def cut(self, operation: int, *, outcome: int | None = None, seed: int = 0) -> None:
        """Lose power in the operation that comes after ``operation`` others."""
        chosen = CUT_REQUEST.pack(operation, 1, seed) if outcome is None else CUT_REQUEST.pack(operation, 0, outcome)
        self.link.ask(Message.CUT, chosen)

    def cut_never(self) -> None:
        """A cut that was asked for, and that nothing has reached, is no longer wanted."""
        if self.in_fixture:
            self.link.ask(Message.CUT, CUT_REQUEST.pack(NEVER, 0, 0))

    def press(self, switch: str, hold_ms: int) -> None:
        self.link.ask(Message.PRESS, PRESS_REQUEST.pack(hold_ms, 0) + switch.encode())

    def radio(self, line: str, data: bytes) -> bytes:
        """Say something on another serial line of the board; returns what the device has said there."""
        said = line.encode() + b"\0" + data
        return _run("a tick", lambda: self.link.ask(Message.RADIO, said), Rule.USABILITY)

    def boot(self) -> BoardController:
        """Boot the controller of a board that has just been powered on; raises Violation, or PowerLost."""
        controller = BoardController(self.link)
        _run("the boot", controller.boot, Rule.BOUNDED_RECOVERY)
        if controller.operations > self.boot_limit:
            raise Violation(
                Rule.BOUNDED_RECOVERY,
                f"the boot takes {controller.operations} media operations, and may take {self.boot_limit}",
            )
        return controller

    def power_cycle(self, policy: str = Adversary.FIRST_POLICY) -> BoardController:
        """Off, on, and boot; unstable cells read by ``policy``."""
        self.power.off()
        self.readings(policy)
        self.power.on()
        return self.boot()

    def execute(self, controller: Controller, command: Command) -> Response:
        return self._limited(controller, str(command), command, self.boot_limit + command.count)

    def count_operations(self, controller: Controller, done: int) -> None:
        """Learn how many media operations the ticks since the last command took, in which so much was ``done``.

        They have no answer that says it; STATUS has, and makes none.
        """
        self._limited(controller, "what was done in ticks", STATUS, max(done, 1) * self.boot_limit)

    @staticmethod
    def _limited(controller: Controller, what: str, command: Command, most: int) -> Response:
        """As on the model, a firmware hangs that takes too many media operations, even if it comes to an end."""
        assert isinstance(controller, BoardController), "a board has no other"
        before = controller.operations
        response = _run(what, lambda: controller.execute(command), Rule.USABILITY)
        took = controller.operations - before
        if took > COMMAND_LIMIT * most:
            raise Violation(
                Rule.USABILITY, f"{what} takes {took} media operations, and may take {COMMAND_LIMIT * most}"
            )
        return response


def _run(what: str, work: Callable[[], T], endless: Rule) -> T:
    """Let the firmware on the board work; if it stops in it, that is a finding."""
    try:
        return work()
    except RefusedError as error:
        if error.result is not Result.STOPPED:
            raise
        if LIMIT in error.text:
            raise Violation(endless, f"{what} does not end: {error.text}") from error
        raise Violation(Rule.USABILITY, f"the firmware stopped in {error.text}") from error


def _portions(whole: int, most: int) -> list[int]:
    """``whole`` in pieces of at most ``most``."""
    return [min(most, whole - at) for at in range(0, whole, most)]


def needs_model(variant: Variant) -> str:
    """What a variant has that no board can show, in words."""
    if variant.scenario.document.controller is not None or variant.firmware.scheme not in SCHEMES:
        return "a controller or scheme of its own, which only the model runs"
    if any(isinstance(step, steps.Radio) for step in variant.scenario.document.steps):
        return "attacks on the remote, of which only the model shows that they leave RAM and media alone"
    if any(isinstance(step, FLASH_STEPS) for step in variant.scenario.document.steps):
        return "NAND flash in which bits flip, or which ages or wears out, as only the model can make it"
    for name, device in variant.scenario.document.board.devices.items():
        if device.failing or device.cycles is not None:
            return (
                f"NAND flash that wears (board.devices.{name}.{'failing' if device.failing else 'cycles'}): putting "
                "back what was there before a cut would wear it further than the model does"
            )
    return ""


def needs_fixture(variant: Variant) -> str:
    """What a variant has that only a fixture can do, in words; empty if a relay in the supply is enough."""
    for action in actions(variant.scenario, variant.firmware.volume_sectors):
        if isinstance(action, Press):
            return "presses of a switch"
        if isinstance(action, Button):
            return "a handheld remote"
        if isinstance(action, Crash):
            return "cuts at chosen media operations in its workload"
        if isinstance(action, steps.Idle):
            return "simulated time that goes by"
        if isinstance(action, steps.Swap | steps.PutBack):
            return "disks that are exchanged"
    if variant.scenario.document.power.cuts is Cuts.AT:
        return "a cut at a chosen media operation"
    return ""


def _places(board: Board, device: str, address: int, first: int, length: int) -> Iterator[Place]:
    """A region of a device, whose addresses are bytes or, on a disk, sectors; of NAND flash, all of it."""
    medium = board.media[device]
    if isinstance(medium, NandFlash):
        # What lies behind the translation layer may be in any of its pages.
        block_bytes = raw_page_bytes(medium) * medium.pages_per_block
        yield Place(address, medium.blocks * block_bytes, block_bytes, erased=True)
    elif isinstance(medium, Disk):
        yield Place(address + first * SECTOR_BYTES, length * SECTOR_BYTES, SECTOR_BYTES, erased=False)
    elif isinstance(medium, NorFlash):
        yield Place(address + first, length, medium.sector_bytes, erased=True)
    else:
        rest = length % NVRAM_BLOCK_BYTES
        yield Place(address + first, length - rest, NVRAM_BLOCK_BYTES, erased=False)
        if rest:
            yield Place(address + first + length - rest, rest, rest, erased=False)
