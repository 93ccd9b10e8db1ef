"""Which addresses of a board can be written, and what has to be erased before.

The flash of the chip is in the board file.  What is in the sockets depends on the scenario; the configuration block of
an image says it, and with it which page numbers erase a NOR or NAND flash.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from deltabench.firmware_model.config import StoreKind
from deltabench.firmware_model.configuration import DeviceEntry, decode
from deltabench.firmware_model.errors import ConfigurationError
from deltabench.hwsim.devboard.spec import CONFIGURATION, PAGES_PER_PART, DevBoardFile
from deltabench.scenarios.images.memory_image import MemoryImage
from deltabench.tools.stm32.errors import FlashError

SOCKETED_ERASE_US: Final = 4_000_000
"""More than a sector or block of any flash takes: a configuration block names no part."""
FLASH: Final = (StoreKind.NOR, StoreKind.NAND)
BLANK_MARK: Final = b"\xff\xff"
"""In the first page of a block of NAND flash; anything else there marks it as bad."""


class Block(NamedTuple):
    """What the bootloader erases by the number ``page``, within ``erase_max_us``.

    ``page_bytes``: of NAND flash, what is written whole, with ``spare_bytes`` at its end; 0 of any other.
    """

    page: int
    address: int
    size_bytes: int
    erase_max_us: int
    page_bytes: int = 0
    spare_bytes: int = 0

    @property
    def end(self) -> int:
        return self.address + self.size_bytes


class Area(NamedTuple):
    """Addresses that belong to one memory; without ``blocks`` it is written in place, and never erased."""

    name: str
    address: int
    end: int
    blocks: tuple[Block, ...] = ()


class ChipMap:
    """The memories of ``board``, with the devices in its sockets as ``image`` says them if it does."""

    def __init__(self, board: DevBoardFile, image: MemoryImage) -> None:
        self._board = board
        self._devices, self._why_not = _devices(board, image)
        chip = board.chip
        self.areas = [
            Area("flash", chip.flash_address, chip.flash_address + chip.flash_bytes, tuple(_own_blocks(board))),
            Area("RAM", chip.ram_address, chip.ram_address + chip.ram_bytes),
        ]
        flashes = 0
        for device in self._devices:
            blocks: tuple[Block, ...] = ()
            if device.kind in FLASH:
                flashes += 1
                blocks = tuple(_sectors(device, flashes * PAGES_PER_PART))
            self.areas.append(Area(device.name, device.address, device.address + device.size_bytes, blocks))

    def pieces(self, image: MemoryImage) -> list[tuple[Area, MemoryImage]]:
        """What goes into which area; raises FlashError for bytes that have no place."""
        found = [(area, image.within(area.address, area.end - area.address)) for area in self.areas]
        found = [(area, part) for area, part in found if part.segments]
        for kind, socket in self._board.spec.sockets.items() if not self._devices else ():
            part = image.within(socket.address, socket.bytes)
            if kind not in ("nor", "nand"):
                found += [(Area(f"the {kind} socket", socket.address, socket.address + socket.bytes), part)]
            elif part.segments:
                raise FlashError(
                    f"the image has {len(part):,} bytes for a {kind.upper()} flash from "
                    f"0x{part.segments[0].address:08X} on, and nothing says how it is erased: {self._why_not}; "
                    "`deltabench image build` puts it there"
                )
        found = [(area, part) for area, part in found if part.segments]
        if sum(len(part) for _, part in found) < len(image):
            raise FlashError(self._homeless(image, found))
        return found

    def _homeless(self, image: MemoryImage, found: list[tuple[Area, MemoryImage]]) -> str:
        address = next(
            address
            for segment in image.segments
            for address in (segment.address, *(area.end for area, _ in found))
            if segment.address <= address < segment.end and not any(a.address <= address < a.end for a, _ in found)
        )
        chip = self._board.chip
        listed = ", ".join(f"{area.name} 0x{area.address:08X} to 0x{area.end - 1:08X}" for area in self.areas)
        return (
            f"the image has a byte at 0x{address:08X}, where {self._board.name} has nothing ({listed}); it is for "
            f"another board, or larger than the {chip.flash_bytes >> 10} KiB flash of the {chip.name}"
        )


def _devices(board: DevBoardFile, image: MemoryImage) -> tuple[tuple[DeviceEntry, ...], str]:
    """What the image's configuration block says of the sockets, and why it says nothing."""
    region = board.regions[CONFIGURATION]
    segments = image.within(region.address, region.size_bytes).segments
    if not segments or segments[0].address != region.address:
        return (), f"the image has no configuration block at 0x{region.address:08X}"
    try:
        return decode(segments[0].data).devices, ""
    except ConfigurationError as error:
        return (), f"at 0x{region.address:08X}, {error}"


def _own_blocks(board: DevBoardFile) -> Iterator[Block]:
    times_us = [bank.erase_max_us for bank in board.chip.flash_banks for _ in range(bank.sectors)]
    for page, (stretch, time_us) in enumerate(zip(board.erase_blocks(), times_us, strict=True)):
        yield Block(page, stretch.address, stretch.size_bytes, time_us)


def _sectors(device: DeviceEntry, first_page: int) -> Iterator[Block]:
    size = device.erase_bytes
    if not size:
        raise FlashError(f"the image's configuration block says of the flash {device.name} that it has no sectors")
    page_bytes, spare_bytes = (device.program_bytes, device.spare.page_bytes) if device.spare else (0, 0)
    if page_bytes and size % page_bytes:
        raise FlashError(f"the image's configuration block says of {device.name} that its blocks are of no whole pages")
    for number in range(min(device.size_bytes // size, PAGES_PER_PART)):
        at = device.address + number * size
        yield Block(first_page + number, at, size, SOCKETED_ERASE_US, page_bytes, spare_bytes)
