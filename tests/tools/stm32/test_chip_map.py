from __future__ import annotations

import pytest

from deltabench.firmware_model.config import FirmwareConfig, StoreKind
from deltabench.firmware_model.configuration import DeviceEntry, Spare, encode
from deltabench.firmware_model.controller import DeltaController
from deltabench.hwsim.board import Board, BoardSpec, DeviceSpec
from deltabench.hwsim.devboard.spec import CONFIGURATION, PAGES_PER_PART, load_board
from deltabench.scenarios.images.memory_image import MemoryImage
from deltabench.tools.stm32.chip_map import ChipMap
from deltabench.tools.stm32.errors import FlashError
from deltabench.tools.stm32.plan import commands_of, plan

FLASH, FRAM, NOR, DISK = 0x0800_0000, 0x6000_0000, 0x9000_0000, 0xA000_0000
NAND, PAGE, BLOCK = 0x7000_0000, 544, 8 * 544
DEVICES = (
    DeviceEntry("disk0", StoreKind.DISK, DISK, 64 * 512, 0),
    DeviceEntry("nor0", StoreKind.NOR, NOR, 0x8_0000, 256, 0x1000),
    DeviceEntry("nor1", StoreKind.NOR, NOR + 0x10_0000, 0x8_0000, 256, 0x1000),
    DeviceEntry("nand0", StoreKind.NAND, NAND, 14 * BLOCK, PAGE, BLOCK, Spare(32, 512, 4, "none", 1)),
)


@pytest.fixture(scope="module")
def configuration() -> tuple[int, bytes]:
    """The configuration block of a firmware with these devices, where the board has it."""
    spec = BoardSpec(
        devices={
            "disk0": DeviceSpec(part="generic-disk", sectors=64),
            "nor0": DeviceSpec(part="AT25SF041"),
            "nor1": DeviceSpec(part="AT25SF041"),
        }
    )
    config = FirmwareConfig(store=StoreKind.NOR, units=2)
    block = encode(config, DeltaController(Board(spec), config).layout, DEVICES)
    return load_board().regions[CONFIGURATION].address, block


def steps(*pieces: tuple[int, bytes], board: str = "stm32f405") -> list[tuple[str, int | None, list[int]]]:
    image = MemoryImage(pieces)
    return [
        (step.area, step.block.page if step.block else None, [segment.address for segment in step.segments])
        for step in plan(ChipMap(load_board(board), image), image)
    ]


def test_each_block_that_an_image_touches_is_a_step_and_no_other() -> None:
    assert steps((FLASH + 0x3FFF, b"ab"), (FLASH + 0x2_0000, b"c"), (FLASH + 0x2_1000, b"d")) == [
        ("flash", 0, [FLASH + 0x3FFF]),
        ("flash", 1, [FLASH + 0x4000]),
        ("flash", 5, [FLASH + 0x2_0000, FLASH + 0x2_1000]),
    ]


def test_sectors_of_nor_flashes_are_numbered_as_the_configuration_block_lists_the_devices(
    configuration: tuple[int, bytes],
) -> None:
    assert steps(configuration, (NOR + 0x1FFF, b"ab"), (NOR + 0x10_3000, b"c"), (DISK + 7, b"d")) == [
        ("flash", 11, [configuration[0]]),
        ("disk0", None, [DISK + 7]),
        ("nor0", PAGES_PER_PART + 1, [NOR + 0x1FFF]),
        ("nor0", PAGES_PER_PART + 2, [NOR + 0x2000]),
        ("nor1", 2 * PAGES_PER_PART + 3, [NOR + 0x10_3000]),
    ]


def test_nand_flash_is_written_in_whole_pages_and_its_blank_pages_are_not(configuration: tuple[int, bytes]) -> None:
    page = b"data".ljust(512, b"\xff") + b"\xff\xff" + b"spare".ljust(30, b"\xff")
    image = MemoryImage([configuration, (NAND + BLOCK, b"\xff" * PAGE + page), (NAND + 2 * BLOCK + 7, b"x")])
    first, second = [step for step in plan(ChipMap(load_board(), image), image) if step.area == "nand0"]
    assert [step.block.page for step in (first, second) if step.block] == [3 * PAGES_PER_PART + n for n in (1, 2)]
    written = MemoryImage(commands_of(first))
    assert [(segment.address, segment.data) for segment in written.segments] == [(NAND + BLOCK + PAGE, page)]
    assert all(len(command.data) <= 256 for command in commands_of(first))
    (whole,) = MemoryImage(commands_of(second)).segments
    assert whole == (NAND + 2 * BLOCK, b"\xff" * 7 + b"x" + b"\xff" * (PAGE - 8))


def test_a_block_that_the_image_has_marked_as_bad_is_left_alone(configuration: tuple[int, bytes]) -> None:
    bad = b"\xff" * 512 + b"\0\0" + b"\xff" * (BLOCK - 514)
    assert steps(configuration, (NAND, bad))[1:] == []
    assert len(steps(configuration, (NAND, bad.replace(b"\0\0", b"\xff\xff")))[1:]) == 1


def test_without_a_configuration_block_what_is_written_in_place_has_a_place_and_nor_flash_has_none() -> None:
    assert steps((FRAM + 1, b"a"), (DISK, b"b"), board="stm32f103") == [
        ("the nvram socket", None, [FRAM + 1]),
        ("the disk socket", None, [DISK]),
    ]
    with pytest.raises(FlashError, match="0x90000010 on, and nothing says how it is erased: the image has no conf"):
        steps((NOR + 0x10, b"a"))
    with pytest.raises(FlashError, match="1 bytes for a NAND flash from 0x70000010 on, and nothing says how it is"):
        steps((NAND + 0x10, b"a"))
    with pytest.raises(FlashError, match="nothing says how it is erased: at 0x080E0000, no configuration block begins"):
        steps((FLASH + 0xE_0000, b"nonsense"), (NOR + 0x10, b"a"))


@pytest.mark.parametrize(
    ("board", "address", "data", "where"),
    [
        ("stm32f103", FLASH + 0x1_FFFF, b"ab", "0x08020000, where stm32f103 has nothing .*larger than the 128 KiB"),
        ("stm32f405", 0x1000, b"a", "0x00001000"),
        ("stm32f405", FLASH - 1, b"ab", "0x07FFFFFF"),
    ],
)
def test_an_image_that_reaches_where_nothing_is_is_refused_with_the_first_such_address(
    board: str, address: int, data: bytes, where: str
) -> None:
    with pytest.raises(FlashError, match=where):
        steps((address, data), board=board)


def test_what_a_configured_board_has_no_device_for_is_refused(configuration: tuple[int, bytes]) -> None:
    with pytest.raises(FlashError, match="a byte at 0x60000000, where stm32f405 has nothing"):
        steps(configuration, (FRAM, b"a"))
