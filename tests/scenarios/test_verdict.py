from __future__ import annotations

import json
import os
import re
import stat
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deltabench.scenarios.campaign import run_campaign
from deltabench.scenarios.coverage import Covered, Way
from deltabench.scenarios.crash_id import Cut
from deltabench.scenarios.crash_map import CutRow
from deltabench.scenarios.explorer import Counts, Finding
from deltabench.scenarios.oracle import Rule
from deltabench.scenarios.scenario import Scenario, load_scenario
from deltabench.scenarios.verdict import Result, exit_code, to_json, to_junit, write_whole

DOCUMENT = (Path(__file__).parents[2] / "docs" / "results.md").read_text(encoding="utf-8")
LOST_SAVE = Finding((Cut(4, 1),), Rule.ALL_OR_NOTHING, "SAVE", "nor0 program 0x10+10", "LBA 1 reads zeros")
LOST_WRITE = Finding(
    (Cut(9, 0, "n"), Cut(2, 1)), Rule.DURABILITY, "FLUSH CACHE EXT", "disk0 flush", "LBA 2 reads zeros"
)

NewResult = Callable[..., Result]


@pytest.fixture
def new_result(new_scenario: Callable[..., Scenario]) -> NewResult:
    """A result made up of findings, of a scenario with this ``[expect]`` table."""

    def new(*findings: Finding, expect: str = "", complete: bool = True) -> Result:
        scenario = new_scenario("steps = []\nseed = 5", f"[firmware]\nunits = 8\n[expect]\n{expect}")
        (variant,) = scenario.variants()
        rows = (CutRow(4, "SAVE", "nor0 program", {"nothing": "h", "all": "v"}),)
        covered = Covered(((Way("flag idle", "", "nor0 program"), 70),), (("proven", 70),))
        return Result(variant, 3, 40, Counts(100, 60, 70, len(findings)), findings, 1.23456, complete, rows, covered)

    return new


@pytest.mark.parametrize(
    ("expect", "findings", "complete", "as_expected"),
    [
        ("", [], True, True),
        ("", [], False, False),
        ("", [LOST_SAVE], True, False),
        ('verdict = "violated"', [LOST_SAVE], True, True),
        ('verdict = "violated"', [LOST_SAVE], False, True),
        ('verdict = "violated"', [], True, False),
        ('verdict = "violated"\nrule = "durability"', [LOST_SAVE], True, False),
        ('verdict = "violated"\nrule = "durability"', [LOST_SAVE, LOST_WRITE], True, True),
        ('exceptions = { flagged = { verdict = "violated" } }', [LOST_SAVE], True, True),
        ('exceptions = { plain = { verdict = "violated" } }', [LOST_SAVE], True, False),
    ],
)
def test_what_comes_out_is_held_against_what_the_scenario_expects(
    expect: str, findings: list[Finding], complete: bool, as_expected: bool, new_result: NewResult
) -> None:
    result = new_result(*findings, expect=expect, complete=complete)
    assert result.as_expected is as_expected
    assert (result.problem() == "") is as_expected
    assert exit_code([result]) == (0 if as_expected else 1)


@pytest.mark.parametrize(
    ("expect", "findings", "complete", "problem"),
    [
        ("", [], False, "interrupted before it was finished"),
        ("", [LOST_SAVE], True, "1 violation, of all-or-nothing: LBA 1 reads zeros"),
        ("", [LOST_SAVE, LOST_WRITE], True, "2 violations; the first, of all-or-nothing: LBA 1 reads zeros"),
        ('verdict = "violated"', [], True, "expected a violation, and found none"),
        ('verdict = "violated"', [], False, "expected a violation, and found none before it was interrupted"),
        (
            'verdict = "violated"\nrule = "durability"',
            [LOST_SAVE],
            True,
            "expected a violation of durability, and found only others",
        ),
    ],
)
def test_a_problem_is_told_in_one_sentence(
    expect: str, findings: list[Finding], complete: bool, problem: str, new_result: NewResult
) -> None:
    assert new_result(*findings, expect=expect, complete=complete).problem() == problem


def test_the_json_of_a_result_holds_what_came_out(new_result: NewResult) -> None:
    document = json.loads(to_json([new_result(LOST_SAVE, LOST_WRITE)], interrupted=True))
    assert (document["schema"], document["interrupted"]) == ("deltabench.result/1", True)
    (result,) = document["results"]
    assert (result["scheme"], result["atom_store"], result["seed"]) == ("flagged", "nor", 5)
    assert (result["verdict"], result["expected"], result["as_expected"]) == ("violated", "holds", False)
    counted = {"generated": 100, "distinct": 60, "verified": 70, "violations": 2}
    assert {name: count for name, count in result["counts"].items() if count} == counted
    assert result["elapsed_s"] == 1.235
    assert [violation["id"] for violation in result["violations"]] == [
        "small:flagged-nor:4.1",
        "small:flagged-nor:9.0n/2.1",
    ]


