"""The firmware of a board: an ELF file as a linker wrote it, read with pyelftools.

Loadable segments lie where their physical address says, which is where they are stored, and not where they run.
Symbols ``__deltabench_REGION_start`` and ``__deltabench_REGION_end`` say where the firmware takes a region to be; an
end is the address behind the last byte.  (System V ABI, chapters 4 and 5; ELF for the Arm Architecture, IHI 0044.)
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from elftools.common.exceptions import DWARFError, ELFError
from elftools.construct import ConstructError
from elftools.dwarf.dwarfinfo import DWARFInfo
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Section

from deltabench.hwsim.devboard.spec import Stretch
from deltabench.scenarios.images.errors import ImageError
from deltabench.scenarios.images.memory_image import Segment, read_raw

MOST_FILE_BYTES: Final = 64 << 20
MOST_SEGMENTS: Final = 256
MOST_SECTIONS: Final = 4096
MOST_SYMBOLS: Final = 1 << 20
MOST_COMPILE_UNITS: Final = 1000
"""So many are looked at for who compiled them."""
MOST_ABBREVIATION_BYTES: Final = 32 << 20
"""So many bytes of abbreviations are gone through at most for the compilation units."""
MOST_NAME_BYTES: Final = 1 << 15
"""What goes on without a zero byte for so long is no table of names."""
MOST_READS: Final = 1 << 18
"""pyelftools reads a sound firmware in a few hundred; a damaged one may send it round and round."""
SYMBOL: Final = struct.Struct("<IIIBBH")
PREFIX: Final = b"__deltabench_"
DAMAGED: Final = (
    ELFError, DWARFError, ConstructError, struct.error, UnicodeError, LookupError, ValueError, TypeError,
    AttributeError, AssertionError, OverflowError, EOFError,
)  # fmt: skip
"""What pyelftools raises for a file that is damaged; it does not promise to raise its own exceptions only."""
TYPES: Final = {
    "ET_REL": "is a relocatable object, which has no addresses yet; link it first",
    "ET_DYN": "is position-independent: a shared object or PIE; link it for fixed addresses (-no-pie)",
    "ET_CORE": "is a core dump",
}
MACHINE: Final = "EM_ARM"


class _File(io.BytesIO):
    """A file that can be read from only so often."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._reads_left = MOST_READS

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads_left -= 1
        if self._reads_left < 0:
            raise ELFError("there is no end to reading it")
        return super().read(size)


class FirmwareElf(NamedTuple):
    """``segments`` that are stored in flash, ``symbols`` that name regions, and who compiled it, if DWARF says so."""

    segments: tuple[Segment, ...]
    symbols: Mapping[str, int]
    producers: tuple[str, ...] = ()
    compile_units: tuple[str, ...] = ()


def read_elf(path: Path, firmware: Stretch) -> FirmwareElf:
    """Read the firmware that belongs in the region ``firmware``; raises ImageError that names the file."""
    return parse_elf(read_raw(path, MOST_FILE_BYTES), path, firmware)


def parse_elf(content: bytes, path: Path, firmware: Stretch) -> FirmwareElf:
    """As ``read_elf``, of what the file ``path`` holds."""
    if not content.startswith(b"\x7fELF"):
        raise ImageError(f"{path}: is no ELF file")
    try:
        elf = ELFFile(_File(content))
        _check_machine(elf, path)
        segments = _segments(elf, content, path, firmware)
        symbols = _symbols(elf, content, path)
    except DAMAGED as error:
        raise ImageError(f"{path}: is truncated or damaged: {type(error).__name__} {error!s:.100}".strip()) from error
    try:
        units = list(_compile_units(elf, content))
    except DAMAGED:
        units = []  # who compiled it is not worth refusing a firmware for
    producers = tuple(dict.fromkeys(producer for producer, _ in units if producer))
    return FirmwareElf(segments, symbols, producers, tuple(name for _, name in units if name))


def check_symbols(elf: FirmwareElf, path: Path, regions: Mapping[str, Stretch], where: str) -> None:
    """Whether the firmware takes each region to be where ``where`` has it; raises ImageError that names both."""
    for symbol, value in elf.symbols.items():
        match = re.fullmatch(r"__deltabench_(\w+)_(start|end)", symbol)
        region = regions.get(match[1].replace("_", "-")) if match else None
        if match is None or region is None:
            known = ", ".join(f"__deltabench_{name.replace('-', '_')}_start and _end" for name in regions)
            raise ImageError(f"{path}: symbol {symbol} names no region of the image; known: {known}")
        wanted = region.address if match[2] == "start" else region.end
        if value != wanted:
            raise ImageError(
                f"{path}: symbol {symbol} is 0x{value:08X}, and {where} has the {match[2]} of {region.name} at "
                f"0x{wanted:08X}; change the linker script or the board file, so that both agree"
            )


def _check_machine(elf: ELFFile, path: Path) -> None:
    machine = str(elf["e_machine"])
    if elf.elfclass != 32 or not elf.little_endian or machine != MACHINE:
        order = "little" if elf.little_endian else "big"
        raise ImageError(
            f"{path}: is for another machine: {elf.get_machine_arch()}, {elf.elfclass}-bit, {order}-endian; "
            f"the board's chip needs ARM, 32-bit, little-endian"
        )
    if elf["e_type"] != "ET_EXEC":
        raise ImageError(f"{path}: {TYPES.get(str(elf['e_type']), 'is no executable')}")
    if elf["e_phnum"] > MOST_SEGMENTS or elf["e_shnum"] > MOST_SECTIONS:
        raise ImageError(f"{path}: has more segments or sections than any firmware; it is damaged")


