from __future__ import annotations

import pytest

from deltabench.hwsim.board import Board, BoardSpec, DeviceSpec
from deltabench.hwsim.devboard.bus import Bus, BusError
from deltabench.hwsim.devboard.page_register import PageRegisterError
from deltabench.hwsim.devboard.spec import PAGES_PER_PART, load_board
from deltabench.hwsim.disk import UNCORRECTABLE, Disk
from deltabench.hwsim.instability import Unstable
from deltabench.hwsim.medium import MediaRuleError, Operation, UncorrectableError
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nand_pages import UnstablePage
from deltabench.hwsim.nor import NorFlash

FLASH, RAM, FRAM, NOR, DISK = 0x0800_0000, 0x2000_3000, 0x6000_0000, 0x9000_0000, 0xA000_0000
NAND, PAGE, BLOCK = 0x7000_0000, 544, 8 * 544
SPEC = BoardSpec(
    devices={
        "disk0": DeviceSpec(part="generic-disk", sectors=64),
        "nor0": DeviceSpec(part="AT25SF041"),
        "fram0": DeviceSpec(part="FM25V10"),
    }
)


@pytest.fixture
def board() -> Board:
    return Board(SPEC)


@pytest.fixture
def bus(board: Board) -> Bus:
    return Bus(load_board(), board, SPEC)


@pytest.mark.parametrize("address", [FLASH + 3, FLASH + 0xFFF00, RAM + 4, FRAM + 7, NOR + 0x300, DISK + 511])
def test_what_is_written_anywhere_is_read_there_and_nowhere_beside(bus: Bus, address: int) -> None:
    beside = bus.read(address - 3, 3), bus.read(address + 10, 3)
    bus.write(address, b"some bytes")
    assert bus.read(address, 10) == b"some bytes"
    assert (bus.read(address - 3, 3), bus.read(address + 10, 3)) == beside


def test_a_write_over_the_end_of_a_bank_goes_on_in_the_next(bus: Bus) -> None:
    bus.write(FLASH + 0xFFFE, b"abcd")
    assert bus.read(FLASH + 0xFFFC, 8) == b"\xff\xffabcd\xff\xff"


def test_flash_programs_only_clear_bits_and_its_erase_blocks_are_numbered_from_0(bus: Bus) -> None:
    bus.write(FLASH + 0x1_0000, b"\x0f")
    with pytest.raises(MediaRuleError, match="would set a bit"):
        bus.write(FLASH + 0x1_0000, b"\xf0")
    bus.erase(4)
    assert bus.read(FLASH + 0x1_0000, 1) == b"\xff"
    assert [bus.blocks[n].size_bytes for n in (0, 3, 4, 5, 11)] == [0x4000, 0x4000, 0x1_0000, 0x2_0000, 0x2_0000]
    assert 12 not in bus.blocks


def test_the_sectors_of_a_nor_flash_have_numbers_of_their_own(bus: Bus) -> None:
    bus.write(NOR + 0x2345, b"\0")
    bus.erase(PAGES_PER_PART + 2)
    assert bus.read(NOR + 0x2345, 1) == b"\xff"
    with pytest.raises(BusError, match="no erase block with page number 99"):
        bus.erase(99)


def test_storing_erases_what_must_be_and_keeps_what_lies_beside_it(bus: Bus, board: Board) -> None:
    bus.write(NOR + 0x1000, b"neighbour")
    bus.write(NOR + 0x1F00, b"\0\0\0\0")
    seen: list[str] = []

    def see(operation: Operation) -> None:
        seen.append(operation.kind)

    board.rail.listeners = (see,)
    bus.store(NOR + 0x1F00, b"\xff\x12")
    assert bus.read(NOR + 0x1000, 9) == b"neighbour"
    assert bus.read(NOR + 0x1F00, 4) == b"\xff\x12\0\0"
    assert seen == ["erase", "program", "program"]


def test_storing_leaves_no_cell_unstable_even_one_that_reads_right(bus: Bus, board: Board) -> None:
    nor = board.media["nor0"]
    assert isinstance(nor, NorFlash)
    board.cells.put(nor.first + 16, Unstable(nor.blank, bytes(256)))
    bus.store(NOR + 0x1000, b"\xff")
    assert board.cells.values[nor.first + 16] == nor.blank


def test_where_there_is_nothing_nothing_is_read_written_or_half_written(bus: Bus) -> None:
    end = FLASH + 0x10_0000
    with pytest.raises(BusError, match="nothing at address 0x08100000"):
        bus.read(end - 2, 4)
    with pytest.raises(BusError, match="nothing at address 0x08100000"):
        bus.write(end - 2, b"abcd")
    assert bus.read(end - 2, 2) == b"\xff\xff"
    with pytest.raises(BusError, match="addresses end"):
        bus.read(0xFFFF_FFFF, 2)


def test_a_sector_without_data_is_an_error_and_not_made_up(bus: Bus, board: Board) -> None:
    disk = board.media["disk0"]
    assert isinstance(disk, Disk)
    disk.write(3, [UNCORRECTABLE], fua=True)
    with pytest.raises(UncorrectableError):
        bus.read(DISK + 3 * 512 + 5, 1)
    with pytest.raises(UncorrectableError):
        bus.write(DISK + 3 * 512 + 5, b"x")
    bus.write(DISK + 3 * 512, bytes(512))
    assert bus.read(DISK + 3 * 512 + 5, 1) == b"\0"


def test_ram_forgets_and_flash_does_not(bus: Bus, board: Board) -> None:
    bus.write(RAM, b"here")
    bus.write(FLASH, b"here")
    board.lose_power()
    bus.lose_power()
    assert (bus.read(RAM, 4), bus.read(FLASH, 4)) == (bytes(4), b"here")


