"""The kinds of parts, and the figures that each has: NOR and NAND flash, an NVRAM, a disk, a microcontroller.

Every figure is declared once, with its type, unit, limits and meaning; validation, the table in
``docs/parts.md`` and ``deltabench parts`` all come from that.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple, get_args, get_type_hints

from msgspec import Meta, Struct
from msgspec.structs import fields, replace

from deltabench.hwsim.errors import HardwareError


class PartError(HardwareError):
    """A part is described wrongly: ``where``, under which ``key``, and what the ``fault`` is."""

    def __init__(self, where: str, key: str, fault: str) -> None:
        self.where, self.key, self.fault = where, key, fault
        super().__init__(f"{where}: {key}: {fault}" if key else f"{where}: {fault}")


Broken = tuple[str, object, str]
"""A rule between figures that does not hold: the figure, its value, what is allowed."""


def _figure(meaning: str, unit: str = "", ge: int = 0, le: int | None = None, other: str = "") -> Meta:
    """What is said of a figure: a whole number from ``ge`` to ``le``, or ``other``, in words."""
    extra = {"unit": unit, "allowed": other or _range(ge, le)}
    if other:
        return Meta(description=meaning, extra=extra)
    return Meta(description=meaning, extra=extra, ge=ge, le=le)


def _range(ge: int, le: int | None) -> str:
    if le is None:
        return f"{ge} or more"
    return f"{ge}" if ge == le else f"{ge} to {le:#x}"


class _Described(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every part has. ``sources`` pairs each figure with where it is from."""

    name: str
    manufacturer: str = ""
    description: str = ""
    sources: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for key, value, allowed in self._broken_rules():
            raise PartError(f"part {self.name}", key, f"{value!r} does not fit; allowed: {allowed}")

    def _broken_rules(self) -> Iterator[Broken]:
        """The rules of this kind that do not hold."""
        yield from ()

    def source_of(self, figure: str) -> str:
        """The document, and the place in it, that ``figure`` is from; "" if none is known."""
        return dict(self.sources).get(figure, "")


class NorPart(_Described, frozen=True, kw_only=True):
    """NOR flash. A program clears bits within one page; an erase sets a whole sector to ones."""

    kind: Literal["nor"] = "nor"
    size_bytes: Annotated[int, _figure("capacity", "B", 1)]
    page_bytes: Annotated[int, _figure("most that one program writes, aligned to its size", "B", 1)]
    sector_bytes: Annotated[int, _figure("what one erase clears, aligned to its size", "B", 1)]
    page_program_typ_us: Annotated[int, _figure("typical time of a page program", "µs", 1)]
    page_program_max_us: Annotated[int, _figure("longest time of a page program", "µs", 1)]
    sector_erase_typ_us: Annotated[int, _figure("typical time of a sector erase", "µs", 1)]
    sector_erase_max_us: Annotated[int, _figure("longest time of a sector erase", "µs", 1)]
    clock_hz: Annotated[int, _figure("fastest serial clock", "Hz", 1)]
    endurance_cycles: Annotated[int, _figure("erases that a sector lasts", "cycles", 1)]
    retention_years: Annotated[int, _figure("time that data stay without power", "years", 1)]
    jedec_id: Annotated[int, _figure("what the command 9Fh reads", le=0xFFFFFF)]

    def _broken_rules(self) -> Iterator[Broken]:
        if self.sector_bytes % self.page_bytes:
            yield "sector_bytes", self.sector_bytes, f"whole pages of {self.page_bytes} B"
        if self.size_bytes % self.sector_bytes:
            yield "size_bytes", self.size_bytes, f"whole sectors of {self.sector_bytes} B"
        if self.page_program_max_us < self.page_program_typ_us:
            allowed = f"{self.page_program_typ_us} µs, which is typical, or more"
            yield "page_program_max_us", self.page_program_max_us, allowed
        if self.sector_erase_max_us < self.sector_erase_typ_us:
            allowed = f"{self.sector_erase_typ_us} µs, which is typical, or more"
            yield "sector_erase_max_us", self.sector_erase_max_us, allowed


Pairing = Literal["none", "dist3"]
"""How pages of a NAND block share cells, as Linux MTD names it: ``dist3`` is 0 and 2, 1 and 4, 3 and 6, and so on."""


