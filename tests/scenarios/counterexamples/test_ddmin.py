from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deltabench.scenarios.counterexamples.ddmin import ddmin


@given(st.sets(st.integers(0, 30), min_size=1, max_size=5))
def test_what_is_needed_is_found_and_nothing_else(needed: set[int]) -> None:
    assert ddmin(range(31), lambda some: needed <= set(some)) == sorted(needed)


@given(st.integers(1, 40), st.integers(1, 7))
def test_no_item_of_what_comes_out_can_be_left_out(count: int, least: int) -> None:
    def does_it(some: list[int]) -> bool:
        return sum(number % 3 == 0 for number in some) >= least

    if does_it(list(range(count))):
        some = ddmin(range(count), does_it)
        assert does_it(some)
        assert not any(does_it(some[:at] + some[at + 1 :]) for at in range(len(some)))


def test_it_takes_the_runs_that_the_paper_says_at_most() -> None:
    runs: list[int] = []

    def does_it(some: list[int]) -> bool:
        runs.append(len(some))
        return 77 in some

    assert ddmin(range(128), does_it) == [77]
    assert len(runs) < 2 * 7 + 2, "a single culprit is found by bisection"
