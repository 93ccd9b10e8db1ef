from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltabench.hwsim.board import BoardSpec
from deltabench.hwsim.clock import NS_PER_MS, MediaTime
from deltabench.hwsim.devboard.bootloader import ACK, Event
from deltabench.hwsim.devboard.chip import Application, Chip, ChipError
from deltabench.hwsim.devboard.spec import load_board
from deltabench.hwsim.instability import Unstable
from deltabench.hwsim.medium import Operation
from deltabench.hwsim.nor import NorFlash

FLASH, RAM, FRAM = 0x0800_0000, 0x2000_3000, 0x6000_0000


class Echo:
    """An application that says its number, then what it hears, and writes at each byte ``!`` to the FRAM."""

    def __init__(self, chip: Chip, number: int) -> None:
        self.chip = chip
        self.number = number

    def feed(self, data: bytes) -> bytes:
        for _ in range(data.count(b"!")):
            self.chip.bus.write(FRAM, b"\x55")
        return b"%d:%s" % (self.number, data)


class Launcher:
    """Starts an Echo if the flash begins with a zero byte; ``addresses`` are where from."""

    def __init__(self) -> None:
        self.addresses: list[int] = []

    def __call__(self, chip: Chip, address: int) -> Application | None:
        self.addresses.append(address)
        return Echo(chip, len(self.addresses)) if chip.bus.read(FLASH, 1) == b"\0" else None


Make = Callable[..., Chip]


@pytest.fixture
def make(devices: BoardSpec) -> Make:
    """Makes a chip with power and one zero byte in its flash."""

    def made(**options: Any) -> Chip:
        chip = Chip(load_board(), devices, **options)
        chip.bus.write(FLASH, b"\0")
        chip.power_on()
        return chip

    return made


def test_without_power_nothing_answers_and_with_power_the_bootloader_does(devices: BoardSpec, host: Any) -> None:
    chip = Chip(load_board(), devices)
    assert chip.feed(host.SYNC) == b""
    chip.power_on()
    assert chip.feed(host.SYNC) == ACK
    chip.power_on()
    assert chip.feed(host.command(0x02)) == ACK + b"\x01\x04\x13" + ACK
    chip.power_off()
    assert chip.feed(host.command(0x02)) == b""
    chip.power_on()
    assert chip.feed(host.command(0x02) + host.SYNC) == ACK


def test_after_go_the_line_is_the_applications_until_the_boot_pin_is_put_back(make: Make, host: Any) -> None:
    launcher = Launcher()
    chip = make(launch=launcher)
    assert chip.feed(host.SYNC + host.go(FLASH + 0x200) + b"a") == ACK * 3 + b"1:a"
    assert chip.feed(host.SYNC) == b"1:\x7f"
    chip.power_off()
    chip.power_on()
    assert chip.feed(b"b") == b"2:b"
    assert launcher.addresses == [FLASH + 0x200, FLASH]
    chip.enter_bootloader()
    assert chip.feed(host.SYNC) == ACK
    chip.power_off()
    chip.power_on()
    assert chip.feed(host.SYNC) == ACK


@pytest.mark.parametrize("launch", [None, Launcher()])
def test_a_chip_without_firmware_hangs_silently_until_the_boot_pin_is_put_back(
    make: Make, host: Any, launch: Launcher | None
) -> None:
    events: list[Event] = []
    chip = make(launch=launch, told=events.append)
    chip.feed(host.SYNC + host.extended_erase(0) + host.go(FLASH))
    assert chip.feed(host.SYNC * 4) == b""
    assert chip.hangs
    assert str(events[-1]) == "hangs: there is no firmware to start at 0x08000000"
    chip.enter_bootloader()
    assert not chip.hangs
    assert chip.feed(host.SYNC) == ACK


def test_go_into_ram_and_changed_protections_reset_the_chip(make: Make, host: Any) -> None:
    chip = make(launch=Launcher())
    assert chip.feed(host.SYNC + host.write(RAM, b"code") + host.go(RAM) + host.command(0x02)) == ACK * 6
    assert chip.feed(host.SYNC + host.command(0x82) + host.SYNC + host.command(0x11)) == ACK * 4 + b"\x1f"
    chip.power_off()
    chip.power_on()
    assert chip.feed(host.SYNC + host.command(0x11)) == ACK + b"\x1f"


