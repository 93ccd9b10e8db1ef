"""The configuration block: what is configured into the firmware, as it lies in the flash of a real board.

With it an image says by itself what is in it: the scheme and its sizes, the storage devices and where the bus has them,
and where on them the firmware keeps what.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple, get_args

import msgspec

from deltabench.firmware_model.config import CacheMode, FirmwareConfig, Placement, StoreKind
from deltabench.firmware_model.errors import ConfigurationError
from deltabench.firmware_model.formats import CONFIGURATION, DEVICE_ENTRY, crc32, intact
from deltabench.firmware_model.layout import Layout
from deltabench.firmware_model.schemes import SCHEMES
from deltabench.hwsim.contents import size_bytes
from deltabench.hwsim.disk import SECTOR_BYTES, Disk
from deltabench.hwsim.medium import Medium
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nor import NorFlash
from deltabench.hwsim.nvram import Nvram
from deltabench.hwsim.parts import Pairing

MAGIC: Final = b"DBC1"
SCHEME_CODES: Final = tuple(SCHEMES)
STORE_CODES: Final = (StoreKind.NVRAM, StoreKind.DISK, StoreKind.NOR, StoreKind.NAND)
PAIRING_CODES: Final[tuple[Pairing, ...]] = get_args(Pairing)
CACHE_CODES: Final = (CacheMode.WRITE_THROUGH, CacheMode.WRITE_BACK)
MOST_DEVICES: Final = 16
MOST_BYTES: Final = CONFIGURATION.fixed_bytes + MOST_DEVICES * DEVICE_ENTRY.fixed_bytes + 4


class Spare(NamedTuple):
    """What else there is to say of a NAND flash: its spare bytes, its ECC, the pages that share cells, its bad blocks.

    ``page_bytes``: spare bytes of a page.  ``codeword_bytes``: data bytes of which ``ecc_bits`` can be corrected.
    """

    page_bytes: int
    codeword_bytes: int
    ecc_bits: int
    pairing: Pairing
    most_bad_blocks: int


class DeviceEntry(NamedTuple):
    """A storage device on the bus: ``program_bytes`` and ``erase_bytes`` are its page and sector if it is NOR flash.

    On NAND flash they are a page and a block, spare bytes included, and ``spare`` says the rest.
    """

    name: str
    kind: StoreKind
    address: int
    size_bytes: int
    program_bytes: int
    erase_bytes: int = 0
    spare: Spare | None = None


class Configuration(NamedTuple):
    """What a configuration block says: the firmware's settings, every placement given, and the devices."""

    firmware: FirmwareConfig
    devices: tuple[DeviceEntry, ...]


def device_entry(medium: Medium, address: int) -> DeviceEntry:
    """The entry of a storage device that begins at this ``address`` of the bus."""
    name, size = medium.name, size_bytes(medium)
    if isinstance(medium, NorFlash):
        return DeviceEntry(name, StoreKind.NOR, address, size, medium.page_bytes, medium.sector_bytes)
    if isinstance(medium, Disk):
        return DeviceEntry(name, StoreKind.DISK, address, size, SECTOR_BYTES)
    if isinstance(medium, NandFlash):
        part = medium.part
        page = part.page_bytes + part.spare_bytes
        spare = Spare(part.spare_bytes, part.codeword_bytes, part.ecc_bits, part.pairing, part.most_bad_blocks)
        return DeviceEntry(name, StoreKind.NAND, address, size, page, page * part.pages_per_block, spare)
    assert isinstance(medium, Nvram), "there are four media"
    return DeviceEntry(name, StoreKind.NVRAM, address, size, medium.word_bytes)


def encode(config: FirmwareConfig, layout: Layout, devices: tuple[DeviceEntry, ...]) -> bytes:
    """The block of a firmware laid out on these devices; raises ConfigurationError for what a block cannot say."""
    if config.scheme not in SCHEME_CODES:
        raise ConfigurationError(
            f"scheme = {config.scheme!r}: a board knows {', '.join(SCHEME_CODES)}, and no schemes of one's own"
        )
    numbers = {device.name: number for number, device in enumerate(devices)}
    for device in devices:
        if len(device.name.encode()) > 8:
            raise ConfigurationError(f"{device.name!r}: the name of a device on a board takes at most 8 bytes")
    if len((config.remote or "").encode()) > 8:
        raise ConfigurationError(f"remote = {config.remote!r}: the name of a serial line takes at most 8 bytes")
    if len(devices) > MOST_DEVICES:
        raise ConfigurationError(f"{len(devices)} devices: a configuration block names at most {MOST_DEVICES}")
    home_a, home_b = layout.homes
    try:
        entries = b"".join(map(_packed, devices))
        body = CONFIGURATION.pack(
            MAGIC,
            CONFIGURATION.fixed_bytes + len(entries) + 4,
            len(devices),
            SCHEME_CODES.index(config.scheme),
            STORE_CODES.index(config.store),
            CACHE_CODES.index(config.cache),
            config.version_bits,
            0,
            config.units,
            config.sectors_per_unit,
            config.atom_bytes,
            config.log_records,
            config.checkpoint_blocks,
            config.cache_sectors,
            config.debounce_ms,
            config.volume_id_bytes,
            numbers[layout.maps.device],
            numbers[home_a.device],
            numbers[home_b.device],
            config.over_provisioning,
            0,
            (config.remote or "").encode(),
            layout.maps.first,
            home_a.first_lba,
            home_b.first_lba,
        )
    except struct.error as error:
        raise ConfigurationError(
            f"a setting is larger than its field in a configuration block ({error}); docs/format.md lists the fields"
        ) from error
    return body + entries + crc32(body + entries)


