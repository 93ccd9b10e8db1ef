from __future__ import annotations

from typing import Any

import pytest

from deltabench.hwsim.aging import NS_PER_DAY
from deltabench.hwsim.board import Board, BoardSpec, DeviceSpec
from deltabench.hwsim.contents import (
    ContentsError,
    cell_bytes,
    contents,
    make_uncorrectable,
    make_unreadable,
    put_contents,
    size_bytes,
)
from deltabench.hwsim.disk import UNCORRECTABLE, Disk
from deltabench.hwsim.instability import Unstable
from deltabench.hwsim.medium import MediaRuleError, Medium, Operation
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nand_pages import Units
from deltabench.hwsim.nor import NorFlash
from deltabench.hwsim.nvram import Nvram
from deltabench.hwsim.parts import NvramPart


@pytest.fixture
def board() -> Board:
    board = Board(
        BoardSpec(devices={"disk0": DeviceSpec(part="generic-disk", sectors=8), "nor0": DeviceSpec(part="AT25SF041")})
    )
    board.attach("tiny", NvramPart(name="tiny", size_bytes=100, word_bytes=1, write_word_ns=1))
    return board


@pytest.mark.parametrize("device", ["disk0", "nor0", "tiny"])
@pytest.mark.parametrize(("at", "length"), [(0, 100), (3, 5), (60, 40), (0, 1), (99, 1), (10, 0)])
def test_what_is_put_anywhere_is_there_and_nothing_else_changes(
    board: Board, device: str, at: int, length: int
) -> None:
    medium = board.media[device]
    heard: list[Operation] = []
    board.rail.listeners = (heard.append,)
    put_contents(medium, 0, bytes(range(100)))
    put_contents(medium, at, b"\xa5" * length)
    wanted = bytearray(range(100))
    wanted[at : at + length] = b"\xa5" * length
    assert contents(medium, 0, 100).pieces == ((0, bytes(wanted)),)
    assert contents(medium, at, length).pieces == (((at, b"\xa5" * length),) if length else ())
    assert heard == []


def test_what_was_put_reads_back_by_the_mediums_own_commands(board: Board) -> None:
    disk, nor = board.media["disk0"], board.media["nor0"]
    assert isinstance(disk, Disk)
    assert isinstance(nor, NorFlash)
    put_contents(disk, 512, b"a" * 512)
    put_contents(nor, 0x1234, b"b" * 300)
    assert disk.read(1, 1) == [b"a" * 512]
    assert nor.read(0x1234, 300) == b"b" * 300


def test_sectors_that_cannot_be_read_are_left_out_and_named(board: Board) -> None:
    disk = board.media["disk0"]
    assert isinstance(disk, Disk)
    put_contents(disk, 0, b"".join(bytes([n]) * 512 for n in range(8)))
    for lba in (2, 3, 7):
        make_unreadable(disk, lba)
    held = contents(disk, 512, 7 * 512)
    assert [(at, len(data)) for at, data in held.pieces] == [(512, 512), (4 * 512, 3 * 512)]
    assert held.unreadable == (2 * 512, 3 * 512, 7 * 512)
    put_contents(disk, 2 * 512, b"x")
    assert contents(disk, 2 * 512, 512).pieces == ((2 * 512, b"x".ljust(512, b"\0")),)


@pytest.mark.parametrize(("policy", "first"), [("o", b"\xff"), ("n", b"\0")])
def test_an_unstable_page_reads_as_the_adversary_wants_and_is_named(board: Board, policy: str, first: bytes) -> None:
    nor = board.media["nor0"]
    assert isinstance(nor, NorFlash)
    board.cells.put(nor.first + 1, Unstable(b"\xff" * 256, b"\0" * 256))
    board.adversary.power_on(policy)
    held = contents(nor, 0, 1024)
    assert held.unstable == (256,)
    assert held.pieces[0][1][256:257] == first


@pytest.mark.parametrize(("at", "length"), [(-1, 2), (100, 1), (0, 101), (5, -1)])
def test_what_is_not_in_the_part_is_refused(board: Board, at: int, length: int) -> None:
    tiny: Medium = board.media["tiny"]
    with pytest.raises(ContentsError, match=r"tiny: .* are not in the part, which ends at 0x64"):
        contents(tiny, at, length)


def test_a_part_that_is_attached_later_is_a_part_like_the_others(board: Board) -> None:
    heard: list[Operation] = []
    board.rail.listeners = (heard.append,)
    tiny = board.media["tiny"]
    assert isinstance(tiny, Nvram)
    tiny.write(5, b"abc")
    assert [str(operation) for operation in heard] == ["tiny write 0x5+3"]
    board.lose_power()
    assert len(board.cells.values) == 8 + 2048 + 2


DATA: Units = (b"a" * 512, b"b" * 512, b"c" * 512, b"d" * 512, b"spare")
RAW = 2_048 + 2 + 16 + 4 * 7
ECC = b"\xff" * 28


