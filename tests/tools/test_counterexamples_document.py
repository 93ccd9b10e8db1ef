"""docs/counterexamples.md: its commands print what is shown there, and its keys are those of the JSON document."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import msgspec
import pytest

from deltabench.scenarios.counterexamples import documents
from deltabench.tools.cli import invoke

DOC = (Path(__file__).parents[2] / "docs" / "counterexamples.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```\n\$ \.venv/bin/deltabench (.*?)\n(.*?)```", DOC, re.DOTALL)
CASE = "case.scenario.toml"


def words(text: str) -> list[str]:
    """Lines without how they are spaced, and without times."""
    text = re.sub(r"\d+\.\d s", "T s", text)
    return [" ".join(line.split()) for line in text.strip().splitlines()]


def test_the_commands_print_what_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert [command.split()[0] for command, _ in BLOCKS] == ["explain", "shrink", "run", "replay"]
    for command, shown in BLOCKS:
        assert invoke([*shlex.split(command), *(["-j1"] if command.startswith("run") else [])]) in (0, 1), command
        printed = words("".join(reversed(capsys.readouterr())))
        wanted = words(shown)
        if wanted[-1:] == ["…"]:
            wanted, printed = wanted[:-1], printed[: len(wanted) - 1]
        assert printed == wanted, command
        if command.startswith("shrink"):
            (file,) = re.findall(r"```toml\n(.*?)```", DOC, re.DOTALL)
            assert Path(CASE).read_text(encoding="utf-8") == file
    assert {path.suffix for path in tmp_path.iterdir()} == {".toml", ".html", ".vcd", ".gtkw"}


def test_every_key_of_the_json_document_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "why.json"
    assert invoke(["explain", "save-by-host:plain-nor:5.6n", "--json", str(path)]) == 1
    written = json.loads(path.read_text())
    assert written["schema"] == "deltabench.explanation/1"
    keys = set(re.findall(r"^\| `([a-z_]+)` \|", DOC, re.MULTILINE))
    for kind in (documents.Explanation, documents.Tried, documents.MediaChange, documents.BytesChanged):
        assert set(kind.__struct_fields__) <= keys, kind
    assert msgspec.json.decode(path.read_bytes(), type=documents.Explanation).need == "together"


def test_every_need_is_explained() -> None:
    needs = re.findall(r"^\| `([a-z]+)` \| [A-Z]", DOC, re.MULTILINE)
    assert set(documents.Need.__args__) <= set(needs)


@pytest.mark.parametrize("command", ["explain", "shrink", "replay"])
def test_what_is_no_crash_is_bad_input(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    for crash, what in (
        ("nothing", "'nothing' is not a crash id"),
        ("save-by-host:plain-nor:999.0", "999"),
        ("save-by-host:plain-tape:1.0", "no variant 'plain-tape'"),
    ):
        assert invoke([command, crash]) == 4
        error = capsys.readouterr().err
        assert error.startswith("deltabench: ")
        assert what in error
        assert "Traceback" not in error


def test_shrink_writes_no_file_over_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / CASE
    path.write_text("mine")
    assert invoke(["shrink", "save-by-host:plain-nor:5.6n", "-o", str(path)]) == 4
    assert path.read_text() == "mine"
    assert "is there already" in capsys.readouterr().err


def test_shrink_prints_the_file_where_none_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["shrink", "save-by-host:plain-nor:5.6n", "--only-this-cut"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("# Shrunk from save-by-host:plain-nor:5.6n, 4 actions, to 2.\n")
    assert 'cuts = "at"' in captured.out
    assert captured.err.startswith("4 actions to 2, by ")


def test_too_few_runs_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["shrink", "random-work-on-nor:plain-nor:13.6n", "--most-runs", "8"]) == 0
    assert "--most-runs 8 did not suffice to try all that may be left out" in capsys.readouterr().err


def test_explain_without_a_violation_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["explain", "save-by-host:flagged-nor:5.6n"]) == 4
    assert "all rules hold after this crash; there is nothing to explain" in capsys.readouterr().err


def test_the_script_says_what_the_command_says(capsys: pytest.CaptureFixture[str]) -> None:
    lines = DOC.partition("## From Python")[2].splitlines()
    exec("\n".join(line.removeprefix("    ") for line in lines if line.startswith("    ")), {})
    assert capsys.readouterr().out.strip() in DOC
