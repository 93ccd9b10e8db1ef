"""docs/disk.md shows what the commands take and print."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from deltabench.tools.cli import invoke

REPOSITORY = Path(__file__).parents[2]
DOC = (REPOSITORY / "docs" / "disk.md").read_text(encoding="utf-8")
REAL, TRACE, OWN = re.findall(r"```\n(.*?)```", DOC, re.DOTALL)
(SCRIPT,) = re.findall(r"```python\n(.*?)```", DOC, re.DOTALL)


def test_the_trace_of_ones_own_is_validated_as_typed_and_every_key_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    part = (REPOSITORY / "hwsim" / "parts" / "generic-disk.toml").read_text(encoding="utf-8")
    Path("mine.toml").write_text(part, encoding="utf-8")
    Path("mine.trace").write_text(TRACE, encoding="utf-8")
    assert invoke(OWN.split()[1:]) == 0
    assert Path("mine.svg").is_file()
    document = json.loads(Path("mine.json").read_text(encoding="utf-8"))
    explained = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (.*?) \|", DOC, re.MULTILINE))))
    assert {*document, *document["all"]} <= explained
    assert f"`{document['schema']}`" in DOC


def test_the_script_runs() -> None:
    names: dict[str, int] = {}
    exec(SCRIPT, names)
    assert names["done_ns"] > 0


if "DELTABENCH_BARRACUDA" in os.environ:

    def test_the_figures_of_the_real_drive_are_what_the_command_prints(
        monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(os.environ["DELTABENCH_BARRACUDA"])
        typed, *shown = REAL.splitlines()
        assert invoke(typed.split()[2:]) == 0
        assert capsys.readouterr().out.splitlines() == shown
