"""An emulated development board: the chip with the controller model in its flash, in a fixture that a bench commands.

The fixture has the power switch, the sockets, the push-buttons and the clock.  It listens on the board's own line, and
takes what is addressed to it (messages.py) out of what goes to the chip; to a bootloader everything goes.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from typing import Final

import msgspec

from deltabench.firmware_model.link.framing import DELIMITER, FrameReceiver, encode_frame
from deltabench.firmware_model.link.messages import (
    ANSWER_BIT,
    CUT_REQUEST,
    ELAPSE_ANSWER,
    ELAPSE_REQUEST,
    FIT_REQUEST,
    FIXTURE,
    HEAD,
    LOST_EVENT,
    MOST_BODY,
    MOST_PAYLOAD,
    NEVER,
    POWER_REQUEST,
    PRESS_REQUEST,
    Message,
    Result,
    answer,
)
from deltabench.firmware_model.link.once import Answers
from deltabench.firmware_model.link.service import LinkService
from deltabench.hwsim.board import BoardSpec
from deltabench.hwsim.clock import NS_PER_MS, MediaTime
from deltabench.hwsim.devboard.bootloader import Told, untold
from deltabench.hwsim.devboard.chip import Application, Chip, Choice, Cut
from deltabench.hwsim.devboard.spec import CONFIGURATION, DevBoardFile
from deltabench.hwsim.errors import HardwareError
from deltabench.hwsim.instability import Adversary
from deltabench.scenarios.pairing import pairing_key

MOST_OPERATIONS: Final = 1 << 20
"""A firmware that does more media operations in one time of power hangs."""
MOST_ELAPSED_MS: Final = 600_000
OF_CHIP: Final = (Message.PRESS, Message.ELAPSE, Message.RADIO)
"""What is asked of the fixture, and makes sense only while the chip has power."""
BLANK: Final = 0xFF
CONFIGURED_LATER: Final = b"\0"
"""No configuration, and not blank either."""


def launch(chip: Chip, address: int) -> Application | None:
    """What Go starts: the controller model, if flash holds a configuration for it, sound or not."""
    region = chip.file.regions[CONFIGURATION]
    if (
        chip.bus.read(region.address, 1)[0] == BLANK
        or not chip.file.regions["firmware"].address <= address < region.end
    ):
        return None
    return LinkService(chip.board, chip.bus, region.address, chip.enter_bootloader)


class EmulatedBoard:
    """A board on a line: what is fed to it, it answers.  ``spec`` says what is in its sockets at first."""

    def __init__(
        self, file: DevBoardFile, spec: BoardSpec, *, seed: int = 1, timed: MediaTime | None = None, told: Told = untold
    ) -> None:
        """Raises HardwareError for parts that have no place on the board, ScenarioError for a key that is none.

        The chip's key comes from where a run has it, see pairing.py, which needs the ``seed``.
        """
        self.chip = Chip(file, spec, launch, seed=seed, timed=timed, told=told)
        self.chip.board.otp_key = pairing_key(seed)
        self.chip.power_on()
        self._policy = Adversary.FIRST_POLICY
        self._receiver = FrameReceiver(MOST_BODY)
        self._piece = b""
        self._lost = b""
        """What is answered while the chip is off because its power was cut as asked."""
        handlers: dict[int, Callable[[bytes], bytes]] = {
            Message.FIT: self._fit,
            Message.POWER: self._power,
            Message.CUT: self._ask_to_cut,
            Message.READINGS: self._readings,
            Message.PRESS: self._press,
            Message.ELAPSE: self._elapse,
            Message.RADIO: self._radio,
        }
        self._answers = Answers(handlers)

    def start_without_firmware(self) -> None:
        """As if a firmware had been flashed and started that is yet to be configured: for boards in this process."""
        region = self.chip.file.regions[CONFIGURATION]
        self.chip.bus.store(region.address, CONFIGURED_LATER)
        self.chip.boots_application = True
        self.chip.power_off()
        self.chip.power_on()

    def feed(self, data: bytes) -> bytes:
        """What the board, or the fixture, sends back; raises nothing, whatever arrives."""
        answers = []
        while data:
            if self.chip.in_bootloader:
                answers.append(self.chip.feed(data))
                break
            piece, delimiter, data = data.partition(DELIMITER)
            answers.append(self._take(piece + delimiter))
        return b"".join(answers)

    def _take(self, piece: bytes) -> bytes:
        """Up to a delimiter: for the fixture, if a message for it ends here, and else for the chip."""
        self._piece += piece
        asked = [body for body in self._receiver.feed(piece) if len(body) >= HEAD.size and body[0] < ANSWER_BIT]
        if any(body[0] >= FIXTURE for body in asked):
            self._piece = b""
            return b"".join(encode_frame(self._asked(body)) for body in asked if body[0] >= FIXTURE)
        if not piece.endswith(DELIMITER) and len(self._piece) <= 2 * MOST_BODY:
            return b""
        held, self._piece = self._piece, b""
        self._limit_operations()
        answers = self.chip.feed(held)
        if asked:
            self._answers.forget()
        self._look_for_cut()
        return b"".join(encode_frame(self._lost_in(body)) for body in asked) if self._lost else answers

    def _asked(self, body: bytes) -> bytes:
        """The answer to a request that is the fixture's; time and air are the chip's as well."""
        if body[0] in (Message.POWER, Message.FIT):
            self._lost = b""
        if self._lost and body[0] in OF_CHIP:
            return self._lost_in(body)
        answered = self._answers.answer(body, self._tried)
        self._look_for_cut()
        return self._lost_in(body) if self._lost and body[0] in OF_CHIP else answered

    def _look_for_cut(self) -> None:
        cut, self.chip.last_cut = self.chip.last_cut, None
        if cut is not None:
            self._lost = _packed(cut)

    def _lost_in(self, body: bytes) -> bytes:
        """That power was cut as asked, to a request that finds the chip off or that it was cut in."""
        _, sequence = HEAD.unpack_from(body)
        return answer(Message.POWER_LOST, sequence, Result.DONE, self._lost)

    @staticmethod
    def _tried(work: Callable[[], bytes]) -> tuple[Result, bytes]:
        try:
            return Result.DONE, work()
        except _StoppedError as error:
            return Result.STOPPED, str(error).encode()[:MOST_PAYLOAD]
        except (struct.error, ValueError, HardwareError) as error:
            # A ValidationError of msgspec is a ValueError.
            return Result.WRONG_PAYLOAD, str(error).encode()[:MOST_PAYLOAD]

    def _fit(self, payload: bytes) -> bytes:
        (seed,) = FIT_REQUEST.unpack_from(payload)
        self._policy = Adversary.FIRST_POLICY
        spec = msgspec.json.decode(payload[FIT_REQUEST.size :], type=BoardSpec)
        self.chip = self.chip.refitted(spec, seed)
        self.chip.board.otp_key = pairing_key(seed)
        return b""

    def _power(self, payload: bytes) -> bytes:
        on, chosen, outcome = POWER_REQUEST.unpack(payload)
        if not on:
            return _packed(self.chip.power_off(_choice(chosen, outcome)))
        self.chip.power_on(self._policy)
        return LOST_EVENT.pack(0, 0, 0)

    def _ask_to_cut(self, payload: bytes) -> bytes:
        operation, chosen, outcome = CUT_REQUEST.unpack(payload)
        if operation == NEVER:
            self.chip.cut_never()
        else:
            self.chip.cut_at(operation + 1, _choice(chosen, outcome))
        return b""

    def _readings(self, payload: bytes) -> bytes:
        policy = payload.decode("ascii")
        if len(policy) != 1 or policy not in Adversary.POLICIES:
            raise ValueError(f"{payload!r}: one of {', '.join(Adversary.POLICIES)}")
        self._policy = policy
        return b""

    def _press(self, payload: bytes) -> bytes:
        milliseconds, _ = PRESS_REQUEST.unpack_from(payload)
        name = payload[PRESS_REQUEST.size :].decode()
        switches = self.chip.board.switches
        if name not in switches:
            raise ValueError(f"the board has no switch {name!r}; it has: {', '.join(switches) or 'none'}")
        switches[name].press(self.chip.board.clock.now_ns, milliseconds * NS_PER_MS)
        return b""

    def _radio(self, payload: bytes) -> bytes:
        name, zero, data = payload.partition(b"\0")
        lines = self.chip.board.uarts
        if not zero or name.decode() not in lines:
            raise ValueError(f"the board has no serial line {name!r}; it has: {', '.join(lines) or 'none'}")
        line = lines[name.decode()]
        line.remote.write(data)
        return line.remote.read(line.remote.waiting)

    def _elapse(self, payload: bytes) -> bytes:
        (milliseconds,) = ELAPSE_REQUEST.unpack(payload)
        if milliseconds > MOST_ELAPSED_MS:
            raise ValueError(f"{milliseconds} ms at once; at most {MOST_ELAPSED_MS}")
        self._limit_operations()
        try:
            return ELAPSE_ANSWER.pack(self.chip.elapse(milliseconds))
        except (Exception, SystemExit) as error:
            raise _StoppedError(f"a tick: {type(error).__name__}: {error}") from error

    def _limit_operations(self) -> None:
        rail = self.chip.board.rail
        rail.limit = rail.operations + MOST_OPERATIONS


class _StoppedError(Exception):
    """The firmware raised something while it was the fixture that let it work."""


def _choice(chosen: int, outcome: int) -> Choice:
    """By number, modulo how many there are, or drawn as the model draws it."""
    return (lambda many: random.Random(outcome).choice(range(many))) if chosen else (lambda many: outcome % many)


def _packed(cut: Cut) -> bytes:
    return LOST_EVENT.pack(cut.outcome, cut.outcomes, 0) + f"{cut.operation}; it leaves: {cut.label}".encode()[:1000]
