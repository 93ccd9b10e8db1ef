"""Inputs that nobody would make, from any bytes, and what is to stand them: the reading of images and of ELF files.

Only an ImageError may come of an input, in little time and memory; everything else is a finding.  `make fuzz` chooses
the bytes by coverage (fuzz.py), the test suite with Hypothesis.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from deltabench.firmware_model.configuration import Configuration
from deltabench.hwsim.devboard.spec import load_board
from deltabench.scenarios.images.build import build_image
from deltabench.scenarios.images.decode import decode_image, find_configuration
from deltabench.scenarios.images.device import after_actions
from deltabench.scenarios.images.elf import check_symbols, parse_elf
from deltabench.scenarios.images.errors import ImageError
from deltabench.scenarios.images.flash import Flash
from deltabench.scenarios.images.inspect import inspect_image
from deltabench.scenarios.images.memory_image import Format, MemoryImage, encoded, parse_image
from deltabench.scenarios.images.places import nor_area, slot_bytes
from deltabench.scenarios.scenario import Variant, load_scenario

SMALL: Final = Path(__file__).parents[1] / "scenarios" / "images"


class Source:
    """Draws numbers and bytes from the front of ``data``; zeros where there is nothing left."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def below(self, limit: int) -> int:
        """A number from 0 on, below ``limit``."""
        width = ((limit - 1).bit_length() + 7) // 8
        return int.from_bytes(self.take(width), "little") % limit

    def take(self, count: int) -> bytes:
        found = self._data[self._at : self._at + count]
        self._at += count
        return found.ljust(count, b"\0")

    def rest(self) -> bytes:
        return self._data[self._at :]


SCENARIO: Final = load_scenario(SMALL / "small.scenario.toml", "small")
NANDS: Final = [load_scenario(SMALL / f"small-{kind}.scenario.toml", f"small-{kind}") for kind in ("nand", "mlc")]
BOARD: Final = load_board()


def sound_images() -> list[MemoryImage]:
    """An image of each scheme on each store, of one with a handheld remote, and of some on NAND flash, in mid-work."""
    variants = SCENARIO.variants()
    document = SCENARIO.document
    with_line = replace(SCENARIO, document=replace(document, board=replace(document.board, uarts=("radio0",))))
    variants.append(Variant(with_line, replace(variants[-1].firmware, remote="radio0")))
    variants += [scenario.variant(name) for scenario in NANDS for name in ("flagged-nand", "history-nor")]
    return [build_image(BOARD, after_actions(variant, 7)).image for variant in variants]


IMAGES: Final = sound_images()
CONFIGURATIONS: Final = [found[0] for image in IMAGES if (found := find_configuration(image)) is not None]


def text(data: bytes) -> None:
    """A file: Intel HEX, S-record or raw binary, as its first byte says."""
    kind, content = data[:1], data[1:]
    name, address = (("x.hex", None), ("x.srec", None), ("x.bin", 0x080E0000), ("x", None))[(kind or b"\0")[0] & 3]
    with contextlib.suppress(ImageError):
        inspect_image(parse_image(content, Path(name), address), Path(name))


def dump(data: bytes) -> None:
    """A raw dump of one part, with the configuration of some variant given."""
    source = Source(data)
    given = CONFIGURATIONS[source.below(len(CONFIGURATIONS))]
    device = given.devices[source.below(len(given.devices))]
    content = source.rest()
    with contextlib.suppress(ImageError):
        inspect_image(parse_image(content, Path("x.bin"), device.address), Path("x.bin"), given)


def structure(data: bytes) -> None:
    """A sound image with bytes changed, parts cut off, and, if the input says so, checks that are right again."""
    source = Source(data)
    number = source.below(len(IMAGES))
    mend = source.below(4)
    pieces = [(segment.address, bytearray(segment.data)) for segment in IMAGES[number].segments]
    for _ in range(source.below(13)):
        _, piece = pieces[source.below(len(pieces))]
        # Structures begin at the beginning: there changes tell most.
        span = (64, 512, 4096, len(piece))[source.below(4)]
        at = source.below(min(span, len(piece)))
        new = source.take(1 + source.below(8))
        piece[at : at + len(new)] = new[: len(piece) - at]
    image = MemoryImage((address, bytes(piece)) for address, piece in pieces)
    if mend & 1:
        image = with_right_block(image)
    if mend & 2:
        image = with_right_checks(image, CONFIGURATIONS[number])
    if source.below(4) == 1:
        first, last = IMAGES[number].segments[0].address, IMAGES[number].segments[-1].end
        image = image.within(first, source.below(last - first))
    with contextlib.suppress(ImageError):
        inspect_image(image, Path("x"))


def with_right_block(image: MemoryImage) -> MemoryImage:
    """The image with the CRC of its configuration block put right."""
    address, data = image.segments[0]
    length = min(int.from_bytes(data[4:6], "little"), len(data))
    if length < 8:
        return image
    body = data[: length - 4]
    mended = body + zlib.crc32(body).to_bytes(4, "little") + data[length:]
    return MemoryImage([(address, mended), *image.segments[1:]])


