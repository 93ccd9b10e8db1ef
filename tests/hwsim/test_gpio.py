"""Push-buttons and the pins that the firmware samples."""

from __future__ import annotations

import pytest

from deltabench.hwsim.clock import Clock
from deltabench.hwsim.gpio import Switch, SwitchError

MS = 1_000_000


def sampled(switch: Switch, clock: Clock, until_ns: int, every_ns: int = MS) -> list[bool]:
    """What a firmware sees that samples the pin every ``every_ns`` until ``until_ns``."""
    levels = []
    while clock.now_ns < until_ns:
        levels.append(switch.pin.level())
        clock.advance_ns(every_ns)
    return levels


def presses_seen(levels: list[bool], stable: int) -> int:
    """Presses that a debouncer counts that wants ``stable`` equal samples in a row."""
    pressed, run, count = False, 0, 0
    for level in levels:
        run = run + 1 if level != pressed else 0
        if run == stable:
            pressed, run = level, 0
            count += pressed
    return count


def test_a_switch_that_nobody_presses_is_open() -> None:
    clock = Clock()
    assert not any(sampled(Switch(clock), clock, 50 * MS))


def test_a_perfect_contact_is_closed_from_the_press_to_the_release() -> None:
    switch = Switch(Clock(), bounce_us=0)
    switch.press(at_ns=10 * MS, hold_ns=30 * MS)
    assert [switch.level(ns) for ns in (10 * MS - 1, 10 * MS, 40 * MS - 1, 40 * MS)] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("seed", range(50))
def test_bounces_stay_within_the_window_after_each_edge(seed: int) -> None:
    switch = Switch(Clock(), bounce_us=5_000, seed=seed)
    press = switch.press(at_ns=10 * MS, hold_ns=60 * MS)
    assert press.edges_ns[0] == 10 * MS
    assert 70 * MS in press.edges_ns
    assert list(press.edges_ns) == sorted(set(press.edges_ns))
    assert all(10 * MS <= edge_ns < 15 * MS or 70 * MS <= edge_ns < 75 * MS for edge_ns in press.edges_ns)
    assert all(switch.level(ns) for ns in range(15 * MS, 70 * MS, MS // 10))
    assert not any(switch.level(ns) for ns in range(75 * MS, 90 * MS, MS // 10))
    assert press.settled_ns == 75 * MS


def test_some_seeds_bounce_and_bounces_show_at_the_pin() -> None:
    counts = []
    for seed in range(50):
        clock = Clock()
        switch = Switch(clock, seed=seed)
        switch.press(at_ns=10 * MS, hold_ns=60 * MS)
        counts.append(presses_seen(sampled(switch, clock, 100 * MS, MS // 10), stable=1))
    assert max(counts) > 2
    assert min(counts) >= 1


@pytest.mark.parametrize("seed", range(50))
def test_a_debouncer_slower_than_the_bounce_sees_one_press_as_one(seed: int) -> None:
    clock = Clock()
    switch = Switch(clock, bounce_us=5_000, seed=seed)
    for at_ms in (10, 200, 400):
        switch.press(at_ns=at_ms * MS, hold_ns=60 * MS)
    assert presses_seen(sampled(switch, clock, 600 * MS), stable=8) == 3


def test_the_same_seed_bounces_alike_whatever_the_order_of_the_presses() -> None:
    one, other = Switch(Clock(), seed=7), Switch(Clock(), seed=7)
    for at_ms in (10, 200):
        one.press(at_ms * MS, 50 * MS)
    for at_ms in (200, 10):
        other.press(at_ms * MS, 50 * MS)
    assert one.presses == other.presses


def test_another_seed_or_another_instant_bounces_differently() -> None:
    def delays(seed: int, at_ns: int) -> list[int]:
        press = Switch(Clock(), seed=seed).press(at_ns, 60 * MS)
        return [edge_ns - at_ns for edge_ns in press.edges_ns]

    assert len({tuple(delays(seed, 10 * MS)) for seed in range(10)}) == 10
    assert len({tuple(delays(1, at_ms * MS)) for at_ms in range(10)}) == 10


def test_a_tap_shorter_than_the_bounce_still_ends_open() -> None:
    for seed in range(50):
        switch = Switch(Clock(), bounce_us=5_000, seed=seed)
        press = switch.press(at_ns=MS, hold_ns=3)
        assert list(press.edges_ns) == sorted(set(press.edges_ns))
        assert len(press.edges_ns) % 2 == 0
        assert not switch.level(press.settled_ns)


def test_one_press_can_bounce_for_longer_than_the_switch_usually_does() -> None:
    switch = Switch(Clock(), bounce_us=0)
    assert switch.press(10 * MS, 50 * MS).edges_ns == (10 * MS, 60 * MS)
    assert len(switch.press(200 * MS, 300 * MS, bounce_us=157_000).edges_ns) > 2


@pytest.mark.parametrize(("stuck", "closed"), [("open", False), ("closed", True)])
def test_a_stuck_contact_ignores_presses(stuck: str, closed: bool) -> None:
    clock = Clock()
    switch = Switch(clock, stuck=stuck)
    switch.press(at_ns=10 * MS, hold_ns=50 * MS)
    assert set(sampled(switch, clock, 100 * MS)) == {closed}


def test_going_back_in_time_shows_the_same_levels_again() -> None:
    clock = Clock()
    switch = Switch(clock, seed=3)
    switch.press(at_ns=10 * MS, hold_ns=50 * MS)
    first = sampled(switch, clock, 100 * MS)
    clock.rewind(0)
    assert sampled(switch, clock, 100 * MS) == first


@pytest.mark.parametrize("at_ms", [10, 40, 74])
def test_a_press_that_runs_into_another_is_refused(at_ms: int) -> None:
    switch = Switch(Clock(), bounce_us=5_000)
    switch.press(at_ns=20 * MS, hold_ns=50 * MS)
    with pytest.raises(SwitchError, match="settles"):
        switch.press(at_ns=at_ms * MS, hold_ns=50 * MS)
    assert len(switch.presses) == 1
    switch.press(at_ns=75 * MS, hold_ns=50 * MS)


def test_impossible_presses_and_switches_are_refused_with_what_is_allowed() -> None:
    clock = Clock()
    with pytest.raises(SwitchError, match="bounce_us is -1"):
        Switch(clock, bounce_us=-1)
    with pytest.raises(SwitchError, match="'shut': open or closed"):
        Switch(clock, stuck="shut")
    for at_ns, hold_ns, bounce_us in ((-1, 5, 0), (0, 0, 0), (0, 5, -1)):
        with pytest.raises(SwitchError, match=f"{at_ns} ns, held for {hold_ns} ns"):
            Switch(clock).press(at_ns, hold_ns, bounce_us)
