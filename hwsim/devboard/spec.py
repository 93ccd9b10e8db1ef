"""Board files: which microcontroller a development board has, and at which addresses its regions and parts lie.

TOML, checked against the structures below; docs/board.md explains each key.  A board file says nothing of what the
firmware keeps where on a part; that is the firmware's own layout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import msgspec

from deltabench.hwsim.board import BoardSpec, DeviceSpec
from deltabench.hwsim.disk import SECTOR_BYTES
from deltabench.hwsim.errors import HardwareError
from deltabench.hwsim.explain_invalid import meant
from deltabench.hwsim.parts import DiskPart, McuPart, NandPart, NorPart, NvramPart, StoragePart, load_part
from deltabench.hwsim.toml_file import TomlFileError, read_toml

SUFFIX: Final = ".board.toml"
BOARDS: Final = Path(__file__).parent
DEFAULT_BOARD: Final = "stm32f405"
ADDRESSES: Final = 1 << 32
SOCKET_ALIGNMENT: Final = 1 << 20
"""Parts that share a socket's window begin at multiples of this, so that addresses are easy to read."""
PAGES_PER_PART: Final = 0x1000
"""The erase blocks of the n-th flash on the bus, from 1 on, have the bootloader's page numbers from n times this on."""

Address = Annotated[int, msgspec.Meta(ge=0, lt=ADDRESSES)]
Length = Annotated[int, msgspec.Meta(gt=0, le=ADDRESSES)]
FIRMWARE: Final = "firmware"
CONFIGURATION: Final = "configuration"
REGIONS: Final = (FIRMWARE, CONFIGURATION)
KINDS: Final = ("nor", "nand", "nvram", "disk")


class DevBoardError(HardwareError):
    """A board file that cannot be used, or a part that the board has no place for: names file, key and value."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of a board file: unknown keys are errors."""


class RegionSpec(_Table, frozen=True):
    """``bytes`` from ``address`` on, in the flash of the microcontroller."""

    address: Address
    bytes: Length


class SocketSpec(_Table, frozen=True):
    """The window of the bus in which parts of one kind lie, one behind the other: ``bytes`` from ``address`` on."""

    address: Address
    bytes: Length


class FixedPart(_Table, frozen=True):
    """A part that is soldered to the board: its ``address`` on the bus and, if only one fits, which ``part`` it is."""

    address: Address
    part: str | None = None


class DevBoardSpec(_Table, frozen=True):
    """A board file: the ``chip``, the ``regions`` of its flash, ``sockets`` for kinds of parts, and fixed ``parts``.

    ``title``: the board in a few words.
    """

    title: str
    chip: str
    regions: dict[str, RegionSpec]
    sockets: dict[str, SocketSpec] = {}
    parts: dict[str, FixedPart] = {}


class Stretch(NamedTuple):
    """Addresses of the bus that belong to something: a region of the chip's flash, or a part."""

    name: str
    address: int
    size_bytes: int

    @property
    def end(self) -> int:
        return self.address + self.size_bytes

    def __str__(self) -> str:
        return f"{self.name} (0x{self.address:08X} to 0x{self.end - 1:08X})"


