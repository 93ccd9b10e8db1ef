"""Every structure on a medium, and what host and remote are sent, byte by byte: for code and docs/format.md alike.

All integers are little-endian and unsigned.  A CRC is CRC-32 as in IEEE 802.3 (``zlib.crc32``).
"""

from __future__ import annotations

import struct
import zlib
from typing import Final, NamedTuple

RESIDUE: Final = 0x2144DF1C
CRC_BYTES: Final = 4
INTEGER_CODES: Final = {1: "B", 2: "H", 4: "I", 8: "Q"}


class Field(NamedTuple):
    """One field: ``size`` in bytes, or a formula where it depends on the configuration; ``kind`` int or bytes."""

    name: str
    size: int | str
    meaning: str
    kind: str = "int"


class Format:
    """A structure: fields of fixed size first, which ``pack`` and ``unpack`` handle, then variable ones."""

    def __init__(self, title: str, where: str, *fields: Field) -> None:
        self.title = title
        self.where = where
        self.fields = fields
        codes = "".join(
            INTEGER_CODES[f.size] if f.kind == "int" else f"{f.size}s" for f in fields if isinstance(f.size, int)
        )
        self._struct = struct.Struct("<" + codes)
        self.pack = self._struct.pack
        self.unpack = self._struct.unpack_from
        self.fixed_bytes = self._struct.size

    def offset(self, name: str) -> int:
        """Where a field of fixed place begins."""
        at = 0
        for field in self.fields:
            if field.name == name:
                return at
            if not isinstance(field.size, int):
                break
            at += field.size
        raise KeyError(name)


