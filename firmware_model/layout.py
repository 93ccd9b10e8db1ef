"""Where everything lies on the board's parts: labels, map store, volume A, volume B.

Regions are laid one behind the other on each device, unless the configuration places them; overlaps and regions that
leave their part are refused with both names and both ranges.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from deltabench.firmware_model.atoms.disk import DiskAtoms
from deltabench.firmware_model.atoms.nand import NandAtoms
from deltabench.firmware_model.atoms.nor import NorAtoms
from deltabench.firmware_model.atoms.nvram import NvramAtoms
from deltabench.firmware_model.atoms.store import AtomStore
from deltabench.firmware_model.config import FirmwareConfig, Placement, StoreKind
from deltabench.firmware_model.errors import ConfigurationError
from deltabench.firmware_model.rom import Rom
from deltabench.firmware_model.sector_device import SectorDevice
from deltabench.firmware_model.translation.geometry import geometry_for
from deltabench.firmware_model.translation.layer import TranslationLayer
from deltabench.hwsim.board import Board
from deltabench.hwsim.core import Core
from deltabench.hwsim.disk import Disk
from deltabench.hwsim.medium import Medium
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nor import NorFlash
from deltabench.hwsim.nvram import Nvram

LABEL_SECTORS: Final = 2
LABEL: Final = "device label"
MAPS: Final = "map store"
MOST_NOR_ATOMS: Final = 65535
"""A log record has 16 bits for the atom's number, and all ones are what a blank record reads as."""
KIND_NAMES: Final[dict[type[Medium], str]] = {
    Nvram: "NVRAM",
    Disk: "disk",
    NorFlash: "NOR flash",
    NandFlash: "NAND flash",
}
MEDIA: Final[dict[StoreKind, type[Medium]]] = {
    StoreKind.NVRAM: Nvram,
    StoreKind.DISK: Disk,
    StoreKind.NOR: NorFlash,
    StoreKind.NAND: NandFlash,
}
OF_SECTORS: Final = (Disk, NandFlash)
"""What volumes may lie on."""


class Region(NamedTuple):
    """A named stretch of a device, in the device's own addresses (sectors or bytes)."""

    name: str
    device: str
    first: int
    length: int

    def __str__(self) -> str:
        return f"{self.name} ({self.device} {self.first:#x} to {self.first + self.length - 1:#x})"


class Home(NamedTuple):
    """Where volume A or B lies."""

    device: str
    first_lba: int


class Volumes(NamedTuple):
    """Devices at power-on: those of volumes A and B with the first sector of each, and all of them in label order."""

    homes: tuple[tuple[SectorDevice, int], tuple[SectorDevice, int]]
    disks: tuple[SectorDevice, ...]


@dataclass(frozen=True)
class Layout(Rom):
    """One firmware on one board: the map region, the homes of A and B, and the devices under them in label order.

    ``regions`` are all that is taken, the map region and the homes among them.  On NAND flash, addresses are sectors
    behind its translation layer.
    """

    maps: Region
    homes: tuple[Home, Home]
    disks: tuple[str, ...]
    regions: tuple[Region, ...]
    core: Core

    @property
    def devices(self) -> tuple[str, ...]:
        """All that anything lies on, those of the volumes first."""
        return tuple(dict.fromkeys((*self.disks, self.maps.device)))


@lru_cache(maxsize=16)
def lay_out(board: Board, config: FirmwareConfig, atoms: int) -> Layout:
    """Place everything, as at build time: once for each board.

    Raises ConfigurationError for what is missing, does not fit, or overlaps.
    """
    # Where there are disks the volumes lie on them, unless the configuration wants NAND flash.
    disks = [name for name, medium in board.media.items() if isinstance(medium, Disk)]
    disks = disks or [name for name, medium in board.media.items() if isinstance(medium, NandFlash)]
    home_a = _device(board, "volume_a", config.volume_a, OF_SECTORS, disks[:1])
    home_b = _device(board, "volume_b", config.volume_b, OF_SECTORS, disks[1:2] or disks[:1])
    wanted = MEDIA[config.store]
    choices = [name for name, medium in board.media.items() if isinstance(medium, wanted)]
    map_device = _device(board, "maps", config.maps, (wanted,), choices[:1])

    volume_disks = tuple(dict.fromkeys((home_a, home_b)))
    taken: list[Region] = [Region(LABEL, disk, 0, LABEL_SECTORS) for disk in volume_disks]
    length = _store_length(board, map_device, config, atoms)
    maps = _place(board, config, taken, Region(MAPS, map_device, 0, length), config.maps)
    sectors = config.volume_sectors
    volume_a = _place(board, config, taken, Region("volume A", home_a, 0, sectors), config.volume_a)
    volume_b = _place(board, config, taken, Region("volume B", home_b, 0, sectors), config.volume_b)
    homes = (Home(home_a, volume_a.first), Home(home_b, volume_b.first))
    return Layout(maps, homes, volume_disks, tuple(taken), board.core)


def power_up(
    board: Board, config: FirmwareConfig, layout: Layout, layer_type: type[TranslationLayer] = TranslationLayer
) -> dict[str, SectorDevice]:
    """The devices of sectors that ``layout`` has something on, with a translation layer over each NAND flash."""
    devices: dict[str, SectorDevice] = {}
    for name in layout.devices:
        medium = board.media[name]
        if isinstance(medium, NandFlash):
            geometry = geometry_for(medium, config)
            devices[name] = layer_type(medium, geometry, config.checkpoint_blocks, board.core)
        elif isinstance(medium, Disk):
            devices[name] = medium
    return devices


