"""The words of IDENTIFY DEVICE (ATA/ATAPI-6)."""

from __future__ import annotations

import struct

import pytest

from deltabench.firmware_model.config import CacheMode, FirmwareConfig
from deltabench.firmware_model.identify import identify_sector


def words(**settings: object) -> tuple[int, ...]:
    return struct.unpack("<256H", identify_sector(FirmwareConfig(**settings)))  # type: ignore[arg-type]


def text(some: tuple[int, ...]) -> str:
    """An ASCII field: the first character is the high byte of the first word."""
    return struct.pack(f">{len(some)}H", *some).decode("ascii")


def test_model_revision_and_serial_number_are_padded_ascii() -> None:
    found = words(volume_id="abc")
    assert text(found[27:47]) == "DELTABENCH DELTA REDIRECTION".ljust(40)
    assert text(found[23:27]) == "1".ljust(8)
    assert text(found[10:20]) == "616263000000".ljust(20)


@pytest.mark.parametrize(
    ("units", "sectors_per_unit", "lba28", "lba48"),
    [(64, 8, 512, 512), (1 << 20, 128, 1 << 27, 1 << 27), (1 << 20, 256, 0x0FFFFFFF, 1 << 28)],
)
def test_the_capacity_stands_in_words_60_and_100(units: int, sectors_per_unit: int, lba28: int, lba48: int) -> None:
    found = words(units=units, sectors_per_unit=sectors_per_unit)
    assert found[60] | found[61] << 16 == lba28
    assert sum(word << 16 * i for i, word in enumerate(found[100:104])) == lba48


def test_it_is_an_ata_6_disk_with_lba_dma_48_bit_addresses_flush_and_fua() -> None:
    found = words()
    assert not found[0] >> 15, "an ATA device"
    assert found[49] == 1 << 9 | 1 << 8
    assert found[80] == 1 << 6
    for supported, enabled in ((83, 86), (84, 87)):
        assert found[supported] >> 14 == 0b01, "the word is valid"
        assert found[supported] & 0x3FFF == found[enabled] & 0x3FFF
    assert found[83] & 0x3FFF == 1 << 13 | 1 << 12 | 1 << 10
    assert found[84] & 0x3FFF == 1 << 6
    assert found[87] >> 14 == 0b01


@pytest.mark.parametrize("cache", CacheMode)
def test_the_write_cache_is_enabled_in_write_back(cache: CacheMode) -> None:
    found = words(cache=cache)
    assert found[82] >> 5 & 1
    assert found[85] >> 5 & 1 == (cache is CacheMode.WRITE_BACK)


def test_the_integrity_word_makes_the_sum_of_all_bytes_zero() -> None:
    for units in (1, 64, 1000):
        sector = identify_sector(FirmwareConfig(units=units))
        assert len(sector) == 512
        assert sector[510] == 0xA5
        assert sum(sector) % 256 == 0
