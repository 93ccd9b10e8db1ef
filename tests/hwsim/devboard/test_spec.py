from __future__ import annotations

from pathlib import Path

import pytest

from deltabench.hwsim.board import BoardSpec, DeviceSpec
from deltabench.hwsim.devboard.spec import DevBoardError, board_names, load_board

DISK = DeviceSpec(part="generic-disk", sectors=64)
NOR = DeviceSpec(part="AT25SF041")
BOARD = """
title = "A board"
chip = "STM32F405"
[regions.firmware]
address = 0x08000000
bytes = 0x4000
[regions.configuration]
address = 0x08004000
bytes = 0x4000
[sockets.disk]
address = 0xA0000000
bytes = 0x20000
[parts.nor7]
address = 0x90000000
part = "AT25SF041"
"""


def refused(text: str, folder: Path) -> str:
    path = folder / "own.board.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DevBoardError) as caught:
        load_board(str(path))
    return str(caught.value)


@pytest.mark.parametrize("name", board_names())
def test_a_board_that_comes_with_deltabench_uses_the_whole_flash(name: str) -> None:
    board = load_board(name)
    assert sum(region.size_bytes for region in board.regions.values()) == board.chip.flash_bytes


def test_parts_of_one_kind_lie_one_behind_the_other_in_their_socket() -> None:
    places = load_board().places(BoardSpec(devices={"disk0": DISK, "nor0": NOR, "disk1": DISK}))
    assert {name: place.address for name, place in places.items()} == {
        "disk0": 0xA000_0000, "nor0": 0x9000_0000, "disk1": 0xA010_0000,
    }  # fmt: skip
    assert places["disk0"].size_bytes == 64 * 512


def test_a_part_on_the_board_lies_where_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "own.board.toml"
    path.write_text(BOARD, encoding="utf-8")
    board = load_board(str(path))
    assert board.places(BoardSpec(devices={"nor7": NOR}))["nor7"].address == 0x9000_0000
    with pytest.raises(DevBoardError, match=r"parts.nor7.part = 'AT25SF041': the device 'nor7' is to be a W25Q64JV"):
        board.places(BoardSpec(devices={"nor7": DeviceSpec(part="W25Q64JV")}))
    with pytest.raises(DevBoardError, match="has no socket for 'nor0'"):
        board.places(BoardSpec(devices={"nor0": NOR}))


def test_a_part_too_large_for_its_socket_is_named_with_its_addresses(tmp_path: Path) -> None:
    path = tmp_path / "own.board.toml"
    path.write_text(BOARD, encoding="utf-8")
    with pytest.raises(DevBoardError, match=r"disk0 \(0xA0000000 to 0xA007FFFF\) does not fit"):
        load_board(str(path)).places(BoardSpec(devices={"disk0": DeviceSpec(part="generic-disk", sectors=1024)}))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("address = 0x08004000", "address = 0x08000000", r"firmware (0x08000000 to 0x08003FFF) overlaps configuration"),
        ("bytes = 0x4000\n[sock", "bytes = 0x3F00\n[sock", "regions.configuration.bytes: "),
        ("address = 0x08004000", "address = 0x08004100", "begins inside an erase block, the one from 0x08004000"),
        ("address = 0x08004000", "address = 0x08100000", "is not inside the flash of STM32F405"),
        ("address = 0xA0000000", "address = 0x20000000", "sockets.disk (0x20000000 to 0x2001FFFF) overlaps the RAM"),
        ("address = 0xA0000000", "address = 0xFFFF0000", "goes beyond the last address"),
        ('chip = "STM32F405"', 'chip = "W25Q64JV"', "is a part of kind nor; a microcontroller is needed"),
        ('chip = "STM32F405"', 'chip = "STM32F999"', "chip = 'STM32F999': there is no part"),
        ("[sockets.disk]", "[sockets.tape]", "sockets.tape"),
        ("bytes = 0x20000", "size = 0x20000", "unknown key 'sockets.disk.size'"),
        ("[parts.nor7]", "[parts.nor7", "is not valid TOML"),
    ],
)
def test_a_board_file_that_cannot_be_is_refused(old: str, new: str, said: str, tmp_path: Path) -> None:
    assert old in BOARD
    message = refused(BOARD.replace(old, new, 1), tmp_path)
    assert said in message
    assert "own.board.toml: " in message


def test_a_region_that_is_missing_is_named(tmp_path: Path) -> None:
    head, _, tail = BOARD.partition("[regions.configuration]")
    message = refused(head + tail[tail.index("[sockets") :], tmp_path)
    assert "[regions.configuration] is missing" in message


def test_a_board_that_is_nowhere_is_refused_with_those_there_are() -> None:
    with pytest.raises(DevBoardError, match="stm32f103, stm32f405"):
        load_board("stm32f999")
