"""NOR flash: the media rules, and every row of the power-loss table for its program and its erase."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltabench.hwsim.instability import Adversary, Unstable
from deltabench.hwsim.medium import MediaRuleError, Outcome
from deltabench.hwsim.tearing import Detail

AT, LENGTH = 0x28, 16
"""Where the record lies in these tests: in the middle of the second of the pages of 32 bytes."""
ZEROS = bytes(LENGTH)
BLANK = b"\xff" * LENGTH
Readings = tuple[bytes, bytes]


def readings(bench: Any, nor: Any, outcome: Outcome, address: int = AT, length: int = LENGTH) -> Readings:
    """What is read after an outcome if unstable cells read as before the operation, and as after it."""
    with bench.left(outcome):
        bench.adversary.power_on("o")
        one = nor.read(address, length)
        bench.adversary.power_on("n")
        return one, nor.read(address, length)


@pytest.fixture
def torn(bench: Any) -> list[Readings]:
    """What the table's rows leave of a program of zeros: then every bit tells whether it was done."""
    nor = bench.nor()
    return [readings(bench, nor, outcome) for outcome in bench.outcomes(lambda: nor.program(AT, ZEROS))]


@pytest.fixture
def stable(torn: list[Readings]) -> set[bytes]:
    return {one for one, other in torn if one == other}


def test_a_torn_program_may_have_done_nothing_or_all(torn: list[Readings]) -> None:
    assert torn[0] == (BLANK, BLANK), "the first outcome is that nothing has happened"
    assert torn[-1] == (ZEROS, ZEROS)


@pytest.mark.parametrize("done", range(1, LENGTH))
def test_a_torn_program_may_leave_any_prefix(stable: set[bytes], done: int) -> None:
    assert ZEROS[:done] + BLANK[done:] in stable


@pytest.mark.parametrize("byte", range(LENGTH))
def test_a_torn_program_may_leave_any_one_byte_half_programmed(stable: set[bytes], byte: int) -> None:
    halves = {left[byte] for left in stable if left[:byte] + left[byte + 1 :] == ZEROS[1:]}
    assert len(halves - {0x00, 0xFF}) >= 2, "more than one subset of its bits"


@pytest.mark.parametrize("byte", range(LENGTH))
def test_a_torn_program_may_stop_in_the_middle_of_any_byte(stable: set[bytes], byte: int) -> None:
    halves = {left[byte] for left in stable if left[:byte] + left[byte + 1 :] == ZEROS[:byte] + BLANK[byte + 1 :]}
    assert halves - {0x00, 0xFF}


@pytest.mark.parametrize("byte", range(1, LENGTH))
def test_a_torn_program_may_have_begun_anywhere(stable: set[bytes], byte: int) -> None:
    assert BLANK[:byte] + ZEROS[byte:] in stable


def test_a_torn_program_may_have_done_scattered_bytes(stable: set[bytes]) -> None:
    def edges(left: bytes) -> int:
        return sum(a != b for a, b in pairwise(left))

    assert any(set(left) == {0x00, 0xFF} and edges(left) > 4 for left in stable)


@pytest.mark.parametrize("bit", range(8 * LENGTH))
def test_a_torn_program_may_have_done_all_but_any_one_bit(stable: set[bytes], bit: int) -> None:
    assert (1 << bit).to_bytes(LENGTH, "big") in stable


def test_a_torn_program_may_leave_everything_unstable(torn: list[Readings]) -> None:
    assert (BLANK, ZEROS) in torn


@pytest.mark.parametrize("done", range(1, LENGTH))
def test_a_torn_program_may_leave_any_prefix_unstable(torn: list[Readings], done: int) -> None:
    assert (BLANK, ZEROS[:done] + BLANK[done:]) in torn


@pytest.mark.parametrize("byte", range(LENGTH))
def test_a_torn_program_may_leave_any_one_byte_unstable(torn: list[Readings], byte: int) -> None:
    assert (ZEROS[:byte] + b"\xff" + ZEROS[byte + 1 :], ZEROS) in torn


