"""Builds an image: firmware, configuration block, and what the firmware keeps on its devices, by bus address."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from deltabench.firmware_model.configuration import Configuration, DeviceEntry, decode, device_entry, encode
from deltabench.firmware_model.layout import Region
from deltabench.hwsim.contents import contents
from deltabench.hwsim.devboard.spec import CONFIGURATION, FIRMWARE, DevBoardFile, Stretch
from deltabench.hwsim.disk import SECTOR_BYTES, Disk
from deltabench.hwsim.parts import McuPart
from deltabench.scenarios.images.device import Device
from deltabench.scenarios.images.elf import FirmwareElf, check_symbols
from deltabench.scenarios.images.errors import ImageError
from deltabench.scenarios.images.memory_image import FILL, MOST_BYTES, MemoryImage

NAMES: Final = {"device label": "labels", "map store": "maps", "volume A": "volume-a", "volume B": "volume-b"}
"""What the regions of the firmware's layout are called in an image."""
REGIONS: Final = (FIRMWARE, CONFIGURATION, *NAMES.values())
ONE_EACH: Final = (FIRMWARE, CONFIGURATION, "maps", "volume-a", "volume-b")
"""Regions that there is one of, so that a symbol can name it; of labels there is one a disk."""


class BuiltRegion(NamedTuple):
    """A region of an image: where it lies, and ``image``, what is in it; ``device`` is "" in the chip's own flash.

    ``unstable``: pages of which one reading was taken; ``unreadable``: sectors that are left out.
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
        there = (*((FIRMWARE,) if elf else ()), *((CONFIGURATION, *NAMES.values()) if device else ()))
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


def _places(device: Device, addresses: Mapping[str, int]) -> dict[str, Stretch]:
    places = {}
    for region in device.layout.regions:
        at, length = _in_bytes(device, region)
        name = NAMES[region.name]
        places[name] = Stretch(name, addresses[region.device] + at, length)
    return places


def _check_size(device: Device, only: Collection[str]) -> None:
    chosen = {
        NAMES[region.name]: _in_bytes(device, region)[1]
        for region in device.layout.regions
        if not only or NAMES[region.name] in only
    }
    if sum(chosen.values()) > MOST_BYTES:
        largest = max(chosen, key=lambda name: chosen[name])
        raise ImageError(
            f"the regions on the devices take {sum(chosen.values()):,} bytes, and an image holds at most "
            f"{MOST_BYTES:,}; the largest is {largest}; take fewer units, or choose regions with --region"
        )


def _on_devices(device: Device, addresses: Mapping[str, int], only: Collection[str]) -> Iterator[BuiltRegion]:
    for region in device.layout.regions:
        name = NAMES[region.name]
        if only and name not in only:
            continue
        at, length = _in_bytes(device, region)
        base = addresses[region.device]
        held = contents(device.board.media[region.device], at, length)
        image = MemoryImage((base + start, data) for start, data in held.pieces)
        place = Stretch(name, base + at, length)
        yield BuiltRegion(name, region.device, place, image, len(held.unstable), len(held.unreadable))


def _in_bytes(device: Device, region: Region) -> tuple[int, int]:
    """Where on its device a region begins, and how long it is."""
    unit = SECTOR_BYTES if isinstance(device.board.media[region.device], Disk) else 1
    return region.first * unit, region.length * unit
