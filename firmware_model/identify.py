"""The sector that IDENTIFY DEVICE returns (ATA/ATAPI-6, T13/1410D, 6.17.x and table 27)."""

from __future__ import annotations

import struct

from deltabench.firmware_model.config import CacheMode, FirmwareConfig

MODEL = "DELTABENCH DELTA REDIRECTION"
REVISION = "1"
LBA28_MOST = 0x0FFFFFFF


def identify_sector(config: FirmwareConfig) -> bytes:
    """256 little-endian words; ASCII fields have the first character in the high byte of a word."""
    words = [0] * 256
    sectors = config.volume_sectors
    _put_text(words, 10, 10, config.volume_id_bytes.hex().upper())
    _put_text(words, 23, 4, REVISION)
    _put_text(words, 27, 20, MODEL)
    words[49] = 1 << 9 | 1 << 8  # LBA and DMA supported
    words[60], words[61] = divmod(min(sectors, LBA28_MOST), 1 << 16)[::-1]
    words[80] = 1 << 6  # ATA/ATAPI-6
    write_cache = 1 << 5 if config.cache is CacheMode.WRITE_BACK else 0
    words[82] = 1 << 5  # write cache supported
    words[83] = 1 << 14 | 1 << 13 | 1 << 12 | 1 << 10  # FLUSH CACHE EXT, FLUSH CACHE, 48-bit addresses
    words[84] = 1 << 14 | 1 << 6  # WRITE DMA FUA EXT
    words[85] = write_cache
    words[86] = 1 << 13 | 1 << 12 | 1 << 10
    words[87] = 1 << 14 | 1 << 6
    words[100:104] = struct.unpack("<4H", sectors.to_bytes(8, "little"))
    body = struct.pack("<256H", *words)[:510] + b"\xa5"
    return body + bytes([-sum(body) & 0xFF])


def _put_text(words: list[int], first: int, count: int, text: str) -> None:
    data = text.encode("ascii").ljust(2 * count)[: 2 * count]
    words[first : first + count] = struct.unpack(f">{count}H", data)