TWIN_SLOT: Final = Format(
    "Twin slot",
    "NVRAM and disk map stores, device labels: each atom has two slots, written in turn",
    Field(
        "sequence", 2, "one more, modulo 65,536, than the other slot's when written; the newer of two good slots counts"
    ),
    Field("payload", "A", "the atom", "bytes"),
    Field("crc", "4", "CRC of sequence and payload, started with the atom's number"),
)
NOR_AREA: Final = Format(
    "NOR area",
    "NOR map store: the first bytes of each of its two areas",
    Field("magic", 4, '"DBA1"', "bytes"),
    Field("generation", 4, "one more than that of the area from which this one was compacted"),
    Field("atom count", 2, "number of atoms in the checkpoint"),
    Field("atom bytes", 2, "A, the length of an atom"),
    Field("crc", 4, "CRC of the 12 bytes before it and of the checkpoint"),
    Field("proven", 1, "mark: 0x00 once the checkpoint's programs have returned, so that it is stable"),
    Field("open", 1, "mark: anything but 0xFF once the log may have been written to"),
    Field("unused", 14, "0xFF", "bytes"),
    Field("checkpoint", "count * A", "the atoms in their order", "bytes"),
    Field("log", "to the end", "records in pages of their own, from the next page on", "bytes"),
)
NOR_RECORD: Final = Format(
    "NOR log record",
    "NOR map store: the log; a record does not cross a page; a blank record (all 0xFF) ends the log",
    Field("atom", 2, "the atom's number"),
    Field("payload", "A", "what the atom holds from now on", "bytes"),
    Field("crc", "4", "CRC of atom and payload, started with the area's generation"),
)
LABEL: Final = Format(
    "Device label",
    "sectors 0 and 1 of every disk, as a twin slot each",
    Field("volume id", 6, "chosen when the device is initialised", "bytes"),
    Field("device", 1, "its number among the volume's devices, from 0"),
    Field("system version", 4, "the scheme's system version when data was last written; 0 in `plain`"),
)
IDENTITY: Final = Format(
    "Identity atom",
    "atom 0 of the map store: what the labels must say",
    Field("volume id", 6, "the labels' volume id", "bytes"),
    Field("system version", 4, "the labels' system version"),
)
MAP_BLOCK: Final = Format(
    "Map block",
    "`plain` and `flagged`: the VSM atoms, then as many DDM atoms",
    Field(
        "bits",
        "B",
        "one bit a unit, unit n of the block in bit n % 8 of byte n // 8; B = A in `plain`, A - 7 in `flagged`",
        "bytes",
    ),
)
CONTROL: Final = Format(
    "Control atom",
    "`flagged`: save flag and status data, the atom after the identity",
    Field("flag", 1, "0 idle, 1 switching (VSM blocks are being switched), 2 clearing (DDM blocks are being cleared)"),
    Field("progress", 2, "while switching: the VSM block being switched"),
    Field("system version", 4, "count of saves and restores"),
    Field("target", "A - 7", "while switching: what that VSM block is to hold", "bytes"),
)
SYSTEM: Final = Format(
    "System atom",
    "`versioned`: the atom after the identity",
    Field("system version", 4, "count of saves"),
    Field("flag", 1, "0 idle, 2 clearing (a restore is clearing DDM bits)"),
)
HISTORY_SYSTEM: Final = Format(
    "System atom with command history",
    "`history`: the atom after the identity",
    Field("system version", 4, "count of saves and restores"),
    Field(
        "history",
        "W / 8",
        "bit (v mod W) is 1 if a save made system version v, 0 if a restore did; W, a power of two, is the window",
        "bytes",
    ),
)
ENTRY_BLOCK: Final = Format(
    "Entry block",
    "`versioned` and `history`: the atoms after the system atom, K units each",
    Field("vsm", "(K + 7) // 8", "one bit a unit", "bytes"),
    Field("ddm", "(K + 7) // 8", "one bit a unit", "bytes"),
    Field(
        "versions",
        "K * V",
        "a unit's version, V bytes each (1, 2 or 4): the low bits of the system version at which its map bits "
        "were last brought up to date",
        "bytes",
    ),
)
CONFIGURATION: Final = Format(
    "Configuration block",
    "the first bytes of the region `configuration` of the microcontroller's flash; all else in it is 0xFF",
    Field("magic", 4, '"DBC1"', "bytes"),
    Field("length", 2, "bytes of the block, the CRC included"),
    Field("devices", 1, "number of device entries"),
    Field("scheme", 1, "0 `plain`, 1 `flagged`, 2 `versioned`, 3 `history`"),
    Field("store", 1, "medium of the map store: 0 NVRAM, 1 disk, 2 NOR, 3 NAND"),
    Field("cache", 1, "0 write-through, 1 write-back"),
    Field("version bits", 1, "width of a unit's version: 8, 16 or 32"),
    Field("reserved", 1, "0"),
    Field("units", 4, "U"),
    Field("sectors per unit", 2, "S"),
    Field("atom bytes", 2, "A, the length of an atom"),
    Field("log records", 4, "room in the log of a NOR map store"),
    Field("checkpoint blocks", 4, "blocks of NAND flash that are filled between two checkpoints"),
    Field("cache sectors", 4, "size of the write cache in write-back"),
    Field("debounce", 4, "how long a switch must be steady, in milliseconds"),
    Field("volume id", 6, "written to labels and identity when the device is initialised", "bytes"),
    Field("maps device", 1, "number of the device with the map store"),
    Field("volume A device", 1, "number of the device with volume A"),
    Field("volume B device", 1, "number of the device with volume B"),
    Field("over-provisioning", 2, "pages of NAND flash beyond its capacity, in percent of it"),
    Field("reserved 2", 1, "0"),
    Field(
        "remote", 8, "name of the serial line of the handheld remote, padded with zero bytes; none if empty", "bytes"
    ),
    Field(
        "maps start", 4, "where the map store begins, in bytes, or in sectors of a disk or behind a translation layer"
    ),
    Field("volume A start", 4, "first sector of volume A"),
    Field("volume B start", 4, "first sector of volume B"),
    Field("entries", "36 * devices", "device entries", "bytes"),
    Field("crc", "4", "CRC of all before it", "bytes"),
)
DEVICE_ENTRY: Final = Format(
    "Device entry",
    "configuration block: a storage device and where the microcontroller's bus has it",
    Field("name", 8, "padded with zero bytes", "bytes"),
    Field("kind", 1, "0 NVRAM, 1 disk, 2 NOR, 3 NAND"),
    Field("pairing", 1, "which pages of a block of NAND flash share cells: 0 none, 1 as in `dist3` (docs/parts.md)"),
    Field("ECC bits", 1, "bits of a codeword of NAND flash that can be corrected; 0 for others"),
    Field("reserved", 1, "0"),
    Field("address", 4, "first address on the bus"),
    Field("size", 4, "in bytes, spare bytes included"),
    Field(
        "program size",
        4,
        "what one program of flash writes at most, in bytes, on NAND a page with its spare bytes; of others what is "
        "written whole",
    ),
    Field(
        "erase size", 4, "what one erase of flash clears, in bytes, on NAND a block with its spare bytes; 0 for others"
    ),
    Field("spare size", 2, "spare bytes of a page of NAND flash; 0 for others"),
    Field("codeword size", 2, "data bytes of a codeword of NAND flash; 0 for others"),
    Field("most bad blocks", 2, "of a NAND flash in its life, as its maker says; 0 for others"),
    Field("reserved 2", 2, "0"),
)
NAND_SPARE: Final = Format(
    "NAND spare bytes",
    "the spare bytes of every page that the translation layer programs",
    Field(
        "kind",
        1,
        "1 header of a data block, 2 data, 3 header of a block of a checkpoint, 4 checkpoint, 5 data copied by a "
        "recovery (counts only with the checkpoint in its block)",
    ),
    Field("sequence", 4, "the block's place in the log: one more, modulo 2^32, than that of the block opened before"),
    Field(
        "subject",
        4,
        "header: erases of the block; data and copy: the logical page; checkpoint: number of the page, of both copies",
    ),
    Field(
        "extra",
        4,
        "header of a data block: sequence of the first block of the checkpoint in force; checkpoint, and header of a "
        "block of it: sequence of the checkpoint's first block; data and copy: bit n is 1 if sector n of the page is "
        "uncorrectable",
    ),
    Field(
        "before",
        4,
        "the logical page in the page programmed before this one; all ones if it held none, or failed; of a copy: "
        "sequence of the checkpoint's first block",
    ),
    Field("crc", "4", "CRC of the fields before it, started with the page's number"),
)
NAND_CHECKPOINT: Final = Format(
    "NAND checkpoint",
    "the sectors of the checkpoint's pages, all of them twice: the second copy is begun when the first is programmed",
    Field("magic", 4, '"DBT1"', "bytes"),
    Field("blocks", 4, "number of blocks"),
    Field("logical pages", 4, "number of logical pages"),
    Field(
        "block entries",
        "4 * blocks",
        "erases of each block in bits 0 to 29; bit 30: it is free; bit 31: it is bad",
        "bytes",
    ),
    Field(
        "map",
        "E * logical pages",
        "where each is: the number of its page; all ones: nowhere. E is 2, or 4 above 65,535 pages",
        "bytes",
    ),
    Field("crc", "4", "CRC of all that is before it"),
)
NAND_ATOM: Final = Format(
    "NAND atom",
    "NAND map store: a sector for each atom, behind the translation layer",
    Field("payload", "A", "the atom", "bytes"),
    Field("crc", "4", "CRC of the payload, started with the atom's number"),
)
STATUS_SECTOR: Final = Format(
    "STATUS response",
    "not on a medium: the sector that the vendor-specific command STATUS returns",
    Field("magic", 4, '"DBST"', "bytes"),
    Field(
        "state",
        1,
        "0 ready, 1 maps lost in part or whole (read-only), 2 a device was refused, 3 a flash has no spare blocks "
        "(read-only)",
    ),
    Field("dirty", 1, "1 if a write cache holds data that FLUSH CACHE EXT would make durable"),
    Field("reserved", 2, "0"),
    Field("system version", 4, "count of saves and restores (in `versioned`, of saves); 0 in `plain`"),
    Field("units", 4, "U"),
    Field("delta units", 4, "units written since T0"),
    Field("reason", "492", "why the state is not 0, UTF-8, padded with zero bytes", "bytes"),
)
REMOTE_ATOM: Final = Format(
    "Remote atom",
    "the last atom of the map store, if the firmware listens to a handheld remote",
    Field("state", 1, "0 done; 1 pending: a boot that finds this does the command, and then it is done"),
    Field("command", 1, "kind of the last request accepted; 0 before the first"),
    Field("counter", 8, "counter of the last request accepted; only a higher one is accepted"),
)
REMOTE_REQUEST: Final = Format(
    "Remote request",
    "not on a medium: the body of a frame from the handheld remote",
    Field("kind", 1, "0x11 SAVE, 0x12 RESTORE: protocol version 1 in the upper half"),
    Field("counter", 8, "higher than in every request before"),
    Field(
        "tag",
        16,
        'first half of HMAC-SHA-256, by the shared key, of "deltabench remote request", a zero byte, and the fields '
        "before the tag",
        "bytes",
    ),
)
REMOTE_ANSWER: Final = Format(
    "Remote answer",
    "not on a medium: the body of a frame to the handheld remote",
    Field("kind", 1, "that of the request, with bit 7 set: 0x91, 0x92"),
    Field("counter", 8, "that of the request"),
    Field("outcome", 1, "0 done; 1 refused: nothing was done, and the counter is as good as before"),
    Field(
        "tag",
        16,
        'first half of HMAC-SHA-256, by the shared key, of "deltabench remote answer", a zero byte, and the fields '
        "before the tag",
        "bytes",
    ),
)
REMOTE_SECTOR: Final = Format(
    "REMOTE STATUS response",
    "not on a medium: the sector that the vendor-specific command REMOTE STATUS returns; counts are since power-on",
    Field("magic", 4, '"DBRS"', "bytes"),
    Field("state", 1, "0 listening, 1 not paired (there is no key), 2 the remote atom is lost: all is refused"),
    Field("reserved", 3, "0", "bytes"),
    Field("counter", 8, "counter of the last request accepted"),
    Field("accepted", 4, "requests whose command was done"),
    Field("duplicated", 4, "requests that were the last accepted again: answered, and not done again"),
    Field("refused", 4, "authentic requests that the device was in no state for"),
    Field("replayed", 4, "authentic requests that were not new: neither done nor answered"),
    Field("forged", 4, "frames that were no authentic request"),
    Field("malformed", 4, "what stood between two delimiters and was no frame"),
    Field("overlong", 4, "what stood there and was longer than a request may be"),
    Field("overruns", 4, "bytes that the serial line lost because they came too fast"),
    Field("reason", "464", "why the state is not 0, UTF-8, padded with zero bytes", "bytes"),
)
FORMATS: Final = (
    TWIN_SLOT, NOR_AREA, NOR_RECORD, LABEL, IDENTITY, MAP_BLOCK, CONTROL, SYSTEM, HISTORY_SYSTEM, ENTRY_BLOCK,
    CONFIGURATION, DEVICE_ENTRY, NAND_SPARE, NAND_CHECKPOINT, NAND_ATOM, STATUS_SECTOR, REMOTE_ATOM, REMOTE_REQUEST,
    REMOTE_ANSWER, REMOTE_SECTOR,
)  # fmt: skip


def crc32(data: bytes, start: int = 0) -> bytes:
    """The four bytes that check ``data``."""
    return zlib.crc32(data, start).to_bytes(4, "little")


def intact(data: bytes, start: int = 0) -> bool:
    """Whether ``data`` ends with the four bytes that check it.

    What is followed by its own CRC-32 has, whatever it is, the CRC that is called the residue.
    """
    return zlib.crc32(data, start) == RESIDUE


def as_markdown() -> str:
    """The tables of docs/format.md."""
    return "\n".join(f"## {fmt.title}\n\nWhere: {fmt.where}.\n\n{fields_as_markdown(fmt)}" for fmt in FORMATS)


def fields_as_markdown(fmt: Format) -> str:
    """The table of one structure."""
    lines = ["| offset | bytes | field | meaning |", "| --- | --- | --- | --- |"]
    at: int | None = 0
    for field in fmt.fields:
        size = f"`{field.size}`" if isinstance(field.size, str) else str(field.size)
        lines.append(f"| {'' if at is None else at} | {size} | {field.name} | {field.meaning} |")
        at = at + field.size if at is not None and isinstance(field.size, int) else None
    return "\n".join(lines) + "\n"