def nand_of(bench: Any, **settings: Any) -> NandFlash:
    nand = bench.nand(sectors=4, pages=4, **settings)
    assert isinstance(nand, NandFlash)
    return nand


def all_of(nand: NandFlash) -> bytes:
    ((at, data),) = contents(nand, 0, size_bytes(nand)).pieces
    assert at == 0
    return data


def test_a_nand_flash_is_pages_with_their_spare_bytes(bench: Any) -> None:
    nand = nand_of(bench, bad_blocks=(1,))
    assert (cell_bytes(nand), size_bytes(nand)) == (RAW, 12 * RAW)
    nand.program(1, DATA)
    raw = all_of(nand)
    blank = b"\xff" * RAW
    assert raw[:RAW] == blank
    assert raw[RAW : 2 * RAW] == b"".join(d or b"" for d in DATA[:4]) + b"\xff\xff" + b"spare".ljust(16, b"\xff") + ECC
    marked = raw[4 * RAW : 5 * RAW]
    assert marked == b"\xff" * 2_048 + b"\0\0" + blank[2_050:]
    assert raw[5 * RAW :] == blank * 7


@pytest.mark.parametrize(("at", "length"), [(0, 1), (5, RAW), (RAW - 1, 2), (RAW + 2_048, 2)])
def test_any_bytes_of_a_nand_flash_can_be_looked_at(bench: Any, at: int, length: int) -> None:
    nand = nand_of(bench)
    nand.program(1, DATA)
    assert contents(nand, at, length).pieces == ((at, all_of(nand)[at : at + length]),)


def test_codewords_beyond_correction_are_zeros_in_a_page_that_is_named_and_not_left_out(bench: Any) -> None:
    nand = nand_of(bench)
    for page in range(3):
        nand.program(page, DATA)
    nand.add_errors(1, 2, 5)
    nand.add_errors(2, 2, 4)
    held = contents(nand, 0, 4 * RAW)
    assert held.unreadable == (RAW,)
    ((_, raw),) = held.pieces
    assert raw[RAW + 1_024 : RAW + 1_536] == bytes(512)
    assert raw[RAW + 1_536 : RAW + 2_048] == DATA[3]
    assert raw[2 * RAW : 3 * RAW] == raw[:RAW]


@pytest.mark.parametrize(("policy", "wanted"), [("o", b"\xff"), ("n", b"a")])
def test_an_unstable_page_of_nand_flash_is_one_reading_and_named(bench: Any, policy: str, wanted: bytes) -> None:
    nand = nand_of(bench)
    outcomes = bench.outcomes(lambda: nand.program(1, DATA))
    bench.leave(next(outcome for outcome in outcomes if outcome.label == "all, unstable"))
    bench.adversary.power_on(policy)
    held = contents(nand, 0, 4 * RAW)
    assert held.unstable == (RAW,)
    assert held.pieces[0][1][RAW : RAW + 1] == wanted


@pytest.mark.parametrize("policy", "onm")
@pytest.mark.parametrize("codeword_sectors", [1, 2])
@pytest.mark.parametrize("cycles", [None, 0])
def test_what_a_cut_left_of_a_page_can_be_put_into_another_nand_flash(
    new_bench: Any, policy: str, codeword_sectors: int, cycles: int | None
) -> None:
    bench = new_bench()
    nand = nand_of(bench, codeword_sectors=codeword_sectors, cycles=cycles)
    page: Units = (b"\xff" * 512, b"\xff" * 512, b"c" * 512, b"\0" * 512, b"0123456789abcdef")
    for outcome in bench.outcomes(lambda: nand.program(2, page)):
        with bench.left(outcome):
            bench.adversary.power_on(policy)
            raw, read = all_of(nand), nand.reading(2).units
            other = nand_of(new_bench(), codeword_sectors=codeword_sectors, cycles=cycles)
            put_contents(other, 0, raw)
            if read[-1] is UNCORRECTABLE:
                assert other.reading(2).units == (*read[:-1], bytes(16)), "no byte of the ECC is for the spare bytes"
                make_uncorrectable(other, 2, other.codewords - 1)
            assert other.reading(2).units == read, outcome.label
            assert all_of(other) == raw


def test_a_codeword_can_be_made_uncorrectable_and_nothing_else_is(bench: Any) -> None:
    nand = nand_of(bench, codeword_sectors=2)
    nand.program(1, DATA)
    make_uncorrectable(nand, 1, 1)
    make_uncorrectable(nand, 2, 2)
    assert nand.read(1).units == (*DATA[:2], UNCORRECTABLE, UNCORRECTABLE, DATA[4])
    assert nand.read(2).units == (None, None, None, None, UNCORRECTABLE)
    assert contents(nand, 0, 4 * cell_bytes(nand)).unreadable == (1 * cell_bytes(nand), 2 * cell_bytes(nand))
    with pytest.raises(MediaRuleError, match="behind page 2"):
        nand.program(0, DATA)


