"""NAND flash: the media rules, ECC, blocks that fail, and every row of the power-loss table for program and erase."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from deltabench.hwsim.disk import UNCORRECTABLE
from deltabench.hwsim.instability import Adversary
from deltabench.hwsim.medium import MediaRuleError, Operation, Outcome
from deltabench.hwsim.nand import Failing
from deltabench.hwsim.nand_pages import Units
from deltabench.hwsim.onfi import read_parameters
from deltabench.hwsim.tearing import Detail

Readings = tuple[Units, Units]
CODEWORDS = 5
"""Of a page of four sectors with a codeword each: the last is that of the spare bytes."""
BLANK: Units = (None,) * CODEWORDS
LOST: Units = (UNCORRECTABLE,) * CODEWORDS


def units(number: int, sectors: int = 4) -> Units:
    """A page that is like no other."""
    return (*(bytes([number, n]) * 256 for n in range(sectors)), bytes([number]) * 16)


NEW = units(1)


def readings(bench: Any, nand: Any, outcome: Outcome, page: int) -> Readings:
    """What is read after an outcome if unstable pages read as before the operation, and as after it."""
    with bench.left(outcome):
        return both(bench, nand, page)


def both(bench: Any, nand: Any, page: int) -> Readings:
    bench.adversary.power_on("o")
    one = nand.read(page).units
    bench.adversary.power_on("n")
    return one, nand.read(page).units


def named(outcomes: Iterable[Outcome], label: str) -> Outcome:
    (outcome,) = [outcome for outcome in outcomes if outcome.label == label]
    return outcome


# --- media rules


def test_what_is_programmed_reads_back_and_what_is_not_is_blank(bench: Any) -> None:
    nand = bench.nand(sectors=4)
    assert nand.program(3, NEW)
    assert nand.read(3) == (NEW, 0)
    assert nand.read(2) == nand.read(4) == (BLANK, 0)


def test_pages_of_a_block_are_programmed_in_ascending_order_and_gaps_are_allowed(bench: Any) -> None:
    nand = bench.nand()
    for page in (0, 2, 5, 8, 7):
        nand.program(page, units(page, 1))
    for page in (1, 3, 4, 6):
        with pytest.raises(MediaRuleError, match=rf"nand0: program of page {page} of block 0 behind page 7: .* order"):
            nand.program(page, units(page, 1))
    assert nand.read(1).units == (None, None)


def test_an_erase_makes_its_whole_block_blank_and_no_other(bench: Any) -> None:
    nand = bench.nand()
    for page in (0, 7, 8, 15, 16):
        nand.program(page, units(page, 1))
    assert nand.erase(1)
    assert [page for page in range(24) if nand.read(page).units != (None, None)] == [0, 7, 16]
    nand.program(8, units(99, 1))
    assert nand.read(8).units == units(99, 1)


def test_a_page_is_not_programmed_twice(bench: Any) -> None:
    nand = bench.nand()
    nand.program(4, units(1, 1))
    with pytest.raises(MediaRuleError, match="nand0: program of page 4, which is not blank; erase the block first"):
        nand.program(4, units(1, 1))


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_a_page_is_programmed_in_as_many_parts_as_the_part_allows_and_no_more(bench: Any, limit: int) -> None:
    nand = bench.nand(sectors=4, partial_programs=limit)
    for unit in range(limit):
        nand.program(0, NEW[unit : unit + 1], unit)
    assert nand.read(0).units == NEW[:limit] + BLANK[limit:]
    with pytest.raises(MediaRuleError, match=f"program {limit + 1} of page 0, and the part allows {limit} between two"):
        nand.program(0, NEW[4:], 4)
    nand.erase(0)
    nand.program(0, NEW[4:], 4)
    assert nand.read(0).units == BLANK[:4] + NEW[4:]


@pytest.mark.parametrize("cut_in", [1, 2])
def test_parts_of_a_page_count_that_were_cut(bench: Any, cut_in: int) -> None:
    nand = bench.nand(sectors=4, partial_programs=2)
    for unit in range(cut_in - 1):
        nand.program(0, NEW[unit : unit + 1], unit)
    outcomes = bench.outcomes(lambda: nand.program(0, NEW[cut_in - 1 : cut_in], cut_in - 1))
    bench.leave(outcomes[-1])
    assert nand.read(0).units == NEW[:cut_in] + BLANK[cut_in:]
    if cut_in == 1:
        nand.program(0, NEW[3:4], 3)
    with pytest.raises(MediaRuleError, match="program 3 of page 0, and the part allows 2"):
        nand.program(0, NEW[4:], 4)


def test_a_part_of_a_page_does_not_overwrite_another(bench: Any) -> None:
    nand = bench.nand(sectors=4, partial_programs=4)
    nand.program(0, NEW[:2])
    with pytest.raises(MediaRuleError, match="nand0: program of page 0 would overwrite"):
        nand.program(0, NEW[1:3], 1)


def test_parts_of_a_page_are_programmed_in_order_too(bench: Any) -> None:
    nand = bench.nand(sectors=4, partial_programs=4)
    nand.program(2, NEW[:1])
    nand.program(3, NEW[:1])
    with pytest.raises(MediaRuleError, match="program of page 2 of block 0 behind page 3"):
        nand.program(2, NEW[1:2], 1)
    nand.program(3, NEW[1:2], 1)
    with pytest.raises(MediaRuleError, match="program of page 1 of block 0 behind page 3"):
        nand.program(1, NEW)


@pytest.mark.parametrize(("first", "count"), [(1, 1), (0, 1), (1, 2), (2, 4), (-1, 1), (0, 0), (3, 2), (0, 6)])
def test_a_part_of_a_page_is_of_whole_codewords(bench: Any, first: int, count: int) -> None:
    nand = bench.nand(sectors=4, codeword_sectors=2, partial_programs=4)
    with pytest.raises(MediaRuleError, match=f"program of units {first} to {first + count - 1} of page 0"):
        nand.program(0, (bytes(512),) * count, first)
    assert nand.read(0).units == BLANK


def test_a_block_with_the_mark_of_the_factory_is_neither_erased_nor_programmed(bench: Any) -> None:
    nand = bench.nand(bad_blocks=(1,), partial_programs=2)
    assert [nand.is_bad(block) for block in range(3)] == [False, True, False]
    for act in (lambda: nand.program(8, units(1, 1)), lambda: nand.program(9, (bytes(16),), 1)):
        with pytest.raises(MediaRuleError, match="nand0: program in block 1, which the factory has marked as bad"):
            act()
    with pytest.raises(MediaRuleError, match="nand0: erase of block 1, which the factory has marked as bad"):
        nand.erase(1)
    assert nand.read(8).units == (None, None)


def test_spare_bytes_that_the_ecc_needs_are_refused(bench: Any) -> None:
    nand = bench.nand(partial_programs=2)
    assert nand.spare_bytes == 16
    nand.program(0, (bytes(512), bytes(16)))
    for act in (lambda: nand.program(1, (bytes(512), bytes(17))), lambda: nand.program(1, (bytes(17),), 1)):
        with pytest.raises(MediaRuleError, match="nand0: 17 spare bytes, and the part leaves 16"):
            act()


@pytest.mark.parametrize("page", [-1, 24])
def test_pages_and_blocks_that_the_part_has_not_are_refused(bench: Any, page: int) -> None:
    nand = bench.nand()
    block = page // 8
    for act in (
        lambda: nand.read(page),
        lambda: nand.program(page, units(1, 1)),
        lambda: nand.erase(block),
        lambda: nand.is_bad(block),
    ):
        with pytest.raises(MediaRuleError, match=r"nand0: .* runs outside the part, which ends at 0x18"):
            act()


def test_what_is_refused_is_not_announced(bench: Any) -> None:
    nand = bench.nand(bad_blocks=(1,), failing=(Failing(block=2, on="erase"),))
    for _ in range(4):
        nand.erase(2)
    nand.program(0, units(1, 1))
    bench.rail.operations = 0
    for act in (
        lambda: nand.program(0, units(1, 1)),
        lambda: nand.erase(1),
        lambda: nand.erase(2),
        lambda: nand.program(1, (None, bytes(17))),
    ):
        with pytest.raises(MediaRuleError):
            act()
    assert bench.rail.operations == 0


def test_the_parameter_page_is_that_of_the_blocks_that_there_are(bench: Any) -> None:
    told = read_parameters(bench.nand(blocks=5, sectors=4, codeword_sectors=2, ecc_bits=8).parameter_page())
    assert (told.blocks, told.pages_per_block, told.page_bytes, told.ecc_bits) == (5, 8, 2_048, 4)


# --- ECC


@pytest.mark.parametrize("unit", range(CODEWORDS))
@pytest.mark.parametrize("bits", [1, 4, 5, 300])
def test_bits_are_corrected_up_to_the_limit_codeword_by_codeword(bench: Any, unit: int, bits: int) -> None:
    nand = bench.nand(sectors=4)
    nand.program(0, NEW)
    nand.add_errors(0, unit, bits)
    if bits <= 4:
        assert nand.read(0) == (NEW, bits)
    else:
        assert nand.read(0) == ((*NEW[:unit], UNCORRECTABLE, *NEW[unit + 1 :]), 0)


def test_the_most_bits_that_were_corrected_are_told_and_those_beyond_the_limit_do_not_count(bench: Any) -> None:
    nand = bench.nand(sectors=4)
    nand.program(0, NEW)
    for unit, bits in enumerate((2, 3, 9, 1)):
        nand.add_errors(0, unit, bits)
    assert nand.read(0) == ((*NEW[:2], UNCORRECTABLE, *NEW[3:]), 3)
    assert nand.errors_of(0, 2) == 9


def test_bits_of_one_codeword_add_up_and_an_erase_takes_them_away(bench: Any) -> None:
    nand = bench.nand(sectors=4)
    nand.program(0, NEW)
    nand.add_errors(0, 1, 3)
    nand.add_errors(0, 1, 2)
    assert nand.read(0).units[1] is UNCORRECTABLE
    nand.erase(0)
    nand.program(0, NEW)
    assert nand.read(0) == (NEW, 0)


@pytest.mark.parametrize(("unit", "lost"), [(0, (0, 1)), (1, (0, 1)), (3, (2, 3)), (4, (4,))])
def test_sectors_in_one_codeword_are_lost_together_and_the_spare_bytes_alone(
    bench: Any, unit: int, lost: tuple[int, ...]
) -> None:
    nand = bench.nand(sectors=4, codeword_sectors=2)
    nand.program(0, NEW)
    nand.add_errors(0, unit, 5)
    assert [n for n, held in enumerate(nand.read(0).units) if held is UNCORRECTABLE] == list(lost)


def test_what_is_blank_stays_so_however_many_bits_flip(bench: Any) -> None:
    nand = bench.nand(sectors=4, partial_programs=4)
    nand.add_errors(1, 0, 99)
    nand.program(0, NEW[:1])
    nand.add_errors(0, 3, 99)
    nand.add_errors(0, 2, 1)
    assert nand.read(1) == (BLANK, 0)
    assert nand.read(0) == (NEW[:1] + BLANK[1:], 0)


def test_bits_that_had_flipped_are_not_healed_by_another_part_of_the_page(bench: Any) -> None:
    nand = bench.nand(sectors=4, partial_programs=4)
    nand.program(0, NEW[:1])
    nand.add_errors(0, 0, 5)
    outcomes = bench.outcomes(lambda: nand.program(0, NEW[1:2], 1))
    for outcome in outcomes:
        for reading in readings(bench, nand, outcome, 0):
            assert reading[0] is UNCORRECTABLE, outcome.label
    nand.program(0, NEW[1:2], 1)
    assert nand.read(0).units == (UNCORRECTABLE, NEW[1], None, None, None)


def test_bits_that_flip_do_not_settle_an_unstable_page(bench: Any) -> None:
    nand = bench.nand(sectors=4)
    bench.leave(named(bench.outcomes(lambda: nand.program(0, NEW)), "all, unstable"))
    nand.add_errors(0, 1, 1)
    assert both(bench, nand, 0) == (BLANK, NEW)
    nand.add_errors(0, 1, 4)
    assert both(bench, nand, 0) == (BLANK, (NEW[0], UNCORRECTABLE, *NEW[2:]))


# --- blocks that fail


def test_a_block_fails_once_it_has_done_what_it_can(bench: Any) -> None:
    nand = bench.nand(failing=(Failing(block=1, on="erase", after=2), Failing(block=0, on="program", after=3)))
    assert [nand.erase(1) for _ in range(4)] == [True, True, False, False]
    assert [nand.erase(0) for _ in range(4)] == [True] * 4
    assert [nand.program(page, units(page, 1)) for page in range(5)] == [True, True, True, False, False]
    assert nand.program(16, units(9, 1))


def test_a_program_that_fails_leaves_a_page_that_cannot_be_read_and_the_others_as_they_were(bench: Any) -> None:
    nand = bench.nand(sectors=4, failing=(Failing(block=0, on="program", after=1),))
    nand.program(0, NEW)
    assert not nand.program(1, NEW)
    assert nand.read(0).units == NEW
    assert nand.read(1).units == LOST
    with pytest.raises(MediaRuleError, match="not blank"):
        nand.program(1, NEW)


def test_an_erase_that_fails_leaves_nothing_that_can_be_read_and_no_page_that_holds_what_is_programmed(
    bench: Any,
) -> None:
    nand = bench.nand(sectors=4, failing=(Failing(block=0, on="erase"),))
    nand.program(0, NEW)
    nand.program(2, NEW)
    assert not nand.erase(0)
    assert [nand.read(page).units for page in range(4)] == [LOST, BLANK, LOST, BLANK]
    with pytest.raises(MediaRuleError, match="behind page 2"):
        nand.program(1, NEW)
    nand.program(3, NEW)
    assert both(bench, nand, 3) == (BLANK, NEW)


@pytest.mark.parametrize("on", ["erase", "program"])
def test_a_firmware_that_uses_a_failed_block_again_and_again_is_stopped(bench: Any, on: Any) -> None:
    nand = bench.nand(pages=32, failing=(Failing(block=0, on=on),))
    acts = (
        [lambda: nand.erase(0)] * 9 if on == "erase" else [lambda p=p: nand.program(p, units(p, 1)) for p in range(9)]
    )
    assert [act() for act in acts[:4]] == [False] * 4
    with pytest.raises(MediaRuleError, match=f"nand0: {on} of block 0, which has reported 4 failures"):
        acts[4]()


def test_a_failure_is_undone_with_everything_else(bench: Any) -> None:
    nand = bench.nand(failing=(Failing(block=0, on="erase", after=1),))
    mark, digest = len(bench.cells.journal), bench.cells.digest
    for _ in range(3):
        assert [nand.erase(0), nand.erase(0)] == [True, False]
        bench.cells.rollback(mark)
    assert bench.cells.digest == digest


# --- the power-loss table: program


@pytest.fixture
def torn(bench: Any) -> list[Readings]:
    nand = bench.nand(sectors=4)
    return [readings(bench, nand, outcome, 2) for outcome in bench.outcomes(lambda: nand.program(2, NEW))]


@pytest.fixture
def stable(torn: list[Readings]) -> set[Units]:
    return {one for one, other in torn if one == other}


def test_a_torn_program_may_have_done_nothing_or_all(torn: list[Readings]) -> None:
    assert torn[0] == (BLANK, BLANK)
    assert torn[-1] == (NEW, NEW)


@pytest.mark.parametrize("done", range(1, CODEWORDS))
def test_a_torn_program_may_leave_any_prefix(stable: set[Units], done: int) -> None:
    assert NEW[:done] + BLANK[done:] in stable


@pytest.mark.parametrize("codeword", range(CODEWORDS))
def test_a_torn_program_may_leave_any_one_codeword_half_programmed(stable: set[Units], codeword: int) -> None:
    assert NEW[:codeword] + LOST[:1] + NEW[codeword + 1 :] in stable
    assert NEW[:codeword] + LOST[:1] + BLANK[codeword + 1 :] in stable


@pytest.mark.parametrize("codeword", range(CODEWORDS))
def test_a_torn_program_may_have_done_codewords_in_any_order(stable: set[Units], codeword: int) -> None:
    assert BLANK[:codeword] + NEW[codeword:] in stable or not codeword
    assert BLANK[:codeword] + NEW[codeword : codeword + 1] + BLANK[codeword + 1 :] in stable
    assert NEW[:codeword] + BLANK[:1] + NEW[codeword + 1 :] in stable
    assert (None, NEW[1], None, NEW[3], None) in stable


@pytest.mark.parametrize("codeword", range(CODEWORDS))
def test_a_torn_program_may_lack_one_bit_of_any_codeword_which_is_corrected(bench: Any, codeword: int) -> None:
    nand = bench.nand(sectors=4)
    with bench.left(named(bench.outcomes(lambda: nand.program(2, NEW)), f"all but a bit of codeword {codeword}")):
        assert nand.read(2) == (NEW, 1)
        nand.add_errors(2, codeword, 4)
        assert nand.read(2).units[codeword] is UNCORRECTABLE


def test_without_ecc_a_bit_that_is_lacking_is_not_corrected(bench: Any) -> None:
    nand = bench.nand(sectors=4, ecc_bits=0)
    bench.leave(named(bench.outcomes(lambda: nand.program(2, NEW)), "all but a bit of codeword 1"))
    assert nand.read(2) == ((NEW[0], UNCORRECTABLE, *NEW[2:]), 0)


def test_a_torn_program_may_leave_the_page_uncorrectable_for_good_or_now_and_then(torn: list[Readings]) -> None:
    assert (LOST, LOST) in torn
    assert (LOST, NEW) in torn


def test_a_torn_program_may_leave_everything_unstable(torn: list[Readings]) -> None:
    assert (BLANK, NEW) in torn


@pytest.mark.parametrize("codeword", range(CODEWORDS))
def test_a_torn_program_may_leave_a_prefix_or_any_one_codeword_unstable(torn: list[Readings], codeword: int) -> None:
    assert (BLANK, NEW[:codeword] + BLANK[codeword:]) in torn
    assert (NEW[:codeword] + LOST[:1] + NEW[codeword + 1 :], NEW) in torn


def test_sectors_of_one_codeword_are_torn_together(bench: Any) -> None:
    nand = bench.nand(sectors=4, codeword_sectors=2)
    outcomes = bench.outcomes(lambda: nand.program(0, NEW))
    for outcome in outcomes:
        with bench.left(outcome):
            for policy in Adversary.POLICIES:
                bench.adversary.power_on(policy)
                for held in (nand.read(0).units, nand.read(0).units):
                    kinds = [0 if unit is None else 1 if unit is UNCORRECTABLE else 2 for unit in held]
                    assert kinds[0] == kinds[1], outcome.label
                    assert kinds[2] == kinds[3], outcome.label


def test_a_page_that_a_cut_may_have_touched_is_not_programmed_again(bench: Any) -> None:
    nand = bench.nand(sectors=4, partial_programs=4)
    for outcome in bench.outcomes(lambda: nand.program(2, NEW))[1:]:
        with bench.left(outcome), pytest.raises(MediaRuleError):
            nand.program(2, NEW)
    bench.leave(named(bench.outcomes(lambda: nand.program(2, NEW)), "all, unstable"))
    with pytest.raises(MediaRuleError, match="partial program of page 2, which a cut has left unstable"):
        nand.program(2, NEW[:1])


def test_a_torn_part_of_a_page_may_take_the_whole_page_with_it(bench: Any) -> None:
    nand = bench.nand(sectors=4, partial_programs=4)
    nand.program(0, NEW[:1])
    left = [readings(bench, nand, one, 0) for one in bench.outcomes(lambda: nand.program(0, NEW[1:3], 1))]
    assert left[0] == (NEW[:1] + BLANK[1:],) * 2
    assert left[-1] == (NEW[:3] + BLANK[3:],) * 2
    assert (NEW[:2] + BLANK[2:],) * 2 in left
    assert (NEW[:1] + BLANK[1:], NEW[:3] + BLANK[3:]) in left
    assert (LOST, LOST) in left


def test_each_sampled_outcome_is_one_of_all_outcomes(new_bench: Any) -> None:
    for pairing in ("none", "dist3"):
        left = []
        for detail in (Detail.SAMPLED, Detail.EVERY):
            bench = new_bench()
            nand = bench.nand(sectors=4, detail=detail, pairing=pairing)
            nand.program(0, units(7))
            outcomes = bench.outcomes(lambda nand=nand: nand.program(2, NEW))
            left.append({(readings(bench, nand, one, 0), readings(bench, nand, one, 2)) for one in outcomes})
        assert left[0] < left[1]
        assert len(left[0]) >= 8


def test_samples_of_many_different_pages_visit_every_codeword(bench: Any) -> None:
    nand = bench.nand(sectors=4, pages=64, blocks=4, detail=Detail.SAMPLED)
    half, prefix, unstable, one_bit = set(), set(), set(), set()
    for page in range(256):
        for outcome in bench.outcomes(lambda page=page: nand.program(page, units(page % 251 + 1))):
            words = outcome.label.split()
            if outcome.label.endswith("half"):
                half.add(words[-2])
            elif outcome.label.startswith("a prefix") and "unstable" not in words:
                prefix.add(words[3])
            elif outcome.label.startswith("all, codeword"):
                unstable.add(words[2])
            elif "bit" in words:
                one_bit.add(words[-1])
    every = {str(codeword) for codeword in range(CODEWORDS)}
    assert half == unstable == one_bit == every
    assert prefix == every - {"0"}


# --- the power-loss table: the paired page of MLC


def test_a_torn_program_of_an_upper_page_may_damage_the_earlier_page_in_its_cells(bench: Any) -> None:
    nand = bench.nand(sectors=4, pairing="dist3")
    for page in (0, 1, 2, 3):
        nand.program(page, units(page + 10))
    held = units(11)
    left = [
        (readings(bench, nand, one, 1), readings(bench, nand, one, 4))
        for one in bench.outcomes(lambda: nand.program(4, NEW))
    ]
    for mine in ((BLANK, BLANK), (NEW, NEW), (LOST, LOST), (BLANK, NEW), (NEW[:2] + BLANK[2:],) * 2):
        for earlier in ((held, held), (LOST, LOST), (held, LOST)):
            assert (earlier, mine) in left
    assert left[0] == ((held, held), (BLANK, BLANK))
    assert left[-1] == ((held, held), (NEW, NEW))


def test_no_page_but_the_paired_one_is_touched(bench: Any) -> None:
    nand = bench.nand(sectors=4, pairing="dist3")
    for page in range(7):
        nand.program(page, units(page))
    earlier = {1: None, 3: None, 4: 1, 5: None, 6: 3, 7: 5, 0: None, 2: 0}
    nand.erase(1)
    for page in range(8):
        for outcome in bench.outcomes(lambda page=page: nand.program(8 + page, NEW)):
            touched = {index - nand.first - 8 for index, _ in outcome.changes} - {nand.fill_of(1) - nand.first - 8}
            assert touched <= {page, earlier[page]}
        nand.program(8 + page, units(page))


@pytest.mark.parametrize("blank", ["never programmed", "weakly erased"])
def test_a_paired_page_that_is_blank_cannot_be_damaged(bench: Any, blank: str) -> None:
    nand = bench.nand(sectors=4, pairing="dist3")
    if blank == "weakly erased":
        bench.leave(named(bench.outcomes(lambda: nand.erase(0)), "blank, but weak"))
    assert not any("paired" in one.label for one in bench.outcomes(lambda: nand.program(2, NEW)))


# --- the power-loss table: erase

HELD = (0, 1, 3)


def filled(nand: Any) -> None:
    for page in HELD:
        nand.program(page, units(page + 1))


def block_readings(bench: Any, nand: Any, outcome: Outcome) -> tuple[tuple[Units, ...], tuple[Units, ...]]:
    one, other = zip(*(readings(bench, nand, outcome, page) for page in range(4)), strict=True)
    return one, other


@pytest.fixture
def erased(bench: Any) -> list[tuple[tuple[Units, ...], tuple[Units, ...]]]:
    nand = bench.nand(sectors=4)
    filled(nand)
    return [block_readings(bench, nand, outcome) for outcome in bench.outcomes(lambda: nand.erase(0))]


OLD = (units(1), units(2), BLANK, units(4))


def test_a_torn_erase_may_leave_nothing_done_or_all_blank(erased: Any) -> None:
    assert erased[0] == (OLD, OLD)
    assert erased[-1] == ((BLANK,) * 4, (BLANK,) * 4)


@pytest.mark.parametrize("page", HELD)
def test_a_torn_erase_may_leave_any_prefix_blank(erased: Any, page: int) -> None:
    half = (None, None, UNCORRECTABLE, *OLD[page][3:])
    assert (((*[BLANK] * page, half, *OLD[page + 1 :]),) * 2) in erased


def test_a_torn_erase_may_leave_all_pages_uncorrectable_or_unstable(erased: Any) -> None:
    assert ((LOST, LOST, BLANK, LOST),) * 2 in erased
    assert (OLD, (BLANK,) * 4) in erased


def test_a_torn_erase_of_codewords_of_several_sectors_stops_within_one(bench: Any) -> None:
    nand = bench.nand(sectors=4, codeword_sectors=2)
    nand.program(0, NEW)
    outcome = named(bench.outcomes(lambda: nand.erase(0)), "0 pages and half a page blank")
    assert readings(bench, nand, outcome, 0)[0] == (None, None, UNCORRECTABLE, UNCORRECTABLE, NEW[4])


def test_a_torn_erase_leaves_other_blocks_alone(bench: Any) -> None:
    nand = bench.nand()
    nand.program(0, units(1, 1))
    nand.program(8, units(2, 1))
    for outcome in bench.outcomes(lambda: nand.erase(0)):
        assert {index for index, _ in outcome.changes} <= {*range(nand.first, nand.first + 8), nand.fill_of(0)}


def test_a_half_erased_block_is_not_programmed_from_its_start(bench: Any) -> None:
    nand = bench.nand(sectors=4)
    filled(nand)
    for outcome in bench.outcomes(lambda: nand.erase(0)):
        if "pages and half" in outcome.label or "uncorrectable" in outcome.label:
            with bench.left(outcome), pytest.raises(MediaRuleError):
                nand.program(2, NEW)


def test_what_is_programmed_into_a_weakly_erased_block_is_unstable_until_it_is_erased_again(bench: Any) -> None:
    nand = bench.nand(sectors=4, partial_programs=4)
    filled(nand)
    bench.leave(named(bench.outcomes(lambda: nand.erase(0)), "blank, but weak"))
    assert both(bench, nand, 0) == (BLANK, BLANK)
    for page in range(7):
        nand.program(page, NEW)
        assert both(bench, nand, page) == (BLANK, NEW)
    nand.program(7, NEW[:1])
    nand.program(7, NEW[1:2], 1)
    assert both(bench, nand, 7) == (BLANK, NEW[:2] + BLANK[2:]), "parts of a page, too"
    nand.erase(0)
    nand.program(0, NEW)
    assert both(bench, nand, 0) == (NEW, NEW)


def test_no_cut_program_settles_a_weakly_erased_page(bench: Any) -> None:
    nand = bench.nand(sectors=4)
    bench.leave(named(bench.outcomes(lambda: nand.erase(0)), "blank, but weak"))
    for outcome in bench.outcomes(lambda: nand.program(0, NEW))[1:]:
        one, other = readings(bench, nand, outcome, 0)
        assert one != other, outcome.label


def test_a_torn_page_of_a_weakly_erased_block_takes_no_further_part(bench: Any) -> None:
    nand = bench.nand(sectors=4, partial_programs=4)
    bench.leave(named(bench.outcomes(lambda: nand.erase(0)), "blank, but weak"))
    bench.leave(named(bench.outcomes(lambda: nand.program(0, NEW[:1])), "all, codeword 0 unstable"))
    with pytest.raises(MediaRuleError, match="partial program of page 0, which a cut has left unstable"):
        nand.program(0, NEW[1:2], 1)


def test_a_cut_erase_does_not_make_a_weakly_erased_block_strong_unless_it_is_complete(bench: Any) -> None:
    nand = bench.nand(sectors=4)
    bench.leave(named(bench.outcomes(lambda: nand.erase(0)), "blank, but weak"))
    bench.leave(named(bench.outcomes(lambda: nand.erase(0)), "blank or as before, unstable"))
    nand.program(0, NEW)
    assert both(bench, nand, 0) == (BLANK, NEW)


def test_an_unstable_page_may_come_out_of_a_cut_erase_either_way(bench: Any) -> None:
    nand = bench.nand(sectors=4)
    bench.leave(named(bench.outcomes(lambda: nand.program(0, NEW)), "all, unstable"))
    left = [readings(bench, nand, outcome, 0) for outcome in bench.outcomes(lambda: nand.erase(0))]
    assert (BLANK, NEW) in left
    assert (NEW, BLANK) in left


def test_samples_of_many_erases_stop_at_every_page(bench: Any) -> None:
    nand = bench.nand(pages=8, blocks=64, detail=Detail.SAMPLED)
    stops = set()
    for block in range(64):
        for page in range(8):
            nand.program(8 * block + page, units(page, 1))
        for outcome in bench.outcomes(lambda block=block: nand.erase(block)):
            if "half" in outcome.label:
                stops.add(int(outcome.label.split()[0]))
    assert stops == set(range(8))


# --- how many outcomes there are


def weak(bench: Any, nand: Any) -> None:
    bench.leave(named(bench.outcomes(lambda: nand.erase(0)), "blank, but weak"))


def unstable_page(bench: Any, nand: Any) -> None:
    bench.leave(named(bench.outcomes(lambda: nand.program(1, NEW)), "all, unstable"))


def weak_unstable_page(bench: Any, nand: Any) -> None:
    weak(bench, nand)
    nand.program(1, NEW)


def spoilt_page(bench: Any, nand: Any) -> None:
    bench.leave(named(bench.outcomes(lambda: nand.program(1, NEW)), "page uncorrectable"))


def flipped_bits(bench: Any, nand: Any) -> None:
    nand.program(1, NEW)
    nand.add_errors(1, 0, 7)


@pytest.mark.parametrize("pairing", ["none", "dist3"])
@pytest.mark.parametrize(
    "begin",
    [
        lambda _, nand: None,
        lambda _, nand: filled(nand),
        weak,
        unstable_page,
        weak_unstable_page,
        spoilt_page,
        flipped_bits,
    ],
)
def test_what_is_possible_is_what_detail_every_generates(bench: Any, pairing: Any, begin: Any) -> None:
    nand = bench.nand(sectors=4, pairing=pairing, partial_programs=2)
    begin(bench, nand)
    counted: list[tuple[str, int, int, int]] = []

    def listener(operation: Operation) -> None:
        outcomes = operation.outcomes()
        counted.append((str(operation), operation.possible(), len(outcomes), len({one.label for one in outcomes})))

    with bench.listening(listener):
        nand.program(4, NEW[:2])
        nand.program(4, NEW[2:], 2)
        nand.program(5, NEW)
        nand.program(7, units(9))
        nand.erase(0)
        nand.program(0, NEW)
    assert len(counted) == 6
    for what, possible, generated, labels in counted:
        assert possible == generated == labels, what


def test_what_an_operation_is_said_to_change_is_what_it_changes(bench: Any) -> None:
    nand = bench.nand(
        sectors=4,
        pairing="dist3",
        partial_programs=2,
        failing=(Failing(block=0, on="program", after=4), Failing(block=0, on="erase", after=1)),
    )
    said: list[dict[int, Any]] = []

    def listener(operation: Operation) -> None:
        said.append(dict(operation.whole()))

    with bench.listening(listener):
        for act in (
            lambda: nand.program(0, NEW[:2]),
            lambda: nand.program(0, NEW[2:], 2),
            lambda: nand.program(1, NEW),
            lambda: nand.program(2, NEW),
            lambda: nand.program(4, NEW),
            lambda: nand.erase(0),
            lambda: nand.erase(0),
        ):
            act()
            changes = said.pop()
            assert {index: bench.cells.values[index] for index in changes} == changes


# --- unstable pages read as the adversary's policies say


@pytest.mark.parametrize(
    ("policy", "first", "second"),
    [
        ("o", BLANK, BLANK),
        ("n", NEW, NEW),
        ("f", BLANK, NEW),
        ("g", NEW, BLANK),
    ],
)
def test_an_unstable_page_reads_as_the_adversary_wants(bench: Any, policy: str, first: Units, second: Units) -> None:
    nand = bench.nand(sectors=4)
    nand.program(0, units(8))
    bench.leave(named(bench.outcomes(lambda: nand.program(1, NEW)), "all, unstable"))
    bench.adversary.power_on(policy)
    assert [nand.read(1).units, nand.read(1).units] == [first, second]
    assert nand.read(0).units == units(8)
    assert bench.adversary.consulted


def test_a_mixture_has_torn_codewords_old_ones_and_new_ones(bench: Any) -> None:
    nand = bench.nand(sectors=4)
    bench.leave(named(bench.outcomes(lambda: nand.program(1, NEW)), "all, unstable"))
    bench.adversary.power_on("m")
    mixed = nand.read(1).units
    assert mixed == nand.read(1).units
    assert {UNCORRECTABLE, None} < set(mixed)
    assert mixed[-1] == NEW[-1], "spare bytes that vouch for sectors that are not there"


def test_codewords_that_both_readings_agree_on_are_read_as_such_in_a_mixture(bench: Any) -> None:
    nand = bench.nand(sectors=4)
    for codeword in range(CODEWORDS):
        outcome = named(bench.outcomes(lambda: nand.program(1, NEW)), f"all, codeword {codeword} unstable")
        with bench.left(outcome):
            bench.adversary.power_on("m")
            mixed = nand.read(1).units
            assert mixed[:codeword] + mixed[codeword + 1 :] == NEW[:codeword] + NEW[codeword + 1 :]


def test_a_look_past_the_commands_takes_no_time_and_costs_no_disturbance(bench: Any) -> None:
    nand = bench.nand(cycles=1_000)
    nand.program(0, units(1, 1))
    journal = len(bench.cells.journal)
    assert nand.reading(0).units == units(1, 1)
    assert len(bench.cells.journal) == journal
    nand.read(0)
    assert len(bench.cells.journal) == journal + 1
