"""Where on the bus everything lies that a configuration block tells of, worked out from the block alone.

An image may come from anywhere: nothing here is allocated by what a block says, and what cannot be is refused.

What lies behind the translation layer of a NAND flash has the addresses that it would have if the sectors of the layer
lay one behind the other from the first address of the flash on.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Final, NamedTuple

from deltabench.firmware_model.config import FirmwareConfig, StoreKind
from deltabench.firmware_model.configuration import Configuration, DeviceEntry
from deltabench.firmware_model.formats import CONTROL, HISTORY_SYSTEM, NOR_AREA, NOR_RECORD, SYSTEM, TWIN_SLOT
from deltabench.hwsim.disk import SECTOR_BYTES
from deltabench.scenarios.images.errors import ImageError
from deltabench.scenarios.images.flash import CRC_BYTES, Flash, flash_of, what_is_wrong
from deltabench.scenarios.images.memory_image import ADDRESSES, MOST_BYTES

LABELS: Final = "labels"
MAPS: Final = "maps"
VOLUME_A: Final = "volume-a"
VOLUME_B: Final = "volume-b"
NAND: Final = "nand"
OF_SECTORS: Final = (StoreKind.DISK, StoreKind.NAND)
LABEL_SECTORS: Final = 2
MOST_PAGE_BYTES: Final = 1 << 16


class Place(NamedTuple):
    """``length`` bytes on ``device``, from byte ``first`` of it on."""

    name: str
    device: DeviceEntry
    first: int
    length: int

    @property
    def address(self) -> int:
        """The first address on the bus."""
        return self.device.address + self.first

    def __str__(self) -> str:
        return f"{self.name} ({self.device.name} from byte {self.first:#x} on, {self.length:,} bytes)"


class Scheme(NamedTuple):
    """How the atoms of a map scheme share out the units.

    ``system``: the number of the control or system atom, None in ``plain``.  From atom ``first_block`` on there are
    ``blocks`` blocks of ``units_per_block`` units each: of VSM and then of DDM, or of both with versions, whose lag is
    at most ``window``.  Behind them, the last atom may be that of a handheld ``remote``.
    """

    system: int | None
    first_block: int
    blocks: int
    units_per_block: int
    arrays: int
    window: int = 0
    with_remote: bool = False

    @property
    def atoms(self) -> int:
        """All atoms, the identity included."""
        return self.first_block + self.arrays * self.blocks + self.with_remote

    @property
    def remote(self) -> int | None:
        """The number of the remote's atom."""
        return self.atoms - 1 if self.with_remote else None


class Places(NamedTuple):
    """The regions of a device: ``labels`` in the order of the disks, and what the rest of the module is about.

    ``flashes``: each NAND flash that a region lies on, behind its translation layer.
    """

    firmware: FirmwareConfig
    devices: tuple[DeviceEntry, ...]
    labels: tuple[Place, ...]
    maps: Place
    volume_a: Place
    volume_b: Place
    scheme: Scheme
    flashes: tuple[Flash, ...] = ()

    @property
    def regions(self) -> tuple[Place, ...]:
        """All of them."""
        return (*self.labels, self.maps, self.volume_a, self.volume_b)

    @property
    def stored(self) -> tuple[Place, ...]:
        """What an image has of them: all pages of a NAND flash, and the regions that are on other devices."""
        pages = (Place(NAND, flash.device, 0, flash.device.size_bytes) for flash in self.flashes)
        return (*(place for place in self.regions if self.flash(place) is None), *pages)

    def flash(self, place: Place) -> Flash | None:
        """The NAND flash that a region is on; None if it is on another device."""
        return next((flash for flash in self.flashes if flash.device == place.device), None)


class NorArea(NamedTuple):
    """How an area of a NOR map store is divided: where its log slots begin, and what a boot reads of it."""

    bytes: int
    log_start: int
    slots_per_page: int
    page_bytes: int
    slot_bytes: int
    log_records: int

    def slot(self, number: int) -> int:
        """Where slot ``number`` of the log begins."""
        page, place = divmod(number, self.slots_per_page)
        return self.log_start + page * self.page_bytes + place * self.slot_bytes

    @property
    def used_bytes(self) -> int:
        """From the area's first byte to the last of its log."""
        return self.slot(self.log_records - 1) + self.slot_bytes


