"""The bench's end of the board link: requests, answers, and asking again when one was lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from deltabench.firmware_model.link.framing import FrameReceiver, encode_frame
from deltabench.firmware_model.link.messages import (
    ANSWER_BIT,
    ANSWER_HEAD,
    LOST_EVENT,
    MEANING_OF_RESULT,
    MOST_BODY,
    Message,
    Result,
    request,
)
from deltabench.scenarios.boards.clock import SystemClock, WaitingClock
from deltabench.scenarios.boards.transport import Transport
from deltabench.scenarios.errors import ScenarioError

SYNC: Final = b"\x7f"
ACK: Final = b"\x79"
NACK: Final = b"\x1f"
SYNC_S: Final = 0.3
"""A bootloader that has not answered its sync byte by then is none (AN3155)."""
TIMEOUT_S: Final = 2.0
ATTEMPTS: Final = 4
MOST_STRAYS: Final = 10_000
"""So many pieces of whatever may come in before an answer; a line that never falls silent is not waited for longer."""


MOST_WAIT_S: Final = 60.0
"""Nor is one on which something comes now and then."""


class LinkError(ScenarioError):
    """The board does not answer, or answers what makes no sense."""


class RefusedError(LinkError):
    """The board answers that it did not do what it was asked."""

    def __init__(self, message: Message, result: Result, text: str) -> None:
        self.result = result
        self.text = text
        super().__init__(f"the board refuses {message.name}: {text or MEANING_OF_RESULT[result]} ({result.name})")


class PowerLost(Exception):
    """The power was cut as the fixture had been asked to: which ``outcome`` of how ``many``, in which operation."""

    def __init__(self, outcome: int, many: int, operation: int, text: str, answer: bytes | None = None) -> None:
        """``answer``: what the board had still said to what it was asked."""
        super().__init__(text)
        self.answer = answer
        self.outcome = outcome
        self.many = many
        self.operation = operation


class Link:
    """Asks one thing after the other over ``transport``.

    A request without an answer in ``timeout_s`` is sent again, ``attempts`` times in all; the board executes it once.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        timeout_s: float = TIMEOUT_S,
        attempts: int = ATTEMPTS,
        clock: WaitingClock | None = None,
    ) -> None:
        self._transport = transport
        self._timeout_s = timeout_s
        self._attempts = attempts
        self._clock = clock or SystemClock()
        self._receiver = FrameReceiver(MOST_BODY)
        self._sequence = 0

    def ask(self, message: Message, payload: bytes = b"") -> bytes:
        """The answer's payload; raises RefusedError, PowerLost, or LinkError if nothing comes back."""
        self._sequence = self._sequence % 0xFFFF + 1
        frame = encode_frame(request(message, self._sequence, payload))
        for _ in range(self._attempts):
            self._transport.write(frame)
            found = self._wait(message)
            if found is not None:
                result, answer = found
                if result is not Result.DONE:
                    raise RefusedError(message, result, answer.decode("utf-8", "replace"))
                return answer
        raise LinkError(
            f"the board does not answer {message.name}, asked {self._attempts} times; is it powered, is the firmware "
            "running (deltabench flash --go), and is the baud rate right?"
        )

    def is_at_bootloader(self) -> bool:
        """Whether a system bootloader answers, which to a firmware is noise: it says ACK or NACK to its sync byte."""
        self._transport.write(SYNC)
        return self._transport.receive(SYNC_S)[:1] in (ACK, NACK)

    def send(self, message: Message, payload: bytes = b"") -> None:
        """Ask, and do not wait for the answer: the power is to go in the meantime."""
        self._sequence = self._sequence % 0xFFFF + 1
        self._transport.write(encode_frame(request(message, self._sequence, payload)))

    def heard(self, message: Message) -> bytes | None:
        """What has come back for what was sent last, if that was done: nothing more will, for the power is off."""
        found = None
        for _ in range(MOST_STRAYS):
            data = self._transport.receive(0)
            if not data:
                break
            for result, payload in self._answers(message, data):
                found = payload if result is Result.DONE else found
        return found

    def _wait(self, message: Message) -> tuple[Result, bytes] | None:
        """The answer that is waited for; None if the line falls silent before it came."""
        until_s = self._clock.now_s() + MOST_WAIT_S
        for _ in range(MOST_STRAYS):
            data = self._transport.receive(self._timeout_s)
            if not data or self._clock.now_s() > until_s:
                return None
            for answered in self._answers(message, data):
                return answered
        return None

    def _answers(self, message: Message, data: bytes) -> Iterator[tuple[Result, bytes]]:
        for body in self._receiver.feed(data):
            if len(body) < ANSWER_HEAD.size or not body[0] & ANSWER_BIT:
                continue
            kind, sequence, result = ANSWER_HEAD.unpack_from(body)
            payload = body[ANSWER_HEAD.size :]
            if sequence != self._sequence:
                continue
            if kind == Message.POWER_LOST | ANSWER_BIT and len(payload) >= LOST_EVENT.size:
                outcome, many, operation = LOST_EVENT.unpack_from(payload)
                raise PowerLost(outcome, many, operation, payload[LOST_EVENT.size :].decode("utf-8", "replace"))
            if kind == message | ANSWER_BIT and result in MEANING_OF_RESULT:
                yield Result(result), payload