def test_power_fails_inside_the_operation_that_was_asked_for_and_leaves_its_outcome(make: Make, host: Any) -> None:
    chip = make()
    chip.feed(host.SYNC)
    chip.cut_at(2, 1)
    seen: list[int] = []

    def see(operation: Operation) -> None:
        seen.append(len(chip.board.cut_outcomes(operation)))

    chip.board.rail.listeners = (see, *chip.board.rail.listeners)
    assert chip.feed(host.write(FLASH + 0x100, b"one!")) == ACK * 3
    assert chip.feed(host.write(FLASH + 0x200, b"two!") + host.write(FLASH + 0x300, b"three!")) == b""
    assert not chip.on
    assert chip.last_cut is not None
    assert (chip.last_cut.operation, chip.last_cut.outcome) == ("STM32F405 bank 0 program 0x200+4", 1)
    assert chip.last_cut.outcomes == seen[-1] > 2
    chip.power_on()
    assert chip.bus.read(FLASH + 0x100, 4) == b"one!"
    assert chip.bus.read(FLASH + 0x200, 4) not in (b"two!", b"\xff" * 4)
    assert chip.bus.read(FLASH + 0x300, 6) == b"\xff" * 6
    with pytest.raises(ChipError, match="the next one is 1"):
        chip.cut_at(0, 0)


def test_each_outcome_of_a_cut_program_can_be_left_behind(make: Make, host: Any) -> None:
    left = set()
    number = count = 0
    while not count or number < count:
        chip = make()
        chip.feed(host.SYNC)
        chip.cut_at(1, number)
        chip.feed(host.write(FLASH + 0x100, b"\x12" * 8))
        assert chip.last_cut is not None
        count = chip.last_cut.outcomes
        window = chip.bus.window_at(FLASH)
        assert window is not None
        assert isinstance(window.device, NorFlash)
        left.add(chip.board.cells.values[window.device.first + 1])
        number += 1
    assert {b"\xff" * 256, b"\x12" * 8 + b"\xff" * 248} <= left
    assert any(isinstance(cell, Unstable) for cell in left)
    assert chip.last_cut.outcome == count - 1


def test_a_cut_falls_into_a_running_application_too_and_power_on_starts_it_anew(make: Make, host: Any) -> None:
    chip = make(launch=Launcher())
    chip.feed(host.SYNC + host.go(FLASH))
    chip.cut_at(2, 0)
    assert chip.feed(b"!") == b"1:!"
    assert chip.feed(b"!") == b""
    chip.power_on()
    assert chip.feed(b"?") == b"2:?"


def test_ram_and_the_journal_of_the_board_hold_nothing_of_what_was(make: Make, host: Any) -> None:
    chip = make()
    chip.feed(host.SYNC + host.write(RAM, b"here") + host.write(FRAM, b"here"))
    assert not chip.board.cells.journal
    chip.power_off()
    chip.power_on()
    assert chip.bus.read(RAM, 4) + chip.bus.read(FRAM, 4) == bytes(4) + b"here"


@pytest.mark.parametrize(("media_time", "ms"), [(MediaTime.TYPICAL, 250), (MediaTime.MAXIMUM, 500)])
def test_a_chip_with_timing_takes_what_the_datasheet_says_for_an_erase(
    make: Make, host: Any, media_time: MediaTime, ms: int
) -> None:
    chip = make(timed=media_time)
    chip.feed(host.SYNC)
    before_ns = chip.board.clock.now_ns
    chip.feed(host.extended_erase(0))
    assert ms * NS_PER_MS <= chip.board.clock.now_ns - before_ns < (ms + 1) * NS_PER_MS
    untimed = make()
    untimed.feed(host.SYNC + host.extended_erase(0))
    assert untimed.board.clock.now_ns == 0


@settings(max_examples=200)
@given(
    pieces=st.lists(
        st.one_of(
            st.binary(max_size=30),
            st.sampled_from(
                ["7F", "31 CE", "08 00 00 00 08", "21 DE", "20 00 30 00 10", "44 BB FF FF 00", "92 6D", "82 7D"]
            ).map(bytes.fromhex),
        )
    ),
    cut=st.none() | st.tuples(st.integers(1, 20), st.integers(0, 50)),
)
def test_whatever_arrives_the_chip_raises_nothing_and_once_power_is_back_answers_as_ever(
    devices: BoardSpec, host: Any, pieces: list[bytes], cut: tuple[int, int] | None
) -> None:
    chip = Chip(load_board("stm32f405"), devices)
    chip.power_on()
    if cut is not None:
        chip.cut_at(*cut)
    for piece in pieces:
        chip.feed(piece)
        assert not chip.board.cells.journal
    chip.cut_never()
    chip.power_off()
    chip.power_on()
    chip.enter_bootloader()
    assert chip.feed(host.SYNC + host.command(0x02)) == ACK * 2 + b"\x01\x04\x13" + ACK


def test_what_happens_is_told(make: Make, host: Any) -> None:
    events: list[Event] = []
    chip = make(told=events.append)
    chip.cut_at(2, 0)
    chip.feed(host.SYNC + host.extended_erase(0) + host.write(FLASH, b"data"))
    assert [str(event) for event in events] == [
        "power on",
        "synchronised",
        "erase 0x08000000 + 0x4000",
        "write 0x08000000 + 0x4",
        "power lost during STM32F405 bank 0 program 0x0+4; it leaves: nothing",
    ]
