"""Saves and restores from the hardware switches: one press, one command, whatever the contact does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from deltabench.firmware_model.config import StoreKind
from deltabench.hwsim.board import Board, SwitchSpec
from deltabench.hwsim.disk import Disk

MS = 1_000_000
NewBoard = Callable[..., Board]


class Bench:
    """A device with two switches; time passes in ticks of one millisecond."""

    def __init__(self, new_device: Any, new_board: NewBoard, seed: int = 1, **settings: Any) -> None:
        switch = SwitchSpec(**{key: settings.pop(key) for key in ("bounce_us", "stuck") if key in settings})
        board = new_board(switches={"save": switch, "restore": switch}, seed=seed)
        self.device = new_device(board, **{"store": StoreKind.NVRAM, "units": 20, **settings})

    def press(self, name: str, at_ms: int, hold_ms: int) -> None:
        self.device.board.switches[name].press(at_ms * MS, hold_ms * MS)

    def run(self, until_ms: int) -> list[int]:
        """Lets time pass; returns at which milliseconds a command was done."""
        clock, done = self.device.board.clock, []
        while clock.now_ns < until_ms * MS:
            if self.device.controller.tick():
                done.append(clock.now_ns // MS)
            clock.advance_ns(MS)
        return done


@pytest.fixture
def new_bench(new_device: Any, new_board: NewBoard) -> Callable[..., Bench]:
    return lambda **settings: Bench(new_device, new_board, **settings)


@pytest.mark.parametrize("seed", range(40))
def test_a_press_with_bounces_is_one_save(new_bench: Callable[..., Bench], seed: int) -> None:
    bench = new_bench(seed=seed)
    bench.press("save", at_ms=50, hold_ms=60)
    (at_ms,) = bench.run(200)
    assert 50 + 9 <= at_ms <= 50 + 5 + 10, "after the contact has been steady for 10 ms"
    assert bench.device.status().system_version == 1


def test_each_switch_gives_its_own_command(new_bench: Callable[..., Bench]) -> None:
    bench = new_bench()
    bench.device.write(3, "a")
    bench.press("save", 50, 60)
    assert len(bench.run(200)) == 1
    bench.device.write(3, "b")
    bench.press("restore", 250, 60)
    assert len(bench.run(400)) == 1
    assert bench.device.read(3, 1) == ["a"]
    bench.device.power_cycle()
    assert bench.device.read(3, 1) == ["a"]


def test_every_press_counts_and_no_release_does(new_bench: Callable[..., Bench]) -> None:
    bench = new_bench()
    for at_ms in (50, 150, 250):
        bench.press("save", at_ms, 40)
    assert len(bench.run(400)) == 3
    assert bench.device.status().system_version == 3


def test_a_switch_that_is_held_for_long_is_one_save(new_bench: Callable[..., Bench]) -> None:
    bench = new_bench()
    bench.press("save", 50, 3_000)
    assert len(bench.run(4_000)) == 1


@pytest.mark.parametrize("hold_ms", [1, 5, 9])
def test_a_press_that_is_too_short_is_none(new_bench: Callable[..., Bench], hold_ms: int) -> None:
    bench = new_bench(bounce_us=0)
    bench.press("save", 50, hold_ms)
    assert bench.run(200) == []


@pytest.mark.parametrize("seed", range(20))
def test_a_tap_that_only_bounces_is_none(new_bench: Callable[..., Bench], seed: int) -> None:
    bench = new_bench(seed=seed)
    bench.press("save", 50, 4)
    assert bench.run(200) == []


@pytest.mark.parametrize("debounce_ms", [1, 20])
def test_how_long_a_switch_must_be_steady_is_a_setting(new_bench: Callable[..., Bench], debounce_ms: int) -> None:
    bench = new_bench(bounce_us=0, debounce_ms=debounce_ms)
    bench.press("save", 50, 19)
    assert bench.run(200) == ([50] if debounce_ms == 1 else [])
    bench.press("save", 250, 20)
    assert bench.run(400) == [250 + debounce_ms - 1]


def test_a_switch_held_at_power_on_gives_none_until_it_was_released_and_pressed_again(
    new_bench: Callable[..., Bench],
) -> None:
    bench = new_bench()
    bench.press("save", 0, 100)
    bench.press("save", 300, 50)
    (at_ms,) = bench.run(500)
    assert 300 < at_ms < 320


def test_a_switch_held_through_a_power_cut_gives_no_second_save(new_bench: Callable[..., Bench]) -> None:
    bench = new_bench()
    bench.press("save", 50, 500)
    assert len(bench.run(200)) == 1
    bench.device.power_cycle()
    assert bench.run(1_000) == []
    assert bench.device.status().system_version == 1


@pytest.mark.parametrize("stuck", ["open", "closed"])
def test_a_stuck_switch_gives_none(new_bench: Callable[..., Bench], stuck: str) -> None:
    bench = new_bench(stuck=stuck)
    bench.press("save", 50, 60)
    assert bench.run(500) == []


def test_nobody_pressing_does_nothing(new_bench: Callable[..., Bench]) -> None:
    bench = new_bench()
    before = bench.device.board.rail.operations
    assert bench.run(300) == []
    assert bench.device.board.rail.operations == before


def test_a_refused_device_ignores_its_switches(new_bench: Callable[..., Bench]) -> None:
    bench = new_bench()
    disk = bench.device.board.media["disk0"]
    assert isinstance(disk, Disk)
    for lba in (0, 1):
        bench.device.board.cells.put(disk.first + lba, bytes(512))
    bench.device.power_cycle()
    digest = bench.device.board.cells.digest
    bench.press("save", 50, 60)
    bench.press("restore", 250, 60)
    assert bench.run(400) == []
    assert bench.device.board.cells.digest == digest


def test_a_device_without_switches_has_nothing_to_sample(new_device: Any) -> None:
    assert not new_device(store=StoreKind.NVRAM).controller.tick()
