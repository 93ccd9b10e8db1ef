"""docs/pictures.md: its commands run as they are written, and its table names every picture there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from deltabench.scenarios.documents import read_document
from deltabench.tools.cli import invoke
from deltabench.tools.pictures.gallery import chapters

PAGE = (Path(__file__).parents[2] / "docs" / "pictures.md").read_text(encoding="utf-8")


def test_the_commands_run_as_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^deltabench (.*)$", PAGE, re.MULTILINE)
    assert len(commands) == 9
    for command in commands:
        assert invoke(shlex.split(command)) == 0, command
    assert {path.name for path in tmp_path.glob("*.html")} == {"report.html", "both.html"}
    assert list(tmp_path.glob("pictures/*.svg"))
    assert list(tmp_path.glob("crash-map-*.png"))


def test_every_picture_is_explained_and_of_the_command_that_gives_it(documents: Path) -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (`[^|]*`) \|", PAGE, re.MULTILINE)
    explained = {(name, command) for name, commands in rows for command in re.findall(r"`(\w+)`", commands)}
    names = sorted((name for name, _ in rows), key=len, reverse=True)
    files = {
        "cuts": "run",
        "measured": "measure",
        "measured-flash": "measure",
        "holdup": "holdup",
        "endured": "endure",
        "endured-flash": "endure",
    }
    given = {
        (next(name for name in names if picture.name.startswith(name)), command)
        for file, command in files.items()
        for chapter in chapters(read_document(documents / f"{file}.json"))
        for picture in chapter.pictures
    }
    rare = {("crash-map-in-order", "run"), ("growth", "measure")}
    assert given == explained - rare, "those are of long workloads, and of several numbers of units"
