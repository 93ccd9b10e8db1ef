"""Campaigns that are killed, at any moment, and taken up again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from deltabench.tools.cli import invoke

COMMAND = (sys.executable, "-c", "from deltabench.tools.cli import main; main()")
DIES_IN_THE_NTH = """
import os, signal, sys

name, left = sys.argv.pop(1), int(sys.argv.pop(1))
really = getattr(os, name)

def die(*arguments, **options):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return really(*arguments, **options)

setattr(os, name, die)
from deltabench.tools.cli import main
main()
"""
"""Kills itself as it calls a function of the system: each piece is forced, renamed, and forced with its folder."""
SCENARIO = """
title = "Work to be interrupted"
seed = 5
steps = [{ do = "random", commands = 30, mix = { write = 6, save = 2, restore = 1, power_cycle = 1 } }]

[board.devices]
disk0 = { part = "generic-disk", sectors = 128 }
fram0 = { part = "FM25V10" }

[firmware]
units = 24
sectors_per_unit = 1


[matrix]
scheme = ["plain", "versioned"]
store = ["nvram"]

[expect.exceptions.plain]
verdict = "violated"
"""
PIECES = 2 * 30
END_S = 60


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work.scenario.toml").write_text(SCENARIO)
    return tmp_path


def results(path: str) -> Any:
    document = json.loads(Path(path).read_text())
    for result in document["results"]:
        del result["elapsed_s"]
    return document


def recorded(folder: Path) -> dict[str, int]:
    """The finished pieces, and the file that each is: one that is written again is another."""
    return {path.name: path.stat().st_ino for path in folder.glob("*.piece")}


def resume(*more: str) -> int:
    return invoke(["run", "work.scenario.toml", "--resume", "state", "--json", "resumed.json", "--force", *more])


@pytest.mark.parametrize(("call", "number"), [("fsync", 1), ("fsync", 2), ("fsync", 9), ("fsync", 118), ("fsync", 119)])
def test_work_killed_while_a_piece_is_written_is_taken_up_without_loss_and_without_repeating(
    here: Path, call: str, number: int
) -> None:
    assert invoke(["run", "work.scenario.toml", "-j1", "--json", "whole.json"]) == 0
    arguments = (call, str(number), "run", "work.scenario.toml", "-j1", "--resume", "state", "--json", "killed.json")
    killed = subprocess.run((sys.executable, "-c", DIES_IN_THE_NTH, *arguments), cwd=here, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (here / "killed.json").exists()
    before = recorded(here / "state")
    assert len(before) == number // 2
    assert resume("-j1") == 0
    assert results("resumed.json") == results("whole.json")
    after = recorded(here / "state")
    assert len(after) == PIECES
    assert before.items() <= after.items()


@pytest.mark.parametrize("pieces", [1, 7, 40])
def test_work_of_several_processes_killed_from_outside_is_taken_up_and_leaves_none_of_them_behind(
    here: Path, pieces: int
) -> None:
    assert invoke(["run", "work.scenario.toml", "-j1", "--json", "whole.json"]) == 0
    run = subprocess.Popen((*COMMAND, "run", "work.scenario.toml", "-j2", "--resume", "state"), cwd=here)
    deadline = time.monotonic() + END_S
    while len(recorded(here / "state")) < pieces and time.monotonic() < deadline:
        os.sched_yield()
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
    run.kill()
    assert run.wait(END_S) == -signal.SIGKILL
    while any(is_running(child) for child in children):
        assert time.monotonic() < deadline, "a worker has outlived its parent"
        os.sched_yield()
    before = recorded(here / "state")
    assert pieces <= len(before)
    assert resume("-j2") == 0
    assert results("resumed.json") == results("whole.json")
    assert before.items() <= recorded(here / "state").items()


def is_running(pid: str) -> bool:
    """Whether the process is there, and not just waiting for its exit code to be asked for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_work_that_was_killed_is_done_in_shares_and_by_any_number_of_processes_as_well(here: Path) -> None:
    assert invoke(["run", "work.scenario.toml", "-j1", "--json", "whole.json"]) == 0
    for number in (1, 2, 3):
        assert resume("-B", f"{number}/3", "-j2") == 0
    before = recorded(here / "state")
    assert len(before) == PIECES
    assert resume("-j1") == 0
    assert recorded(here / "state") == before
    assert results("resumed.json") == results("whole.json")


def test_a_changed_scenario_does_not_use_what_was_found_of_the_old_one(here: Path) -> None:
    assert resume("-j1") == 0
    old = results("resumed.json")
    (here / "work.scenario.toml").write_text(SCENARIO.replace("seed = 5", "seed = 7"))
    assert invoke(["run", "work.scenario.toml", "-j1", "--json", "whole.json"]) == 0
    assert resume("-j1") == 0
    assert results("resumed.json") == results("whole.json") != old
    assert len(recorded(here / "state")) == 2 * PIECES


def test_a_changed_class_of_the_users_own_is_explored_anew_and_a_changed_expectation_is_not(here: Path) -> None:
    (here / "own_to_resume.py").write_text("from base_to_resume import Base\nclass Own(Base): pass\n")
    base = here / "base_to_resume.py"
    base.write_text("from deltabench.firmware_model.schemes.flagged import Flagged as Base\n")
    text = SCENARIO.replace('"plain", "versioned"', '"own_to_resume:Own"').partition("[expect")[0]
    run = (*COMMAND, "run", "work.scenario.toml", "-j1", "--resume", "state")
    (here / "work.scenario.toml").write_text(text)
    assert subprocess.run(run, cwd=here, check=False).returncode == 0
    (here / "work.scenario.toml").write_text(f'{text}\n[expect]\nverdict = "violated"\n')
    assert subprocess.run(run, cwd=here, check=False).returncode == 1
    assert len(recorded(here / "state")) == PIECES / 2
    base.write_text("from deltabench.firmware_model.schemes.plain import Plain as Base\n")
    assert subprocess.run(run, cwd=here, check=False).returncode == 0
    assert len(recorded(here / "state")) == PIECES


def test_a_piece_that_was_damaged_is_done_again(here: Path) -> None:
    assert resume("-j1") == 0
    whole, before = results("resumed.json"), recorded(here / "state")
    damaged = sorted((here / "state").iterdir())[3]
    damaged.write_bytes(damaged.read_bytes().replace(b"[", b"{", 1))
    assert resume("-j1") == 0
    assert results("resumed.json") == whole
    assert {name for name, file in recorded(here / "state").items() if before[name] != file} == {damaged.name}


def test_a_record_that_cannot_be_written_is_an_error_with_its_name(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "file").write_text("")
    assert invoke(["run", "work.scenario.toml", "--resume", "file"]) == 4
    assert "file" in capsys.readouterr().err
    assert invoke(["run", "work.scenario.toml", "-j1", "--resume", "file/state"]) == 4
    assert capsys.readouterr().err == "deltabench: file/state: Not a directory\n"
