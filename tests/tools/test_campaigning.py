"""The options of ``deltabench run`` for large campaigns, and ``deltabench merge``."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from deltabench.tools.cli import invoke

EXPECTED = '\n[expect.exceptions.plain]\nverdict = "violated"\n'
MATRIX = '\n[matrix]\nscheme = ["flagged", "plain"]\n'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scenario_text: str) -> Path:
    """A folder with ``good`` (as expected) and ``bad`` (whose `plain` is not)."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.scenario.toml").write_text(scenario_text + MATRIX + EXPECTED)
    (tmp_path / "bad.scenario.toml").write_text(scenario_text + MATRIX)
    return tmp_path


def read(path: str) -> Any:
    return json.loads(Path(path).read_text())


def timeless(document: Any) -> Any:
    return {**document, "results": [{**result, "elapsed_s": 0} for result in document["results"]]}


def runs(path: str) -> list[str]:
    return [f"{result['scenario'].partition('.')[0]} {result['variant']}" for result in read(path)["results"]]


@pytest.mark.parametrize("share", ["0/8", "9/8", "3", "3/", "a/b", "-1/2", "1/0", "3/8/9"])
def test_what_is_no_share_is_refused(here: Path, capsys: pytest.CaptureFixture[str], share: str) -> None:
    assert invoke(["run", ".", f"-B{share}"]) == 4
    assert f"{share!r} is no share; allowed: 1/1, or as 3/8, the third of eight" in capsys.readouterr().err


OF_THE_MODEL = (
    "-B1/2",
    "--resume=state",
    "--scheduler=tcp://host:1",
    "-j1",
    "--coverage",
    "--max-states=2",
    "--max-seconds=1",
)


@pytest.mark.parametrize("option", OF_THE_MODEL)
def test_what_is_for_the_model_has_no_meaning_on_a_board(
    here: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert invoke(["run", "good.scenario.toml", "--target", "socket://localhost:1", option]) == 4
    assert "has no meaning with --target: " in capsys.readouterr().err
    assert not (here / "state").exists()


def test_the_number_of_processes_has_no_meaning_on_a_cluster(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["run", "good.scenario.toml", "--scheduler", "tcp://host:1", "-j2"]) == 4
    assert "--jobs has no meaning with --scheduler" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "code", "share_codes"), [("good", 0, {0}), ("bad", 1, {0, 1})])
def test_merged_shares_are_the_document_of_one_run_and_its_exit_code(
    here: Path, name: str, code: int, share_codes: set[int]
) -> None:
    file = f"{name}.scenario.toml"
    assert invoke(["run", file, "-j1", "--json", "whole.json"]) == code
    codes = {invoke(["run", file, "-j1", "-B", f"{n}/8", "--json", f"{n}.json"]) for n in range(1, 9)}
    assert codes == share_codes
    assert invoke(["merge", *(f"{n}.json" for n in range(8, 0, -1)), "-o", "merged.json"]) == code
    assert timeless(read("merged.json")) == timeless(read("whole.json"))


@pytest.mark.parametrize("partial", ["true", "false"])
def test_merged_results_have_the_verdicts_of_the_run(
    here: Path, capsys: pytest.CaptureFixture[str], partial: str
) -> None:
    text = (here / "good.scenario.toml").read_text(encoding="utf-8")
    text += f'[power]\ncuts = "unbounded"\nmost_states = 5\n[expect]\nverdict = "holds"\npartial = {partial}\n'
    (here / "part.scenario.toml").write_text(text, encoding="utf-8")
    code = 0 if partial == "true" else 1
    for command in (["run", "part.scenario.toml", "--json", "part.json"], ["merge", "part.json"]):
        assert invoke(command) == code
        out = capsys.readouterr().out
        assert " partial\n" in out
        assert ("(expect.partial)" in out) == bool(code)


