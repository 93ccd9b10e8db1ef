from __future__ import annotations

import re
from pathlib import Path

import bincopy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltabench.scenarios.images.errors import ImageError
from deltabench.scenarios.images.memory_image import Format, MemoryImage, encoded, load_image, parse_image, write_image

RECORD = ":0400100001020304E2"
END = ":00000001FF"


def lines(*records: str) -> bytes:
    return "".join(f"{record}\n" for record in records).encode()


def hex_record(kind: int, address: int, data: bytes) -> str:
    return str(bincopy.pack_ihex(kind, address, len(data), data))


def srec(kind: str, address: int, data: bytes) -> str:
    return str(bincopy.pack_srec(kind, address, len(data), data))


images = st.lists(
    st.tuples(st.integers(min_value=0, max_value=0xFFFFFFFF), st.binary(min_size=1, max_size=200)), max_size=6
)


@given(images, st.sampled_from([Format.HEX, Format.SREC]))
def test_what_is_written_with_addresses_reads_back(pieces: list[tuple[int, bytes]], file_format: Format) -> None:
    try:
        image = MemoryImage(pieces)
    except ImageError:
        return
    assert parse_image(encoded(image, file_format), Path("x")) == image


@given(images.filter(bool))
def test_another_program_reads_the_same_from_our_files(pieces: list[tuple[int, bytes]]) -> None:
    try:
        image = MemoryImage(pieces)
    except ImageError:
        return
    for file_format in (Format.HEX, Format.SREC):
        other = bincopy.BinFile()
        other.add(encoded(image, file_format).decode())
        assert [(segment.address, bytes(segment.data)) for segment in other.segments] == list(image.segments)


def test_no_hex_record_crosses_64_kib() -> None:
    text = encoded(MemoryImage([(0x0800FFF5, bytes(range(40)))]), Format.HEX).decode()
    for line in text.splitlines():
        kind, address, size, _ = bincopy.unpack_ihex(line)
        assert kind != bincopy.IHEX_DATA or address + size <= 0x10000


def test_a_raw_binary_begins_where_it_is_told_and_is_filled_with_ones(tmp_path: Path) -> None:
    path = tmp_path / "dump.bin"
    write_image(MemoryImage([(0x100, b"ab"), (0x104, b"c")]), path, Format.BIN)
    assert path.read_bytes() == b"ab\xff\xffc"
    assert load_image(path, 0x200).segments == ((0x200, b"ab\xff\xffc"),)


def test_the_same_image_gives_the_same_bytes() -> None:
    pieces = [(0x90000000, b"maps"), (0x080E0000, b"DBC1"), (0x080E0004, b"more")]
    for file_format in (Format.HEX, Format.SREC):
        assert encoded(MemoryImage(pieces), file_format) == encoded(MemoryImage(pieces[::-1]), file_format)


def test_parts_of_an_image_are_found_by_address() -> None:
    image = MemoryImage([(0x10, b"abcd"), (0x20, b"efgh"), (0x24, b"ij")])
    assert image.segments == ((0x10, b"abcd"), (0x20, b"efghij"))
    assert image.read(0x12, 2) == b"cd"
    assert image.read(0x12, 3) is None
    assert image.read(0x0F, 1) is None
    assert image.within(0x12, 0x10).segments == ((0x12, b"cd"), (0x20, b"ef"))
    assert image.within(0x14, 0x0C).segments == ()
    assert len(image) == 10


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.hex", lines(RECORD, END), "hex"),
        ("a.dump", lines(RECORD, END), "hex"),
        ("a.srec", lines(srec("1", 0x10, b"\1\2\3\4"), srec("9", 0, b"")), "srec"),
        ("a.hex", lines(srec("1", 0x10, b"\1\2\3\4"), srec("9", 0, b"")), "srec"),
        ("a", b"\r\n\r\n" + lines(RECORD, END), "hex"),
    ],
)
def test_a_file_is_known_by_its_first_record(name: str, content: bytes, kind: str) -> None:
    assert parse_image(content, Path(name)).segments == ((0x10, b"\1\2\3\4"),), kind


