from __future__ import annotations

import pytest

from deltabench.hwsim.board import Board, BoardSpec, DeviceSpec
from deltabench.hwsim.contents import ContentsError, contents, make_unreadable, put_contents
from deltabench.hwsim.disk import Disk
from deltabench.hwsim.instability import Unstable
from deltabench.hwsim.medium import Medium, Operation
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