NAND_SPEC = BoardSpec(
    devices={
        "nor0": DeviceSpec(part="AT25SF041"),
        "nand0": DeviceSpec(part="generic-nand", blocks=14, bad_blocks=(5,)),
    }
)


@pytest.fixture
def nand_board() -> Board:
    return Board(NAND_SPEC)


@pytest.fixture
def nand_bus(nand_board: Board) -> Bus:
    return Bus(load_board(), nand_board, NAND_SPEC)


def raw_page(text: bytes) -> bytes:
    """A page with its spare bytes, the mark and the ECC blank."""
    return text.ljust(512, b"\0") + b"\xff\xff" + b"spare bytes".ljust(23, b"\xff") + b"\xff" * 7


def test_a_page_of_nand_flash_is_programmed_when_its_last_byte_has_come(nand_board: Board, nand_bus: Bus) -> None:
    done: list[str] = []
    nand_board.rail.listeners = (lambda operation: done.append(str(operation)),)
    page = raw_page(b"one page")
    nand_bus.write(NAND, page[:256])
    nand_bus.write(NAND + 256, page[256:512])
    assert (done, nand_bus.read(NAND, PAGE)) == ([], b"\xff" * PAGE)
    nand_bus.write(NAND + 512, page[512:] + page[:100])
    assert (done, nand_bus.read(NAND, PAGE)) == (["nand0 program 0x0+1"], page)
    nand_bus.write(NAND + PAGE, page[:100])
    nand_bus.write(NAND + PAGE + 100, page[100:])
    assert nand_bus.read(NAND + 500, PAGE + 44) == page[500:] + page
    nand_bus.write(NAND + PAGE + 100, page[100:])
    assert len(done) == 2, "whoever did not hear that it had come says it once more"


def test_pages_of_nand_flash_come_whole_and_in_order(nand_bus: Bus) -> None:
    with pytest.raises(
        PageRegisterError, match=r"bytes from 7 of page 0 on: a page is programmed whole.*its first byte"
    ):
        nand_bus.write(NAND + 7, b"x")
    nand_bus.write(NAND, b"0123456789")
    with pytest.raises(PageRegisterError, match="next is its byte 10"):
        nand_bus.write(NAND + 11, b"x")
    nand_bus.lose_power()
    with pytest.raises(PageRegisterError, match="next is its first byte"):
        nand_bus.write(NAND + 10, b"x")
    nand_bus.write(NAND, raw_page(b"a"))
    with pytest.raises(MediaRuleError, match="program of page 0, which is not blank"):
        nand_bus.write(NAND, raw_page(b"b"))
    nand_bus.write(NAND + PAGE, b"\xff" * PAGE)
    nand_bus.write(NAND + PAGE, raw_page(b"a blank page was left blank"))


def test_blocks_of_nand_flash_are_numbered_behind_those_of_the_nor_flash_before_it(nand_bus: Bus) -> None:
    nand_bus.write(NAND + BLOCK, raw_page(b"x"))
    nand_bus.erase(2 * PAGES_PER_PART + 1)
    assert nand_bus.read(NAND + BLOCK, PAGE) == b"\xff" * PAGE
    assert nand_bus.blocks[2 * PAGES_PER_PART + 13].size_bytes == BLOCK
    assert 2 * PAGES_PER_PART + 14 not in nand_bus.blocks
    with pytest.raises(MediaRuleError, match="erase of block 5, which the factory has marked as bad"):
        nand_bus.erase(2 * PAGES_PER_PART + 5)


def test_a_bad_block_bears_its_mark_and_takes_nothing(nand_bus: Bus) -> None:
    at = NAND + 5 * BLOCK
    bad = nand_bus.read(at, BLOCK)
    assert bad == b"\xff" * 512 + b"\0\0" + b"\xff" * (BLOCK - 514)
    nand_bus.store(at, bad)
    with pytest.raises(PageRegisterError, match="bytes for page 40 of block 5, which the factory has marked as bad"):
        nand_bus.store(at, raw_page(b"x"))
    with pytest.raises(
        PageRegisterError, match="page 0 bears the mark of a bad block, 0000, and block 0 is a good one"
    ):
        nand_bus.store(NAND, bad)


def test_what_is_stored_in_nand_flash_is_there_for_good_and_what_else_its_block_holds_stays(
    nand_board: Board, nand_bus: Bus
) -> None:
    nand = nand_board.media["nand0"]
    assert isinstance(nand, NandFlash)
    pages = [raw_page(b"page %d" % number) for number in range(4)]
    nand_bus.store(NAND, b"".join(pages))
    units = nand.read(1).units
    nand_board.cells.put(nand.first + 1, UnstablePage(None, units))
    nand_board.cells.put(nand.first + 6, UnstablePage(None, None, weak=True))
    nand_board.adversary.power_on("n")
    nand_bus.store(NAND, b"".join(pages[:2]))
    assert nand_bus.read(NAND, 4 * PAGE) == b"".join(pages)
    assert not any(isinstance(cell, UnstablePage) for cell in nand_board.cells.values)


def test_a_page_that_cannot_be_corrected_is_put_back_as_one(nand_board: Board, nand_bus: Bus) -> None:
    nand = nand_board.media["nand0"]
    assert isinstance(nand, NandFlash)
    nand_bus.store(NAND, raw_page(b"x"))
    nand_board.cells.put(nand.first, (UNCORRECTABLE, nand.read(0).units[1]))
    held = nand_bus.read(NAND, BLOCK)
    assert held[:512] == bytes(512)
    nand_bus.erase(2 * PAGES_PER_PART)
    nand_bus.store(NAND, held)
    assert nand_bus.read(NAND, BLOCK) == held
    assert nand.read(0).units[0] == UNCORRECTABLE