class NandPart(_Described, frozen=True, kw_only=True):
    """Raw NAND flash with one LUN on an 8-bit bus. A program writes a page; an erase sets a whole block to ones.

    Bit error rates are in errors per 10**12 bits read, and add up.
    """

    kind: Literal["nand"] = "nand"
    page_bytes: Annotated[int, _figure("data bytes of a page", "B", 512, 1 << 14)]
    spare_bytes: Annotated[int, _figure("bytes of a page beside its data", "B", 1, 0xFFFF)]
    pages_per_block: Annotated[int, _figure("pages that one erase clears", "pages", 2)]
    blocks: Annotated[int, _figure("blocks, good and bad", "blocks", 1)]
    planes: Annotated[int, _figure("planes that the blocks take turns on", ge=1)]
    bits_per_cell: Annotated[Literal[1, 2], _figure("bits that a cell holds, each in another page", other="1, 2")]
    pairing: Annotated[Pairing, _figure("how pages of a block share cells", other="none, dist3")]
    partial_programs: Annotated[int, _figure("programs of a page from one erase to the next", ge=1, le=0xFF)]
    codeword_bytes: Annotated[int, _figure("data bytes that a codeword of the ECC covers", "B", 512)]
    ecc_bits: Annotated[int, _figure("wrong bits of a codeword that the ECC corrects", "bits", 0, 0xFF)]
    read_page_us: Annotated[int, _figure("longest time from the array to the page register", "µs", 1, 0xFFFF)]
    page_program_typ_us: Annotated[int, _figure("typical time of a page program", "µs", 1)]
    page_program_max_us: Annotated[int, _figure("longest time of a page program", "µs", 1, 0xFFFF)]
    block_erase_typ_us: Annotated[int, _figure("typical time of a block erase", "µs", 1)]
    block_erase_max_us: Annotated[int, _figure("longest time of a block erase", "µs", 1, 0xFFFF)]
    bus_byte_ns: Annotated[int, _figure("cycle of the bus: a byte, a command or a part of an address", "ns", 1)]
    endurance_cycles: Annotated[int, _figure("erases that a block lasts", "cycles", 1)]
    retention_years: Annotated[int, _figure("time that data stay in a block erased that often", "years", 1)]
    most_bad_blocks: Annotated[
        int, _figure("blocks that may be bad, when new or within rated life", "blocks", 0, 0xFFFF)
    ]
    id_bytes: Annotated[int, _figure("what the command 90h reads, 5 bytes, first one highest", le=0xFF_FFFF_FFFF)]
    rber_fresh_e12: Annotated[int, _figure("wrong bits of a young block just programmed", "10⁻¹²")]
    rber_worn_e12: Annotated[int, _figure("more of them after the rated erases", "10⁻¹²")]
    rber_retention_e12: Annotated[int, _figure("more of them when the rated retention is over, too", "10⁻¹²")]
    rber_disturb_e12: Annotated[
        int, _figure("more of them per 1,000 reads of the block's other pages, after the rated erases", "10⁻¹²")
    ]

    def with_blocks(self, blocks: int) -> NandPart:
        """The same part with so many blocks only, of which no more are bad than in proportion."""
        most_bad = -(-self.most_bad_blocks * blocks // self.blocks)
        return replace(self, blocks=blocks, most_bad_blocks=most_bad)

    @property
    def pages(self) -> int:
        """All pages."""
        return self.blocks * self.pages_per_block

    @property
    def codewords(self) -> int:
        """Codewords of a page."""
        return self.page_bytes // self.codeword_bytes

    @property
    def size_bytes(self) -> int:
        """Capacity, without the spare bytes and with blocks that are bad."""
        return self.pages * self.page_bytes

    @property
    def column_cycles(self) -> int:
        """Cycles of the bus that an address within a page takes."""
        return _bytes_to_count(self.page_bytes + self.spare_bytes)

    @property
    def row_cycles(self) -> int:
        """Cycles of the bus that the number of a page takes."""
        return _bytes_to_count(self.pages)

    def _broken_rules(self) -> Iterator[Broken]:
        if self.page_bytes & self.page_bytes - 1:
            yield "page_bytes", self.page_bytes, "a power of two"
        if self.codeword_bytes % 512 or self.page_bytes % self.codeword_bytes:
            yield "codeword_bytes", self.codeword_bytes, f"a multiple of 512 that divides {self.page_bytes}"
        if self.planes & self.planes - 1 or self.blocks % self.planes:
            yield "planes", self.planes, f"a power of two that divides {self.blocks}"
        if (self.pairing == "none") != (self.bits_per_cell == 1):
            yield "pairing", self.pairing, "none" if self.bits_per_cell == 1 else "dist3"
        if self.pairing == "dist3" and (self.pages_per_block % 2 or self.pages_per_block < 4):
            yield "pages_per_block", self.pages_per_block, "an even number from 4 on, for dist3"
        if self.most_bad_blocks >= self.blocks:
            yield "most_bad_blocks", self.most_bad_blocks, f"less than {self.blocks}"
        if self.page_program_max_us < self.page_program_typ_us:
            allowed = f"{self.page_program_typ_us} µs, which is typical, or more"
            yield "page_program_max_us", self.page_program_max_us, allowed
        if self.block_erase_max_us < self.block_erase_typ_us:
            allowed = f"{self.block_erase_typ_us} µs, which is typical, or more"
            yield "block_erase_max_us", self.block_erase_max_us, allowed
        for name in ("rber_fresh_e12", "rber_worn_e12", "rber_retention_e12", "rber_disturb_e12"):
            if (errors := getattr(self, name)) > 10**12:
                yield name, errors, f"at most {10**12}"


def _bytes_to_count(many: int) -> int:
    """Bytes that hold any number below ``many``."""
    return -(-(many - 1).bit_length() // 8)


class NvramPart(_Described, frozen=True, kw_only=True):
    """NVRAM: written in place, word by word. FRAM, or an SRAM that a battery keeps."""

    kind: Literal["nvram"] = "nvram"
    size_bytes: Annotated[int, _figure("capacity", "B", 1)]
    word_bytes: Annotated[int, _figure("what is written at once: old or new after a cut", "B", 1)]
    write_word_ns: Annotated[int, _figure("time that each word of a write takes", "ns", 1)]
    endurance_cycles: Annotated[int, _figure("writes that a word lasts; absent if unlimited", "cycles", 1)] | None = (
        None
    )
    retention_years: Annotated[int, _figure("time that data stay; absent if not known", "years", 1)] | None = None

    def _broken_rules(self) -> Iterator[Broken]:
        if self.size_bytes % self.word_bytes:
            yield "size_bytes", self.size_bytes, f"whole words of {self.word_bytes} B"


class DiskZone(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Neighbouring cylinders of a disk, whose tracks hold equally many sectors."""

    first_cylinder: Annotated[int, _figure("first cylinder of the zone")]
    last_cylinder: Annotated[int, _figure("last cylinder of the zone")]
    sectors_per_track: Annotated[int, _figure("sectors on each track", "sectors", 1)]
    track_skew_sectors: Annotated[int, _figure("offset from track to track", "sectors")]
    cylinder_skew_sectors: Annotated[int, _figure("offset from cylinder to cylinder", "sectors")]
    spare_sectors: Annotated[int, _figure("spares in each spare range", "sectors")]
    slipped_sectors: Annotated[
        tuple[int, ...],
        _figure("bad sectors passed over, from the zone's first", other="a list of numbers"),
    ] = ()

    def sectors(self, surfaces: int) -> int:
        """Sectors of the zone on that many surfaces, spare and slipped ones included."""
        return (self.last_cylinder - self.first_cylinder + 1) * surfaces * self.sectors_per_track


class DiskPart(_Described, frozen=True, kw_only=True):
    """A disk drive. The host's sectors are numbered from 0; the zones say where they lie."""

    kind: Literal["disk"] = "disk"
    sectors: Annotated[int, _figure("capacity that the host sees", "sectors", 1)]
    sector_bytes: Annotated[int, _figure("size of a sector", "B", 512, 512)]
    rpm: Annotated[int, _figure("speed of rotation", "1/min", 1)]
    cylinders: Annotated[int, _figure("cylinders, numbered from 0", ge=1)]
    surfaces: Annotated[int, _figure("data surfaces, with a head each", ge=1)]
    spare_range_cylinders: Annotated[int, _figure("cylinders that share spares", ge=1)]
    zones: Annotated[tuple[DiskZone, ...], _figure("zones from the outermost inwards", other="a list of zones")]
    cache_segments: Annotated[int, _figure("segments of the buffer", ge=1)]
    cache_segment_sectors: Annotated[int, _figure("size of a segment", "sectors", 1)]
    write_cache: Annotated[bool, _figure("writes are acknowledged from the volatile buffer", other="true or false")]
    write_segments: Annotated[int, _figure("segments that writes may fill before they are on the media", ge=1)]
    read_ahead_sectors: Annotated[int, _figure("sectors read on, counted from a request's first; 0: none", "sectors")]
    seek_curve: Annotated[
        tuple[tuple[int, int], ...],
        _figure("measured seeks: cylinders moved over, and the time", "µs", other="a list of [cylinders, µs]"),
    ]
    head_switch_us: Annotated[int, _figure("change to another surface of the same cylinder", "µs")]
    track_settle_us: Annotated[
        int, _figure("least time until the arm is on the track of a command, however near", "µs")
    ]
    write_settle_us: Annotated[int, _figure("time that a write waits longer than a read for the arm to settle", "µs")]
    read_hit_overhead_us: Annotated[int, _figure("work on a read that the buffer serves, beside its transfer", "µs")]
    read_miss_overhead_us: Annotated[int, _figure("work on a read before the arm moves", "µs")]
    write_overhead_us: Annotated[int, _figure("work on a write, beside its transfer", "µs")]
    cylinder_overhead_us: Annotated[int, _figure("more work if it is not the cylinder that the arm is on", "µs")]
    zone_overhead_us: Annotated[int, _figure("still more work if it is not the arm's zone", "µs")]
    bus_sector_ns: Annotated[int, _figure("transfer of a sector between buffer and host", "ns", 1)]

    def _broken_rules(self) -> Iterator[Broken]:
        first_free, capacity = 0, 0
        for number, zone in enumerate(self.zones):
            key = f"zones[{number}]"
            if zone.first_cylinder < first_free:
                yield f"{key}.first_cylinder", zone.first_cylinder, f"{first_free} or more"
            if not zone.first_cylinder <= zone.last_cylinder < self.cylinders:
                allowed = f"{zone.first_cylinder} to {self.cylinders - 1}"
                yield f"{key}.last_cylinder", zone.last_cylinder, allowed
            sectors, slipped = zone.sectors(self.surfaces), zone.slipped_sectors
            if any(later <= earlier for earlier, later in pairwise((-1, *slipped, sectors))):
                allowed = f"numbers from 0 to {sectors - 1} in rising order"
                yield f"{key}.slipped_sectors", slipped, allowed
            first_free = zone.last_cylinder + 1
            ranges = (first_free - zone.first_cylinder) // self.spare_range_cylinders
            capacity += sectors - ranges * zone.spare_sectors - len(slipped)
        if self.sectors > capacity:
            yield "sectors", self.sectors, f"at most the zones' {capacity}"
        if self.read_ahead_sectors > self.cache_segment_sectors:
            yield "read_ahead_sectors", self.read_ahead_sectors, f"at most a segment's {self.cache_segment_sectors}"
        distances = (0, *(cylinders for cylinders, _ in self.seek_curve))
        if len(distances) == 1 < self.cylinders or any(later <= earlier for earlier, later in pairwise(distances)):
            yield "seek_curve", self.seek_curve, "one point or more, from 1 cylinder on in rising order"
        if any(us < 1 for _, us in self.seek_curve) or distances[-1] >= self.cylinders:
            yield "seek_curve", self.seek_curve, f"times from 1 µs, over at most {self.cylinders - 1} cylinders"


class FlashBank(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Neighbouring sectors of a microcontroller's flash that are equally large, and are erased in the same time."""

    sectors: Annotated[int, _figure("erasable sectors of the bank", ge=1)]
    sector_bytes: Annotated[int, _figure("size of each sector", "B", 256)]
    erase_typ_us: Annotated[int, _figure("typical time of a sector erase", "µs", 1)]
    erase_max_us: Annotated[int, _figure("longest time of a sector erase", "µs", 1)]


class McuPart(_Described, frozen=True, kw_only=True):
    """A microcontroller: its flash and RAM as its system bootloader reaches them (AN2606, AN3155)."""

    PROGRAM_BYTES: ClassVar[int] = 256
    """The most that one Write Memory command of the bootloader carries."""

    kind: Literal["mcu"] = "mcu"
    product_id: Annotated[int, _figure("what the bootloader's command Get ID returns", le=0xFFFF)]
    bootloader_version: Annotated[int, _figure("what Get returns: 0x31 is version 3.1", ge=1, le=0xFF)]
    erase_opcode: Annotated[
        Literal[0x43, 0x44],
        _figure("the one that there is: Erase 0x43 or Extended Erase 0x44", other="0x43, 0x44"),
    ]
    flash_address: Annotated[int, _figure("first address of the flash", le=0xFFFFFFFF)]
    flash_banks: Annotated[tuple[FlashBank, ...], _figure("banks in rising order", other="a list of banks")]
    word_bytes: Annotated[int, _figure("what the flash programs at once", "B", 1)]
    word_program_typ_us: Annotated[int, _figure("typical time of programming a word", "µs", 1)]
    word_program_max_us: Annotated[int, _figure("longest time of programming a word", "µs", 1)]
    ram_address: Annotated[int, _figure("first address of RAM that the bootloader leaves free", le=0xFFFFFFFF)]
    ram_bytes: Annotated[int, _figure("RAM from there on", "B", 1)]
    endurance_cycles: Annotated[int, _figure("erases that a sector lasts", "cycles", 1)]
    retention_years: Annotated[int, _figure("time that data stay without power", "years", 1)]

    @property
    def flash_bytes(self) -> int:
        """The whole flash."""
        return sum(bank.sectors * bank.sector_bytes for bank in self.flash_banks)

    def flash_as_nor(self) -> list[NorPart]:
        """Each bank as a NOR flash whose program is what one Write Memory command carries, word by word."""
        words = self.PROGRAM_BYTES // self.word_bytes
        return [
            NorPart(
                name=f"{self.name} bank {number}",
                size_bytes=bank.sectors * bank.sector_bytes,
                page_bytes=self.PROGRAM_BYTES,
                sector_bytes=bank.sector_bytes,
                page_program_typ_us=words * self.word_program_typ_us,
                page_program_max_us=words * self.word_program_max_us,
                sector_erase_typ_us=bank.erase_typ_us,
                sector_erase_max_us=bank.erase_max_us,
                clock_hz=NO_BUS_HZ,
                endurance_cycles=self.endurance_cycles,
                retention_years=self.retention_years,
                jedec_id=0,
            )
            for number, bank in enumerate(self.flash_banks)
        ]

    def _broken_rules(self) -> Iterator[Broken]:
        for number, bank in enumerate(self.flash_banks):
            if bank.sector_bytes % self.PROGRAM_BYTES:
                allowed = f"a multiple of {self.PROGRAM_BYTES}"
                yield f"flash_banks[{number}].sector_bytes", bank.sector_bytes, allowed
            if bank.erase_max_us < bank.erase_typ_us:
                allowed = f"{bank.erase_typ_us} µs, which is typical, or more"
                yield f"flash_banks[{number}].erase_max_us", bank.erase_max_us, allowed
        if self.PROGRAM_BYTES % self.word_bytes:
            yield "word_bytes", self.word_bytes, f"a divisor of {self.PROGRAM_BYTES}"
        if self.word_program_max_us < self.word_program_typ_us:
            allowed = f"{self.word_program_typ_us} µs, which is typical, or more"
            yield "word_program_max_us", self.word_program_max_us, allowed


NO_BUS_HZ: Final = 10**9
"""A chip reads its own flash at the pace of its core: next to programs and erases it takes no time."""
StoragePart = NorPart | NandPart | NvramPart | DiskPart
"""What a controller keeps data on."""
Part = StoragePart | McuPart
KINDS: Final[dict[str, type[Part]]] = {
    "nor": NorPart,
    "nand": NandPart,
    "nvram": NvramPart,
    "disk": DiskPart,
    "mcu": McuPart,
}
ROWS_OF_A_LIST: Final[tuple[type[Struct], ...]] = (DiskZone, FlashBank)
"""What the entries of a figure that is a list of tables are."""


class Figure(NamedTuple):
    """One figure that a kind of part has. ``hint`` is its type, as msgspec converts to it."""

    name: str
    unit: str
    required: bool
    allowed: str
    meaning: str
    hint: Any


def figures_of(kind: type[Struct]) -> dict[str, Figure]:
    """The figures of a kind of part, or of a DiskZone or FlashBank, by name and in order of declaration."""
    required = {field.name for field in fields(kind) if field.required}
    figures = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        # What an optional figure says of itself is one level down: Annotated[int, …] | None.
        for annotated in (hint, *get_args(hint)):
            for said in getattr(annotated, "__metadata__", ()):
                unit, allowed = said.extra["unit"], said.extra["allowed"]
                needed = name in required
                figures[name] = Figure(name, unit, needed, allowed, said.description, hint)
    return figures


def field_table() -> str:
    """All figures of all kinds, as the Markdown table that stands in ``docs/parts.md``."""
    rows = [
        "| of | figure | unit | needed | allowed | meaning |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for title, kind in (*KINDS.items(), ("zone of a disk", DiskZone), ("bank of an mcu", FlashBank)):
        for figure in figures_of(kind).values():
            needed = "yes" if figure.required else "no"
            row = (title, f"`{figure.name}`", figure.unit, needed, figure.allowed, figure.meaning)
            rows.append(f"| {' | '.join(row)} |")
    return "\n".join(rows) + "\n"
