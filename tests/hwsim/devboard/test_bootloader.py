from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltabench.hwsim.board import Board, BoardSpec, DeviceSpec
from deltabench.hwsim.devboard.bootloader import ACK, MOST_PAGES, NACK, Bootloader, Departure, OptionBytes
from deltabench.hwsim.devboard.bus import Bus
from deltabench.hwsim.devboard.spec import PAGES_PER_PART, load_board
from deltabench.hwsim.disk import UNCORRECTABLE, Disk

FLASH, RAM, NOR, DISK = 0x0800_0000, 0x2000_3000, 0x9000_0000, 0xA000_0000
SMALL = BoardSpec(devices={"disk0": DeviceSpec(part="generic-disk", sectors=8)})
LONGEST = 2 * MOST_PAGES + 3
"""Bytes of the longest command behind its opcode."""

Make = Callable[..., tuple[Bootloader, Bus]]


@pytest.fixture
def make(devices: BoardSpec) -> Make:
    """Makes a bootloader of a board, synchronised."""

    def made(board: str = "stm32f405", options: OptionBytes | None = None) -> tuple[Bootloader, Bus]:
        file = load_board(board)
        spec = devices if board == "stm32f405" else SMALL
        bus = Bus(file, Board(spec), spec)
        bootloader = Bootloader(file.chip, bus, options)
        assert bootloader.feed(b"\x7f") == ACK
        return bootloader, bus

    return made


def test_noise_before_the_first_sync_byte_is_not_answered_and_another_is_half_a_command(
    devices: BoardSpec,
) -> None:
    file = load_board()
    bootloader = Bootloader(file.chip, Bus(file, Board(devices), devices))
    assert bootloader.feed(b"\x00\xffhello") == b""
    assert bootloader.feed(b"\x7f") == ACK
    assert bootloader.feed(b"\x7f") == b""
    assert bootloader.feed(b"\x7f") == NACK


@pytest.mark.parametrize(
    ("board", "version", "erase", "product_id"), [("stm32f405", 0x31, 0x44, 0x0413), ("stm32f103", 0x22, 0x43, 0x0410)]
)
def test_it_says_what_it_is_and_what_it_can(
    make: Make, host: Any, board: str, version: int, erase: int, product_id: int
) -> None:
    bootloader, _ = make(board)
    commands = bytes([0x00, 0x01, 0x02, 0x11, 0x21, 0x31, erase, 0x63, 0x73, 0x82, 0x92])
    assert bootloader.feed(host.command(0x00)) == ACK + bytes([11, version]) + commands + ACK
    assert bootloader.feed(host.command(0x01)) == ACK + bytes([version, 0, 0]) + ACK
    assert bootloader.feed(host.command(0x02)) == ACK + b"\x01" + product_id.to_bytes(2, "big") + ACK


def test_each_step_of_a_write_and_of_a_read_is_acknowledged_by_itself(make: Make, host: Any) -> None:
    bootloader, bus = make()
    assert bootloader.feed(host.command(0x31)) == ACK
    assert bootloader.feed(host.address(FLASH + 0x100)) == ACK
    assert bootloader.feed(host.checked(b"\x03data")) == ACK
    assert bus.read(FLASH + 0x100, 5) == b"data\xff"
    assert bootloader.feed(host.command(0x11)) == ACK
    assert bootloader.feed(host.address(FLASH + 0x101)) == ACK
    assert bootloader.feed(host.command(2)) == ACK + b"ata"