@given(old=st.binary(min_size=32, max_size=32), data=st.binary(min_size=1, max_size=32), offset=st.integers(0, 31))
def test_a_torn_program_clears_no_bit_that_the_program_would_not(
    new_bench: Any, old: bytes, data: bytes, offset: int
) -> None:
    data = bytes(a & b for a, b in zip(old[offset:], data, strict=False))
    bench = new_bench()
    nor = bench.nor()
    nor.program(32, old)
    new = old[:offset] + data + old[offset + len(data) :]
    for outcome in bench.outcomes(lambda: nor.program(32 + offset, data)):
        assert {index for index, _ in outcome.changes} <= {nor.first + 1}
        for reading in readings(bench, nor, outcome, 32, 32):
            assert all(n & ~r == 0 == r & ~o for o, r, n in zip(old, reading, new, strict=True))
    nor.program(32 + offset, data)
    assert nor.read(32, 32) == new


def test_each_sampled_outcome_is_one_of_all_outcomes(new_bench: Any) -> None:
    data = random.Random(3).randbytes(LENGTH)
    for address in (0x00, 0x10, 0x30, 0x70):
        left = []
        for detail in (Detail.SAMPLED, Detail.EVERY):
            bench = new_bench()
            nor = bench.nor(detail=detail)
            outcomes = bench.outcomes(lambda nor=nor, address=address: nor.program(address, data))
            left.append({readings(bench, nor, outcome, address) for outcome in outcomes})
        assert left[0] < left[1]
        assert len(left[0]) >= 6


def test_samples_of_many_different_records_visit_every_byte(bench: Any) -> None:
    nor = bench.nor(detail=Detail.SAMPLED, pages=16, sectors=4)
    generator = random.Random(1)
    half, begun, unstable, one_bit = set(), set(), set(), set()
    for number in range(400):
        address = number * LENGTH % nor.size
        data = bytes(byte & 0xFE for byte in generator.randbytes(LENGTH))
        for outcome in bench.outcomes(lambda at=address, data=data: nor.program(at, data)):
            one, other = readings(bench, nor, outcome, address)
            missing = [byte for byte in range(LENGTH) if one[byte] != data[byte]]
            if len(missing) == 1 and one == other:
                (byte,) = missing
                (one_bit if (one[byte] ^ data[byte]).bit_count() == 1 else half).add(byte)
            elif len(missing) == 1:
                unstable.add(missing[0])
            elif one == other and one.startswith(data[: missing[0]] if missing else data) and missing:
                begun.add(missing[0])
    every = set(range(LENGTH))
    assert half == unstable == one_bit == every
    assert begun >= every - {LENGTH - 1}


def filled(nor: Any, sector: int = 0) -> list[bytes]:
    """Fill all pages of a sector but the third; returns what they hold."""
    generator = random.Random(nor.size + sector)
    count = nor.sector_bytes // nor.page_bytes
    pages = [nor.blank if page == 2 else generator.randbytes(nor.page_bytes) for page in range(count)]
    for number, page in enumerate(pages):
        nor.program(sector * nor.sector_bytes + number * nor.page_bytes, page)
    return pages


def sector_readings(bench: Any, nor: Any, outcomes: list[Outcome]) -> list[tuple[list[bytes], list[bytes]]]:
    size, count = nor.page_bytes, nor.sector_bytes // nor.page_bytes
    return [
        tuple([whole[at * size : (at + 1) * size] for at in range(count)] for whole in pair)
        for pair in (readings(bench, nor, outcome, 0, nor.sector_bytes) for outcome in outcomes)
    ]


def test_a_torn_erase_may_leave_nothing_done_any_prefix_blank_or_all_blank(bench: Any) -> None:
    nor = bench.nor()
    old = filled(nor)
    left = sector_readings(bench, nor, bench.outcomes(lambda: nor.erase(0)))
    assert left[0] == (old, old)
    assert left[-1] == ([nor.blank] * 4, [nor.blank] * 4)
    for page in (0, 1, 3):
        half = nor.blank[:16] + old[page][16:]
        wanted = [nor.blank] * page + [half] + old[page + 1 :]
        assert (wanted, wanted) in left


def test_a_torn_erase_may_leave_random_bits(bench: Any) -> None:
    nor = bench.nor()
    old = filled(nor)
    left = sector_readings(bench, nor, bench.outcomes(lambda: nor.erase(0)))
    assert any(
        one == other and all(one[page] not in (old[page], nor.blank) for page in (0, 1, 3)) for one, other in left
    )


def test_a_torn_erase_may_leave_all_pages_unstable(bench: Any) -> None:
    nor = bench.nor()
    old = filled(nor)
    assert (old, [nor.blank] * 4) in sector_readings(bench, nor, bench.outcomes(lambda: nor.erase(0)))