def test_a_share_tells_only_of_what_it_has(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_ones = 0
    for number in range(1, 9):
        assert invoke(["run", "good.scenario.toml", "-j1", "-B", f"{number}/8", "--junit", f"{number}.xml"]) == 0
        out = capsys.readouterr().out
        cases = [case.get("name") for case in ET.parse(f"{number}.xml").getroot().iter("testcase")]
        assert all((f"\n{name} " in out) == (name in cases) for name in ("flagged-nvram", "plain-nvram"))
        open_ones += out.count(" open\n")
        if cases:
            assert f"Nothing in share {number}/8 speaks against what is expected." in out
        else:
            assert "Nothing is in this share: there are more shares than pieces of work." in out
    assert open_ones == 2  # of the three actions of `plain`, all but its save


def test_a_missing_share_is_named_and_what_lacks_it_is_not_complete(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (1, 3):
        invoke(["run", "good.scenario.toml", "-j1", "-B", f"{number}/3", "--json", f"{number}.json"])
    capsys.readouterr()
    assert invoke(["merge", "1.json", "3.json", "-o", "merged.json"]) == 2
    assert "good.scenario.toml:flagged-nvram: 1 share missing: 2/3" in capsys.readouterr().out
    merged = read("merged.json")
    assert merged["interrupted"] is True
    assert [result["complete"] for result in merged["results"]] == [False, False]
    assert invoke(["run", "--only-failed", "merged.json", "-j1", "--json", "again.json"]) == 0
    assert runs("again.json") == ["good flagged-nvram", "good plain-nvram"]


def share_file(number: int, of: int, name: str = "good") -> str:
    path = f"{name}-{number}-{of}.json"
    invoke(["run", f"{name}.scenario.toml", "-j1", "-B", f"{number}/{of}", "--json", path])
    return path


def test_shares_that_are_not_of_one_whole_are_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = share_file(1, 2), share_file(2, 3)
    invoke(["run", "good.scenario.toml", "-j1", "--json", "whole.json"])
    Path("good.scenario.toml").write_text(Path("good.scenario.toml").read_text().replace("lba = 3", "lba = 4"))
    changed = share_file(2, 2)
    run = "good.scenario.toml:flagged-nvram"
    for files, message in (
        ([one, one], f"{one}: share 1/2 of {run} is in {one} already; allowed: each share once"),
        (
            [one, other],
            f"{other}: {run} was divided into 3 shares, and into 2 in {one}; allowed: shares of one ",
        ),
        ([one, changed], f"{changed}: {run} is not the same work as in {one}: the scenario, a file that it names, "),
        ([one, "whole.json"], f"whole.json: {run} is the result of a whole run, and is in {one} as well; allowed: a "),
        (["whole.json", "whole.json"], f"whole.json: {run} is the result of a whole run, and is in whole.json as well"),
        ([one, "good.scenario.toml"], "good.scenario.toml: is not valid JSON"),
    ):
        capsys.readouterr()
        assert invoke(["merge", *files, "-o", "merged.json"]) == 4
        assert capsys.readouterr().err.startswith(f"deltabench: {message}")
        assert not Path("merged.json").exists()


def test_a_share_with_an_id_that_is_none_is_refused_with_its_file(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [share_file(number, 2, "bad") for number in (1, 2)]
    for path in paths:
        Path(path).write_text(Path(path).read_text().replace('"rule": "all-or-nothing"', '"rule": "half"'))
    capsys.readouterr()
    assert invoke(["merge", *paths]) == 4
    assert "of 'half': 'half' is not a valid Rule" in capsys.readouterr().err


def test_whole_results_of_several_runs_are_put_into_one_document(here: Path) -> None:
    invoke(["run", "good.scenario.toml", "-j1", "--json", "good.json"])
    invoke(["run", "bad.scenario.toml", "-j1", "--json", "bad.json"])
    assert invoke(["merge", "good.json", "bad.json", "-o", "both.json"]) == 1
    assert read("both.json")["results"] == read("good.json")["results"] + read("bad.json")["results"]
    assert invoke(["merge", "good.json", "-o", "both.json"]) == 4
    assert invoke(["merge", "good.json", "-o", "both.json", "--force"]) == 0


def test_only_failed_runs_again_what_did_not_come_out_as_expected(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["run", ".", "-j1", "--json", "all.json"]) == 1
    assert invoke(["run", ".", "-j1", "--only-failed", "all.json", "--json", "again.json"]) == 1
    assert runs("again.json") == ["bad plain-nvram"]
    assert invoke(["run", "-j1", "--only-failed", "all.json", "--json", "again.json", "--force"]) == 1
    assert runs("again.json") == ["bad plain-nvram"]
    Path("bad.scenario.toml").write_text(Path("bad.scenario.toml").read_text() + EXPECTED)
    assert invoke(["run", ".", "-j1", "--only-failed", "all.json", "--json", "again.json", "--force"]) == 0
    for named in ([], ["bad.scenario.toml"]):
        capsys.readouterr()
        assert invoke(["run", *named, "--only-failed", "again.json"]) == 5
        assert "nothing of this is unfinished or otherwise than expected in again.json" in capsys.readouterr().err


def test_only_failed_runs_again_what_was_not_finished_and_nothing_that_is_not_in_the_file(here: Path) -> None:
    invoke(["run", "good.scenario.toml", "-j1", "--json", "all.json"])
    document = read("all.json")
    document["results"][1]["complete"] = False
    Path("all.json").write_text(json.dumps(document))
    assert invoke(["run", "-j1", "--only-failed", "all.json", "--json", "again.json"]) == 0
    assert runs("again.json") == ["good plain-nvram"]
    invoke(["run", ".", "-j1", "--only-failed", "all.json", "--json", "again.json", "--force"])
    assert runs("again.json") == ["good plain-nvram"]


def test_only_failed_wants_results_of_a_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    invoke(["holdup", "good.scenario.toml", "--scheme", "flagged", "--json", "holdup.json"])
    assert invoke(["run", "--only-failed", "holdup.json"]) == 4
    assert "holdup.json: is not a result of `deltabench run`" in capsys.readouterr().err
    assert invoke(["run", "--only-failed", "nowhere.json"]) == 4
    assert invoke(["run"]) == 4
    assert "Missing argument 'SCENARIO...'" in capsys.readouterr().err


def test_nothing_of_dask_is_loaded_by_a_command_that_does_not_use_it() -> None:
    look = "import sys, deltabench.tools.commands; sys.exit(any(m in sys.modules for m in ('distributed', 'dask')))"
    assert subprocess.run((sys.executable, "-c", look), check=False).returncode == 0


def test_without_the_extra_a_scheduler_is_refused_with_what_to_install(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert invoke(["run", "good.scenario.toml", "--scheduler", "tcp://host:1"]) == 4
    assert "pip install 'deltabench[dask]'" in capsys.readouterr().err