def with_right_checks(image: MemoryImage, configuration: Configuration) -> MemoryImage:
    """The image with the CRCs of twin slots, areas and log records put right, and those of a translation layer."""
    places = decode_image(IMAGES[0], configuration).places
    for flash in places.flashes:
        image = with_right_pages(image, flash)
    if places.flash(places.maps) is not None:
        return image
    maps, firmware = places.maps, places.firmware
    data = bytearray(image.read(maps.address, maps.length) or b"")
    if not data:
        return image

    def mend(at: int, length: int, start: int) -> None:
        check = zlib.crc32(bytes(data[at : at + length - 4]), start)
        data[at + length - 4 : at + length] = check.to_bytes(4, "little")

    if firmware.store.value == "nor":
        area = nor_area(firmware, maps.device, places.scheme.atoms)
        for base in (0, area.bytes):
            checkpoint = data[base + 32 : base + 32 + places.scheme.atoms * firmware.atom_bytes]
            head = zlib.crc32(bytes(data[base : base + 12] + checkpoint))
            data[base + 12 : base + 16] = head.to_bytes(4, "little")
            generation = int.from_bytes(data[base + 4 : base + 8], "little")
            for slot in range(area.log_records):
                at = base + area.slot(slot)
                if data[at : at + area.slot_bytes].count(0xFF) < area.slot_bytes:
                    mend(at, area.slot_bytes, generation)
    else:
        size = slot_bytes(firmware)
        step = 512 if firmware.store.value == "disk" else size
        for slot in range(2 * places.scheme.atoms):
            mend(slot * step, size, slot // 2)
    outside = [
        *image.within(0, maps.address).segments,
        *image.within(maps.address + maps.length, (1 << 32) - maps.address - maps.length).segments,
    ]
    return MemoryImage([*outside, (maps.address, bytes(data))])


def with_right_pages(image: MemoryImage, flash: Flash) -> MemoryImage:
    """The image with the CRCs of all spare bytes that are not blank put right, and those of checkpoints of one page."""
    start, size = flash.device.address, flash.device.size_bytes
    data = bytearray(image.read(start, size) or b"")
    length = 12 + 4 * flash.blocks + flash.address_bytes * flash.logical_pages
    for page in range(len(data) // flash.stride_bytes):
        at = page * flash.stride_bytes
        spare = at + flash.page_bytes + 2
        if data[spare : spare + 21].count(0xFF) == 21:
            continue
        if data[spare] == 4:
            data[at + length : at + length + 4] = zlib.crc32(bytes(data[at : at + length])).to_bytes(4, "little")
        data[spare + 17 : spare + 21] = zlib.crc32(bytes(data[spare : spare + 17]), page).to_bytes(4, "little")
    behind = start + size
    outside = [*image.within(0, start).segments, *image.within(behind, (1 << 32) - behind).segments]
    return MemoryImage([*outside, (start, bytes(data))]) if data else image


def elf(data: bytes) -> None:
    """An ELF file."""
    path = Path("x.elf")
    with contextlib.suppress(ImageError):
        check_symbols(parse_elf(data, path, BOARD.regions["firmware"]), path, BOARD.regions, "the board")


RUNS: Final = {
    "text": (700_000, 40_000),
    "structure": (150_000, 300),
    "dump": (100_000, 9_000),
    "elf": (100_000, 8_000),
}
"""How many inputs `make fuzz` feeds to each target, and how long they are at most."""
TARGETS: Final[dict[str, Callable[[bytes], None]]] = {"text": text, "dump": dump, "structure": structure, "elf": elf}


@lru_cache(maxsize=4)
def seeds(target: str) -> dict[str, bytes]:
    """Inputs to begin with, by name."""
    found: dict[str, bytes] = {}
    for number, image in enumerate(IMAGES):
        if target == "text":
            no_volumes = MemoryImage(segment for segment in image.segments if len(segment.data) <= 1 << 13)
            for kind, file_format in ((b"\0", Format.HEX), (b"\1", Format.SREC)):
                found[f"{number}-{file_format.value}"] = kind + encoded(no_volumes, file_format)
            found[f"{number}-bin"] = b"\2" + image.segments[0].data
        elif target == "dump":
            for which, device in enumerate(CONFIGURATIONS[number].devices):
                held = image.within(device.address, device.size_bytes).segments
                if held:
                    found[f"{number}-{device.name}"] = bytes([number, which]) + held[0].data
        elif target == "structure":
            found[str(number)] = bytes([number, 3, 1])
    if target == "elf":
        found["firmware"] = firmware_elf(symbols=True)
        found["stripped"] = firmware_elf(symbols=False)
    return found


def firmware_elf(*, symbols: bool) -> bytes:
    """A firmware as Debian's binutils-arm-none-eabi make it of firmware.s and firmware.ld."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(SMALL / "firmware.s", folder)
        for command in (
            ["arm-none-eabi-as", "-g", "-mcpu=cortex-m4", "-o", "firmware.o", "firmware.s"],
            [
                "arm-none-eabi-ld",
                "-z",
                "max-page-size=4",
                "-T",
                str(SMALL / "firmware.ld"),
                "-o",
                "firmware.elf",
                "firmware.o",
            ],
            *([] if symbols else [["arm-none-eabi-strip", "firmware.elf"]]),
        ):
            subprocess.run(command, cwd=folder, check=True)
        return (folder / "firmware.elf").read_bytes()