def test_pages_are_erased_by_numbers_of_one_byte_or_of_two_as_the_chip_has_it(make: Make, host: Any) -> None:
    old, bus = make("stm32f103")
    bus.write(FLASH + 0x400 * 5, b"\0")
    bus.write(FLASH + 0x400 * 6, b"\0")
    assert old.feed(host.extended_erase(5)[:2]) == NACK
    assert old.feed(host.erase(5, 127)) == ACK + ACK
    assert bus.read(FLASH + 0x400 * 5, 1) + bus.read(FLASH + 0x400 * 6, 1) == b"\xff\0"
    new, bus = make()
    bus.write(FLASH + 0x4000, b"\0")
    bus.write(NOR + 0x2000, b"\0")
    assert new.feed(host.erase(1)[:2]) == NACK
    assert new.feed(host.extended_erase(1, PAGES_PER_PART + 2)) == ACK + ACK
    assert bus.read(FLASH + 0x4000, 1) + bus.read(NOR + 0x2000, 1) == b"\xff\xff"


@pytest.mark.parametrize(("board", "command"), [("stm32f103", "43 BC FF 00"), ("stm32f405", "44 BB FF FF 00")])
def test_a_mass_erase_clears_the_flash_of_the_chip_and_no_part_in_a_socket(
    make: Make, board: str, command: str
) -> None:
    bootloader, bus = make(board)
    end = FLASH + load_board(board).chip.flash_bytes
    for address in (FLASH, end - 1, DISK):
        bus.write(address, b"\0")
    assert bootloader.feed(bytes.fromhex(command)) == ACK + ACK
    assert bus.read(FLASH, 1) + bus.read(end - 1, 1) + bus.read(DISK, 1) == b"\xff\xff\0"


@pytest.mark.parametrize(
    "wrong",
    [
        "42 BD",  # no such command
        "00 FE",  # no complement
        "31 CE | 08 00 00 00 09",  # the XOR of the address
        "31 CE | 08 10 00 00 18",  # nothing at that address
        "31 CE | 08 00 00 00 08 | 01 AA BB 11",  # the XOR of the data
        "31 CE | 08 0F FF FF 07 | 01 AA BB 10",  # data beyond the end
        "31 CE | 08 00 80 00 88 | 00 FF FF",  # a bit that only an erase can set
        "11 EE | 08 00 00 00 08 | 03 FD",  # the complement of the count
        "11 EE | 08 0F FF FF 07 | 01 FE",  # nothing behind the end
        "11 EE | A0 00 06 00 A6 | 00 FF",  # a sector that cannot be read
        "21 DE | A0 00 00 00 A0",  # no code can run on a disk
        "44 BB | 00 00 00 63 63",  # no such page
        "44 BB | 00 01 00 01 00 63 63",  # of two pages, one that is not there
        "44 BB | FF FE 01",  # a bank: there is only one
        "44 BB | FF F8 07",  # a reserved number
        "44 BB | FF FF 01",  # the XOR of a mass erase
        "44 BB | 02 00",  # more pages than a command may list
        "63 9C | 00 63 63",  # protection for a sector that is not there
    ],
)
def test_whatever_is_wrong_is_refused_changes_nothing_and_leaves_the_next_command_alone(
    make: Make, host: Any, wrong: str
) -> None:
    bootloader, bus = make()
    bus.write(FLASH, b"\x12" * 4)
    bus.write(FLASH + 0x4000, b"\0")
    bus.write(FLASH + 0x8000, b"\0")
    disk = bus.windows[-1].device
    assert isinstance(disk, Disk)
    disk.write(3, [UNCORRECTABLE], fua=True)
    *first, last = [bytes.fromhex(step) for step in wrong.split("|")]
    for step in first:
        assert bootloader.feed(step) == ACK
    assert bootloader.feed(last) == NACK
    assert bus.read(FLASH, 4) + bus.read(FLASH + 0x4000, 1) == b"\x12" * 4 + b"\0"
    assert bootloader.feed(host.command(0x02)) == ACK + b"\x01\x04\x13" + ACK


def test_go_and_protections_make_it_leave_the_line_with_what_came_behind_unread(make: Make, host: Any) -> None:
    for sent, departure in (
        (host.go(FLASH), Departure(FLASH)),
        (host.go(RAM), Departure(RAM)),
        (host.command(0x73), Departure(None)),
    ):
        bootloader, _ = make()
        assert bootloader.feed(sent + b"rest") == ACK + ACK
        assert bootloader.departure == departure
        assert bootloader.unread == b"rest"


