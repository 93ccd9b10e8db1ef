"""docs/nand.md: its scenario runs as written, its figures are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deltabench.firmware_model.translation.geometry import geometry_of
from deltabench.hwsim.board import Board, BoardSpec, DeviceSpec
from deltabench.hwsim.nand import MOST_FAILURES, NandFlash
from deltabench.tools.cli import invoke

PAGE = (Path(__file__).parents[2] / "docs" / "nand.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def pages_on(blocks: int) -> int:
    nand = Board(BoardSpec(devices={"nand0": DeviceSpec(part="generic-nand", blocks=blocks)})).media["nand0"]
    assert isinstance(nand, NandFlash)
    return geometry_of(nand, 10).logical_pages


def test_the_example_runs_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rot.scenario.toml").write_text(EXAMPLE, encoding="utf-8")
    assert invoke(["run", "rot.scenario.toml", "-j1"]) == 0
    assert "A sector rots" in capsys.readouterr().out


def test_what_parts_hold_is_as_the_page_says() -> None:
    found = re.search(r"`generic-nand` needs (\d+) blocks for (\d+) pages, and its 64 give (\d+)", PAGE)
    assert found
    needed, pages, whole = found.groups()
    assert (pages_on(int(needed)), pages_on(64)) == (int(pages), int(whole))


def test_a_block_may_fail_as_often_as_the_page_says() -> None:
    assert MOST_FAILURES == 4
    assert "a block that has reported four failures" in PAGE


def test_the_modules_that_the_page_names_are_there() -> None:
    folder = Path(__file__).parents[2] / "firmware_model" / "translation"
    named = set(re.findall(r"`([a-z]+\.py)`", PAGE))
    assert named == {path.name for path in folder.glob("*.py") if path.name != "__init__.py"}
