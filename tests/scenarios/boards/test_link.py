from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltabench.firmware_model.link.framing import FrameReceiver, encode_frame
from deltabench.firmware_model.link.messages import HEAD, LOST_EVENT, MOST_BODY, Message, Result, answer
from deltabench.scenarios.boards.link import (
    ATTEMPTS,
    MOST_STRAYS,
    MOST_WAIT_S,
    Link,
    LinkError,
    PowerLost,
    RefusedError,
)

Reply = Callable[[int, int], bytes]
"""What the other end sends for a request of a type with a sequence number."""


class Line:
    """A line whose other end replies as a test wants, one reply a request and the last one from then on."""

    def __init__(self, *replies: Reply) -> None:
        self.asked: list[tuple[int, int]] = []
        self.waits_s = 0.0
        self._replies = list(replies)
        self._receiver = FrameReceiver(MOST_BODY)
        self._waiting = b""

    def write(self, data: bytes) -> None:
        for body in self._receiver.feed(data):
            self.asked.append(HEAD.unpack_from(body))
            reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
            self._waiting += reply(*self.asked[-1])

    def receive(self, timeout_s: float) -> bytes:
        taken, self._waiting = self._waiting[:7], self._waiting[7:]
        self.waits_s += 0 if taken else timeout_s
        return taken


def done(kind: int, sequence: int) -> bytes:
    return encode_frame(answer(kind, sequence, Result.DONE, b"well"))


def nothing(kind: int, sequence: int) -> bytes:
    return b""


def test_an_answer_is_what_comes_with_the_request_s_own_number() -> None:
    def late(kind: int, sequence: int) -> bytes:
        return done(kind, sequence - 1) + done(kind + 1, sequence) + done(kind, sequence)

    link = Link(Line(late))
    assert link.ask(Message.HELLO) == b"well"


def test_what_is_lost_or_garbled_is_asked_for_again_with_the_same_number() -> None:
    def garbled(kind: int, sequence: int) -> bytes:
        return done(kind, sequence).replace(b"well", b"will")

    line = Line(nothing, garbled, done)
    assert Link(line).ask(Message.BOOT) == b"well"
    assert len(line.asked) == 3
    assert len(set(line.asked)) == 1


def test_a_board_that_is_silent_is_given_up_in_bounded_time() -> None:
    line = Line(nothing)
    with pytest.raises(LinkError, match=r"does not answer HELLO, asked 4 times; is it powered"):
        Link(line, timeout_s=0.5).ask(Message.HELLO)
    assert line.waits_s == 0.5 * ATTEMPTS


def test_a_line_that_never_falls_silent_is_given_up_too() -> None:
    class Babble(Line):
        pieces = 0

        def receive(self, timeout_s: float) -> bytes:
            self.pieces += 1
            return b"babble"

    line = Babble(nothing)
    with pytest.raises(LinkError, match="does not answer"):
        Link(line).ask(Message.HELLO)
    assert line.pieces == ATTEMPTS * MOST_STRAYS


def test_a_line_on_which_something_comes_now_and_then_is_given_up_in_bounded_time() -> None:
    class Clock:
        time_s = 0.0

        def now_s(self) -> float:
            return self.time_s

        def sleep(self, duration_s: float) -> None:
            self.time_s += duration_s

    clock = Clock()

    class Drips(Line):
        def receive(self, timeout_s: float) -> bytes:
            clock.sleep(timeout_s * 0.9)
            return b"."

    with pytest.raises(LinkError, match="does not answer"):
        Link(Drips(nothing), clock=clock).ask(Message.HELLO)
    assert clock.time_s < 2 * ATTEMPTS * MOST_WAIT_S


def test_a_refusal_says_what_was_refused_and_why() -> None:
    def refuses(kind: int, sequence: int) -> bytes:
        return encode_frame(answer(kind, sequence, Result.NOT_NOW, b"the controller is booted"))

    with pytest.raises(RefusedError, match="refuses LOAD: the controller is booted") as caught:
        Link(Line(refuses)).ask(Message.LOAD)
    assert caught.value.result is Result.NOT_NOW


def test_the_fixture_s_word_that_power_is_lost_ends_the_waiting() -> None:
    def lost(kind: int, sequence: int) -> bytes:
        return encode_frame(answer(Message.POWER_LOST, sequence, Result.DONE, LOST_EVENT.pack(3, 9, 0) + b"nor0 erase"))

    with pytest.raises(PowerLost, match="nor0 erase") as caught:
        Link(Line(lost)).ask(Message.COMMAND)
    assert (caught.value.outcome, caught.value.many) == (3, 9)


def test_the_word_that_power_was_lost_in_an_earlier_request_is_no_answer_to_this_one() -> None:
    def late(kind: int, sequence: int) -> bytes:
        lost = answer(Message.POWER_LOST, sequence - 1, Result.DONE, LOST_EVENT.pack(3, 9, 0))
        return encode_frame(lost) + done(kind, sequence)

    assert Link(Line(late)).ask(Message.COMMAND) == b"well"


@given(st.lists(st.binary(max_size=30), max_size=5), st.binary(max_size=60))
def test_noise_around_and_instead_of_answers_is_survived(noise: list[bytes], after: bytes) -> None:
    replies: list[Reply] = [lambda kind, sequence, piece=piece: piece for piece in noise[: ATTEMPTS - 1]]  # type: ignore[misc]
    line = Line(*replies, lambda kind, sequence: done(kind, sequence) + after)
    assert Link(line, timeout_s=0).ask(Message.HELLO) == b"well"