def test_a_torn_erase_clears_no_bit_and_leaves_other_sectors_alone(bench: Any) -> None:
    nor = bench.nor()
    old = b"".join(filled(nor))
    for outcome in bench.outcomes(lambda: nor.erase(0)):
        assert {index - nor.first for index, _ in outcome.changes} <= set(range(4))
        for reading in readings(bench, nor, outcome, 0, nor.sector_bytes):
            assert all(o & ~r == 0 for o, r in zip(old, reading, strict=True))


def test_samples_of_many_erases_stop_at_every_page(bench: Any) -> None:
    nor = bench.nor(detail=Detail.SAMPLED, pages=16, sectors=2, page_bytes=256)
    generator = random.Random(2)
    stops = set()
    for _ in range(150):
        for page in range(16):
            nor.program(page * 256, generator.randbytes(256))
        for outcome in bench.outcomes(lambda: nor.erase(0)):
            one, other = readings(bench, nor, outcome, 0, nor.sector_bytes)
            blank = next((page for page in range(16) if one[page * 256 : page * 256 + 256] != nor.blank), 16)
            if one == other and one[blank * 256 :].startswith(nor.blank[:128]):
                stops.add(blank)
        nor.erase(0)
    assert stops == set(range(16))


def weakly_erased(bench: Any, nor: Any) -> None:
    """Leaves the outcome of a cut erase whose pages all read blank, and yet do not hold what is programmed."""
    filled(nor)
    for outcome in bench.outcomes(lambda: nor.erase(0)):
        mark = len(bench.cells.journal)
        bench.leave(outcome)
        blank = {reading == nor.blank * 4 for reading in readings(bench, nor, Outcome("", ()), 0, nor.sector_bytes)}
        if blank == {True}:
            nor.program(0, ZEROS)
            one, other = readings(bench, nor, Outcome("", ()), 0)
            bench.cells.rollback(mark)
            if one != other:
                bench.leave(outcome)
                return
        bench.cells.rollback(mark)
    pytest.fail("no outcome of an erase is blank but weak")


def test_what_is_programmed_into_a_weakly_erased_page_is_unstable(bench: Any) -> None:
    nor = bench.nor()
    weakly_erased(bench, nor)
    for page in range(4):
        nor.program(page * 32 + 8, ZEROS)
        assert readings(bench, nor, Outcome("", ()), page * 32 + 8) == (BLANK, ZEROS)
    nor.program(8, ZEROS)
    assert readings(bench, nor, Outcome("", ()), 8) == (BLANK, ZEROS), "programming again does not help"


def test_a_completed_erase_heals_a_weak_sector(bench: Any) -> None:
    nor = bench.nor()
    weakly_erased(bench, nor)
    nor.erase(0)
    for page in range(4):
        nor.program(page * 32, ZEROS)
        assert readings(bench, nor, Outcome("", ()), page * 32) == (ZEROS, ZEROS)


def test_programming_zero_over_an_unstable_cell_settles_it(bench: Any) -> None:
    nor = bench.nor()
    data = bytes.fromhex("00 f0 0f ff") * 4
    for outcome in bench.outcomes(lambda: nor.program(AT, data)):
        with bench.left(outcome):
            nor.program(AT, data)
            assert readings(bench, nor, Outcome("", ())) == (data, data), outcome.label


def test_programming_one_byte_settles_only_that_byte(bench: Any) -> None:
    nor = bench.nor()
    bench.leave(next(o for o in bench.outcomes(lambda: nor.program(AT, ZEROS)) if o.label == "all, unstable"))
    nor.program(AT + 3, b"\0")
    assert readings(bench, nor, Outcome("", ())) == (BLANK[:3] + b"\0" + BLANK[4:], ZEROS)


@pytest.mark.parametrize("policy", Adversary.POLICIES)
def test_a_page_is_read_as_the_adversary_wants_and_its_neighbours_as_they_are(bench: Any, policy: str) -> None:
    nor = bench.nor()
    nor.program(0x40, ZEROS)
    bench.leave(next(o for o in bench.outcomes(lambda: nor.program(AT, ZEROS)) if o.label == "all, unstable"))
    bench.adversary.power_on(policy)
    first, second = nor.read(0, 0x60), nor.read(0, 0x60)
    wanted = {"o": {0xFF}, "n": {0x00}, "f": {0xFF}, "g": {0x00}, "m": {0x00, 0xFF}}
    assert first[:0x20] == second[:0x20] == b"\xff" * 0x20
    assert first[0x40:] == second[0x40:] == ZEROS + b"\xff" * 0x10
    assert (first == second) == (policy not in "fg")
    assert set(first[AT : AT + LENGTH]) == wanted[policy]
    assert bench.adversary.consulted


