"""``deltabench endure`` and docs/endurance.md, typed as a reader types them."""

from __future__ import annotations

import re
import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deltabench.scenarios.documents import Endurance, read_document
from deltabench.tools import enduring
from deltabench.tools.cli import invoke
from deltabench.tools.lifetimes import span

PAGE = (Path(__file__).parents[2] / "docs" / "endurance.md").read_text(encoding="utf-8")
SMALL = ["endure", "years.scenario.toml", "--units", "64", "--sectors-per-unit", "8", "--commands-per-day", "1000"]


@pytest.fixture(autouse=True)
def _in_a_folder_with_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    Path("years.scenario.toml").write_text(example, encoding="utf-8")


def test_the_page_shows_what_the_commands_print(capsys: pytest.CaptureFixture[str]) -> None:
    shown = [
        (line, text)
        for block in re.findall(r"```\n(\$ .*?)```", PAGE, re.DOTALL)
        for line, text in re.findall(r"^\$ \S+/deltabench (.*?)\n(.*?)(?=^\$ |\Z)", block, re.DOTALL | re.MULTILINE)
    ]
    assert len(shown) == 4
    for line, text in shown:
        assert invoke(shlex.split(line)) == 0
        assert capsys.readouterr().out.rstrip() == text.rstrip(), line


def test_the_trace_of_the_page_runs_in_pure_python_as_compiled(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{128166372000000000 + n * 10**8},hm,1,Write,{n * 7919 * 512},4096,1" for n in range(50)]
    Path("hm_1.csv").write_text("\n".join(rows) + "\n")
    found = re.search(r"`(--trace .*?)`", PAGE)
    assert found
    arguments = ["endure", "years.scenario.toml", "--units", "64", "--years", "0.1", "--save-every", "50"]
    arguments += shlex.split(found[1])
    outputs = []
    for more in ([], ["--no-jit"]):
        assert invoke([*arguments, *more]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    assert "hm_1.csv again and again; a save every 50 commands, no restores" in outputs[0]


def test_results_are_written_and_never_overwritten_silently(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*SMALL, "--years", "0.1", "--json", "years.json", "--csv", "years.csv", "--scheme", "versioned"]
    assert invoke(arguments) == 0
    document = read_document(Path("years.json"))
    assert isinstance(document, Endurance)
    assert [run.run for run in document.runs] == [
        "years.scenario.toml:versioned-nor",
        "years.scenario.toml:versioned-nvram",
    ]
    assert "years.scenario.toml:versioned-nor,saves,saves,,36\n" in Path("years.csv").read_text()
    assert invoke(arguments) == 4
    assert "years.json is there already" in capsys.readouterr().err
    assert invoke([*arguments, "--force"]) == 0


def test_ctrl_c_ends_with_2_and_keeps_what_is_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def bar_that_interrupts(_what: str, _unit: str) -> Iterator[object]:
        yield lambda done, _total: signal.raise_signal(signal.SIGINT) if done > 50_000 else None

    monkeypatch.setattr(enduring, "rate_bar", bar_that_interrupts)
    assert invoke([*SMALL, "--years", "0.1", "--scheme", "plain", "--json", "early.json", "--csv", "early.csv"]) == 2
    assert "Interrupted: cut short: plain-nvram." in capsys.readouterr().out
    document = read_document(Path("early.json"))
    assert isinstance(document, Endurance)
    assert document.interrupted
    assert [run.ended for run in document.runs] == ["all done", "interrupted"]
    assert Path("early.csv").is_file()


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (["--hot", "1"], "'1' is not two shares like 0.1:0.9"),
        (["--trace", "x.csv"], "--trace x.csv needs --format: one of blkparse, "),
        (["--format", "msr"], "--format is for a trace"),
        (["--wrap"], "--wrap is for a trace"),
        (["--trace", "x.csv", "--format", "msr"], "x.csv: cannot be read"),
        (["--scheme", "mine"], "'mine' is not one of 'plain', 'flagged'"),
        (["--sectors", "513"], "sectors = 513: allowed: 1 to 512"),
        (["--reads", "2"], "reads = 2.0: allowed: a share from 0 to 1"),
    ],
)
def test_wrong_options_are_named(more: list[str], what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*SMALL, *more]) == 4
    assert what in capsys.readouterr().err


