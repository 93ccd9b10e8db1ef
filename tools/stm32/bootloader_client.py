"""The commands of the STM32 system bootloader, client side (ST AN3155), each repeated if the line garbles it.

Where a line loses or makes up bytes, the bootloader may wait for the rest of a command, or be in the middle of two: the
client finds back to it by ``synchronise`` before it tries again.  What was repeated in vain is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import xor
from typing import Final, NamedTuple, TypeVar

from deltabench.tools.stm32.errors import NoAnswerError, RefusedError, RestartedError, Stage
from deltabench.tools.stm32.transport import Transport

SYNC: Final = b"\x7f"
ACK: Final = b"\x79"
NACK: Final = b"\x1f"
GET, GET_ID, READ, GO, WRITE, ERASE, EXTENDED_ERASE = 0x00, 0x02, 0x11, 0x21, 0x31, 0x43, 0x44
ANSWER_S: Final = 1.0
"""What the bootloader may take for an answer, beside the time of the characters and of the flash."""
SYNC_S: Final = 0.3
FILLS: Final = (b"\xfe" + b"\xff" * 15, b"\xff" * 256, b"\xff" * 1024, b"\xff" * 1024)
"""Completes a command that was broken off, and is longer than any: as data 0xFF programs nothing, as a page it is none.

Where a count was waited for, SYNC is taken for it, and the first byte makes the XOR wrong: equal ones make it right.
"""

Result = TypeVar("Result")


class Identity(NamedTuple):
    """What a bootloader says it is."""

    version: int
    commands: bytes
    product_id: int


class BootloaderClient:
    """Speaks to the bootloader at the other end of ``transport``; a character takes ``character_s`` on the line.

    Each command is tried ``retries`` times more.  Raises RefusedError if a NACK is the last word, NoAnswerError if
    nothing is, RestartedError if the chip starts anew in between, and PortError.  ``repeats`` counts the retries.
    """

    def __init__(self, transport: Transport, character_s: float, retries: int) -> None:
        self.repeats = 0
        self._line = transport
        self._character_s = character_s
        self._retries = retries

    def synchronise(self) -> bool:
        """Find the place where a command begins; True if the chip may have done something that nobody asked for.

        One that has just started acknowledges SYNC.  One that has started before takes it for half a command, says
        nothing, and refuses the second.  An ACK may also mean that what was sent completed a write that was broken off,
        by bytes that nobody meant: whoever was writing has to begin anew in either case.
        """
        for sent in (SYNC, SYNC, *FILLS):
            answer = self._exchange(sent, len(sent))
            acknowledged = ACK in answer
            if NACK in answer or acknowledged:
                break
        else:
            raise NoAnswerError("no bootloader answers")
        if sent is not SYNC:
            # More may have been sent than the command needed, so that the next one would begin in the middle of two.
            for _ in range(3):
                answer = self._exchange(SYNC, 1)
                if answer == NACK:
                    break
                acknowledged |= answer == ACK
            else:
                raise NoAnswerError("no bootloader answers")
        return acknowledged

    def identify(self) -> Identity:
        """What it is; asked for anew, whatever it said before."""

        def ask() -> Identity:
            count = self._asked(GET, "Get")
            version, *commands = self._answer(count + 1, "Get")
            self._acknowledged("data", "Get")
            count = self._asked(GET_ID, "Get ID")
            product_id = self._answer(count + 1, "Get ID")
            self._acknowledged("data", "Get ID")
            return Identity(version, bytes(commands), int.from_bytes(product_id, "big"))

        return self._repeated(ask)

    def read(self, address: int, count: int) -> bytes:
        """Up to 256 bytes."""

        def ask() -> bytes:
            self._command(READ, "Read Memory")
            self._address(address, "Read Memory")
            self._line.write(bytes([count - 1, count - 1 ^ 0xFF]))
            self._acknowledged("data", f"to read {count} bytes at 0x{address:08X}")
            return self._answer(count, "Read Memory")

        return self._repeated(ask)

    def write(self, address: int, data: bytes, allowed_s: float = 0) -> None:
        """Up to 256 bytes, for which the memory may take ``allowed_s``."""

        def ask() -> None:
            self._command(WRITE, "Write Memory")
            self._address(address, "Write Memory")
            self._line.write(_checked(bytes([len(data) - 1]) + data))
            self._acknowledged("data", f"to write {len(data)} bytes at 0x{address:08X}", len(data), allowed_s)

        self._repeated(ask)

    def erase(self, opcode: int, pages: Sequence[int], allowed_s: float) -> None:
        """The blocks with these page numbers, by the one of the two commands that the bootloader has."""
        width = 1 if opcode == ERASE else 2
        numbers = b"".join(number.to_bytes(width, "big") for number in (len(pages) - 1, *pages))

        def ask() -> None:
            self._command(opcode, "Erase Memory")
            self._line.write(_checked(numbers))
            named = ", ".join(f"{page:#x}" for page in pages)
            self._acknowledged("data", f"to erase the blocks with page numbers {named}", len(numbers), allowed_s)

        self._repeated(ask)

    def go(self, address: int) -> None:
        """Leave the bootloader for the code at ``address``."""

        def ask() -> None:
            self._command(GO, "Go")
            self._address(address, "Go")

        self._repeated(ask)

    def _repeated(self, ask: Callable[[], Result]) -> Result:
        for left in range(self._retries, -1, -1):
            try:
                return ask()
            except (RefusedError, NoAnswerError) as error:
                # After a NACK as well: a byte too many would make it refuse everything from now on.
                if self.synchronise():
                    raise RestartedError("the board has started anew, or taken noise for a command") from error
                if not left:
                    raise
                self.repeats += 1
        raise AssertionError("the last try returns or raises")

    def _asked(self, opcode: int, name: str) -> int:
        """Command, ACK, and the number that the answer begins with."""
        self._command(opcode, name)
        return self._answer(1, name)[0]

    def _command(self, opcode: int, name: str) -> None:
        self._line.write(bytes([opcode, opcode ^ 0xFF]))
        self._acknowledged("command", f"the command {name}")

    def _address(self, address: int, name: str) -> None:
        self._line.write(_checked(address.to_bytes(4, "big")))
        self._acknowledged("address", f"the address 0x{address:08X} of {name}")

    def _acknowledged(self, stage: Stage, step: str, characters: int = 0, allowed_s: float = 0) -> None:
        answer = self._line.read(1, ANSWER_S + allowed_s + (characters + 8) * self._character_s)
        if answer == NACK:
            raise RefusedError(stage, step)
        if answer != ACK:
            heard = f"0x{answer.hex().upper()} comes back" if answer else "nothing comes back"
            raise NoAnswerError(f"{heard} for {step}, where ACK (0x79) or NACK (0x1F) should")

    def _answer(self, count: int, name: str) -> bytes:
        answer = self._line.read(count, ANSWER_S + count * self._character_s)
        if len(answer) < count:
            raise NoAnswerError(f"only {len(answer)} of {count} bytes come back for {name}")
        return answer

    def _exchange(self, sent: bytes, most: int) -> bytes:
        """What comes back for a piece of nonsense: no more bytes than it has."""
        self._line.discard_input()
        self._line.write(sent)
        return self._line.read(most, SYNC_S + 2 * most * self._character_s)


def _checked(data: bytes) -> bytes:
    return data + bytes([reduce(xor, data)])
