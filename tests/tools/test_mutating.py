"""``deltabench mutants`` as a person sees it: tables, what came out wrong, result files, exit codes."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from deltabench.scenarios.documents import Violated
from deltabench.scenarios.mutants.documents import Explored, Hunted, Mutation, Verdict
from deltabench.tools.cli import invoke
from deltabench.tools.mutant_tables import print_campaign

ONE = ["--scheme", "flagged", "--store", "disk", "-j1"]
KILL = Violated(id="mutants/no-flag:flagged-nor:1.2", rule="bounded-recovery", doing="SAVE", cut="there", detail="Bad.")
LONG = "A boot takes the block that was being switched for switched, and goes on behind it, as if nothing was."


def hunted(name: str, verdict: Verdict, *, violation: Violated | None = None, equivalent: str = "") -> Hunted:
    run = Explored(
        variant="flagged-nor", scheme="flagged", atom_store="nor", crash_states=12_345, elapsed_s=12.3456,
        complete=violation is None, violation=violation,
    )  # fmt: skip
    return Hunted(
        name=name, part="a part", mistake=LONG, breaks="a rule", firmware="module:Class", settings="standard", needs="",
        equivalent=equivalent, verdict=verdict, runs=(run,) * 9,
    )  # fmt: skip


def shown(document: Mutation, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    print_campaign(console, document, in_full=False)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


DOCUMENT = Mutation(
    catalogue="our catalogue",
    controls=(),
    mutants=(
        hunted("takes-answers-for-requests", "killed", violation=KILL),
        hunted("never-proves", "equivalent", equivalent="It only wears more."),
    ),
)


@pytest.mark.parametrize(("width", "with_mistakes"), [(80, False), (120, True)])
def test_a_table_fits_its_terminal_and_has_mistakes_where_there_is_room(width: int, with_mistakes: bool) -> None:
    lines = shown(DOCUMENT, width)
    assert max(map(len, lines)) <= width
    row = next(line for line in lines if line.startswith("takes-answers-for-requests"))
    for cell in ("killed 9/9", "bounded-recovery", "12,345", "12,346 ms"):
        assert cell in row
    assert ("A boot takes the block" in row) == with_mistakes


def test_a_survivor_is_told_in_full_and_a_kill_is_not() -> None:
    survivor = hunted("no-flag", "survived")
    text = "\n".join(shown(msgspec.structs.replace(DOCUMENT, mutants=(*DOCUMENT.mutants, survivor)), 200))
    assert "no-flag: survived" in text
    assert "survives  flagged-nor" in text
    assert "takes-answers-for-requests: killed" not in text
    assert "1 mutant not killed as expected." in text


def test_a_mutant_that_is_named_is_told_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["mutants", "no-flag", *ONE]) == 0
    out = capsys.readouterr().out
    assert "no-flag: killed\n  mistake   No save flag: VSM is switched" in out
    assert "replay    deltabench replay mutants/no-flag:flagged-disk:" in out
    assert out.rstrip().endswith("1 killed.")


def test_the_result_files_are_written_and_not_over_others(tmp_path: Path) -> None:
    files = ["--json", str(tmp_path / "m.json"), "--junit", str(tmp_path / "m.xml")]
    assert invoke(["mutants", "no-flag", *ONE, *files]) == 0
    document = json.loads((tmp_path / "m.json").read_text())
    assert document["schema"] == "deltabench.mutation/1"
    assert [mutant["verdict"] for mutant in document["mutants"]] == ["killed"]
    assert [case.get("classname") for case in ET.parse(tmp_path / "m.xml").iter("testcase")] == [
        "mutants/standard",
        "mutants/no-flag",
    ]
    assert invoke(["mutants", "no-flag", *ONE, *files]) == 4


def test_the_list_has_a_line_for_each_and_runs_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["mutants", "--list", "ckpt-*", "--scheme", "history"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("ckpt-")]
    assert "ckpt-drops-history" in names
    assert "ckpt-drops-target" not in names


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["no-flag", "--scheme", "history"], 5, "nothing selected"),
        (["nobody"], 4, "nobody: no such mutant in our catalogue"),
        (["--catalogue", "a:B", "--scenario", "demo", "c:D"], 4, "exclude each other"),
        (["--scenario", "demo"], 4, "--scenario needs the mutants"),
        (["--scenario", "demo", "none:Class"], 4, "module 'none' cannot be imported"),
        (["--scenario", "dema", "none:Class"], 4, "dema: neither a file nor a scenario of the library"),
    ],
)
def test_what_cannot_be_run_is_told(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["mutants", *arguments]) == code
    assert message in capsys.readouterr().err


def test_a_mutant_runs_as_any_scenario_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["run", "mutants/no-flag", *ONE]) == 0
    assert "caught" in capsys.readouterr().out
