"""Bits that flip as NAND flash ages."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from deltabench.hwsim.aging import MOST_ERRORS, NS_PER_DAY, Aging
from deltabench.hwsim.clock import Clock
from deltabench.hwsim.disk import UNCORRECTABLE
from deltabench.hwsim.medium import Cells
from deltabench.hwsim.nand_pages import Page
from deltabench.hwsim.parts import NandPart, load_part

YEAR = 365
PAGE: tuple[bytes, bytes] = (bytes(512), bytes(16))
REAL = ["MT29F1G08ABADA", "MT29F8G08ABBCA", "TC58TEG5DCLTA00", "generic-nand", "generic-mlc"]


def part_of(name: str, **figures: int) -> NandPart:
    part = load_part(name)
    assert isinstance(part, NandPart)
    return msgspec.structs.replace(part, **figures)


class Old:
    """A part with pages that were programmed on day 0."""

    def __init__(self, name: str = "MT29F1G08ABADA", cycles: int = 100_000, **figures: int) -> None:
        self.part = part_of(name, **figures)
        self.cells = Cells()
        self.clock = Clock()
        self.aging = Aging(self.part, self.cells, self.clock, cycles)

    def errors(self, page: int = 0) -> tuple[int, ...]:
        return self.aging.errors(page, Page(()))

    def all_errors(self, pages: int = 2_000) -> list[int]:
        return [bits for page in range(min(pages, self.part.pages)) for bits in self.errors(page)]

    def wait(self, days: int) -> None:
        self.clock.advance_ns(days * NS_PER_DAY)


def test_errors_only_grow_with_time_and_reads() -> None:
    old = Old("TC58TEG5DCLTA00", cycles=3_000)
    before = old.all_errors(20)
    for _ in range(40):
        old.wait(600)
        after = old.all_errors(20)
        assert all(a <= b for a, b in zip(before, after, strict=True))
        before = after
        old.aging.disturb(50_000)
        after = old.all_errors(20)
        assert all(a <= b for a, b in zip(before, after, strict=True))
        before = after
    assert set(before) == {MOST_ERRORS}, "and no further"


def test_errors_grow_with_wear() -> None:
    sums = [sum(Old("TC58TEG5DCLTA00", cycles).all_errors(100)) for cycles in (0, 1_000, 3_000, 9_000)]
    assert sums == sorted(set(sums))
    assert sums[0] < 10


def test_the_same_is_told_whenever_it_is_asked_for() -> None:
    old = Old("generic-mlc", cycles=3_000)
    old.wait(200)
    assert old.all_errors(50) == old.all_errors(50)
    again = Old("generic-mlc", cycles=3_000)
    again.wait(200)
    assert old.all_errors(50) == again.all_errors(50)


def test_two_parts_on_one_board_do_not_lose_the_same_pages() -> None:
    old = Old("generic-mlc", cycles=3_000)
    other = Aging(old.part, old.cells, old.clock, 3_000)
    old.wait(365)
    assert old.all_errors(50) != [bits for page in range(50) for bits in other.errors(page, Page(()))]


def test_errors_are_as_many_as_the_rates_say() -> None:
    old = Old("TC58TEG5DCLTA00", cycles=3_000)
    rate = old.aging.rate(0, 0, 0)
    mean = rate * 8 * 1_024 / 10**12
    drawn = old.all_errors()
    assert 0.9 * mean < sum(drawn) / len(drawn) < 1.1 * mean
    variance = sum((bits - mean) ** 2 for bits in drawn) / len(drawn)
    assert 0.9 * mean < variance < 1.1 * mean, "that of a Poisson distribution"


def test_the_tail_of_the_distribution_is_there() -> None:
    old = Old("TC58TEG5DCLTA00", cycles=300)
    old.wait(YEAR // 30)
    mean = old.aging.rate(0, (YEAR // 30) / YEAR, 0) * 8 * 1_024 / 10**12
    drawn = old.all_errors(10_000)
    assert 0.1 < mean < 1
    for bits in range(5):
        share = math.exp(-mean) * mean**bits / math.factorial(bits)
        assert drawn.count(bits) / len(drawn) == pytest.approx(share, rel=0.1, abs=1e-4)


@pytest.mark.parametrize("name", REAL)
def test_nothing_young_is_ever_beyond_correction(name: str) -> None:
    young = Old(name, cycles=0)
    young.wait(10 * YEAR)
    young.aging.disturb(100_000)
    assert max(young.all_errors()) <= 2 < young.part.ecc_bits


@pytest.mark.parametrize("name", REAL)
def test_at_the_end_of_rated_life_the_ecc_is_just_about_enough(name: str) -> None:
    part = part_of(name)
    worn = Old(name, cycles=part.endurance_cycles)
    worn.wait(part.retention_years * YEAR)
    held = worn.all_errors()
    assert 0 < max(held) <= part.ecc_bits
    worn.wait(99 * part.retention_years * YEAR)
    assert max(worn.all_errors()) > part.ecc_bits, "and far beyond it is not"


def test_reads_flip_bits_in_their_block_alone_until_it_is_erased(bench: Any) -> None:
    nand = bench.nand(cycles=100_000)
    for page in (0, 8):
        nand.program(page, PAGE)
    quiet = nand.reading(8)
    reads = bench.cells.values[:]
    for _ in range(5):
        nand.read(0)
        nand.is_bad(0)
    assert nand.reading(8) == quiet
    assert [b for a, b in zip(reads, bench.cells.values, strict=True) if a != b] == [10]
    rate = nand.aging.rate
    assert rate(0, 0, 1_000) > rate(0, 0, 0)
    nand.aging.disturb(10**9)
    assert nand.reading(0).units == (UNCORRECTABLE,) * 2
    nand.erase(0)
    nand.program(0, PAGE)
    assert nand.reading(0).units == PAGE
    assert nand.reading(8).units == (UNCORRECTABLE,) * 2


def test_going_back_undoes_reads_and_erases(bench: Any) -> None:
    nand = bench.nand(cycles=100_000)
    nand.program(0, PAGE)
    mark, digest, held = len(bench.cells.journal), bench.cells.digest, bench.cells.values[:]
    for _ in range(3):
        nand.read(0)
        nand.erase(1)
        nand.is_bad(2)
        assert bench.cells.digest != digest
        bench.cells.rollback(mark)
        assert (bench.cells.digest, bench.cells.values) == (digest, held)


def test_data_age_from_the_day_on_which_they_were_programmed(bench: Any) -> None:
    nand = bench.nand(cycles=100_000)
    nand.program(0, PAGE)
    bench.clock.advance_ns(5_000 * YEAR * NS_PER_DAY)
    nand.program(1, PAGE)
    assert nand.reading(0).units == (UNCORRECTABLE,) * 2
    assert nand.reading(1).units == PAGE
    nand.erase(0)
    nand.program(0, PAGE)
    assert nand.reading(0).units == PAGE


def test_another_part_of_a_page_makes_the_first_no_younger(bench: Any) -> None:
    nand = bench.nand(cycles=100_000, partial_programs=2)
    nand.program(0, PAGE[:1])
    bench.clock.advance_ns(5_000 * YEAR * NS_PER_DAY)
    assert nand.reading(0).units == (UNCORRECTABLE, None)
    nand.program(0, PAGE[1:], 1)
    assert nand.reading(0).units[0] is UNCORRECTABLE


def test_what_a_cut_left_ages_like_anything_else(bench: Any) -> None:
    nand = bench.nand(cycles=100_000)
    outcomes = bench.outcomes(lambda: nand.program(0, PAGE))
    for outcome in outcomes[1:]:
        with bench.left(outcome):
            for policy in "on":
                bench.adversary.power_on(policy)
                fresh = nand.reading(0).units
                bench.clock.advance_ns(5_000 * YEAR * NS_PER_DAY)
                old = nand.reading(0).units
                bench.clock.rewind(0)
                lost = tuple(unit if unit is None else UNCORRECTABLE for unit in fresh)
                assert old == lost, outcome.label


def test_a_cut_that_left_all_is_no_different_from_none(bench: Any) -> None:
    nand = bench.nand(cycles=100_000)
    bench.clock.advance_ns(3 * NS_PER_DAY)
    outcomes = bench.outcomes(lambda: nand.program(0, PAGE))
    bench.leave(outcomes[-1])
    left = bench.cells.values[:]
    bench.cells.rollback(0)
    nand.program(0, PAGE)
    assert bench.cells.values == left


def test_blank_pages_stay_blank_however_old_they_are(bench: Any) -> None:
    nand = bench.nand(cycles=100_000)
    bench.clock.advance_ns(5_000 * YEAR * NS_PER_DAY)
    assert nand.read(3) == ((None, None), 0)
