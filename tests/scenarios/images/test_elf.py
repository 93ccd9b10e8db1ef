"""ELF files as real tools write them: Debian's binutils-arm-none-eabi, and the compiler of this machine."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from deltabench.hwsim.devboard.spec import DevBoardFile, Stretch
from deltabench.scenarios.images.elf import FirmwareElf, check_symbols, parse_elf, read_elf
from deltabench.scenarios.images.errors import ImageError

HERE = Path(__file__).parent
Link = Callable[..., Path]
E_MACHINE, E_PHOFF, P_OFFSET, P_PADDR, P_FILESZ = 18, 28, 4, 12, 16


@pytest.fixture
def link(tmp_path: Path) -> Link:
    """Assembles and links firmware.s with firmware.ld, in which some text is replaced."""

    def link(*changes: tuple[str, str], arguments: tuple[str, ...] = (), strip: tuple[str, ...] = ()) -> Path:
        script = (HERE / "firmware.ld").read_text(encoding="utf-8")
        for old, new in changes:
            assert old in script
            script = script.replace(old, new)
        (tmp_path / "firmware.ld").write_text(script, encoding="utf-8")
        run("arm-none-eabi-as", "-g", "-mcpu=cortex-m4", "-o", "firmware.o", str(HERE / "firmware.s"))
        run("arm-none-eabi-ld", *arguments, "-T", "firmware.ld", "-o", "firmware.elf", "firmware.o")
        if strip:
            run("arm-none-eabi-strip", *strip, "firmware.elf")
        return tmp_path / "firmware.elf"

    def run(*command: str) -> None:
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    return link


@pytest.fixture
def region(dev_board: DevBoardFile) -> Stretch:
    """Where the firmware belongs."""
    return dev_board.regions["firmware"]


def patched(path: Path, at: int, value: int, width: str = "<I") -> bytes:
    data = bytearray(path.read_bytes())
    struct.pack_into(width, data, at, value)
    return bytes(data)


def segment_field(path: Path, number: int, field: int) -> int:
    """Where a field of a program header is in the file."""
    (first,) = struct.unpack_from("<I", path.read_bytes(), E_PHOFF)
    return int(first) + 32 * number + field


@pytest.mark.parametrize("arguments", [(), ("-z", "max-page-size=4"), ("-z", "max-page-size=65536")])
def test_segments_lie_where_they_are_stored_and_not_where_they_run(
    link: Link, region: Stretch, arguments: tuple[str, ...]
) -> None:
    elf = read_elf(link(arguments=arguments), region)
    code, data = elf.segments
    assert code.address == 0x0800_0000
    assert code.data[:8] == bytes.fromhex("00000220 09000008")
    assert (data.address, data.data) == (code.end, b"deltabench\0\0")


def test_headers_that_a_linker_puts_before_the_flash_are_not_stored(link: Link, region: Stretch) -> None:
    path = link(arguments=("-z", "max-page-size=4"))
    (address,) = struct.unpack_from("<I", path.read_bytes(), segment_field(path, 0, P_PADDR))
    assert address < region.address
    assert read_elf(path, region).segments[0].address == region.address


def test_dwarf_says_who_made_it_of_what_and_without_it_nobody_is_named(link: Link, region: Stretch) -> None:
    elf = read_elf(link(), region)
    assert elf.producers[0].startswith("GNU AS")
    assert [Path(unit).name for unit in elf.compile_units] == ["firmware.s"]
    stripped = read_elf(link(strip=("--strip-debug",)), region)
    assert (stripped.producers, stripped.compile_units) == ((), ())
    assert stripped.symbols == elf.symbols
    assert read_elf(link(strip=("--strip-all",)), region) == FirmwareElf(elf.segments, {})


def test_names_in_a_file_play_no_tricks_on_a_terminal(link: Link, region: Stretch) -> None:
    data = link().read_bytes()
    assert data.count(b"GNU AS") == 1
    (producer,) = parse_elf(data.replace(b"GNU AS", b"\x1b[2J\x07X"), Path("x"), region).producers
    assert producer.startswith("\\x1b[2J\\x07X ")


def test_symbols_that_name_regions_agree_with_the_board_file(link: Link, dev_board: DevBoardFile) -> None:
    path = link()
    elf = read_elf(path, dev_board.regions["firmware"])
    assert len(elf.symbols) == 4
    check_symbols(elf, path, dev_board.regions, "the board")
    path = link(("_start = 0x080E0000", "_start = 0x080C0000"))
    elf = read_elf(path, dev_board.regions["firmware"])
    with pytest.raises(
        ImageError,
        match=r"symbol __deltabench_configuration_start is 0x080C0000, and the board has the start of configuration at "
        r"0x080E0000; change the linker script or the board file",
    ):
        check_symbols(elf, path, dev_board.regions, "the board")


@pytest.mark.parametrize("name", ["__deltabench_config_start", "__deltabench_configuration", "__deltabench_"])
def test_a_symbol_that_names_no_region_is_refused_with_those_there_are(
    link: Link, dev_board: DevBoardFile, name: str
) -> None:
    path = link(("__deltabench_configuration_start", name))
    elf = read_elf(path, dev_board.regions["firmware"])
    with pytest.raises(ImageError, match=rf"symbol {name} names no region.*__deltabench_firmware_start and _end"):
        check_symbols(elf, path, dev_board.regions, "the board")


def test_a_segment_outside_of_the_region_is_refused_with_both(link: Link, region: Stretch) -> None:
    path = link(("FLASH (rx) : ORIGIN = 0x08000000", "FLASH (rx) : ORIGIN = 0x08100000"))
    with pytest.raises(ImageError, match=r"segment \d \(0x08100000 to .*\) is not inside the region firmware \(0x0800"):
        read_elf(path, region)


def test_segments_that_overlap_are_refused(link: Link, region: Stretch) -> None:
    path = link(arguments=("-z", "max-page-size=65536"))
    data = patched(path, segment_field(path, 1, P_PADDR), 0x0800_0004)
    with pytest.raises(ImageError, match=r"segment 1 \(0x08000004 to 0x0800000F\) overlaps segment 0"):
        parse_elf(data, path, region)


def test_a_file_that_ends_before_its_segments_is_refused(link: Link, region: Stretch) -> None:
    path = link()
    data = patched(path, segment_field(path, 1, P_FILESZ), 0x10000)
    with pytest.raises(ImageError, match=r"segment 1 .* is cut short: the file ends before it does"):
        parse_elf(data, path, region)


def test_any_prefix_of_a_file_is_refused_or_whole(link: Link, region: Stretch) -> None:
    path = link(arguments=("-z", "max-page-size=4"))
    whole = path.read_bytes()
    for length in range(len(whole)):
        with pytest.raises(ImageError, match=r"firmware\.elf: "):
            parse_elf(whole[:length], path, region)


def test_an_object_that_is_not_linked_is_refused(link: Link, region: Stretch) -> None:
    path = link().with_name("firmware.o")
    with pytest.raises(ImageError, match=r"is a relocatable object, which has no addresses yet; link it first"):
        read_elf(path, region)


def test_a_program_of_this_machine_is_refused(tmp_path: Path, region: Stretch) -> None:
    (tmp_path / "host.c").write_text("int main(void) { return 0; }\n", encoding="utf-8")
    subprocess.run(["gcc", "-o", "host.elf", "host.c"], cwd=tmp_path, check=True)
    with pytest.raises(
        ImageError, match=r"is for another machine: .*64-bit.*; the board's chip needs ARM, 32-bit, lit"
    ):
        read_elf(tmp_path / "host.elf", region)


@pytest.mark.parametrize(("machine", "name"), [(243, "RISC-V"), (8, "MIPS")])
def test_another_machine_of_32_bits_is_refused_by_name(link: Link, region: Stretch, machine: int, name: str) -> None:
    path = link()
    with pytest.raises(ImageError, match=rf"is for another machine: {name}, 32-bit, little-endian"):
        parse_elf(patched(path, E_MACHINE, machine, "<H"), path, region)


def test_a_file_without_anything_to_load_is_refused(link: Link, region: Stretch) -> None:
    path = link()
    data = patched(path, 44, 0, "<H")
    with pytest.raises(ImageError, match=r"has no loadable segment with anything in it"):
        parse_elf(data, path, region)


@pytest.mark.parametrize("content", [b"", b":00000001FF", b"\x7fELF", b"\x7fELF\1\1\1" + bytes(9)])
def test_what_is_no_elf_file_or_only_its_beginning_is_refused(content: bytes, region: Stretch) -> None:
    with pytest.raises(ImageError, match=r"x\.elf: is (no ELF file|truncated or damaged)"):
        parse_elf(content, Path("x.elf"), region)


@pytest.mark.parametrize(("at", "count"), [(44, 0xFFFF), (48, 0xFFFF)])
def test_more_headers_than_there_can_be_are_refused_at_once(link: Link, region: Stretch, at: int, count: int) -> None:
    path = link()
    with pytest.raises(ImageError, match=r"has more segments or sections than any firmware"):
        parse_elf(patched(path, at, count, "<H"), path, region)
