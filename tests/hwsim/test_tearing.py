"""The tears of a program, as bit sets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltabench.hwsim.tearing import Detail, Tear, random_bits, torn_programs

lengths = st.integers(1, 40)
details = st.sampled_from(Detail)


@given(lengths, st.integers(0, 319), details)
def test_every_tear_is_a_part_of_the_program(length: int, position: int, detail: Detail) -> None:
    tears = torn_programs(length, position % (8 * length), detail)
    everything = (1 << 8 * length) - 1
    assert tears[0] == Tear("nothing", 0, 0)
    assert tears[-1] == Tear("all", everything, everything)
    for tear in tears:
        assert tear.sure & ~tear.maybe == 0, "what is done for certain may also be done"
        assert 0 <= tear.maybe <= everything


@given(lengths, st.integers(0, 319))
def test_the_samples_are_some_of_all_tears(length: int, position: int) -> None:
    position %= 8 * length
    every = {(tear.sure, tear.maybe) for tear in torn_programs(length, position, Detail.EVERY)}
    assert {(tear.sure, tear.maybe) for tear in torn_programs(length, position, Detail.SAMPLED)} <= every


@pytest.mark.parametrize("length", [1, 2, 3, 16, 64])
def test_the_number_of_samples_does_not_grow_with_the_program(length: int) -> None:
    assert len(torn_programs(length, 8 * length - 1, Detail.SAMPLED)) <= 12
    assert len(torn_programs(length, 0, Detail.EVERY)) >= 10 * length


@pytest.mark.parametrize("length", [1, 2, 5, 16])
def test_all_positions_together_are_every_position(length: int) -> None:
    sampled = {
        (tear.sure, tear.maybe)
        for position in range(8 * length)
        for tear in torn_programs(length, position, Detail.SAMPLED)
    }
    assert sampled == {(tear.sure, tear.maybe) for tear in torn_programs(length, 0, Detail.EVERY)}


def test_noise_is_the_same_in_every_run_and_differs_from_page_to_page() -> None:
    assert random_bits(4, 0) == bytes.fromhex("cd072cd8")
    assert len({random_bits(32, seed) for seed in range(50)}) == 50