def test_a_file_named_bin_is_raw_whatever_it_begins_with() -> None:
    content = lines(RECORD, END)
    assert parse_image(content, Path("a.bin"), 0).segments == ((0, content),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lines(RECORD), r"cut short: its end-of-file record"),
        (lines(RECORD[:-2] + "E3", END), r"line 1: is no sound record of an Intel HEX file: expected crc 'E2'"),
        (lines(RECORD, RECORD[:-3], END), r"line 2: is no sound record of an Intel HEX file"),
        (lines(RECORD, "rubbish", END), r"line 2: is no record of an Intel HEX file: 'rubbish'"),
        (lines(RECORD, ":" + "00" * 600, END), r"line 2: is longer than"),
        (lines(RECORD, END, RECORD), r"line 3: is behind the end-of-file record"),
        (lines(RECORD, RECORD, END), r"line 2: gives the byte at 0x00000010 once more; the records from line 1 on"),
        (
            lines(hex_record(0, 0x20, b"\0" * 8), RECORD, hex_record(0, 0x14, bytes(16)), END),
            r"line 2: gives the byte at 0x00000020 once more; the records from line 1 on",
        ),
        (
            lines(hex_record(4, 0, b"\xff\xff"), hex_record(0, 0xFFFF, b"ab"), END),
            r"line 2: 2 bytes from 0xffffffff on leave the addresses of 32 bits",
        ),
        (lines(hex_record(2, 0, b"\x10\x00"), hex_record(0, 0xFFFF, b"ab"), END), r"line 2: goes beyond its segment"),
        (lines(hex_record(6, 0, b""), END), r"line 1: is a record of type 6 with 0 bytes"),
        (lines(hex_record(4, 0, b"\1"), END), r"line 1: is a record of type 4 with 1 bytes"),
        (lines(srec("1", 0, b"a")), r"cut short: the record that ends it"),
        (lines(srec("1", 0, b"a"), srec("5", 2, b""), srec("9", 0, b"")), r"line 2: counts 2 data records, and there"),
        (lines(srec("1", 0, b"a"), srec("9", 0, b""), srec("1", 0, b"a")), r"line 3: is behind the record that ends"),
        (lines("S4030000FC"), r"line 1: is no sound record of an S-record file: expected record type"),
        (lines("S3030000FC"), r"line 1: is too short for the address"),
        (b"", r"is empty"),
        (b"\x7fELF\1\1\1", r"is an ELF file, and no image; `deltabench image build --elf`"),
        (b"\0\1\2", r"is neither Intel HEX nor S-record; if it is raw binary, say with --address"),
    ],
)
def test_what_is_no_image_is_refused_with_the_line(content: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=r"^dump: ") as caught:
        parse_image(content, Path("dump"))
    assert re.search(message, str(caught.value)), str(caught.value)


def test_addresses_of_segments_are_followed() -> None:
    content = lines(hex_record(2, 0, b"\x12\x34"), hex_record(0, 0x10, b"a"), hex_record(4, 0, b"\x08\x00"))
    content += lines(hex_record(0, 0x10, b"b"), hex_record(5, 0, bytes(4)), END)
    assert parse_image(content, Path("x")).segments == ((0x12350, b"a"), (0x08000010, b"b"))


def test_an_address_for_a_file_that_has_its_own_is_refused() -> None:
    with pytest.raises(ImageError, match=r"says its addresses itself"):
        parse_image(lines(RECORD, END), Path("x"), 0x100)


def test_a_raw_binary_that_leaves_the_addresses_is_refused() -> None:
    with pytest.raises(ImageError, match=r"leave the addresses of 32 bits"):
        parse_image(b"ab", Path("x"), 0xFFFFFFFF)


def test_a_raw_binary_that_would_be_mostly_gaps_is_refused() -> None:
    image = MemoryImage([(0x080E0000, b"a"), (0x90000000, b"b")])
    with pytest.raises(ImageError, match=r"gap of 2,280,783,871 bytes \(0x080E0001 to 0x8FFFFFFF\).*--region"):
        encoded(image, Format.BIN)


def test_bytes_without_end_and_stretches_without_number_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deltabench.scenarios.images.memory_image.MOST_BYTES", 1 << 20)
    many = [hex_record(4, 0, upper.to_bytes(2, "big")) + "\n" + hex_record(0, 0, bytes(255)) for upper in range(5000)]
    with pytest.raises(ImageError, match=r"line \d+: here are more than the 1 MiB an image may hold"):
        parse_image(lines(*many, END), Path("x"))
    monkeypatch.setattr("deltabench.scenarios.images.records.MOST_RUNS", 100)
    with pytest.raises(ImageError, match=r"line 202: here begins stretch 101 of scattered bytes"):
        parse_image(lines(*many, END), Path("x"))


def test_pieces_that_overlap_are_refused() -> None:
    with pytest.raises(ImageError, match=r"both have address 0x00000012"):
        MemoryImage([(0x10, b"abc"), (0x12, b"d")])


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"none\.hex: cannot be read: No such file"):
        load_image(tmp_path / "none.hex")
