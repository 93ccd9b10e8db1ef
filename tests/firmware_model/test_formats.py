"""What lies on the media is what docs/format.md says, byte by byte."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any

import pytest

from deltabench.firmware_model import commands
from deltabench.firmware_model.config import StoreKind
from deltabench.firmware_model.formats import FORMATS, Format, as_markdown, crc32
from deltabench.hwsim.disk import Disk
from deltabench.hwsim.nor import NorFlash
from deltabench.hwsim.nvram import Nvram

DOC = (Path(__file__).resolve().parents[2] / "docs" / "format.md").read_text(encoding="utf-8")
every_format = pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.title)


def documented(fmt: Format) -> list[tuple[str, str, str]]:
    """Offset, size and name of each field, from the table in docs/format.md."""
    section = DOC.split(f"## {fmt.title}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.*?) ?\| (.*?) \| (.*?) \| .* \|$", section, re.MULTILINE)
    return [row for row in rows if row[0] not in ("offset", "---")]


def number(data: bytes) -> int:
    return int.from_bytes(data, "little")


def test_the_document_ends_with_the_tables_of_the_code() -> None:
    introduction, heading, rest = DOC.partition("\n## ")
    assert heading + rest == "\n" + as_markdown()
    assert len(introduction.split()) > 100, "and a person can read what they are about"


@every_format
def test_the_document_has_every_field_of_every_structure(fmt: Format) -> None:
    assert [name for _, _, name in documented(fmt)] == [field.name for field in fmt.fields]


@every_format
def test_every_field_of_fixed_size_is_packed_where_the_document_says(fmt: Format) -> None:
    rows = [(offset, int(size), name) for offset, size, name in documented(fmt) if size.isdigit()]
    values: list[object] = []
    for count, field in enumerate((field for field in fmt.fields if isinstance(field.size, int)), 1):
        assert isinstance(field.size, int)
        filler = bytes([count]) * field.size
        values.append(number(filler) if field.kind == "int" else filler)
    packed = fmt.pack(*values)
    assert len(packed) == fmt.fixed_bytes == sum(size for _, size, _ in rows)
    for count, (offset, size, name) in enumerate(rows, 1):
        at = int(offset)
        assert packed[at : at + size] == bytes([count]) * size, name
        assert fmt.offset(name) == at
    assert fmt.unpack(packed) == tuple(values)


def test_a_field_without_a_fixed_place_has_no_offset() -> None:
    fmt = next(fmt for fmt in FORMATS if fmt.title == "NOR log record")
    assert fmt.offset("payload") == 2
    for name in ("crc", "no such field"):
        with pytest.raises(KeyError):
            fmt.offset(name)


def test_integers_are_little_endian() -> None:
    fmt = next(fmt for fmt in FORMATS if fmt.title == "System atom")
    assert fmt.pack(0x01020304, 5) == bytes([4, 3, 2, 1, 5])
    assert crc32(b"123456789") == bytes.fromhex("26 39 f4 cb"), "the check value of CRC-32"


def test_the_structures_of_atoms_fit_the_smallest_atom() -> None:
    for title in ("Identity atom", "Control atom", "System atom", "System atom with command history", "Remote atom"):
        assert next(fmt for fmt in FORMATS if fmt.title == title).fixed_bytes <= 10


def newer_slot(slots: list[bytes], index: int) -> bytes:
    """The payload of the newer of two twin slots, both of which pass their check."""
    for slot in slots:
        assert number(slot[-4:]) == zlib.crc32(slot[:-4], index)
    newest = max(slots, key=lambda slot: number(slot[:2]))
    assert abs(number(slots[0][:2]) - number(slots[1][:2])) == 1
    return newest[2:-4]


def nvram_atoms(device: Any, count: int) -> list[bytes]:
    """The atoms of a map store that begins at address 0 of the NVRAM, with 10 bytes each."""
    nvram = device.board.media["nvram0"]
    assert isinstance(nvram, Nvram)
    slots = [nvram.read(at, 16) for at in range(0, 32 * count, 16)]
    return [newer_slot(slots[2 * index : 2 * index + 2], index) for index in range(count)]


def test_device_labels_are_as_documented(new_device: Any, new_board: Any) -> None:
    device = new_device(new_board(disks=2), store=StoreKind.NVRAM, volume_id="VOL")
    device.save()
    device.write(0, "x")
    for place in (0, 1):
        disk = device.board.media[f"disk{place}"]
        assert isinstance(disk, Disk)
        sectors = disk.read(0, 2)
        assert not any(sectors[0][17:] + sectors[1][17:])
        label = newer_slot([sector[:17] for sector in sectors], 0)
        assert label == b"VOL\0\0\0" + bytes([place, 1, 0, 0, 0])
    assert nvram_atoms(device, 1)[0] == b"VOL\0\0\0" + bytes([1, 0, 0, 0])


def test_the_atoms_of_plain_are_as_documented(new_device: Any) -> None:
    device = new_device(scheme="plain", store=StoreKind.NVRAM, units=100)
    device.write(9, "x")
    device.save()
    device.write(9, "y")
    device.write(81, "z")
    _, vsm0, vsm1, ddm0, ddm1 = nvram_atoms(device, 5)
    assert number(vsm0) == 1 << 9
    assert number(vsm1) == 0
    assert number(ddm0) == 1 << 9
    assert number(ddm1) == 1 << 81 - 80


def test_the_atoms_of_flagged_are_as_documented(new_device: Any) -> None:
    device = new_device(scheme="flagged", store=StoreKind.NVRAM, units=40)
    device.write(9, "x")
    device.save()
    device.write(30, "y")
    _, control, vsm0, vsm1, ddm0, ddm1 = nvram_atoms(device, 6)
    assert control == bytes([0, 0, 0, 1, 0, 0, 0, 0, 0, 0])
    assert (vsm0, vsm1) == (bytes([0, 2]) + bytes(8), bytes(10))
    assert (ddm0, ddm1) == (bytes(10), bytes([1 << 30 - 24]) + bytes(9))


def test_the_save_flag_and_the_status_data_of_a_cut_save_are_as_documented(new_device: Any) -> None:
    device = new_device(scheme="flagged", store=StoreKind.NVRAM, units=40)
    device.write(30, "x")
    controls = []

    def listener(operation: object) -> None:
        controls.append(nvram_atoms(device, 2)[1])

    device.board.rail.listeners = (listener,)
    device.save()
    device.board.rail.listeners = ()
    switching, clearing = bytes([1, 1, 0, 0, 0, 0, 0, 1 << 30 - 24, 0, 0]), bytes([2]) + bytes(9)
    assert controls == [bytes(10), switching, switching, clearing, clearing]


@pytest.mark.parametrize("scheme", ["versioned", "history"])
def test_the_atoms_of_versioned_and_history_are_as_documented(new_device: Any, scheme: str) -> None:
    device = new_device(scheme=scheme, store=StoreKind.NVRAM, units=20)
    device.write(1, "x")
    device.save()
    device.save()
    device.write(1, "y")
    device.restore()
    device.save()
    device.write(3, "z")
    _, system, first, second, third = nvram_atoms(device, 5)
    if scheme == "versioned":
        assert system == bytes([3, 0, 0, 0, 0]) + bytes(5)
        assert first == bytes([0b0010, 0b1000, 2, 2, 2, 3, 2, 2, 2, 2]), "the restore brought the block up to date"
    else:
        assert system == bytes([4, 0, 0, 0, 0b10110, 0, 0, 0]) + bytes(2)
        assert first == bytes([0b0010, 0b1010, 0, 2, 0, 4, 0, 0, 0, 0]), "unit 1 does not know of the restore yet"
    assert second == bytes([0, 0] + [1] * 8), "scrubbed by the save of version 2"
    assert third == bytes([0, 0] + [2] * 4 + [0] * 4), "scrubbed by the command of version 3, up to the last unit"


def test_a_nor_map_store_is_as_documented(new_device: Any) -> None:
    device = new_device(scheme="flagged", store=StoreKind.NOR, units=20)
    nor = device.board.media["nor0"]
    assert isinstance(nor, NorFlash)
    assert number(nor.read(0x1004, 4)) == 1, "the predecessor, which formatting leaves, too"
    image = nor.read(0, 0x1000)
    assert image[:4] == b"DBA1"
    assert (number(image[4:8]), number(image[8:10]), number(image[10:12])) == (2, 4, 10)
    assert image[16:18] == b"\x00\xff", "proven, not open"
    assert image[18:32] == b"\xff" * 14
    assert number(image[12:16]) == zlib.crc32(image[:12] + image[32:72])
    assert image[32:42] == b"DELTA1" + bytes(4)
    assert set(image[72:]) == {0xFF}
    device.write(9, "x")
    image = nor.read(0, 0x1000)
    assert image[17] == 0, "open"
    record = image[0x100:0x110]
    assert record[:12] == bytes([3, 0]) + bytes([0, 2]) + bytes(8)
    assert number(record[12:]) == zlib.crc32(record[:12], 2)
    assert set(image[0x110:]) == {0xFF}
    device.power_cycle()
    image = nor.read(0x1000, 0x1000)
    assert (number(image[4:8]), image[16:18]) == (3, b"\x00\xff"), "compacted into the other area"
    assert image[62:72] == bytes([0, 2]) + bytes(8)


def test_a_disk_map_store_is_as_documented(new_device: Any) -> None:
    device = new_device(scheme="flagged", store=StoreKind.DISK, units=20)
    device.write(9, "x")
    disk = device.board.media["disk0"]
    assert isinstance(disk, Disk)
    sectors = disk.read(2, 8)
    assert not any(any(sector[16:]) for sector in sectors)
    atoms = [newer_slot([sector[:16] for sector in sectors[2 * i : 2 * i + 2]], i) for i in range(4)]
    assert atoms == [b"DELTA1" + bytes(4), bytes(10), bytes(10), bytes([0, 2]) + bytes(8)]


def test_the_status_sector_is_as_documented(new_device: Any, new_board: Any) -> None:
    device = new_device(store=StoreKind.NVRAM, units=20)
    device.write(3, "a", "b")
    (sector,) = device.must(commands.STATUS).data
    assert sector == b"DBST" + bytes([0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 2, 0, 0, 0]) + bytes(492)
    device.board = new_board()
    device.power_cycle()
    (sector,) = device.must(commands.STATUS).data
    assert sector[4] == 2
    assert sector[20:].startswith(b"the map store has lost")
