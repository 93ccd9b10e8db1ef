"""`deltabench image`: what the commands print, write, refuse and exit with."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from deltabench.tools.cli import invoke

Image = Callable[..., int]
SEVERAL = "has several variants; name one, as save-by-host:plain-nvram"


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Image:
    """Runs ``deltabench image`` with a command line, in a folder of its own; returns the exit code."""
    monkeypatch.chdir(tmp_path)
    return lambda line: invoke(["image", *shlex.split(line)])


def test_an_image_is_built_inspected_compared_and_taken_apart(
    image: Image, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "disk.raw").write_bytes(b"on the disk")
    assert image("build save-by-host:history-nor --save-point disk.raw -o one.hex") == 0
    assert image("build save-by-host:history-nor --save-point disk.raw --on-b all -o other.srec") == 0
    out = capsys.readouterr().out
    assert "one.hex: save-by-host:history-nor with given contents, for stm32f405" in out
    assert re.search(r"maps +nor0 +0x90000000–0x90001FFF +8,192 +[0-9a-f]{12}\n", out)
    assert image("inspect one.hex") == 0
    assert capsys.readouterr().out.splitlines()[2] == "Boots, and compacts a log of 6 records into a new checkpoint."
    assert image("diff one.hex one.hex") == 0
    assert capsys.readouterr().out.endswith("Both images hold the same.\n")
    assert image("diff one.hex other.srec") == 1
    assert "VSM of units 0-63\n  A  A\n  B  B\n" in capsys.readouterr().out
    assert image("extract other.srec --save-point out.raw --live live.raw") == 0
    assert (
        (tmp_path / "out.raw").read_bytes()
        == (tmp_path / "live.raw").read_bytes()
        == b"on the disk".ljust(32768, b"\0")
    )


def test_the_same_command_line_gives_the_same_bytes(image: Image, tmp_path: Path) -> None:
    for name in ("one.hex", "other.hex"):
        assert image(f"build --crash demo:plain-nor:6.6n -o {name}") == 0
    assert (tmp_path / "one.hex").read_bytes() == (tmp_path / "other.hex").read_bytes()


def test_json_says_what_the_tables_say(image: Image, tmp_path: Path) -> None:
    assert image("build save-by-host:flagged-nor --at 3 -o a.hex --json build.json") == 0
    built = json.loads((tmp_path / "build.json").read_text(encoding="utf-8"))
    assert (built["schema"], built["board"]) == ("deltabench.image-build/1", "stm32f405")
    assert [region["name"] for region in built["regions"]] == [
        "configuration",
        "labels",
        "maps",
        "volume-a",
        "volume-b",
    ]
    assert image("inspect a.hex --json seen.json") == 0
    seen = json.loads((tmp_path / "seen.json").read_text(encoding="utf-8"))
    assert (seen["schema"], seen["rules_hold"], seen["boot"]["outcome"]) == ("deltabench.image/1", True, "ready")
    checks = {region["name"]: region["sha256"] for region in built["regions"]}
    assert {place["name"]: place["sha256"] for place in seen["places"]}.items() <= checks.items()
    assert image("diff a.hex a.hex --json diff.json") == 0
    found = json.loads((tmp_path / "diff.json").read_text(encoding="utf-8"))
    assert found == {
        "schema": "deltabench.image-diff/1",
        "one": "a.hex",
        "other": "a.hex",
        "same": True,
        "differences": [],
    }


def test_a_broken_rule_exits_with_1_and_comes_first(image: Image, capsys: pytest.CaptureFixture[str]) -> None:
    assert image("build disks-swapped:flagged-nor --at 4 -o a.hex") == 0
    capsys.readouterr()
    assert image("inspect a.hex") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "Boots, and refuses to serve: disk0 is device 1 of its volume, in the place of device 0."
    assert lines[3].startswith(
        "broken  labels are of the map store's volume, each disk in its place: disk0 is device 1"
    )


def test_everything_is_printed_if_it_is_asked_for(image: Image, capsys: pytest.CaptureFixture[str]) -> None:
    assert image("build save-by-host:versioned-nor --at 3 -o a.hex") == 0
    capsys.readouterr()
    assert image("inspect a.hex --all --units 0-1,63") == 0
    out = capsys.readouterr().out
    assert re.search(r"^unit  VSM stored  DDM stored  VSM  DDM  version  missed$", out, re.MULTILINE)
    assert re.search(r"^  63 +A +0 +A +0 +0 +1$", out, re.MULTILINE)
    assert "the identity: volume 'DELTA1', labels of system version" in out
    assert re.search(r"^configuration +chip +0x080E0000$", out, re.MULTILINE)
    assert re.search(r"^  what is unused is blank: holds$", out, re.MULTILINE)


def test_a_raw_dump_of_one_part_is_inspected_by_its_address(image: Image, capsys: pytest.CaptureFixture[str]) -> None:
    assert image("build save-by-host:history-nor --region maps -o maps.bin") == 0
    capsys.readouterr()
    assert image("inspect maps.bin --address 0x90000000 --config save-by-host:history-nor --board stm32f405") == 0
    out = capsys.readouterr().out
    assert "Not in the image: the label of disk0, volume-a on disk0, volume-b on disk0." in out


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("build -o a.hex", "nothing to build an image of: name a scenario, as demo:flagged-nor, or give --elf"),
        ("build demo:flagged-nor -o a.xyz", "a.xyz: its name ends in none of .hex,"),
        ("build demo:flagged-nor --at 1 --live x -o a.hex", "--at and --live each say what is on the device"),
        (
            "build demo:flagged-nor --crash demo:flagged-nor:1.0 -o a.hex",
            "names its scenario and variant; leave out demo",
        ),
        ("build --at 1 --elf x -o a.hex", "--at is about the device of a scenario; name one, as demo:flagged-nor"),
        ("build save-by-host -o a.hex", SEVERAL),
        ("build demo:none -o a.hex", "no variant 'none'; this scenario has plain-nor, flagged-nor"),
        ("build nobody:none -o a.hex", "nobody: neither a file nor a scenario of the library"),
        (
            "build demo:flagged-nor --on-b 300 -o a.hex",
            "--on-b '300': '300' is not within the units, which are 0 to 255",
        ),
        ("build demo:flagged-nor --save-point none.raw -o a.hex", "none.raw: cannot be read: No such file"),
        ("build demo:flagged-nor --board none -o a.hex", "none: neither a file nor a board that comes with deltabench"),
        ("build demo:flagged-nor -o a.bin", "a raw binary of this image would have a gap of"),
        ("build demo:flagged-nor --elf there.hex -o a.hex", "there.hex: is no ELF file"),
        ("build demo:flagged-nor --region firmware -o a.hex", "--region firmware: not in this image, which has"),
        (
            "build demo:flagged-nor -o there.hex",
            "there.hex is there already; remove it, choose another name, or give --f",
        ),
        ("build demo:flagged-nor -o none/a.hex", "none/a.hex: the folder none does not exist"),
        ("build --crash demo:flagged-nor -o a.hex", "'demo:flagged-nor' is not a crash id"),
        ("inspect none.hex", "none.hex: cannot be read"),
        ("inspect there.hex", "there.hex: line 1: is no record of an Intel HEX file"),
        (
            "inspect there.dump",
            "there.dump: is neither Intel HEX nor S-record; if it is raw binary, say with --address",
        ),
        ("inspect there.dump --address 0x90", "there.dump: no configuration block is in it"),
        ("inspect there.dump --address here", "'here' is no address; allowed: 0 to 0xFFFFFFFF, in decimal or with 0x"),
        ("inspect there.dump --address 0 --board stm32f405", "--board says where the devices of --config lie"),
        ("extract there.hex", "nothing to write: give --live, --save-point or both"),
        ("extract there.dump --live a.raw --save-point a.raw", "name the same file; choose two"),
        ("diff there.dump there.dump", "there.dump: is neither Intel HEX nor S-record"),
    ],
)
def test_what_cannot_be_is_refused_with_4_and_nothing_is_written(
    image: Image, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, message: str
) -> None:
    (tmp_path / "there.hex").write_text("no image", encoding="utf-8")
    (tmp_path / "there.dump").write_text("no image", encoding="utf-8")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert image(line) == 4
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_sector_that_cannot_be_read_is_named_and_exits_with_1(
    image: Image, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert image("build save-by-host:flagged-nor --region labels --region maps --region volume-a -o part.hex") == 0
    assert image("extract part.hex --live a.raw --config save-by-host:flagged-nor") == 4
    assert "part.hex: the image lacks volume-b on disk0" in capsys.readouterr().err
    assert not (tmp_path / "a.raw").exists()
    assert image("build save-by-host:flagged-nor -o whole.hex") == 0
    lines = (tmp_path / "whole.hex").read_text(encoding="utf-8").splitlines()
    # The 17th and 18th record behind the address of the disk are the first of LBA 0 of volume A.
    start = lines.index(":02000004A0005A") + 1 + 32
    (tmp_path / "gap.hex").write_text("\n".join(lines[:start] + lines[start + 1 :]) + "\n", encoding="utf-8")
    capsys.readouterr()
    assert image("extract gap.hex --live a.raw") == 1
    assert "zeros in the place of sectors that the image lacks: LBA 0\n" in capsys.readouterr().out


def test_help_is_there_for_each_command(image: Image, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("", "build", "inspect", "diff", "extract"):
        assert image(f"{command} --help") == 0
        assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


SMALL = (Path(__file__).parents[1] / "scenarios" / "images" / "small.scenario.toml").read_text(encoding="utf-8")
BOARD = (Path(__file__).parents[2] / "hwsim" / "devboard" / "stm32f405.board.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("scenario", "board", "message"),
    [
        (
            ("units = 6", "units = 6\nvolume_b = { start = 3 }"),
            None,
            "volume B (disk0 0x3 to 0xe) overlaps volume A",
        ),
        (("units = 6", "units = 60"), None, "volume A (disk0 sectors 2 to 121) does not fit"),
        (
            ("units = 6", "units = 6\nmaps = { start = 100 }"),
            None,
            "must begin at an erase sector, a multiple of 0x1000",
        ),
        (("units = 6", "units = 6\nlog_records = 100_000"), None, "map store (nor0 0x0 to 0x"),
        (None, ("bytes = 0x2_0000", "bytes = 0x1_0000"), "ends inside an erase block"),
        (None, ("bytes = 0xE_0000", "bytes = 0x10_0000"), "overlaps configuration"),
        (None, ("bytes = 0x2_0000", "bytes = 0x4_0000"), "is not inside the flash of STM32F405"),
        (None, ("address = 0x9000_0000", "address = 0xA000_0000"), "overlaps"),
        (None, ('chip = "STM32F405"', 'chip = "W25Q64JV"'), "is a part of kind nor; a microcontroller is needed"),
    ],
)
def test_regions_that_cannot_be_are_refused_with_4_and_nothing_is_written(
    image: Image,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    scenario: tuple[str, str] | None,
    board: tuple[str, str] | None,
    message: str,
) -> None:
    for name, text, change in (("a.scenario.toml", SMALL, scenario), ("a.board.toml", BOARD, board)):
        assert change is None or change[0] in text
        (tmp_path / name).write_text(text.replace(*change, 1) if change else text, encoding="utf-8")
    assert image("build a.scenario.toml:flagged-nor --board a.board.toml -o a.hex --json a.json") == 4
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.board.toml", "a.scenario.toml"]