def test_what_was_put_into_a_nand_flash_is_stable_and_programmed_on_from_its_last_page(bench: Any) -> None:
    nand = nand_of(bench)
    nand.program(1, DATA)
    image = all_of(nand)[: 4 * RAW]
    nand.erase(0)
    nand.program(3, DATA)
    nand.program(4, DATA)
    heard: list[Operation] = []
    bench.rail.listeners = (heard.append,)
    put_contents(nand, 0, image)
    assert heard == []
    assert [nand.read(page).units[:4] for page in (1, 3, 4)] == [DATA[:4], (None,) * 4, DATA[:4]]
    assert nand.read(1).units[4] == b"spare".ljust(16, b"\xff"), "how many spare bytes were programmed nobody knows"
    with pytest.raises(MediaRuleError, match="behind page 1"):
        nand.program(0, DATA)
    nand.program(2, DATA)
    put_contents(nand, 0, b"\xff" * 4 * RAW)
    nand.program(0, DATA)


def test_putting_back_what_is_there_changes_nothing(bench: Any) -> None:
    nand = nand_of(bench, bad_blocks=(1,))
    nand.program(0, DATA)
    nand.program(3, (b"\xff" * 512,) * 4 + (None,))
    digest = bench.cells.digest
    put_contents(nand, 0, all_of(nand))
    assert bench.cells.digest == digest
    assert nand.read(0).units == DATA


def test_a_programmer_makes_a_weak_block_strong_and_data_young(bench: Any) -> None:
    nand = nand_of(bench)
    outcomes = bench.outcomes(lambda: nand.erase(0))
    bench.leave(next(outcome for outcome in outcomes if outcome.label == "blank, but weak"))
    put_contents(nand, 0, b"\xff" * 4 * RAW)
    nand.program(0, DATA)
    bench.adversary.power_on("o")
    assert nand.read(0).units == DATA
    nand.add_errors(0, 0, 3)
    put_contents(nand, 0, all_of(nand)[:RAW])
    assert nand.read(0).corrected == 0


def test_data_that_a_programmer_puts_are_as_young_as_any(bench: Any) -> None:
    nand = nand_of(bench, cycles=100_000)
    nand.program(0, DATA)
    image = all_of(nand)[:RAW]
    bench.clock.advance_ns(5_000 * 365 * NS_PER_DAY)
    assert nand.read(0).units == (UNCORRECTABLE,) * 5
    put_contents(nand, 0, image)
    assert nand.read(0).units[:4] == DATA[:4]
    bench.clock.advance_ns(5_000 * 365 * NS_PER_DAY)
    assert nand.read(0).units == (UNCORRECTABLE,) * 5


def test_the_rest_of_a_weak_block_stays_weak_and_blank(bench: Any) -> None:
    nand = nand_of(bench)
    outcomes = bench.outcomes(lambda: nand.erase(0))
    bench.leave(next(outcome for outcome in outcomes if outcome.label == "blank, but weak"))
    put_contents(nand, 0, b"a" * 2_048 + b"\xff" * (RAW - 2_048))
    nand.program(1, DATA)
    bench.adversary.power_on("o")
    assert [nand.read(page).units[0] for page in range(2)] == [DATA[0], None]


@pytest.mark.parametrize(("at", "length"), [(1, RAW), (0, RAW - 1), (0, RAW + 1), (RAW // 2, RAW)])
def test_a_part_of_a_page_is_not_put_into_a_nand_flash(bench: Any, at: int, length: int) -> None:
    nand = nand_of(bench)
    with pytest.raises(ContentsError, match=rf"nand0: {length} bytes at {at:#x} are not whole pages of {RAW:#x} bytes"):
        put_contents(nand, at, bytes(length))


@pytest.mark.parametrize("page", [0, 3, 8])
@pytest.mark.parametrize("mark", [b"\0\0", b"\xff\0", b"\x0f\xff"])
def test_the_mark_of_a_bad_block_is_not_put_into_a_good_one(bench: Any, page: int, mark: bytes) -> None:
    nand = nand_of(bench, bad_blocks=(1,))
    marked = b"\xff" * 2_048 + mark + b"\xff" * (RAW - 2_050)
    fault = f"nand0: page {page} bears the mark of a bad block, {mark.hex()}, and block {page // 4} is a good one"
    with pytest.raises(ContentsError, match=fault):
        put_contents(nand, page * RAW, marked)


def test_data_are_not_put_into_a_bad_block_and_nothing_is_put_before_that_is_known(bench: Any) -> None:
    nand = nand_of(bench, bad_blocks=(1,))
    page = b"a" * 2_048 + b"\xff" * (RAW - 2_048)
    digest = bench.cells.digest
    with pytest.raises(ContentsError, match="nand0: bytes for page 4 of block 1, which the factory has marked as bad"):
        put_contents(nand, 3 * RAW, page * 2)
    assert bench.cells.digest == digest
    put_contents(nand, 3 * RAW, page + b"\xff" * RAW)
    assert nand.is_bad(1)
