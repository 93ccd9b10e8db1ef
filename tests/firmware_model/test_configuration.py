from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltabench.firmware_model.config import CacheMode, FirmwareConfig, Placement, StoreKind
from deltabench.firmware_model.configuration import (
    MOST_BYTES,
    Configuration,
    DeviceEntry,
    Spare,
    decode,
    device_entry,
    encode,
)
from deltabench.firmware_model.controller import DeltaController
from deltabench.firmware_model.errors import ConfigurationError
from deltabench.firmware_model.formats import crc32
from deltabench.hwsim.board import Board, BoardSpec, DeviceSpec

DEVICES = (
    DeviceEntry("disk0", StoreKind.DISK, 0xA000_0000, 8192 * 512, 512),
    DeviceEntry("nor0", StoreKind.NOR, 0x9000_0000, 1 << 19, 256, 4096),
    DeviceEntry("fram0", StoreKind.NVRAM, 0x6000_0000, 1 << 17, 1),
    DeviceEntry("nand0", StoreKind.NAND, 0x7000_0000, 64 * 16 * 560, 560, 16 * 560, Spare(48, 512, 8, "dist3", 4)),
)


def board() -> Board:
    disk = DeviceSpec(part="generic-disk", sectors=8192)
    devices = {"disk0": disk, "nor0": DeviceSpec(part="AT25SF041"), "fram0": DeviceSpec(part="FM25V10")}
    devices["nand0"] = DeviceSpec(part="generic-mlc")
    return Board(BoardSpec(devices=devices, uarts=("air",)))


def block(config: FirmwareConfig) -> bytes:
    return encode(config, DeltaController(board(), config).layout, DEVICES)


@pytest.mark.parametrize("scheme", ["plain", "flagged", "versioned", "history"])
@pytest.mark.parametrize("store", list(StoreKind))
def test_a_firmware_built_from_its_block_lies_where_the_first_one_did(scheme: str, store: StoreKind) -> None:
    config = FirmwareConfig(
        scheme=scheme, store=store, units=77, sectors_per_unit=3, cache=CacheMode.WRITE_BACK, cache_sectors=9,
        atom_bytes=24, log_records=40, version_bits=16, debounce_ms=7, volume_id="vol", over_provisioning=25,
        checkpoint_blocks=70_000,
        volume_b=Placement(device="disk0", start=1000),
    )  # fmt: skip
    read = decode(block(config))
    assert read.devices == DEVICES
    assert read.firmware.volume_id_bytes == config.volume_id_bytes
    hardware = board()
    wanted = DeltaController(hardware, config).layout
    found = DeltaController(hardware, read.firmware).layout
    assert (found.regions, found.homes) == (wanted.regions, wanted.homes)
    placed = {"maps": Placement(), "volume_a": Placement(), "volume_b": config.volume_b}
    assert {name: getattr(config, name) for name in placed} == placed
    for name in set(FirmwareConfig.__struct_fields__) - set(placed):
        assert getattr(read.firmware, name) == getattr(config, name), name


def test_an_entry_has_all_that_it_takes_to_decode_a_nand_flash() -> None:
    hardware = board()
    assert tuple(device_entry(hardware.media[device.name], device.address) for device in DEVICES) == DEVICES


def test_what_follows_the_block_does_not_matter() -> None:
    whole = block(FirmwareConfig())
    assert decode(whole + b"\xff" * 100) == decode(whole)
    assert len(whole) <= MOST_BYTES


@given(st.integers(0, 500), st.integers(1, 255))
def test_a_block_with_a_byte_changed_is_refused(at: int, change: int) -> None:
    whole = bytearray(block(FirmwareConfig()))
    whole[at % len(whole)] ^= change
    with pytest.raises(ConfigurationError):
        decode(bytes(whole))


@given(st.binary(max_size=300), st.integers(0, 255))
def test_a_sound_block_of_nonsense_is_refused_or_read_and_never_more(body: bytes, devices: int) -> None:
    length = 6 + 1 + len(body) + 4
    data = b"DBC1" + length.to_bytes(2, "little") + bytes([devices]) + body
    with suppress(ConfigurationError):
        assert isinstance(decode(data + crc32(data)), Configuration)


@pytest.mark.parametrize("cut", [0, 3, 5, 6, 40, -1])
def test_a_block_that_is_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(ConfigurationError, match="configuration block"):
        decode(block(FirmwareConfig())[:cut])


def test_a_scheme_of_ones_own_has_no_block() -> None:
    config = FirmwareConfig()
    layout = DeltaController(board(), config).layout
    with pytest.raises(ConfigurationError, match="no schemes of one's own"):
        encode(FirmwareConfig(scheme="mine:Scheme"), layout, DEVICES)
    with pytest.raises(ConfigurationError, match="at most 8 bytes"):
        encode(config, layout, (*DEVICES, DEVICES[0]._replace(name="much too long")))