def test_nand_flash_is_shown_with_what_its_layer_makes_of_the_writes(capsys: pytest.CaptureFixture[str]) -> None:
    Path("flash.scenario.toml").write_text(
        """
title = "NAND flash"
steps = []
board.devices.nand0 = { part = "generic-mlc", blocks = 40 }
firmware = { store = "nand", units = 70 }
""",
        encoding="utf-8",
    )
    arguments = [
        "endure",
        "flash.scenario.toml",
        "--commands-per-day",
        "10000",
        "--sectors",
        "1",
        "--json",
        "nand.json",
    ]
    assert invoke(arguments) == 0
    out = capsys.readouterr().out
    found = re.search(r"nand0 generic-mlc +[\d,]+ erases +3,000 +\d+ days +(\S.*), \d+ % of pages", out)
    assert found
    document = read_document(Path("nand.json"))
    assert isinstance(document, Endurance)
    assert document.runs[0].wear_out[0].driven_by.startswith(found[1])
    (flash,) = document.runs[0].flash
    assert "nand0 generic-mlc, behind its translation layer\n" in out
    line = rf"flagged-nand +{flash.host_pages:,} +{flash.programmed_pages:,} +{flash.write_amplification:.2f} "
    assert re.search(line, out)


def test_a_scenario_in_write_back_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["endure", "demo"]) == 4
    assert "firmware.cache = 'write-back'" in capsys.readouterr().err


def test_pure_python_is_announced_where_numba_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DELTABENCH_NO_NUMBA", "1")
    for more, announced in (([], True), (["--no-jit"], False)):
        assert invoke([*SMALL, "--years", "0.01", *more]) == 0
        assert ("pip install 'deltabench[fast]'" in capsys.readouterr().err) is announced


@pytest.mark.parametrize(
    ("store", "more", "what"),
    [
        (
            "nor",
            ["--save-every", "0", "--units", "900", "--years", "1"],
            "All that has a rated endurance wears no more: nothing was written to it in the second half of the run.",
        ),
        ("nor", ["--save-every", "0", "--units", "900"], "All that has a rated endurance lasts over 1,000 years."),
        (
            "nor",
            ["--years", "0.01"],
            "Too little was worn to tell when anything will be worn out: run it for more years.",
        ),
        (
            "nor",
            ["--years", "0.01", "--store", "nvram"],
            "nor0 of history-nor: worn too little to tell when; run it for more years. "
            "All else that has a rated endurance lasts over 1,000 years.",
        ),
        ("nor", ["--commands-per-day", "1e6"], "nor0 of history-nor wears out after"),
        ("disk", [], "Nothing that was worn has a rated endurance"),
        ("nvram", [], "All that has a rated endurance lasts over 1,000 years."),
    ],
)
def test_the_last_sentence_says_what_was_found(
    store: str, more: list[str], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke([*SMALL, "--years", "0.5", "--scheme", "history", "--store", store, *more]) == 0
    assert what in capsys.readouterr().out.replace("\n", " ")


@pytest.mark.parametrize(
    ("hot", "what"),
    [
        ("0.1:0.9", "90 % of them in 9.38 % of the volume;"),
        ("0.001:0.9", "spread evenly over the volume;"),
        ("0.999:0.9", "spread evenly over the volume;"),
    ],
)
def test_the_hot_region_is_told_as_it_fits_the_volume(hot: str, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke([*SMALL, "--years", "0.01", "--hot", hot, "--save-every", "1"]) == 0
    out = capsys.readouterr().out
    assert what in out
    assert "a save every 1 command, no restores" in out


@pytest.mark.parametrize(
    ("years", "text"),
    [(0.01, "3.7 days"), (0.2, "73 days"), (0.5, "0.50 years"), (12.4, "12 years"), (5000, "over 1,000 years")],
)
def test_a_span_has_a_few_digits(years: float, text: str) -> None:
    assert span(years) == text