def test_a_write_protected_sector_ignores_writes_and_erases_and_says_nothing(make: Make, host: Any) -> None:
    options = OptionBytes()
    bootloader, bus = make(options=options)
    bus.write(FLASH + 0x4000, b"\x0f")
    assert bootloader.feed(host.command(0x63) + host.checked(b"\x00\x01")) == ACK + ACK
    assert bootloader.departure == Departure(None)
    bootloader, _ = make()
    bootloader = Bootloader(load_board().chip, bus, options)
    bootloader.feed(host.SYNC)
    assert bootloader.feed(host.write(FLASH + 0x3FFE, b"\0\0\0\0")) == ACK * 3
    assert bus.read(FLASH + 0x3FFE, 4) == b"\0\0\x0f\xff"
    assert bootloader.feed(host.extended_erase(0, 1)) == ACK * 2
    assert bus.read(FLASH + 0x3FFE, 4) == b"\xff\xff\x0f\xff"
    assert bootloader.feed(bytes.fromhex("44 BB FF FF 00")) == ACK * 2
    assert bus.read(FLASH + 0x4000, 1) == b"\x0f"
    assert bootloader.feed(host.command(0x73)) == ACK * 2
    assert not options.write_protected


def test_a_chip_protected_from_readout_refuses_everything_but_to_be_erased(make: Make, host: Any) -> None:
    options = OptionBytes()
    bootloader, bus = make(options=options)
    bus.write(FLASH, b"secret")
    assert bootloader.feed(host.command(0x82)) == ACK + ACK
    bootloader = Bootloader(load_board().chip, bus, options)
    bootloader.feed(host.SYNC)
    for opcode in (0x11, 0x21, 0x31, 0x44, 0x63, 0x73, 0x82):
        assert bootloader.feed(host.command(opcode)) == NACK
    assert bootloader.feed(host.command(0x92)) == ACK + ACK
    assert not options.readout_protected
    assert bus.read(FLASH, 6) == b"\xff" * 6


def noise() -> st.SearchStrategy[bytes]:
    """Bytes, and the beginnings of commands among them."""
    beginnings = ["7F", "11 EE", "31 CE", "44 BB", "21 DE", "63 9C", "08 00 00 00 08", "60 00 00 00 60", "FF", "00"]
    return st.lists(st.one_of(st.binary(max_size=20), st.sampled_from(beginnings).map(bytes.fromhex))).map(b"".join)


@settings(max_examples=300)
@given(sent=noise(), cuts=st.lists(st.integers(0, 200), max_size=5).map(sorted))
def test_how_bytes_arrive_in_pieces_changes_no_answer_and_garbage_is_held_only_within_bounds(
    sent: bytes, cuts: list[int]
) -> None:
    file = load_board()
    whole = Bootloader(file.chip, Bus(file, Board(SMALL), SMALL))
    pieces = Bootloader(file.chip, Bus(file, Board(SMALL), SMALL))
    answer = b""
    for start, end in zip([0, *cuts], [*cuts, None], strict=True):
        answer += pieces.feed(sent[start:end])
    assert whole.feed(sent) == answer
    assert whole.departure == pieces.departure
    if whole.departure is None:
        assert len(whole.unread) < LONGEST


@settings(max_examples=300)
@given(sent=noise())
def test_after_any_garbage_a_client_that_sends_bytes_until_it_is_refused_is_understood_again(sent: bytes) -> None:
    file = load_board()
    bootloader = Bootloader(file.chip, Bus(file, Board(SMALL), SMALL))
    bootloader.feed(b"\x7f" + sent)
    if bootloader.departure is None:
        for _ in range(LONGEST):
            if bootloader.feed(b"\xff").endswith(NACK):
                break
        assert bootloader.feed(b"\x02\xfd") == ACK + b"\x01\x04\x13" + ACK
