from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltabench.tools.emulation.paced_line import Machine
from deltabench.tools.stm32.bootloader_client import BootloaderClient
from deltabench.tools.stm32.errors import FlashError, NoAnswerError, RefusedError, RestartedError
from deltabench.tools.stm32.line_rate import character_s

FLASH, FRAM = 0x0800_0000, 0x6000_0000
CHARACTER_S = character_s(115_200, "even")
LONGEST_S = 60
"""No call waits longer than this for a board that does not do what it should."""


def client_of(desk: Any, retries: int = 3) -> BootloaderClient:
    return BootloaderClient(desk.connect(), CHARACTER_S, retries)


class Script:
    """A board that answers each piece of what it hears with the next of some answers, and then with the last."""

    def __init__(self, *answers: bytes) -> None:
        self._answers = list(answers)

    def feed(self, data: bytes) -> bytes:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


class Garbling:
    """A line on which every so many bytes one is changed or lost, towards the machine or from it."""

    def __init__(self, machine: Machine, seed: int, every: int) -> None:
        self._machine = machine
        self._draw = random.Random(seed)
        self._every = every
        self.garbled = 0

    def feed(self, data: bytes) -> bytes:
        return self._through(self._machine.feed(self._through(data)))

    def _through(self, data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            if self._draw.randrange(self._every):
                out.append(byte)
                continue
            self.garbled += 1
            if self._draw.randrange(2):
                out.append(byte ^ 1 << self._draw.randrange(8))
        return bytes(out)


def test_a_chip_says_whether_it_has_just_started_or_was_only_waiting(make_desk: Any) -> None:
    desk = make_desk()
    client = client_of(desk)
    assert client.synchronise()
    assert not client.synchronise()
    assert client.identify().product_id == 0x413
    desk.chip.power_off()
    desk.chip.power_on()
    assert client_of(desk).synchronise()


def test_commands_do_what_they_say(make_desk: Any) -> None:
    desk = make_desk()
    client = client_of(desk)
    client.synchronise()
    assert (client.identify().version, client.identify().commands[5]) == (0x31, 0x31)
    client.write(FLASH, bytes(range(256)))
    assert client.read(FLASH + 16, 256) == bytes(range(16, 256)) + b"\xff" * 16
    client.erase(0x44, [0, 11], 1)
    assert client.read(FLASH, 1) == b"\xff"
    client.go(FLASH)
    assert desk.chip.hangs


@pytest.mark.parametrize(
    "broken_off",
    [
        "31",
        "31 CE",
        "31 CE 08 00",
        "31 CE 08 00 00 00 08",
        "31 CE 08 00 00 00 08 FF 12 34",
        "11 EE 08 00 00 00 08",
        "44 BB 01",
        "44 BB 01 FF 00 00",
    ],
)
def test_whatever_command_was_broken_off_the_next_client_is_understood_and_nothing_is_written_or_erased(
    make_desk: Any, broken_off: str
) -> None:
    desk = make_desk()
    client_of(desk).synchronise()
    desk.chip.bus.write(FLASH, b"here")
    desk.chip.feed(bytes.fromhex(broken_off))
    client = client_of(desk)
    assert not client.synchronise()
    assert client.identify().product_id == 0x413
    assert client.read(FLASH, 5) == b"here\xff"


@pytest.mark.parametrize("seed", range(20))
def test_a_line_that_garbles_one_byte_in_a_hundred_costs_time_and_nothing_else(make_desk: Any, seed: int) -> None:
    desk = make_desk()
    garbling = Garbling(desk.chip, seed, every=100)
    client_of(desk).synchronise()
    desk.put_on_line(garbling)
    client = client_of(desk, retries=40)
    # In FRAM, what noise completed there is simply written over.
    for number in range(8):
        while True:
            try:
                client.write(FRAM + 32 * number, bytes([number]) * 32)
                break
            except RestartedError:
                client.repeats += 1
    assert desk.chip.bus.read(FRAM, 256) == b"".join(bytes([number]) * 32 for number in range(8))
    assert garbling.garbled
    assert client.repeats


@pytest.mark.parametrize(
    ("machine", "error"),
    [
        (Script(b""), NoAnswerError),
        (Script(b"\x00"), NoAnswerError),
        (Script(b"noise that goes on and on " * 20), NoAnswerError),
        (Script(b"\x1f"), RefusedError),
        (Script(b"\x79", b"\x79", b""), NoAnswerError),
        (Script(b"\x79"), FlashError),
        (Script(b"\x79", b"\x79\x0b\x31\x00"), FlashError),
    ],
)
def test_a_board_that_says_nothing_or_nonsense_is_given_up_in_bounded_time(
    make_desk: Any, machine: Machine, error: type[FlashError]
) -> None:
    desk = make_desk(machine=machine)
    client = client_of(desk)

    def talk() -> None:
        client.synchronise()
        client.identify()
        client.read(FLASH, 256)
        client.write(FLASH, b"data")

    with pytest.raises(error):
        talk()
    assert desk.time.s < LONGEST_S


@settings(max_examples=150)
@given(
    answers=st.lists(
        st.one_of(st.sampled_from([b"\x79", b"\x1f", b"", b"\x79\x79"]), st.binary(max_size=300)), min_size=1
    )
)
def test_whatever_a_board_answers_the_client_ends_in_bounded_time_with_an_error_of_its_own(
    make_desk: Any, answers: list[bytes]
) -> None:
    desk = make_desk(machine=Script(*answers))
    client = client_of(desk)
    acts: list[Callable[[], object]] = [
        client.synchronise,
        client.identify,
        lambda: client.read(FLASH, 9),
        lambda: client.write(FLASH, b"data"),
    ]
    for act in acts:
        began_s = desk.time.s
        with suppress(FlashError):
            act()
        assert desk.time.s - began_s < LONGEST_S


def test_a_chip_that_starts_anew_in_between_is_noticed(make_desk: Any) -> None:
    desk = make_desk()
    client = client_of(desk)
    client.synchronise()
    desk.chip.power_off()
    desk.chip.power_on()
    with pytest.raises(RestartedError):
        client.write(FLASH, b"data")
    client.write(FLASH, b"data")
    assert desk.chip.bus.read(FLASH, 4) == b"data"
