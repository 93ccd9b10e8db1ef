"""docs/remote.md: its tables are those of the code, its scenario holds, its frame is one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from deltabench.firmware_model.commands import SAVE
from deltabench.firmware_model.formats import (
    REMOTE_ANSWER,
    REMOTE_ATOM,
    REMOTE_REQUEST,
    REMOTE_SECTOR,
    Format,
    fields_as_markdown,
)
from deltabench.scenarios.handheld import Handheld
from deltabench.scenarios.scenario import Hostile
from deltabench.tools.cli import invoke

DOC = (Path(__file__).parents[2] / "docs" / "remote.md").read_text(encoding="utf-8")
(SCENARIO,) = re.findall(r"```toml\n(.*?)```", DOC, re.DOTALL)
(SCRIPT,) = re.findall(r"```python\n(.*?)```", DOC, re.DOTALL)


@pytest.mark.parametrize("fmt", [REMOTE_REQUEST, REMOTE_ANSWER, REMOTE_ATOM, REMOTE_SECTOR], ids=lambda fmt: fmt.title)
def test_the_page_has_the_table_of_the_structure(fmt: Format) -> None:
    assert f"\n\n{fields_as_markdown(fmt)}\n" in DOC


def test_the_page_has_a_row_for_each_attack() -> None:
    heading, *rows = re.findall(r"^\| `([a-z-]+)` \|", DOC, re.MULTILINE)
    assert (heading, rows) == ("frame", [kind.value for kind in Hostile])


def test_the_scenario_holds_as_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.scenario.toml").write_text(SCENARIO, encoding="utf-8")
    assert invoke(["run", "mine.scenario.toml", "-j1"]) == 0


def test_the_script_makes_the_frame_that_our_remote_makes() -> None:
    names: dict[str, Any] = {}
    exec(SCRIPT, names)
    remote = Handheld(names["key"])
    assert names["frame"] == remote.frame(remote.press(SAVE))
    assert len(names["frame"]) == 32


def test_a_key_that_cannot_be_used_is_bad_input_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.scenario.toml").write_text(SCENARIO, encoding="utf-8")
    monkeypatch.setenv("DELTABENCH_REMOTE_KEY", "0123456789abcdef")
    assert invoke(["run", "mine.scenario.toml", "-j1"]) == 4
    printed = "".join(capsys.readouterr())
    assert "DELTABENCH_REMOTE_KEY: is a key of 8 bytes; allowed: 16 to 64" in printed
    assert "4567" not in printed