def test_reads_may_cross_pages_and_sectors(bench: Any) -> None:
    nor = bench.nor()
    nor.program(0x78, b"sector 0")
    nor.program(0x80, b"sector 1")
    assert nor.read(0x7A, 12) == b"ctor 0sector"
    assert nor.read(0x1F, 0x62) == b"\xff" * 0x59 + b"sector 0s"
    assert nor.read(nor.size - 1, 1) == b"\xff"
    assert nor.read(nor.size, 0) == b""


def test_programs_clear_bits_and_never_set_them(bench: Any) -> None:
    nor = bench.nor()
    nor.program(AT, b"\xf0\xff")
    nor.program(AT, b"\x30\x0f")
    assert nor.read(AT, 2) == b"\x30\x0f"
    with pytest.raises(MediaRuleError, match="nor0: program of 2 at 0x28 would set a bit that is 0; erase"):
        nor.program(AT, b"\x31\x0f")
    assert nor.read(AT, 2) == b"\x30\x0f"
    nor.erase(0)
    nor.program(AT, b"\x31\x0f")
    assert nor.read(AT, 2) == b"\x31\x0f"


def test_an_erase_makes_its_whole_sector_blank_and_no_other(bench: Any) -> None:
    nor = bench.nor()
    filled(nor, 0)
    kept = b"".join(filled(nor, 1))
    nor.erase(0)
    assert nor.read(0, nor.size) == b"\xff" * nor.sector_bytes + kept


@pytest.mark.parametrize(
    ("address", "length", "fault"),
    [
        (0x38, 9, "program of 9 at 0x38 crosses the page that ends at 0x40"),
        (0x20, 33, "program of 33 at 0x20 crosses the page that ends at 0x40"),
        (0xFF, 2, "program of 2 at 0xff runs outside the part, which ends at 0x100"),
        (0x100, 1, "program of 1 at 0x100 runs outside the part, which ends at 0x100"),
        (-1, 1, "program of 1 at -0x1 runs outside the part, which ends at 0x100"),
    ],
)
def test_a_program_across_a_page_or_the_end_names_operation_and_address(
    bench: Any, address: int, length: int, fault: str
) -> None:
    nor = bench.nor()
    with pytest.raises(MediaRuleError, match=f"nor0: {fault}"):
        nor.program(address, bytes(length))
    assert nor.read(0, nor.size) == b"\xff" * nor.size


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        (0x20, "erase at 0x20 does not begin a sector of 0x80 bytes"),
        (0x100, "erase of 128 at 0x100 runs outside the part, which ends at 0x100"),
        (-0x80, "erase of 128 at -0x80 runs outside the part, which ends at 0x100"),
    ],
)
def test_an_erase_that_is_no_sector_of_the_part_names_operation_and_address(
    bench: Any, address: int, fault: str
) -> None:
    with pytest.raises(MediaRuleError, match=f"nor0: {fault}"):
        bench.nor().erase(address)


@pytest.mark.parametrize(("address", "length"), [(0xFF, 2), (0x100, 1), (-1, 1), (0, 0x101), (4, -1)])
def test_a_read_past_the_end_names_operation_and_address(bench: Any, address: int, length: int) -> None:
    with pytest.raises(MediaRuleError, match=f"nor0: read of {length} at {address:#x} runs outside the part"):
        bench.nor().read(address, length)


def test_what_is_possible_in_an_erase_is_what_detail_every_generates(bench: Any) -> None:
    nor = bench.nor()
    nor.program(0, ZEROS)
    counted: list[tuple[int, int]] = []
    bench.rail.listeners = (lambda operation: counted.append((operation.possible(), len(operation.outcomes()))),)
    nor.erase(0)
    unstable = Unstable(b"\x0f" * nor.page_bytes, b"\xf0" * nor.page_bytes)
    bench.cells.put(nor.first, unstable)
    nor.erase(0)
    (plain, generated), (shaky, both_ways) = counted
    assert (plain, shaky) == (generated, both_ways)
    assert shaky == plain + 1