def find_places(configuration: Configuration) -> Places:
    """Where everything lies; raises ImageError for what no firmware could be configured for."""
    firmware, devices = configuration
    _check_devices(devices)
    by_name = {device.name: device for device in devices}
    scheme = scheme_of(firmware)
    unit = SECTOR_BYTES * firmware.volume_sectors
    volumes = []
    for name, placement in ((VOLUME_A, firmware.volume_a), (VOLUME_B, firmware.volume_b)):
        device = by_name[placement.device or ""]
        if device.kind not in OF_SECTORS:
            raise _impossible(f"{name} is on {device.name}, which is no disk and no NAND flash")
        volumes.append(Place(name, device, (placement.start or 0) * SECTOR_BYTES, unit))
    device = by_name[firmware.maps.device or ""]
    if device.kind is not firmware.store:
        raise _impossible(f"the map store is on {device.name}, which is of another kind")
    start = (firmware.maps.start or 0) * (SECTOR_BYTES if device.kind in OF_SECTORS else 1)
    maps = Place(MAPS, device, start, store_bytes(firmware, device, scheme.atoms))
    disks = dict.fromkeys(place.device for place in volumes)
    labels = tuple(Place(LABELS, disk, 0, LABEL_SECTORS * SECTOR_BYTES) for disk in disks)
    flashes = _flashes(firmware, dict.fromkeys(place.device for place in (*labels, maps)))
    places = Places(firmware, devices, labels, maps, volumes[0], volumes[1], scheme, flashes)
    _check_regions(places)
    return places


