"""``deltabench measure`` and ``deltabench holdup``: what they print, write, and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deltabench.scenarios import measure
from deltabench.scenarios.documents import HoldUp, Measurement, read_document
from deltabench.tools.cli import invoke
from deltabench.tools.holding import farads


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scenario_text: str) -> str:
    """A scenario file in the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("small.scenario.toml").write_text(scenario_text, encoding="utf-8")
    return "small.scenario.toml"


def test_a_measurement_is_written_in_all_three_forms(scenario: str) -> None:
    files = ["--json", "m.json", "--csv", "m.csv", "--openmetrics", "m.txt"]
    assert invoke(["measure", scenario, *files]) == 0
    document = read_document(Path("m.json"))
    assert isinstance(document, Measurement)
    assert [run.run for run in document.runs] == ["small.scenario.toml:flagged-nvram"]
    assert "small.scenario.toml:flagged-nvram,saves,saves,,1" in Path("m.csv").read_text(encoding="utf-8")
    assert 'deltabench_saves_total{run="small.scenario.toml:flagged-nvram"} 1.0' in Path("m.txt").read_text("utf-8")


def test_a_hold_up_is_written_with_its_capacitor(scenario: str) -> None:
    text = Path(scenario).read_text(encoding="utf-8") + 'scheme = "plain"\n'
    Path(scenario).write_text(text, encoding="utf-8")
    assert invoke(["holdup", scenario, "--json", "h.json", "--from-volts", "3.3", "--to-volts", "2.7"]) == 0
    document = read_document(Path("h.json"))
    assert isinstance(document, HoldUp)
    (run,) = document.runs
    assert (document.from_mv, document.to_mv) == (3300, 2700)
    assert run.least_us
    assert run.capacitance_nf == -(-2 * 2500 * run.least_us * 1_000_000 // (3300**2 - 2700**2))


def test_nothing_is_overwritten_and_no_work_done_for_a_file_that_is_there(
    scenario: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("m.csv").write_text("mine", encoding="utf-8")
    for command in (["measure", scenario, "--csv", "m.csv"], ["holdup", scenario, "--json", "m.csv"]):
        assert invoke(command) == 4
        assert "m.csv is there already" in capsys.readouterr().err
    assert invoke(["measure", scenario, "--json", "x", "--csv", "x"]) == 4
    assert "--json x and --csv x name the same file" in capsys.readouterr().err
    assert Path("m.csv").read_text(encoding="utf-8") == "mine"


def test_an_interruption_before_anything_is_through_says_just_that(
    scenario: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(measure.Recorder, "run", interrupted)
    assert invoke(["holdup", scenario, "--json", "h.json"]) == 2
    assert capsys.readouterr().out.strip() == "Interrupted before the first variant was through."
    assert json.loads(Path("h.json").read_text(encoding="utf-8"))["interrupted"] is True


def test_what_cannot_be_a_capacitor_is_refused_before_any_work(
    scenario: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["holdup", scenario, "--from-volts", "3", "--to-volts", "5"]) == 4
    assert "gives off energy only while its voltage falls" in capsys.readouterr().err


def test_a_variant_that_is_not_there_is_nothing_to_measure(scenario: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["measure", scenario, "--scheme", "history"]) == 5
    assert "the schemes there are: flagged" in capsys.readouterr().err


def test_an_interrupted_measurement_keeps_what_there_is(
    scenario: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> object:
        raise KeyboardInterrupt

    first = measure.Recorder.run
    runs: list[object] = []

    def once(recorder: measure.Recorder, *given: object) -> object:
        runs.append(recorder)
        return first(recorder, *given) if len(runs) == 1 else interrupted()

    monkeypatch.setattr(measure.Recorder, "run", once)
    assert invoke(["measure", scenario, scenario, "--json", "m.json"]) == 2
    table = json.loads(Path("m.json").read_text(encoding="utf-8"))
    assert table["interrupted"] is True
    assert len(table["runs"]) == 1
    assert "Interrupted" in capsys.readouterr().out


def test_capacitors_are_rounded_up() -> None:
    assert [farads(nf) for nf in (0, 470, 1001, 508_001, 10_440_001)] == [
        "0 nF",
        "470 nF",
        "1.1 µF",
        "509 µF",
        "10.5 mF",
    ]
