"""Builds an image: firmware, configuration block, and what the firmware keeps on its devices, by bus address."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from deltabench.firmware_model.configuration import Configuration, DeviceEntry, decode, device_entry, encode
from deltabench.hwsim.contents import contents, size_bytes
from deltabench.hwsim.devboard.spec import CONFIGURATION, FIRMWARE, DevBoardFile, Stretch
from deltabench.hwsim.disk import SECTOR_BYTES, Disk
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.parts import McuPart
from deltabench.scenarios.images.device import Device
from deltabench.scenarios.images.elf import FirmwareElf, check_symbols
from deltabench.scenarios.images.errors import ImageError
from deltabench.scenarios.images.memory_image import FILL, MOST_BYTES, MemoryImage
from deltabench.scenarios.images.places import NAND

NAMES: Final = {"device label": "labels", "map store": "maps", "volume A": "volume-a", "volume B": "volume-b"}
"""What the regions of the firmware's layout are called in an image."""
REGIONS: Final = (FIRMWARE, CONFIGURATION, *NAMES.values(), NAND)
ONE_EACH: Final = (FIRMWARE, CONFIGURATION, "maps", "volume-a", "volume-b")
"""Regions that there is one of, so that a symbol can name it; of labels there is one a disk."""


class OnDevice(NamedTuple):
    """A region of an image that lies on ``device``, from byte ``first`` of it on."""

    name: str
    device: str
    first: int
    size_bytes: int


class BuiltRegion(NamedTuple):
    """A region of an image: where it lies, and ``image``, what is in it; ``device`` is "" in the chip's own flash.

    ``unstable``: pages of which one reading was taken; ``unreadable``: sectors, and pages of NAND flash, left out.
    """

    name: str
    device: str
    place: Stretch
    image: MemoryImage
    unstable: int = 0
    unreadable: int = 0

    @property
    def held_bytes(self) -> int:
        return len(self.image)

    @property
    def sha256(self) -> str:
        """Of the bytes that are there."""
        return self.image.sha256


class BuiltImage(NamedTuple):
    """An image, and what of it is where; ``about`` and ``elf`` say what it was made of."""

    image: MemoryImage
    regions: tuple[BuiltRegion, ...]
    about: str
    elf: FirmwareElf | None


def build_image(
    file: DevBoardFile,
    device: Device | None = None,
    elf: FirmwareElf | None = None,
    elf_path: Path | None = None,
    only: Collection[str] = (),
) -> BuiltImage:
    """Put together what is given, or ``only`` the regions of these names.

    Raises ImageError, DevBoardError, ConfigurationError for what has no place, or contradicts the board file.
    """
    places = dict(file.regions)
    regions: list[BuiltRegion] = []
    if device is not None:
        entries = device_entries(file, device)
        addresses = {entry.name: entry.address for entry in entries}
        places |= _places(device, addresses)
        _check_size(device, only)
    if elf is not None:
        assert elf_path is not None, "a firmware was read from a file"
        check_symbols(elf, elf_path, {name: places[name] for name in ONE_EACH if name in places}, str(file.path))
        regions.append(BuiltRegion(FIRMWARE, "", file.regions[FIRMWARE], MemoryImage(elf.segments)))
    if device is not None:
        block = encode(device.firmware, device.layout, entries)
        regions.append(_configuration(file.regions[CONFIGURATION], block))
        regions += _on_devices(device, addresses, only)
    chosen = tuple(region for region in regions if not only or region.name in only)
    missing = [name for name in only if name not in {region.name for region in chosen}]
    if missing or not chosen:
        there = [*((FIRMWARE,) if elf else ()), *((CONFIGURATION, *_names(device)) if device else ())]
        raise ImageError(f"--region {', '.join(missing)}: not in this image, which has {', '.join(there) or 'nothing'}")
    image = MemoryImage(segment for region in chosen for segment in region.image.segments)
    return BuiltImage(image, chosen, device.about if device else "", elf)


def configuration_of(file: DevBoardFile, device: Device) -> Configuration:
    """What a configuration block of the device says, with every placement given."""
    return decode(encode(device.firmware, device.layout, device_entries(file, device)))


def device_entries(file: DevBoardFile, device: Device) -> tuple[DeviceEntry, ...]:
    """What the configuration block says of the device's parts; raises DevBoardError for one without a place."""
    places = file.places(device.spec)
    return tuple(device_entry(medium, places[name].address) for name, medium in device.board.media.items())


def _configuration(place: Stretch, block: bytes) -> BuiltRegion:
    """The block, filled up to what one Write Memory command of the bootloader carries."""
    if len(block) > place.size_bytes:
        raise ImageError(f"the configuration block of {len(block)} bytes does not fit the region {place}")
    data = block + FILL * (-len(block) % min(McuPart.PROGRAM_BYTES, place.size_bytes))
    return BuiltRegion(CONFIGURATION, "", place, MemoryImage([(place.address, data)]))


def _names(device: Device) -> list[str]:
    """The names of the regions on the device's parts, each once."""
    return list(dict.fromkeys(region.name for region in stored_regions(device)))


def stored_regions(device: Device) -> list[OnDevice]:
    """What of the device's parts belongs into an image: regions of the firmware, and all pages of each NAND flash.

    What lies behind a translation layer may be in any of its pages.
    """
    found: list[OnDevice] = []
    for region in device.layout.regions:
        medium = device.board.media[region.device]
        unit = SECTOR_BYTES if isinstance(medium, Disk) else 1
        if isinstance(medium, NandFlash):
            whole = OnDevice(NAND, region.device, 0, size_bytes(medium))
            found += [whole] if whole not in found else []
        else:
            found.append(OnDevice(NAMES[region.name], region.device, region.first * unit, region.length * unit))
    return found


def _places(device: Device, addresses: Mapping[str, int]) -> dict[str, Stretch]:
    return {
        region.name: Stretch(region.name, addresses[region.device] + region.first, region.size_bytes)
        for region in stored_regions(device)
    }


def _check_size(device: Device, only: Collection[str]) -> None:
    chosen = [region for region in stored_regions(device) if not only or region.name in only]
    total = sum(region.size_bytes for region in chosen)
    if total > MOST_BYTES:
        largest = max(chosen, key=lambda region: region.size_bytes)
        remedy = f"take fewer blocks of {largest.device}" if largest.name == NAND else "take fewer units"
        raise ImageError(
            f"the regions on the devices take {total:,} bytes, and an image holds at most "
            f"{MOST_BYTES:,}; the largest is {largest.name}; {remedy}, or choose regions with --region"
        )


def _on_devices(device: Device, addresses: Mapping[str, int], only: Collection[str]) -> Iterator[BuiltRegion]:
    for region in stored_regions(device):
        if only and region.name not in only:
            continue
        base = addresses[region.device]
        held = contents(device.board.media[region.device], region.first, region.size_bytes)
        image = MemoryImage((base + start, data) for start, data in held.pieces)
        place = Stretch(region.name, base + region.first, region.size_bytes)
        yield BuiltRegion(region.name, region.device, place, image, len(held.unstable), len(held.unreadable))