def volumes_on(devices: dict[str, SectorDevice], layout: Layout) -> Volumes:
    """Where the volumes lie."""
    home_a, home_b = layout.homes
    homes = ((devices[home_a.device], home_a.first_lba), (devices[home_b.device], home_b.first_lba))
    return Volumes(homes, tuple(devices[name] for name in layout.disks))


def build_store(
    board: Board, config: FirmwareConfig, layout: Layout, devices: dict[str, SectorDevice], atoms: int
) -> AtomStore:
    """The atom store of the map region."""
    medium, first = board.media[layout.maps.device], layout.maps.first
    if isinstance(medium, NorFlash):
        return NorAtoms(medium, first, atoms, config.atom_bytes, config.log_records, board.core)
    if isinstance(medium, Disk):
        return DiskAtoms(medium, first, atoms, config.atom_bytes, board.core)
    if isinstance(medium, NandFlash):
        return NandAtoms(devices[medium.name], first, atoms, config.atom_bytes, board.core)
    assert isinstance(medium, Nvram), "a store lies on one of the four media"
    return NvramAtoms(medium, first, atoms, config.atom_bytes, board.core)


def _device(board: Board, key: str, placement: Placement, kinds: tuple[type[Medium], ...], default: list[str]) -> str:
    name = placement.device or next(iter(default), None)
    wanted = " or ".join(KIND_NAMES[kind] for kind in kinds)
    if name is None:
        raise ConfigurationError(f"{key}: the board has no {wanted}; add one to [board.devices]")
    if name not in board.media:
        raise ConfigurationError(f"{key}.device = {name!r}: no such device; the board has {', '.join(board.media)}")
    if not isinstance(board.media[name], kinds):
        raise ConfigurationError(
            f"{key}.device = {name!r}: is a {KIND_NAMES[type(board.media[name])]}, and a {wanted} is needed here"
        )
    return name


def _store_length(board: Board, device: str, config: FirmwareConfig, atoms: int) -> int:
    medium = board.media[device]
    if isinstance(medium, NorFlash):
        if atoms > MOST_NOR_ATOMS:
            raise ConfigurationError(
                f"units = {config.units}: takes {atoms} atoms of {config.atom_bytes} bytes, and a NOR store numbers "
                f"at most {MOST_NOR_ATOMS}; choose larger atom_bytes or fewer units"
            )
        if config.atom_bytes + 6 > medium.page_bytes:
            raise ConfigurationError(
                f"atom_bytes = {config.atom_bytes}: a record of {config.atom_bytes + 6} bytes does not fit a page of "
                f"{medium.page_bytes} bytes on {device}; at most {medium.page_bytes - 6}"
            )
        return NorAtoms.bytes_needed(medium, atoms, config.atom_bytes, config.log_records)
    if isinstance(medium, NandFlash):
        return atoms
    return 2 * atoms if isinstance(medium, Disk) else NvramAtoms.bytes_needed(atoms, config.atom_bytes)


def _place(board: Board, config: FirmwareConfig, taken: list[Region], wanted: Region, placement: Placement) -> Region:
    """``wanted`` where ``placement`` puts it, or behind what is on its device already."""
    device, length, start = wanted.device, wanted.length, placement.start
    medium = board.media[device]
    if start is None:
        start = max((region.first + region.length for region in taken if region.device == device), default=0)
    region = wanted._replace(first=start)
    size = geometry_for(medium, config).sectors if isinstance(medium, NandFlash) else medium.size
    if start + length > size:
        raise ConfigurationError(_too_large(region, medium, size))
    if isinstance(medium, NorFlash) and start % medium.sector_bytes:
        raise ConfigurationError(
            f"{region}: must begin at an erase sector, a multiple of {medium.sector_bytes:#x} on {device}"
        )
    for other in taken:
        if other.device == device and start < other.first + other.length and other.first < start + length:
            raise ConfigurationError(f"{region} overlaps {other}; move one of them with 'start'")
    taken.append(region)
    return region


def _too_large(region: Region, medium: Medium, size: int) -> str:
    """Why ``region`` does not fit: sectors are counted in decimal as in a scenario, bytes in hexadecimal."""
    name, device, first, length = region
    end = first + length
    if isinstance(medium, NandFlash):
        return (
            f"{name} ({device} sectors {first} to {end - 1}) does not fit: it takes {length} sectors, and behind its "
            f"translation layer {device} has {size}; raise board.devices.{device}.blocks, which is {medium.blocks}, or "
            "lower firmware.over_provisioning, or choose fewer units or a lower start"
        )
    if not isinstance(medium, Disk):
        return (
            f"{region} does not fit: it takes {length} bytes, and {device} ends at {medium.size:#x}; "
            "choose a larger part, fewer units, or a lower start"
        )
    if end <= medium.part.sectors:
        remedy = f"set board.devices.{device}.sectors to at least {end}"
    else:
        remedy = "take a larger part"
    return (
        f"{name} ({device} sectors {first} to {end - 1}) does not fit: it takes {length} sectors, and {device} has "
        f"{medium.size} of the {medium.part.sectors} of {medium.part.name}; {remedy}, "
        f"or choose fewer units or a lower start"
    )
