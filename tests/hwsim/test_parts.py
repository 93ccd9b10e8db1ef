"""Real parts, and part files of the user's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from deltabench.hwsim.errors import HardwareError
from deltabench.hwsim.parts import (
    DiskPart,
    NandPart,
    NorPart,
    NvramPart,
    Part,
    PartError,
    UnknownPart,
    field_table,
    figures_of,
    list_parts,
    load_part,
)

REPOSITORY = Path(__file__).resolve().parents[2]
DOC = (REPOSITORY / "docs" / "parts.md").read_text(encoding="utf-8")
EXAMPLE = re.findall(r"```toml\n(.*?)```", DOC, re.DOTALL)[0]

Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a part file and gives the name to load it by, near ``tmp_path``."""

    def _write(text: str) -> str:
        (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
        return "mine.toml"

    return _write


def refused(name: str, near: Path) -> PartError:
    """The error that loading gives."""
    with pytest.raises(PartError) as caught:
        load_part(name, near=near)
    assert str(caught.value).startswith(str(near / name))
    return caught.value


@pytest.mark.parametrize("part", list_parts(), ids=lambda part: part.name)
def test_every_figure_of_every_part_has_a_source(part: Part) -> None:
    for name in figures_of(type(part)):
        document, _, place = part.source_of(name).partition(": ")
        assert (document and place) or getattr(part, name) is None, name
    assert part.manufacturer
    assert part.description


@pytest.mark.parametrize("part", list_parts(), ids=lambda part: part.name)
def test_every_part_file_is_named_as_its_part(part: Part) -> None:
    file = REPOSITORY / "hwsim" / "parts" / f"{part.name.lower()}.toml"
    assert load_part(file.name, near=file.parent) == part
    assert file.read_text(encoding="utf-8").startswith("# ")


def test_parts_are_listed_by_kind_and_name_and_none_is_lost() -> None:
    listed = [(part.kind, part.name) for part in list_parts()]
    assert listed[:9] == [
        ("nor", "AT25SF041"),
        ("nor", "W25Q128JV"),
        ("nor", "W25Q64JV"),
        ("nand", "MT29F1G08ABADA"),
        ("nand", "MT29F8G08ABBCA"),
        ("nand", "TC58TEG5DCLTA00"),
        ("nand", "generic-mlc"),
        ("nand", "generic-nand"),
        ("nvram", "DS1250W"),
    ]
    assert len(listed) == len(list((REPOSITORY / "hwsim" / "parts").glob("*.toml")))


def test_a_part_is_found_in_upper_and_lower_case() -> None:
    assert load_part("w25q64jv") is load_part("W25Q64JV")


def test_the_winbond_flashes_have_the_figures_of_their_datasheets() -> None:
    flash = load_part("W25Q64JV")
    assert isinstance(flash, NorPart)
    assert (flash.size_bytes, flash.page_bytes, flash.sector_bytes) == (8 << 20, 256, 4096)
    assert (flash.page_program_typ_us, flash.page_program_max_us) == (400, 3_000)
    assert (flash.sector_erase_typ_us, flash.sector_erase_max_us) == (45_000, 400_000)
    assert (flash.endurance_cycles, flash.retention_years) == (100_000, 20)
    assert flash.source_of("page_program_max_us").endswith("27 March 2018: 9.6, tPP max")
    larger = load_part("W25Q128JV")
    assert isinstance(larger, NorPart)
    assert (larger.size_bytes, larger.jedec_id) == (16 << 20, 0xEF4018)


def test_the_micron_nand_flash_has_the_figures_of_its_datasheet() -> None:
    nand = load_part("MT29F1G08ABADA")
    assert isinstance(nand, NandPart)
    assert (nand.page_bytes, nand.spare_bytes, nand.pages_per_block, nand.blocks) == (2_048, 64, 64, 1_024)
    assert (nand.size_bytes, nand.pages, nand.codewords) == (128 << 20, 65_536, 4)
    assert (nand.column_cycles, nand.row_cycles) == (2, 2)
    assert (nand.page_program_typ_us, nand.block_erase_typ_us, nand.endurance_cycles) == (200, 700, 100_000)
    assert nand.source_of("most_bad_blocks").endswith("Xilinx's QEMU: bytes 103 and 104")


def test_a_row_address_has_as_many_cycles_as_the_pages_need() -> None:
    large = load_part("MT29F8G08ABBCA")
    assert isinstance(large, NandPart)
    assert (large.pages, large.row_cycles) == (262_144, 3)
    assert msgspec.structs.replace(large, blocks=1_024).row_cycles == 2


def test_pages_of_the_mlc_flash_share_cells() -> None:
    mlc = load_part("TC58TEG5DCLTA00")
    assert isinstance(mlc, NandPart)
    assert (mlc.bits_per_cell, mlc.pairing, mlc.codewords) == (2, "dist3", 16)
    assert mlc.size_bytes == 4 << 30


def test_fram_is_written_by_the_byte_and_hardly_wears_out() -> None:
    fram = load_part("FM25V10")
    assert isinstance(fram, NvramPart)
    assert (fram.size_bytes, fram.word_bytes, fram.endurance_cycles) == (128 << 10, 1, 10**14)


def test_a_battery_backed_ram_has_no_limit_of_writes() -> None:
    ram = load_part("DS1250W")
    assert isinstance(ram, NvramPart)
    assert ram.endurance_cycles is None


def test_the_barracuda_has_the_geometry_that_was_extracted_from_it() -> None:
    disk = load_part("ST32171W")
    assert isinstance(disk, DiskPart)
    assert (disk.sectors, disk.cylinders, disk.surfaces, disk.rpm) == (4_110_000, 5_172, 5, 7_200)
    assert (disk.cache_segments, disk.cache_segment_sectors, disk.write_cache) == (3, 281, True)
    assert len(disk.zones) == 11
    assert [zone.sectors_per_track for zone in disk.zones][:3] == [186, 185, 177]
    assert (disk.zones[10].first_cylinder, disk.zones[10].last_cylinder) == (4_930, 5_171)
    assert (disk.zones[0].track_skew_sectors, disk.zones[0].cylinder_skew_sectors) == (37, 52)
    assert disk.zones[9].slipped_sectors == (10_320, 10_944, 11_520)
    assert sum(zone.sectors(disk.surfaces) for zone in disk.zones) == 4_293_350


@pytest.mark.parametrize("name", ["generic-disk", "generic-mlc", "generic-nand", "generic-nvram"])
def test_generic_parts_say_that_they_are_no_real_products(name: str) -> None:
    part = load_part(name)
    assert "no real product" in part.description
    assert all("from no datasheet" in source for _, source in part.sources)


def test_the_generic_parts_have_the_sizes_that_small_tests_count_on() -> None:
    disk, nvram = load_part("generic-disk"), load_part("generic-nvram")
    assert isinstance(disk, DiskPart)
    assert isinstance(nvram, NvramPart)
    assert (disk.sectors, disk.write_cache, nvram.word_bytes) == (65_536, True, 4)
    nand, mlc = load_part("generic-nand"), load_part("generic-mlc")
    assert isinstance(nand, NandPart)
    assert isinstance(mlc, NandPart)
    assert (nand.page_bytes, nand.pages_per_block, nand.blocks, nand.partial_programs) == (512, 8, 64, 1)
    assert (mlc.page_bytes, mlc.pages_per_block, mlc.blocks, mlc.ecc_bits) == (512, 16, 64, 8)


def test_a_part_cannot_be_changed_and_equal_parts_hash_alike() -> None:
    part = load_part("generic-disk")
    with pytest.raises(AttributeError):
        part.name = "other"  # type: ignore[misc]
    assert hash(part) == hash(msgspec.structs.replace(part))


def test_an_unknown_part_is_answered_with_the_known_and_the_closest_name() -> None:
    with pytest.raises(UnknownPart) as caught:
        load_part("w25q46jv")
    assert "'w25q46jv'. Is W25Q64JV meant?" in str(caught.value)
    assert caught.value.known == tuple(part.name for part in list_parts())
    assert all(name in str(caught.value) for name in caught.value.known)
    assert isinstance(caught.value, HardwareError)


def test_a_name_like_no_other_gets_no_proposal() -> None:
    with pytest.raises(UnknownPart) as caught:
        load_part("zzz")
    assert "meant?" not in str(caught.value)


def test_the_example_in_the_documentation_loads(write: Write, tmp_path: Path) -> None:
    part = load_part(write(EXAMPLE), near=tmp_path)
    assert isinstance(part, NvramPart)
    assert (part.name, part.size_bytes, part.write_word_ns) == ("MY-FRAM", 8_192, 400)
    assert part.source_of("write_word_ns").startswith("measured by J. Doe on board 7, 2 June 2020:")
    assert part.retention_years is None


def test_the_documentation_has_the_table_of_fields_as_the_code_has_it() -> None:
    assert DOC.endswith("\n\n" + field_table())


def test_a_path_is_relative_to_the_folder_that_it_is_near(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "fram").write_text(EXAMPLE, encoding="utf-8")
    assert load_part("sub/fram", near=tmp_path).name == "MY-FRAM"
    assert load_part(str(tmp_path / "sub" / "fram")).name == "MY-FRAM"


def test_a_part_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "No such file" in str(refused("gone.toml", tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ('kind = "nvram"', 'kind = "eeprom"', "kind", ["'eeprom'", "nor, nand, nvram, disk"]),
        ('kind = "nvram"', "kind = ", "", ["is not valid TOML", "line 2"]),
        ('name = "MY-FRAM"', "", "", ["key 'name' is missing"]),
        ('name = "MY-FRAM"', 'name = "X"\nvoltage = 3', "", ["unknown key 'voltage'", "manufacturer"]),
        ("value = 8192,", "value = '8K',", "figures.size_bytes.value", ["'8K'", "1 or more (B)"]),
        ("value = 8192,", "value = 0,", "figures.size_bytes.value", ["0", "1 or more (B)"]),
        ("value = 8192,", "value = true,", "figures.size_bytes.value", ["True", "1 or more (B)"]),
        ("value = 8192, ", "", "figures.size_bytes", ["DS 1", "value = …, source = …"]),
        ('value = 1, source = "DS 4.2, byte write"', "value = 1", "figures.word_bytes", ["source"]),
        ("value = 8192,", "value = 8192, unit = 'B',", "figures.size_bytes", ["'unit'", "else"]),
        ('"DS 1, 8 K × 8"', '"XX 1"', "figures.size_bytes.source", ["'XX 1'", "DS, BENCH"]),
        ('"DS 1, 8 K × 8"', '"DS "', "figures.size_bytes.source", ["'DS '", "a place in it"]),
        ("size_bytes =", "size_byte =", "figures.size_byte", ["size_bytes meant?", "word_bytes"]),
        ("size_bytes =", "# size_bytes =", "figures", ["nvram", "size_bytes"]),
        ("value = 1,", "value = 3,", "figures.size_bytes", ["8192", "whole words of 3 B"]),
    ],
)
def test_a_fault_in_a_part_file_is_named_with_key_value_and_what_is_allowed(
    old: str, new: str, key: str, said: list[str], write: Write, tmp_path: Path
) -> None:
    assert old in EXAMPLE
    error = refused(write(EXAMPLE.replace(old, new)), tmp_path)
    assert error.key == key
    assert all(words in str(error) for words in said), str(error)


NOR = load_part("AT25SF041")
NAND = load_part("generic-nand")
MLC = load_part("generic-mlc")
DISK = load_part("generic-disk")


@pytest.mark.parametrize(
    ("part", "changes", "key"),
    [
        (NOR, {"page_bytes": 300}, "sector_bytes"),
        (NOR, {"size_bytes": 6_000}, "size_bytes"),
        (NOR, {"page_program_max_us": 699}, "page_program_max_us"),
        (NOR, {"sector_erase_max_us": 1}, "sector_erase_max_us"),
        (NAND, {"page_bytes": 1_536}, "page_bytes"),
        (NAND, {"codeword_bytes": 1_024}, "codeword_bytes"),
        (NAND, {"page_bytes": 2_048, "codeword_bytes": 768}, "codeword_bytes"),
        (NAND, {"planes": 3, "blocks": 63}, "planes"),
        (NAND, {"planes": 128}, "planes"),
        (NAND, {"pairing": "dist3"}, "pairing"),
        (MLC, {"pairing": "none"}, "pairing"),
        (MLC, {"pages_per_block": 15}, "pages_per_block"),
        (MLC, {"pages_per_block": 2}, "pages_per_block"),
        (NAND, {"most_bad_blocks": 64}, "most_bad_blocks"),
        (NAND, {"page_program_max_us": 199}, "page_program_max_us"),
        (NAND, {"block_erase_max_us": 1}, "block_erase_max_us"),
        (NAND, {"rber_disturb_e12": 10**12 + 1}, "rber_disturb_e12"),
        (DISK, {"sectors": 65_537}, "sectors"),
        (DISK, {"zones": ()}, "sectors"),
        (DISK, {"cylinders": 63}, "zones[0].last_cylinder"),
    ],
)
def test_figures_that_contradict_each_other_are_refused_from_python_too(
    part: Part, changes: dict[str, object], key: str
) -> None:
    with pytest.raises(PartError) as caught:
        msgspec.structs.replace(part, **changes)
    assert caught.value.key == key
    assert part.name in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"first_cylinder": 40}, "zones[1].first_cylinder"),
        ({"last_cylinder": 49}, "zones[1].last_cylinder"),
        ({"slipped_sectors": (5, 5)}, "zones[1].slipped_sectors"),
        ({"slipped_sectors": (-1,)}, "zones[1].slipped_sectors"),
        ({"slipped_sectors": (5, 14 * 4 * 256)}, "zones[1].slipped_sectors"),
        ({"spare_sectors": 1}, "sectors"),
        ({"slipped_sectors": (7,)}, "sectors"),
    ],
)
def test_zones_that_overlap_or_hold_too_little_are_refused(changes: dict[str, object], key: str) -> None:
    assert isinstance(DISK, DiskPart)
    outer = msgspec.structs.replace(DISK.zones[0], last_cylinder=49)
    inner = msgspec.structs.replace(DISK.zones[0], first_cylinder=50)
    disk = msgspec.structs.replace(DISK, zones=(outer, inner), spare_range_cylinders=14)
    with pytest.raises(PartError) as caught:
        msgspec.structs.replace(disk, zones=(outer, msgspec.structs.replace(inner, **changes)))
    assert caught.value.key == key


def test_a_fault_within_the_list_of_zones_is_placed(write: Write, tmp_path: Path) -> None:
    text = (REPOSITORY / "hwsim" / "parts" / "st32171w.toml").read_text(encoding="utf-8")
    wrong = text.replace("sectors_per_track = 177", 'sectors_per_track = "177"')
    error = refused(write(wrong), tmp_path)
    assert error.key == "figures.zones.value[2].sectors_per_track"
    assert error.fault.startswith("'177'; allowed: 1 or more (sectors).")


def test_a_figure_missing_from_a_zone_is_placed(write: Write, tmp_path: Path) -> None:
    text = (REPOSITORY / "hwsim" / "parts" / "generic-disk.toml").read_text(encoding="utf-8")
    error = refused(write(text.replace("track_skew_sectors = 32\n", "", 1)), tmp_path)
    assert error.key == "figures.zones.value[0]"
    assert "missing required field `track_skew_sectors`" in error.fault