class DevBoardFile(msgspec.Struct, frozen=True, dict=True):
    """A board file that has been read and checked; ``near`` is the folder that part files are relative to."""

    path: Path
    spec: DevBoardSpec
    chip: McuPart
    near: Path

    @property
    def name(self) -> str:
        """The name of a board that comes with deltabench, or of the file."""
        return self.path.name.removesuffix(SUFFIX)

    @cached_property
    def regions(self) -> Mapping[str, Stretch]:
        """The regions of the chip's flash by name."""
        return {name: Stretch(name, region.address, region.bytes) for name, region in self.spec.regions.items()}

    @property
    def executable(self) -> list[Stretch]:
        """Where the chip can start a program: its flash, and what the bootloader leaves of its RAM."""
        return _chip_stretches(self.chip)

    def erase_blocks(self) -> list[Stretch]:
        """The erasable sectors of the chip's flash in the bootloader's numbering."""
        blocks: list[Stretch] = []
        address = self.chip.flash_address
        for bank in self.chip.flash_banks:
            for _ in range(bank.sectors):
                blocks.append(Stretch(f"sector {len(blocks)}", address, bank.sector_bytes))
                address += bank.sector_bytes
        return blocks

    def places(self, board: BoardSpec) -> dict[str, Stretch]:
        """At which addresses the devices of ``board`` lie, by name; raises DevBoardError for one without a place."""
        placed: dict[str, Stretch] = {}
        fill = {kind: socket.address for kind, socket in self.spec.sockets.items()}
        for name, device in board.devices.items():
            part = storage_part(device.part, self.near)
            size = _size(part, device)
            fixed = self.spec.parts.get(name)
            if fixed is not None:
                if fixed.part is not None and storage_part(fixed.part, self.near) != part:
                    raise DevBoardError(
                        f"{self.path}: parts.{name}.part = {fixed.part!r}: the device {name!r} is to be a {part.name}"
                    )
                placed[name] = Stretch(name, fixed.address, size)
                continue
            socket = self.spec.sockets.get(part.kind)
            if socket is None:
                raise DevBoardError(
                    f"{self.path}: has no socket for {name!r}, which is a part of kind {part.kind}; "
                    f"it has sockets for: {', '.join(self.spec.sockets) or 'nothing'}; or add [parts.{name}]"
                )
            placed[name] = stretch = Stretch(name, fill[part.kind], size)
            if stretch.end > socket.address + socket.bytes:
                raise DevBoardError(
                    f"{self.path}: sockets.{part.kind}: {stretch} does not fit: the socket's window ends at "
                    f"0x{socket.address + socket.bytes - 1:08X}; take a smaller part, or fewer sectors or blocks"
                )
            fill[part.kind] = -(-stretch.end // SOCKET_ALIGNMENT) * SOCKET_ALIGNMENT
        _check_apart(self.path, [*placed.values(), *_chip_stretches(self.chip)])
        return placed


def storage_part(name: str, near: Path | None) -> StoragePart:
    """The part of that name that can keep data; raises DevBoardError for a microcontroller."""
    part = load_part(name, near=near)
    if isinstance(part, McuPart):
        raise DevBoardError(f"{name!r} is a microcontroller; a device is a NOR flash, NAND flash, NVRAM or disk")
    return part


def load_board(reference: str | None = None) -> DevBoardFile:
    """The board that comes with deltabench under this name, or the one that a file describes; raises DevBoardError."""
    reference = reference or DEFAULT_BOARD
    path = BOARDS / f"{reference}{SUFFIX}" if reference in board_names() else Path(reference)
    if not path.exists():
        known = ", ".join(board_names())
        raise DevBoardError(f"{reference}: neither a file nor a board that comes with deltabench: {known}")
    try:
        spec = read_toml(path, DevBoardSpec).document
    except TomlFileError as error:
        raise DevBoardError(f"{path}: {error}") from error
    try:
        chip = load_part(spec.chip, near=path.parent)
    except HardwareError as error:
        raise DevBoardError(f"{path}: chip = {spec.chip!r}: {error}") from error
    if not isinstance(chip, McuPart):
        raise DevBoardError(f"{path}: chip = {spec.chip!r}: is a part of kind {chip.kind}; a microcontroller is needed")
    board = DevBoardFile(path, spec, chip, path.parent)
    _check(board)
    return board


def board_names() -> list[str]:
    """The boards that come with deltabench."""
    return sorted(path.name.removesuffix(SUFFIX) for path in BOARDS.glob(f"*{SUFFIX}"))


def _check(board: DevBoardFile) -> None:
    path, chip = board.path, board.chip
    for table, known in (("regions", REGIONS), ("sockets", KINDS)):
        for name in getattr(board.spec, table):
            if name not in known:
                raise DevBoardError(f"{path}: [{table}.{name}]{meant(name, known)}: allowed: {', '.join(known)}")
    flash = Stretch(f"the flash of {chip.name}", chip.flash_address, chip.flash_bytes)
    starts = {block.address for block in board.erase_blocks()}
    for name in REGIONS:
        region = board.regions.get(name)
        if region is None:
            raise DevBoardError(f"{path}: [regions.{name}] is missing; it says where in {flash} the {name} lies")
        if region.address < flash.address or region.end > flash.end:
            raise DevBoardError(f"{path}: regions.{name}: {region} is not inside {flash}")
        for key, at in (("address", region.address), ("bytes", region.end)):
            if at not in starts and at != flash.end:
                below = max((start for start in starts if start < at), default=flash.address)
                above = min((start for start in starts if start > at), default=flash.end)
                verb = "begins" if key == "address" else "ends"
                raise DevBoardError(
                    f"{path}: regions.{name}.{key}: {region} {verb} inside an erase block, the one from "
                    f"0x{below:08X} to 0x{above - 1:08X}; a region is whole erase blocks"
                )
    _check_apart(path, list(board.regions.values()))
    sockets = [Stretch(f"sockets.{kind}", s.address, s.bytes) for kind, s in board.spec.sockets.items()]
    _check_apart(path, [*sockets, *_chip_stretches(chip)])
    for socket in sockets:
        if socket.end > ADDRESSES:
            raise DevBoardError(f"{path}: {socket} goes beyond the last address, 0x{ADDRESSES - 1:08X}")


def _chip_stretches(chip: McuPart) -> list[Stretch]:
    return [
        Stretch(f"the flash of {chip.name}", chip.flash_address, chip.flash_bytes),
        Stretch(f"the RAM of {chip.name}", chip.ram_address, chip.ram_bytes),
    ]


def _check_apart(path: Path, stretches: Sequence[Stretch]) -> None:
    for one, other in combinations(stretches, 2):
        if one.address < other.end and other.address < one.end:
            raise DevBoardError(f"{path}: {one} overlaps {other}; move one of them")


def _size(part: StoragePart, device: DeviceSpec) -> int:
    match part:
        case DiskPart():
            return (device.sectors or part.sectors) * SECTOR_BYTES
        case NorPart() | NvramPart():
            return part.size_bytes
        case NandPart():
            blocks = device.blocks or part.blocks
            return blocks * part.pages_per_block * (part.page_bytes + part.spare_bytes)