def scheme_of(firmware: FirmwareConfig) -> Scheme:
    """How the configured scheme numbers its atoms (docs/format.md)."""
    with_remote = firmware.remote is not None
    units, size, version_bytes = firmware.units, firmware.atom_bytes, firmware.version_bits // 8
    if firmware.scheme in ("plain", "flagged"):
        flagged = firmware.scheme == "flagged"
        per_block = 8 * (size - CONTROL.fixed_bytes if flagged else size)
        first = 2 if flagged else 1
        return Scheme(1 if flagged else None, first, -(-units // per_block), per_block, 2, with_remote=with_remote)
    fitting = (
        k for k in range(8 * size // (2 + firmware.version_bits), 0, -1) if 2 * (-(-k // 8)) + k * version_bytes <= size
    )
    per_block = next(fitting, 0)
    needed = SYSTEM.fixed_bytes if firmware.scheme == "versioned" else HISTORY_SYSTEM.fixed_bytes + 1
    if not per_block or size < needed:
        raise _impossible(f"atoms of {size} bytes are too small for {firmware.scheme}")
    window = 1 << firmware.version_bits - 1
    if firmware.scheme == "history":
        while window > 8 * (size - HISTORY_SYSTEM.fixed_bytes):
            window //= 2
    return Scheme(1, 2, -(-units // per_block), per_block, 1, window, with_remote)


def store_bytes(firmware: FirmwareConfig, device: DeviceEntry, atoms: int) -> int:
    """The length of the map store."""
    if device.kind is StoreKind.NVRAM:
        return 2 * atoms * slot_bytes(firmware)
    if device.kind is StoreKind.DISK:
        return 2 * atoms * SECTOR_BYTES
    if device.kind is StoreKind.NAND:
        return atoms * SECTOR_BYTES
    return 2 * nor_area(firmware, device, atoms).bytes


def slot_bytes(firmware: FirmwareConfig) -> int:
    """The length of a twin slot: sequence, atom, CRC."""
    return TWIN_SLOT.fixed_bytes + firmware.atom_bytes + CRC_BYTES


def nor_area(firmware: FirmwareConfig, device: DeviceEntry, atoms: int) -> NorArea:
    """The division of each of the two areas of a NOR map store; raises ImageError if none is possible."""
    page, erase, size = (
        device.program_bytes,
        device.erase_bytes,
        NOR_RECORD.fixed_bytes + firmware.atom_bytes + CRC_BYTES,
    )
    if size > page:
        raise _impossible(f"a log record of {size} bytes does not fit a page of {page} bytes on {device.name}")
    if atoms > 0xFFFF:
        raise _impossible(f"it takes {atoms} atoms, and a log record numbers at most {0xFFFF}")
    checkpoint = NOR_AREA.fixed_bytes + atoms * firmware.atom_bytes
    area = NorArea(0, -(-checkpoint // page) * page, page // size, page, size, firmware.log_records)
    return area._replace(bytes=-(-area.used_bytes // erase) * erase)


def _check_devices(devices: tuple[DeviceEntry, ...]) -> None:
    if len({device.name for device in devices}) < len(devices) or not all(device.name for device in devices):
        raise _impossible("two devices have the same name, or one has none")
    if not all(device.name.isprintable() for device in devices):
        raise _impossible("the name of a device is no text that a person could read")
    for device in devices:
        name, kind, address, size, program, erase, _ = device
        if not size or address + size > ADDRESSES:
            raise _impossible(f"{name}: {size} bytes from 0x{address:08X} on are not in the addresses of 32 bits")
        if kind is StoreKind.DISK and (size % SECTOR_BYTES or program != SECTOR_BYTES):
            raise _impossible(f"{name}: a disk of {size} bytes is not of whole sectors of {SECTOR_BYTES}")
        if kind is StoreKind.NVRAM and not 0 < program <= MOST_PAGE_BYTES:
            raise _impossible(f"{name}: an NVRAM does not have words of {program} bytes")
        if kind is StoreKind.NOR:
            whole = 0 < program <= MOST_PAGE_BYTES and erase > 0 and not erase % program and not size % erase
            if not whole:
                raise _impossible(f"{name}: {size} bytes are no NOR flash of sectors of {erase} and pages of {program}")
        if kind is StoreKind.NAND and (wrong := what_is_wrong(device)):
            raise _impossible(f"{name}: {wrong}")
    for one, other in combinations(devices, 2):
        if one.address < other.address + other.size_bytes and other.address < one.address + one.size_bytes:
            raise _impossible(f"{one.name} and {other.name} have the same addresses")


def _flashes(firmware: FirmwareConfig, devices: Iterable[DeviceEntry]) -> tuple[Flash, ...]:
    """The NAND flashes among the devices that something lies on."""
    flashes = []
    for device in devices:
        if device.kind is StoreKind.NAND:
            flash = flash_of(device, firmware.over_provisioning)
            if flash is None:
                raise _impossible(f"{device.name}: {device.size_bytes:,} bytes are too few for a translation layer")
            flashes.append(flash)
    if sum(flash.device.size_bytes for flash in flashes) > MOST_BYTES:
        raise _impossible("the NAND flashes have more bytes than an image may hold")
    return tuple(flashes)


def _check_regions(places: Places) -> None:
    for place in places.regions:
        flash = places.flash(place)
        size = place.device.size_bytes if flash is None else flash.sectors * SECTOR_BYTES
        if place.first + place.length > size:
            raise _impossible(f"{place} goes beyond {place.device.name}, which has {size:,} bytes")
    for one, other in combinations(places.regions, 2):
        if (
            one.device == other.device
            and one.first < other.first + other.length
            and other.first < one.first + one.length
        ):
            raise _impossible(f"{one} overlaps {other}")
    maps = places.maps
    if maps.device.kind is StoreKind.NOR and maps.first % maps.device.erase_bytes:
        raise _impossible(f"{maps} does not begin at an erase sector of {maps.device.erase_bytes:#x} bytes")
    if maps.length > MOST_BYTES:
        raise _impossible(f"the map store takes {maps.length:,} bytes, more than an image may hold")


def _impossible(what: str) -> ImageError:
    return ImageError(f"the configuration block is sound, but says what cannot be: {what}")