def _segments(elf: ELFFile, content: bytes, path: Path, region: Stretch) -> tuple[Segment, ...]:
    found = []
    for number in range(elf["e_phnum"]):
        header = elf.get_segment(number).header
        offset, size, address = header["p_offset"], header["p_filesz"], header["p_paddr"]
        if header["p_type"] != "PT_LOAD" or not size:
            continue
        headers = _headers_in(elf, offset, size)
        offset, size, address = offset + headers, size - headers, address + headers
        what = Stretch(f"segment {number}", address, size)
        if offset + size > len(content):
            raise ImageError(f"{path}: {what} is cut short: the file ends before it does")
        if address < region.address or what.end > region.end:
            raise ImageError(f"{path}: {what} is not inside the region {region} of the board file")
        found.append((address, what, content[offset : offset + size]))
    if not found:
        raise ImageError(f"{path}: has no loadable segment with anything in it")
    found.sort(key=lambda each: each[0])
    for (_, one, _), (address, other, _) in pairwise(found):
        if address < one.end:
            raise ImageError(f"{path}: {other} overlaps {one}")
    return tuple(Segment(address, data) for address, _, data in found)


def _headers_in(elf: ELFFile, offset: int, size: int) -> int:
    """How many bytes of a segment come before its first section, if it begins with the ELF header.

    GNU ld puts the headers into the first segment where there is room before it, below the flash; nobody stores them.
    """
    if offset or not elf["e_shoff"]:
        return 0
    sections = (elf.get_section(number).header for number in range(elf["e_shnum"]))
    starts = [
        header["sh_offset"]
        for header in sections
        if header["sh_flags"] & SH_FLAGS.SHF_ALLOC and header["sh_type"] != "SHT_NOBITS" and header["sh_size"]
    ]
    return min((start for start in starts if 0 < start < size), default=0)


def _symbols(elf: ELFFile, content: bytes, path: Path) -> dict[str, int]:
    """Symbols that begin as ours do.

    Entries are gone through here: names that a damaged file has placed badly would take pyelftools quadratic time.
    """
    if not elf["e_shoff"] or not elf["e_shnum"]:
        return {}
    found: dict[str, int] = {}
    for number in range(elf["e_shnum"]):
        table = elf.get_section(number)
        if table["sh_type"] != "SHT_SYMTAB":
            continue
        names = _inside(elf.get_section(table["sh_link"]), content)
        entries = _inside(table, content)
        if len(entries) % SYMBOL.size or len(entries) > MOST_SYMBOLS * SYMBOL.size:
            raise ImageError(f"{path}: its symbol table of {len(entries):,} bytes is damaged")
        for name, value, *_ in SYMBOL.iter_unpack(entries):
            if names.startswith(PREFIX, name):
                end = names.find(b"\0", name)
                found[_shown(names[name:end])] = value
    return found


def _inside(section: Section, content: bytes) -> bytes:
    """The bytes of a section as they lie in the file; what is compressed, or not whole, is as damaged."""
    offset, size = section["sh_offset"], section["sh_size"]
    if section.compressed or offset + size > len(content):
        raise ELFError(f"section {section.name!r:.40} is not whole")
    return content[offset : offset + size]


def _compile_units(elf: ELFFile, content: bytes) -> Iterator[tuple[str, str]]:
    """Producer and name of each compilation unit that DWARF tells of."""
    if not elf["e_shnum"] or not elf.has_dwarf_info(strict=True):
        return
    abbreviations = 1
    for section in elf.iter_sections():
        if section.name.startswith(".debug"):
            data = _inside(section, content)
            if section.name in (".debug_str", ".debug_line_str", ".debug_info") and not _has_short_names(data):
                return
            if section.name == ".debug_abbrev":
                abbreviations = max(len(data), 1)
    most = min(MOST_COMPILE_UNITS, max(MOST_ABBREVIATION_BYTES // abbreviations, 1))
    dwarf: DWARFInfo = elf.get_dwarf_info(relocate_dwarf_sections=False, follow_links=False)
    for number, unit in enumerate(dwarf.iter_CUs()):
        if number == most:
            return
        attributes = unit.get_top_DIE().attributes
        texts = (attributes.get(name) for name in ("DW_AT_producer", "DW_AT_name"))
        producer, name = (
            _shown(text.value) if text is not None and isinstance(text.value, bytes) else "" for text in texts
        )
        yield producer, name


def _shown(text: bytes) -> str:
    """Text of a file that may be anybody's, for a terminal: what is no character to be seen is written as its code."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text.decode("utf-8", "replace"))


def _has_short_names(data: bytes) -> bool:
    """Whether zero bytes come often enough that looking for one takes no time."""
    starts = range(0, len(data) - MOST_NAME_BYTES, MOST_NAME_BYTES)
    return all(data.find(b"\0", at, at + MOST_NAME_BYTES) >= 0 for at in starts)
