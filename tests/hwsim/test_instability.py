"""What unstable cells read as, and which policies are worth trying."""

from __future__ import annotations

from itertools import pairwise

import pytest

from deltabench.hwsim.disk import UNCORRECTABLE
from deltabench.hwsim.instability import Adversary, Unstable, settled
from deltabench.hwsim.nand_pages import Page, Stable, mixture

OLD, NEW = b"\xff" * 16, b"\x00" * 16
LONG = Unstable(OLD, NEW)
ONE_BIT = Unstable(b"\xff" * 16, b"\xff" * 7 + b"\xfe" + b"\xff" * 8)


def reads(policy: str, cell: Unstable, times: int = 4) -> list[bytes]:
    adversary = Adversary()
    adversary.power_on(policy)
    return [adversary.read(0, cell) for _ in range(times)]


def worth_trying(*cells: int, cell: Unstable = ONE_BIT) -> str:
    """The policies that an adversary proposes to a boot that reads these cells, whatever they say."""
    adversary = Adversary()
    tried = ""
    for policy in adversary.policies():
        adversary.power_on(policy)
        for index in cells:
            adversary.read(index, cell)
        tried += policy
    return tried


def test_old_and_new_read_alike_for_as_long_as_power_is_on() -> None:
    assert reads("o", LONG) == [OLD] * 4
    assert reads("n", LONG) == [NEW] * 4


def test_flipping_cells_read_differently_from_one_read_to_the_next() -> None:
    assert reads("f", LONG) == [OLD, NEW, OLD, NEW]
    assert reads("g", LONG) == [NEW, OLD, NEW, OLD]


def test_a_cell_flips_at_its_own_reads_and_not_at_those_of_others() -> None:
    adversary = Adversary()
    adversary.power_on("f")
    assert [adversary.read(index, LONG) for index in (0, 1, 0, 1)] == [OLD, OLD, NEW, NEW]


def test_a_mixture_takes_each_byte_from_one_of_the_two_readings_and_is_no_prefix_of_either() -> None:
    (mixed,) = set(reads("m", LONG))
    taken = [byte == 0 for byte in mixed]
    assert set(mixed) == {0x00, 0xFF}
    changes = sum(a != b for a, b in pairwise(taken))
    assert 2 < changes < 15, "neither one block nor every second byte"


@pytest.mark.parametrize("policy", Adversary.POLICIES)
def test_bits_that_both_readings_agree_on_are_read_as_such_under_every_policy(policy: str) -> None:
    for value in reads(policy, Unstable(b"\xf0\x0f", b"\xf3\x03")):
        assert value[0] & 0xFC == 0xF0
        assert value[1] & 0xF3 == 0x03


@pytest.mark.parametrize("policy", Adversary.POLICIES)
def test_a_weak_cell_that_reads_the_same_either_way_leaves_nothing_to_choose(policy: str) -> None:
    assert worth_trying(0, cell=Unstable(OLD, OLD, weak=True)) == "o"
    assert reads(policy, Unstable(OLD, OLD, weak=True)) == [OLD] * 4


def test_only_the_first_policy_is_tried_where_no_unstable_cell_is_read() -> None:
    assert worth_trying() == "o"


def test_a_cell_of_one_doubtful_bit_read_once_is_old_or_new() -> None:
    assert worth_trying(0) == "on"


def test_a_cell_read_twice_may_also_flip() -> None:
    assert worth_trying(0, 0) == "onfg"


def test_two_doubtful_cells_or_bytes_may_also_be_mixed() -> None:
    assert worth_trying(0, 1) == "onm"
    assert worth_trying(0, cell=LONG) == "onm"
    assert worth_trying(0, 0, 1) == "onfgm"


def test_a_second_read_that_only_the_new_value_leads_to_is_found() -> None:
    adversary = Adversary()
    tried = ""
    for policy in adversary.policies():
        adversary.power_on(policy)
        if adversary.read(0, ONE_BIT) == ONE_BIT.other:
            adversary.read(0, ONE_BIT)
        tried += policy
    assert tried == "onfg"


def test_a_time_of_power_goes_on_where_it_was_left_for_another() -> None:
    adversary = Adversary()
    adversary.power_on("f")
    assert adversary.read(0, LONG) == OLD
    held = adversary.suspend()
    adversary.power_on("n")
    assert adversary.read(0, LONG) == NEW
    adversary.resume(held)
    assert adversary.policy == "f"
    assert adversary.read(0, LONG) == NEW, "its second read in this time of power"


def test_a_cell_without_doubt_is_plain_bytes_unless_it_is_weak() -> None:
    assert settled(OLD, OLD, weak=False) == OLD
    assert isinstance(settled(OLD, OLD, weak=True), Unstable)
    assert isinstance(settled(OLD, NEW, weak=False), Unstable)


def test_every_policy_is_explained() -> None:
    assert list(Adversary.MEANING) == list(Adversary.POLICIES)
    assert Adversary.POLICIES.startswith(Adversary.FIRST_POLICY)


EDGES = (0, 2, 4, 5)
"""Two codewords of two sectors, and one of spare bytes."""
BEFORE: tuple[bytes | None, ...] = (None,) * 5
AFTER: tuple[bytes | None, ...] = (b"a", b"b", b"c", b"d", b"spare")
TORN: tuple[bytes | None, ...] = (UNCORRECTABLE, UNCORRECTABLE)


@pytest.mark.parametrize(
    ("one", "other", "mixed"),
    [
        (BEFORE, AFTER, (*TORN, *AFTER[2:])),
        (None, AFTER, (*TORN, *AFTER[2:])),
        (AFTER, BEFORE, (*TORN, *BEFORE[2:])),
        ((*AFTER[:2], *BEFORE[2:]), AFTER, (*AFTER[:2], *TORN, b"spare")),
        ((*AFTER[:4], None), AFTER, (*AFTER[:4], UNCORRECTABLE)),
        (AFTER, AFTER, AFTER),
        (AFTER, Page(AFTER, (1, 0, 0)), Page(AFTER, (1, 0, 0))),
        (Page(AFTER, (1, 0, 0), 1, 9), (*TORN, *AFTER[2:]), Page((*TORN, *AFTER[2:]), (1, 0, 0), 1, 9)),
    ],
)
def test_a_mixture_of_pages_tears_whole_codewords_and_only_those_in_doubt(
    one: Stable, other: Stable, mixed: Stable
) -> None:
    assert mixture(one, other, EDGES) == mixed


def test_a_mixture_of_many_codewords_has_old_new_and_torn_ones() -> None:
    old, new = (b"old",) * 9, (b"new",) * 9
    assert set(mixture(old, new, range(10)) or ()) == {b"old", b"new", UNCORRECTABLE}


def pages_worth_trying(one: Stable, other: Stable, times: int) -> str:
    adversary = Adversary()
    tried = ""
    for policy in adversary.policies():
        adversary.power_on(policy)
        for _ in range(times):
            adversary.choose(0, one, other, lambda one, other: mixture(one, other, EDGES))
        tried += policy
    return tried


def test_mixtures_of_pages_are_tried_where_they_are_neither_reading() -> None:
    assert pages_worth_trying(BEFORE, AFTER, 1) == "onm"
    assert pages_worth_trying(BEFORE, AFTER, 2) == "onfgm"
    assert pages_worth_trying((*TORN, *AFTER[2:]), AFTER, 1) == "on", "one codeword, which is torn or not"
    assert pages_worth_trying(AFTER, AFTER, 2) == "o"
