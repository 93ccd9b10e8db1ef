"""The simulated clock."""

from __future__ import annotations

import pytest

from deltabench.hwsim.clock import Clock, ClockError


def test_a_new_clock_is_at_zero_and_stays_there_until_advanced() -> None:
    clock = Clock()
    assert (clock.now_ns, clock.now_ns, clock.now_us) == (0, 0, 0)


def test_durations_add_up_exactly_and_microseconds_are_rounded_down() -> None:
    clock = Clock()
    for _ in range(1_000):
        clock.advance_ns(3)
    clock.advance_ns(10**15 - 1)
    assert clock.now_ns == 10**15 + 2_999
    assert clock.now_us == 10**12 + 2


def test_time_does_not_advance_by_less_than_nothing() -> None:
    clock = Clock()
    with pytest.raises(ClockError, match="-5 ns"):
        clock.advance_ns(-5)
    assert clock.now_ns == 0


def test_an_undone_branch_rewinds_to_the_instant_where_it_began() -> None:
    clock = Clock()
    clock.advance_ns(700)
    began_ns = clock.now_ns
    clock.advance_ns(10_000)
    clock.rewind(began_ns)
    assert clock.now_ns == 700


@pytest.mark.parametrize("instant_ns", [-1, 701])
def test_a_rewind_reaches_only_instants_that_have_been(instant_ns: int) -> None:
    clock = Clock()
    clock.advance_ns(700)
    with pytest.raises(ClockError, match=f"rewind to {instant_ns} ns"):
        clock.rewind(instant_ns)
    assert clock.now_ns == 700
