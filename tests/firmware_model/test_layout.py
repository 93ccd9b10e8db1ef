"""What the firmware cannot be built for: each refusal names the setting, the value and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from deltabench.firmware_model.config import FirmwareConfig, Placement, StoreKind
from deltabench.firmware_model.controller import DeltaController
from deltabench.firmware_model.errors import ConfigurationError
from deltabench.firmware_model.schemes import SCHEMES
from deltabench.hwsim.board import Board, BoardSpec, DeviceSpec

NewBoard = Callable[..., Board]


def refused(board: Board, **settings: Any) -> str:
    """The message with which the firmware refuses to be built."""
    with pytest.raises(ConfigurationError) as caught:
        DeltaController(board, FirmwareConfig(**settings))
    assert board.rail.operations == 0
    return str(caught.value)


def board_of(**parts: str) -> Board:
    return Board(BoardSpec(devices={name: DeviceSpec(part=part) for name, part in parts.items()}))


@pytest.mark.parametrize("store", StoreKind)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_on_every_store_fits_a_board_of_small_parts(
    new_board: NewBoard, scheme: str, store: StoreKind
) -> None:
    DeltaController(new_board(disk_sectors=400), FirmwareConfig(scheme=scheme, store=store, units=100))


def test_an_unknown_scheme_is_refused_with_those_that_are_known(new_board: NewBoard) -> None:
    assert refused(new_board(), scheme="flaged") == "scheme = 'flaged': not one of plain, flagged, versioned, history"


def test_without_a_part_for_the_maps_the_board_is_refused() -> None:
    for store, missing in ((StoreKind.NOR, "NOR flash"), (StoreKind.NVRAM, "NVRAM"), (StoreKind.NAND, "NAND flash")):
        message = refused(board_of(disk0="generic-disk"), store=store)
        assert message == f"maps: the board has no {missing}; add one to [board.devices]"


def test_without_a_disk_the_board_is_refused() -> None:
    message = refused(board_of(nor0="AT25SF041"), store=StoreKind.NOR)
    assert message == "volume_a: the board has no disk or NAND flash; add one to [board.devices]"


@pytest.mark.parametrize("key", ["maps", "volume_a", "volume_b"])
def test_a_device_that_the_board_lacks_is_refused_with_those_that_it_has(new_board: NewBoard, key: str) -> None:
    message = refused(new_board(), **{key: Placement(device="disk7")})
    assert message == f"{key}.device = 'disk7': no such device; the board has disk0, nor0, nvram0, nand0"


def test_a_device_of_the_wrong_kind_is_refused(new_board: NewBoard) -> None:
    message = refused(new_board(), volume_b=Placement(device="nor0"))
    assert message == "volume_b.device = 'nor0': is a NOR flash, and a disk or NAND flash is needed here"
    message = refused(new_board(), store=StoreKind.NVRAM, maps=Placement(device="disk0"))
    assert message == "maps.device = 'disk0': is a disk, and a NVRAM is needed here"


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"volume_a": Placement(start=1)}, ("volume A (disk0 0x1 to 0x40)", "device label (disk0 0x0 to 0x1)")),
        (
            {"volume_a": Placement(start=100), "volume_b": Placement(start=163)},
            ("volume B (disk0 0xa3 to 0xe2)", "volume A (disk0 0x64 to 0xa3)"),
        ),
        (
            {"volume_a": Placement(start=100), "volume_b": Placement(start=37)},
            ("volume B (disk0 0x25 to 0x64)", "volume A (disk0 0x64 to 0xa3)"),
        ),
        (
            {"store": StoreKind.DISK, "maps": Placement(start=50), "volume_b": Placement(start=20)},
            ("volume B (disk0 0x14 to 0x53)", "map store (disk0 0x32 to"),
        ),
        (
            {"store": StoreKind.DISK, "maps": Placement(start=0)},
            ("map store (disk0 0x0 to", "device label (disk0 0x0 to 0x1)"),
        ),
    ],
)
def test_regions_that_overlap_are_refused_with_both_names_and_both_ranges(
    new_board: NewBoard, settings: dict[str, Any], names: tuple[str, str]
) -> None:
    message = refused(new_board(), **settings)
    assert message.startswith(names[0])
    assert f" overlaps {names[1]}" in message
    assert "move one of them with 'start'" in message


def test_regions_may_touch(new_board: NewBoard) -> None:
    config = FirmwareConfig(units=64, volume_a=Placement(start=66), volume_b=Placement(start=2))
    DeltaController(new_board(disk_sectors=130), config)


def test_volumes_that_do_not_fit_are_refused_with_the_size_that_they_take(new_board: NewBoard) -> None:
    message = refused(new_board(disk_sectors=129), units=16, sectors_per_unit=4)
    assert message.startswith("volume B (disk0 sectors 66 to 129) does not fit: it takes 64 sectors, and disk0 has 129")
    assert "set board.devices.disk0.sectors to at least 130" in message
    message = refused(new_board(disk_sectors=129), units=16, volume_a=Placement(start=120))
    assert message.startswith("volume A (disk0 sectors 120 to 135) does not fit: it takes 16 sectors")


@pytest.mark.parametrize(
    ("store", "device", "settings"),
    [
        (StoreKind.NVRAM, "nvram0", {"units": 40_000, "scheme": "versioned"}),
        (StoreKind.NVRAM, "nvram0", {"maps": Placement(start=65_530)}),
        (StoreKind.NOR, "nor0", {"log_records": 40_000}),
        (StoreKind.NOR, "nor0", {"maps": Placement(start=0x7F000)}),
    ],
)
def test_maps_that_do_not_fit_are_refused_with_the_size_that_they_take(
    new_board: NewBoard, store: StoreKind, device: str, settings: dict[str, Any]
) -> None:
    message = refused(new_board(), store=store, **settings)
    assert message.startswith(f"map store ({device} 0x")
    assert "does not fit: it takes " in message
    assert f" bytes, and {device} ends at {new_board().media[device].size:#x}; choose a larger part" in message


def test_maps_that_do_not_fit_a_disk_are_told_in_sectors(new_board: NewBoard) -> None:
    message = refused(new_board(), store=StoreKind.DISK, units=40_000, scheme="history")
    assert message.startswith("map store (disk0 sectors 2 to 10005) does not fit: it takes 10004 sectors, and disk0")


def test_a_nor_store_has_to_begin_at_an_erase_sector(new_board: NewBoard) -> None:
    message = refused(new_board(), store=StoreKind.NOR, maps=Placement(start=0x1100))
    assert "must begin at an erase sector, a multiple of 0x1000 on nor0" in message


def test_an_atom_that_fits_no_page_is_refused(new_board: NewBoard) -> None:
    message = refused(new_board(), store=StoreKind.NOR, atom_bytes=251)
    assert message.startswith("atom_bytes = 251: a record of 257 bytes does not fit a page of 256 bytes on nor0")
    assert message.endswith("at most 250")
    DeltaController(new_board(), FirmwareConfig(store=StoreKind.NOR, atom_bytes=250))


@pytest.mark.parametrize("store", [StoreKind.NVRAM, StoreKind.DISK])
def test_the_largest_atom_fits_a_sector(new_device: Any, store: StoreKind) -> None:
    device = new_device(store=store, atom_bytes=506, scheme="history")
    device.write(3, "a")
    device.power_cycle()
    assert device.read(3, 1) == ["a"]


@pytest.mark.parametrize("bits", [0, 7, 12, 64])
def test_a_version_of_any_other_width_than_one_two_or_four_bytes_is_refused(new_board: NewBoard, bits: int) -> None:
    with pytest.raises((ConfigurationError, msgspec.ValidationError), match="version_bits"):
        DeltaController(new_board(), msgspec.convert({"scheme": "history", "version_bits": bits}, FirmwareConfig))


def test_more_atoms_than_a_nor_store_can_number_are_refused() -> None:
    board = board_of(nor0="W25Q64JV", disk0="generic-disk")
    message = refused(board, scheme="history", store=StoreKind.NOR, units=1 << 20)
    assert "65535" in message.replace(",", "")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("units", 0),
        ("units", (1 << 20) + 1),
        ("sectors_per_unit", 0),
        ("sectors_per_unit", 257),
        ("atom_bytes", 9),
        ("atom_bytes", 507),
        ("log_records", 0),
        ("cache_sectors", 0),
        ("debounce_ms", 0),
        ("store", "eeprom"),
        ("cache", "write-around"),
        ("volume_a", {"start": -1}),
        ("volume_a", {"disk": "disk0"}),
        ("unit", 3),
    ],
)
def test_a_setting_out_of_its_range_is_refused_where_it_is_read(key: str, value: object) -> None:
    with pytest.raises(msgspec.ValidationError, match=key if key != "unit" else "`unit`"):
        msgspec.convert({key: value}, FirmwareConfig)
