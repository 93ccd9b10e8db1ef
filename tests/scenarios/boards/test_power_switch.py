from __future__ import annotations

import pytest

from deltabench.firmware_model.link.framing import encode_frame
from deltabench.firmware_model.link.messages import Message, Result, answer
from deltabench.scenarios.boards.link import Link, LinkError
from deltabench.scenarios.boards.power_switch import FakePower, FixturePower, PowerSwitch, SerialRelay


class Port:
    """Keeps what is written to it."""

    def __init__(self, reply: bytes = b"") -> None:
        self.written = b""
        self._reply = reply

    def write(self, data: bytes) -> None:
        self.written += data

    def receive(self, timeout_s: float) -> bytes:
        reply, self._reply = self._reply, b""
        return reply


def test_a_relay_closes_and_opens_its_contact_and_waits_for_the_supply() -> None:
    port, waits = Port(), list[float]()
    relay: PowerSwitch = SerialRelay(port, waits.append, off_s=0.25, on_s=1.5)
    relay.off()
    relay.on()
    assert port.written == bytes.fromhex("a0 01 00 a1 a0 01 01 a2")
    assert waits == [0.25, 1.5]


def test_a_board_on_the_contact_that_opens_is_switched_the_other_way_round() -> None:
    port = Port()
    relay = SerialRelay(port, lambda _: None, relay=2, closed_is_on=False)
    relay.off()
    assert port.written == bytes.fromhex("a0 02 01 a3")


def test_a_fake_remembers_what_it_was_asked_and_does_it() -> None:
    done: list[str] = []
    power: PowerSwitch = FakePower(off=lambda: done.append("dark"), on=lambda: done.append("light"))
    power.off()
    power.on()
    assert (done, power.asked) == (["dark", "light"], ["off", "on"])  # type: ignore[attr-defined]


def test_a_board_in_no_fixture_says_what_to_name_instead() -> None:
    reply = encode_frame(answer(Message.POWER, 1, Result.UNKNOWN_MESSAGE))
    with pytest.raises(LinkError, match="--power relay:PORT"):
        FixturePower(Link(Port(reply))).off()