def test_junit_has_a_case_a_variant_and_a_failure_where_one_is_not_as_expected(new_result: NewResult) -> None:
    good, bad = new_result(), new_result(LOST_SAVE, LOST_WRITE)
    (suite,) = ET.fromstring(to_junit([good, bad]))
    assert suite.attrib == {"name": "deltabench", "tests": "2", "failures": "1", "errors": "0", "time": "2.469"}
    assert [case.attrib for case in suite] == [{"classname": "small", "name": "flagged-nor", "time": "1.235"}] * 2
    assert suite[0].find("failure") is None
    failure = suite[1].find("failure")
    assert failure is not None
    assert failure.attrib == {"message": bad.problem()}
    assert failure.text is not None
    assert failure.text.splitlines() == [
        "small:flagged-nor:4.1: all-or-nothing: LBA 1 reads zeros",
        "small:flagged-nor:9.0n/2.1: durability: LBA 2 reads zeros",
    ]
    assert suite[0].findtext("system-out") == (
        "3 commands, 40 media operations, 100 crash states, 60 distinct, 70 verified, 0 violations"
    )


def test_junit_is_xml_whatever_the_firmware_says(new_result: NewResult, tmp_path: Path) -> None:
    noise = Finding((), Rule.USABILITY, "boot", "nowhere", "stopped: \0\x1b[31m <&> \ud800 \ufffe ✓ 😀\ttab")
    text = to_junit([new_result(noise)])
    write_whole(tmp_path / "junit.xml", text)
    failure = ET.parse(tmp_path / "junit.xml").find(".//failure")
    assert failure is not None
    assert failure.text == r"small:flagged-nor:-: usability: stopped: \x00\x1b[31m <&> \xd800 \xfffe ✓ 😀" + "\ttab"


def keys(value: Any, path: str = "") -> Iterator[str]:
    """The path of each key in a JSON document, ``[]`` for the entries of a list."""
    if isinstance(value, dict):
        for key, inner in value.items():
            here = f"{path}.{key}" if path else key
            yield here
            yield from keys(inner, here)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner, f"{path}[]")


def test_every_key_of_the_json_is_documented_and_every_documented_key_is_there(new_result: NewResult) -> None:
    written = list(keys(json.loads(to_json([new_result(LOST_SAVE)], interrupted=False))))
    documented = re.findall(
        r"^\| `(\w[\w.\[\]]*)` \| (?:string|boolean|list|integer|number|object) \|", DOCUMENT, re.MULTILINE
    )
    assert documented == written


def test_every_rule_is_documented() -> None:
    row = next(line for line in DOCUMENT.splitlines() if line.startswith("| `results[].violations[].rule`"))
    assert re.findall(r"`([a-z-]+)`", row.split("|")[3]) == [rule.value for rule in Rule]


def block(language: str) -> str:
    """The one block of the document in this language."""
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    return str(text)


def run_documented(folder: Path, scenario: str) -> list[Result]:
    path = folder / "two-units.scenario.toml"
    path.write_text(scenario, encoding="utf-8")
    return run_campaign(load_scenario(path, path.name).variants())[0]


def without_times(text: str) -> str:
    return re.sub(r'("elapsed_s": |time=")[0-9.]+', r"\1…", text)


def test_the_documented_json_is_what_the_documented_scenario_gives(tmp_path: Path) -> None:
    results = run_documented(tmp_path, block("toml"))
    assert without_times(to_json(results, interrupted=False)) == without_times(block("json"))


def test_the_documented_junit_is_what_that_scenario_gives_when_it_is_to_hold(tmp_path: Path) -> None:
    results = run_documented(tmp_path, block("toml").partition("[expect]")[0])
    assert without_times(to_junit(results)) == without_times(block("xml"))


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text("old")
    write_whole(path, "new ✓\n")
    assert path.read_text(encoding="utf-8") == "new ✓\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_has_the_rights_that_any_new_file_has(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    write_whole(tmp_path / "result.json", "{}")
    rights = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(rights) == 1


def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "result.json"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("cut_short", [KeyboardInterrupt, UnicodeError])
def test_nothing_half_written_is_left_where_there_was_nothing(
    cut_short: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: int) -> None:
        raise cut_short

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(cut_short):
        write_whole(tmp_path / "result.json", "new")
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(path, "{}")
        assert os.read(reader, 10) == b"{}"
    finally:
        os.close(reader)
    assert path.is_fifo()
