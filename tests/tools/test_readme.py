"""README.md shows what the commands print: times apart, exactly that."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deltabench.tools.cli import invoke

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def shown(after: str) -> list[str]:
    """The lines of the code block that begins with ``after``, times masked."""
    block = re.search(rf"```\n{re.escape(after)}(.*?)```", README, re.DOTALL)
    assert block, after
    return masked(block[1])


def masked(text: str) -> list[str]:
    text = re.sub(r" *\d+\.\d s", " T s", text)
    text = re.sub(r"CPU *$", "CPU", text, flags=re.MULTILINE)
    return [re.sub(r" +", " ", line).rstrip() for line in text.strip().splitlines()]


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    invoke(list(arguments))
    return masked(capsys.readouterr().out)


def test_the_replay_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = shown("$ .venv/bin/deltabench replay demo:plain-nor:6.6n\n")
    assert printed(capsys, "replay", "demo:plain-nor:6.6n") == wanted


def test_the_first_scenario_of_ones_own_runs_as_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    own, exception = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "mine.scenario.toml").write_text(own)
    wanted = shown("$ .venv/bin/deltabench run mine.scenario.toml\n")
    assert printed(capsys, "run", "mine.scenario.toml", "-j1") == wanted
    assert invoke(["run", "mine.scenario.toml", "-j1"]) == 1
    (tmp_path / "mine.scenario.toml").write_text(own + exception)
    assert invoke(["run", "mine.scenario.toml", "-j1"]) == 0


def test_plain_is_caught_in_the_demo_as_shown(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = shown("demo: mke2fs")
    out = printed(capsys, "run", "demo", "--scheme", "plain")
    row = next(line for line in out if line.startswith("plain-nor"))
    assert row in wanted
    story = out[out.index("demo, plain-nor: all-or-nothing is violated, as expected") :][:7]
    assert all(line in wanted for line in story)


def test_what_the_report_is_made_by_runs_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    section = README[README.index("## What it costs") : README.index("## More")]
    lines = re.findall(r"^    (\S.*)$", section, re.MULTILINE)
    assert [line.split()[0] for line in lines] == ["mkdir", ".venv/bin/deltabench", ".venv/bin/deltabench"]
    (tmp_path / lines[0].split()[1]).mkdir()
    for line in lines[1:]:
        assert invoke(line.split()[1:]) == 0, line
    assert (tmp_path / "results" / "report.html").is_file()


def test_the_way_from_simulator_to_board_is_as_typed(shell: Callable[..., Any], tmp_path: Path) -> None:
    section = README[README.index("## From simulator to board") : README.index("## More")]
    (typed,) = re.findall(r"```shell\n(.*?)```", section, re.DOTALL)
    # Under job control, and so that no board is left running whatever happens.
    script = "set -em\ntrap 'kill $(jobs -p) 2>&-' EXIT\n" + typed.replace(".venv/bin/", "")
    (tmp_path / "typed.sh").write_text(script, encoding="utf-8")
    done = shell("bash typed.sh", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    wanted = masked(section[section.index("save-by-host: A save") :].partition("```")[0])
    assert masked(done.stdout)[-len(wanted) :] == wanted


def test_what_a_power_failure_left_is_inspected_as_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    story = README[README.index("$ .venv/bin/deltabench image build --crash") :].partition("```")[0]
    for command, wanted in re.findall(
        r"^\$ .venv/bin/deltabench (.*?)\n(.*?)(?=^\$ |\Z)", story, re.DOTALL | re.MULTILINE
    ):
        assert printed(capsys, *command.split()) == masked(wanted)


@pytest.mark.soak
def test_the_whole_demo_prints_what_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "demo")[1:] == shown("demo: mke2fs")[1:]


def test_every_page_that_is_linked_is_there() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert (Path(__file__).parents[2] / link).is_file(), link