def decode(data: bytes) -> Configuration:
    """What the block at the beginning of ``data`` says; raises ConfigurationError if there is no sound one."""
    if not data.startswith(MAGIC):
        raise ConfigurationError("no configuration block begins here: its first bytes are 'DBC1'")
    length = int.from_bytes(data[4:6], "little")
    block = data[:length]
    if length < CONFIGURATION.fixed_bytes + 4 or len(block) < length:
        raise ConfigurationError(
            f"the configuration block is cut short: it says {length} bytes, and {len(data)} are here"
        )
    if not intact(block):
        raise ConfigurationError("the configuration block fails its CRC")
    (
        _, _, count, scheme, store, cache, version_bits, _, units, sectors, atom_bytes, log_records, checkpoint_blocks,
        cache_sectors, debounce_ms, volume_id, maps, a, b, over_provisioning, _, remote, maps_start, a_start, b_start,
    ) = CONFIGURATION.unpack(block)  # fmt: skip
    size = DEVICE_ENTRY.fixed_bytes
    if length != CONFIGURATION.fixed_bytes + count * size + 4:
        raise ConfigurationError(f"the configuration block of {length} bytes cannot hold {count} device entries")
    try:
        devices = tuple(_device(block[at : at + size]) for at in range(CONFIGURATION.fixed_bytes, length - 4, size))
        firmware = FirmwareConfig(
            scheme=SCHEME_CODES[scheme],
            store=STORE_CODES[store],
            units=units,
            sectors_per_unit=sectors,
            cache=CACHE_CODES[cache],
            cache_sectors=cache_sectors,
            atom_bytes=atom_bytes,
            log_records=log_records,
            version_bits=version_bits,
            debounce_ms=debounce_ms,
            over_provisioning=over_provisioning,
            checkpoint_blocks=checkpoint_blocks,
            volume_id=volume_id.rstrip(b"\0").decode(),
            remote=remote.rstrip(b"\0").decode() or None,
            maps=Placement(device=devices[maps].name, start=maps_start),
            volume_a=Placement(device=devices[a].name, start=a_start),
            volume_b=Placement(device=devices[b].name, start=b_start),
        )
        # A struct checks its limits only when it is converted.
        return Configuration(msgspec.convert(msgspec.to_builtins(firmware), FirmwareConfig), devices)
    except (IndexError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ConfigurationError(f"the configuration block is sound, but says what cannot be: {error}") from error


def _packed(device: DeviceEntry) -> bytes:
    spare = device.spare or Spare(0, 0, 0, "none", 0)
    return DEVICE_ENTRY.pack(
        device.name.encode(), STORE_CODES.index(device.kind), PAIRING_CODES.index(spare.pairing), spare.ecc_bits, 0,
        device.address, device.size_bytes, device.program_bytes, device.erase_bytes, spare.page_bytes,
        spare.codeword_bytes, spare.most_bad_blocks, 0,
    )  # fmt: skip


def _device(entry: bytes) -> DeviceEntry:
    (
        name, kind, pairing, ecc_bits, _, address, size_bytes, program_bytes, erase_bytes, spare_bytes, codeword_bytes,
        most_bad_blocks, _,
    ) = DEVICE_ENTRY.unpack(entry)  # fmt: skip
    spare = None
    if STORE_CODES[kind] is StoreKind.NAND:
        spare = Spare(spare_bytes, codeword_bytes, ecc_bits, PAIRING_CODES[pairing], most_bad_blocks)
    decoded = name.rstrip(b"\0").decode()
    return DeviceEntry(decoded, STORE_CODES[kind], address, size_bytes, program_bytes, erase_bytes, spare)
