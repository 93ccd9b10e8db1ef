"""The ``deltabench`` command as a person meets it: output, exit codes, result files, interruption."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from deltabench.scenarios.campaign import run_campaign
from deltabench.scenarios.explorer import Counts
from deltabench.scenarios.scenario import load_scenario
from deltabench.scenarios.verdict import Result
from deltabench.tools.cli import invoke
from deltabench.tools.report import print_report

COMMAND = (sys.executable, "-c", "from deltabench.tools.cli import main; main()")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def scenario(folder: Path, text: str, name: str = "mine.scenario.toml") -> str:
    (folder / name).write_text(text)
    return name


SMALL = """title = "small"
[board.devices]
disk0 = { part = "generic-disk", sectors = 256 }
[firmware]
store = "disk"
units = 16
[[steps]]
do = "write"
lba = 1
[[steps]]
do = "save"
"""


def test_a_run_that_comes_out_as_expected_ends_with_0(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["run", scenario(here, SMALL), "-j1"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^flagged-disk +2 +\d+ +\d+ +\d+ +\d+ +0 +\d+\.\d s +holds", out, re.MULTILINE)
    assert re.search(
        r"^[\d,]+ crash states generated, [\d,]+ recoveries run and judged\. It came out as expected\.$",
        out,
        re.MULTILINE,
    )
    assert not re.search(r" $", out, re.MULTILINE)


def test_a_violation_ends_with_1_and_is_told_with_its_id_and_how_to_replay_it(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["run", scenario(here, 'matrix.scheme = ["plain"]\n' + SMALL), "-j1"]) == 1
    out = capsys.readouterr().out
    assert "all-or-nothing is violated" in out
    assert 'LBA 1 reads zeros, and should read "LBA 1 by command 0"' in out
    command = re.search(r"replay +deltabench (replay \S+)$", out, re.MULTILINE)
    assert command
    assert invoke(command[1].split()) == 1
    assert "all-or-nothing is violated" in capsys.readouterr().out


def test_a_violation_that_the_scenario_expects_ends_with_0(here: Path) -> None:
    text = 'matrix.scheme = ["plain"]\nexpect = { verdict = "violated", rule = "all-or-nothing" }\n' + SMALL
    assert invoke(["run", scenario(here, text), "-j1"]) == 0


def test_an_expected_violation_that_is_missing_ends_with_1(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["run", scenario(here, 'expect = { verdict = "violated" }\n' + SMALL), "-j1"]) == 1
    assert "expected a violation" in capsys.readouterr().out


def test_nothing_selected_ends_with_5(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["run", scenario(here, SMALL), "--scheme", "history"]) == 5
    message = capsys.readouterr().err
    assert "nothing selected" in message
    assert "the schemes there are: flagged; the stores: disk" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title = ", "is not valid TOML"),
        (SMALL.replace("generic-disk", "W25Q64JX"), "Is W25Q64JV meant?"),
        (SMALL.replace("units = 16", "units = 1000"), "does not fit"),
        (SMALL.replace("units = 16", "units = 16\nvolume_a = { start = 4 }"), "overlaps"),
        (SMALL.replace("lba = 1", "lba = 16"), "runs beyond the volume, whose last LBA is 15"),
        (SMALL.replace("lba = 1", "lbq = 1"), "did you mean 'lba'?"),
        (SMALL.replace('"disk"', '"dusk"'), "allowed: 'nvram', 'disk', 'nor'"),
        ('controller = "nowhere:Nothing"\n' + SMALL, "module 'nowhere' cannot be imported"),
        (SMALL + '[[steps]]\ndo = "trace"\nfile = "no.trace"\nformat = "msr"\n', "no.trace"),
    ],
)
def test_bad_input_ends_with_4_and_says_where_and_what_is_allowed(
    here: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    assert invoke(["run", scenario(here, text), "--json", "r.json"]) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("deltabench: mine.scenario.toml: ") or "no.trace" in captured.err
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert os.listdir(here) == ["mine.scenario.toml"]


@pytest.mark.parametrize(
    "arguments", [["run"], ["run", "nowhere"], ["frobnicate"], ["replay", "x"], ["parts", "x"], ["scenarios", "x"], []]
)
def test_wrong_usage_ends_with_4(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(arguments) == 4
    assert "Traceback" not in capsys.readouterr().err


def test_results_are_not_overwritten_unless_asked_for(here: Path) -> None:
    (here / "r.json").write_text("mine")
    name = scenario(here, SMALL)
    assert invoke(["run", name, "-j1", "--json", "r.json"]) == 4
    assert (here / "r.json").read_text() == "mine"
    assert invoke(["run", name, "-j1", "--json", "r.json", "--force"]) == 0
    assert json.loads((here / "r.json").read_text())["schema"] == "deltabench.result/1"


@pytest.mark.parametrize("before", ["mine", None])
def test_a_result_file_that_is_a_link_is_written_through_it(here: Path, before: str | None) -> None:
    if before:
        (here / "target").write_text(before)
    (here / "r.json").symlink_to("target")
    assert invoke(["run", scenario(here, SMALL), "-j1", "--json", "r.json", *(["--force"] if before else [])]) == 0
    assert (here / "r.json").is_symlink()
    assert json.loads((here / "target").read_text())["schema"] == "deltabench.result/1"


def test_results_on_standard_output_stand_before_the_report_also_in_a_file(here: Path) -> None:
    command = (*COMMAND, "run", scenario(here, SMALL), "-j1", "--json", "/dev/stdout")
    with (here / "out").open("wb") as out:
        subprocess.run(command, stdout=out, check=True, cwd=here)
    document, end = json.JSONDecoder().raw_decode((here / "out").read_text())
    assert document["schema"] == "deltabench.result/1"
    assert "came out as expected" in (here / "out").read_text()[end:]


@pytest.mark.parametrize("junit", ["r.out", "./r.out", "link"])
def test_one_file_for_both_results_is_refused(here: Path, capsys: pytest.CaptureFixture[str], junit: str) -> None:
    (here / "link").symlink_to("r.out")
    assert invoke(["run", scenario(here, SMALL), "--json", "r.out", "--junit", junit]) == 4
    assert "name the same file" in capsys.readouterr().err
    assert not (here / "r.out").exists()


def test_output_that_cannot_be_written_is_named(here: Path) -> None:
    command = (*COMMAND, "run", scenario(here, SMALL), "-j1")
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False, cwd=here)
    assert (run.returncode, run.stderr) == (4, b"deltabench: standard output: No space left on device\n")
    run = subprocess.run((*command, "--json", "/dev/full"), capture_output=True, check=False, cwd=here)
    assert (run.returncode, run.stderr) == (4, b"deltabench: /dev/full: No space left on device\n")
    assert b"came out as expected" in run.stdout


def test_every_bad_file_is_reported(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario(here, "title = 3\n", "a.scenario.toml")
    scenario(here, SMALL.replace("lba = 1", "lba = 16"), "b.scenario.toml")
    scenario(here, SMALL.replace("generic-disk", "nothing"), "c.scenario.toml")
    scenario(here, SMALL, "d.scenario.toml")
    for named, wrong in (["a", "b", "c", "d"], "abc"), (["b", "c", "d"], "bc"):
        assert invoke(["run", *(f"{name}.scenario.toml" for name in named)]) == 4
        captured = capsys.readouterr()
        assert captured.out == ""
        told = [line for line in captured.err.splitlines() if line.startswith("deltabench: ")]
        assert [line.split(":")[1] for line in told] == [f" {name}.scenario.toml" for name in wrong]


def results_of(folder: Path) -> list[Result]:
    text = 'matrix.scheme = ["plain", "flagged"]\nexpect.exceptions.plain.verdict = "violated"\n' + SMALL
    return run_campaign(load_scenario(folder / scenario(folder, text), "mine").variants())[0]


def report(width: int, results: list[Result], *, interrupted: bool = False) -> str:
    screen = StringIO()
    print_report(Console(file=screen, width=width, highlight=False), results, interrupted=interrupted)
    return screen.getvalue()


@pytest.mark.parametrize(("width", "columns"), [(100, 3), (80, 2), (70, 1)])
def test_a_narrow_terminal_leaves_columns_out_and_cuts_nothing(here: Path, width: int, columns: int) -> None:
    large = [
        result._replace(commands=12_345, operations=123_456, counts=Counts(*[1_234_567] * 3, result.counts.violations))
        for result in results_of(here)
    ]
    shown = report(width, large)
    heading, *rows = [line for line in shown.splitlines() if re.match(r"and store|plain-disk|flagged-disk", line)]
    assert len({"distinct", "time", "verdict"} & set(heading.split())) == columns
    assert [row.split()[-1] for row in rows] == ["caught", "holds"]
    assert "…" not in shown.replace(" …", "")
    assert max(map(len, shown.splitlines())) <= width


def test_the_name_of_a_class_is_folded_before_a_verdict_is_cut(here: Path) -> None:
    (here / "guest_of_ours.py").write_text(
        "from deltabench.firmware_model.schemes.flagged import Flagged\n"
        "class AMapSchemeWithANameThatIsMuchLongerThanATerminalIsWideByAnyReasonableMeasure(Flagged): pass\n"
    )
    guest = "guest_of_ours:AMapSchemeWithANameThatIsMuchLongerThanATerminalIsWideByAnyReasonableMeasure"
    results, _ = run_campaign(load_scenario(here / scenario(here, f'matrix.scheme = ["{guest}"]\n{SMALL}')).variants())
    (row,) = [line for line in report(80, results).splitlines() if line.startswith("AMap")]
    assert row.rstrip().endswith(" holds")
    assert "…" not in report(80, results)


def test_an_interrupted_run_names_what_was_not_finished_and_does_not_call_it_unexpected(here: Path) -> None:
    plain, flagged = results_of(here)
    shown = report(200, [plain, flagged._replace(complete=False)], interrupted=True)
    assert (
        shown.rstrip()
        .splitlines()[-1]
        .endswith("run and judged. Interrupted: 1 of 2 variants was not finished (flagged-disk).")
    )
    assert "did not come out" not in shown
    shown = report(
        200, [plain._replace(findings=(), complete=False), flagged._replace(complete=False)], interrupted=True
    )
    assert "2 of 2 variants were not finished (plain-disk, flagged-disk)." in shown
    assert "did not come out" not in shown


def test_a_folder_stands_for_the_scenario_files_in_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "power").mkdir()
    scenario(here / "power", SMALL, "one.scenario.toml")
    scenario(here / "power", SMALL, "two.scenario.toml")
    assert invoke(["run", "power", "-j1"]) == 0
    assert "All 2 variants" in capsys.readouterr().out


def test_scenarios_and_parts_are_listed_for_people_and_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["scenarios"]) == 0
    assert "save-by-host" in capsys.readouterr().out
    assert invoke(["scenarios", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) >= 20
    assert invoke(["scenarios", "save-by-host"]) == 0
    assert capsys.readouterr().out.startswith("# ")
    assert invoke(["parts"]) == 0
    assert "ST32171W" in capsys.readouterr().out
    assert invoke(["parts", "W25Q64JV", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["page_bytes"] == 256


def test_a_replay_shows_operations_maps_and_flags_around_the_cut(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["replay", "save-by-host:flagged-nor:5.1"]) == 0
    out = capsys.readouterr().out
    assert "The device is doing: SAVE" in out
    assert "flag idle→switching" in out
    assert re.search(r"cut  power is cut; this operation leaves: ", out)
    assert re.search(r"boot  power on", out)
    assert "  DDM  ...11....." in out
    assert "All rules hold after this crash." in out


def test_piped_output_has_no_colour_and_no_progress(here: Path) -> None:
    run = subprocess.run((*COMMAND, "run", scenario(here, SMALL)), capture_output=True, check=True, cwd=here)
    assert b"\x1b" not in run.stdout + run.stderr
    assert run.stderr == b""


def test_ctrl_c_ends_with_2_and_keeps_what_was_found(here: Path) -> None:
    long = SMALL + '[[steps]]\ndo = "random"\ncommands = 20000\n[power]\ndepth = 2\n'
    run = subprocess.Popen(
        (*COMMAND, "run", scenario(here, long), "-j2", "--json", "r.json"), cwd=here, start_new_session=True
    )
    # The workers begin only when there is something to find; their parent's file is not there before the end.
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not _has_children(run.pid):
        os.sched_yield()
    os.killpg(run.pid, signal.SIGINT)
    assert run.wait(60) == 2
    document = json.loads((here / "r.json").read_text())
    assert document["interrupted"] is True
    assert document["results"][0]["complete"] is False
    assert document["results"][0]["as_expected"] is False


def _has_children(pid: int) -> bool:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return len(children.read_text().split()) >= 2


def test_a_terminal_gets_a_progress_bar(here: Path) -> None:
    long = SMALL + '[[steps]]\ndo = "random"\ncommands = 300\n'
    screen, terminal = pty.openpty()
    try:
        process = subprocess.Popen(
            (*COMMAND, "run", scenario(here, long), "-j1"),
            cwd=here,
            stdout=subprocess.DEVNULL,
            stderr=terminal,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
        )
        os.close(terminal)
        shown = b""
        try:
            while chunk := os.read(screen, 65536):
                shown += chunk
        except OSError:
            pass  # the other end of a pseudo-terminal is closed: Linux reports an input/output error
        assert process.wait(60) == 0
    finally:
        os.close(screen)
    assert b"cutting power" in shown
    assert b"302" in shown
