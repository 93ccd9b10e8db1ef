"""``deltabench validate-disk``: what it prints and writes, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from deltabench.tools.cli import invoke

TRACE = """\
R Hit 1000 4 9000.00000 20000.00000
R Hit 1004 4 700.00000 30000.00000
W Hit 64000 8 500.00000 10000.00000
"""


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a trace in the working folder."""
    monkeypatch.chdir(tmp_path)
    Path("my.trace").write_text(TRACE, encoding="utf-8")
    return "my.trace"


def test_it_prints_a_line_each_for_all_reads_and_writes(trace: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["validate-disk", "generic-disk", trace]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["generic-disk", "requests", "mean", "mean", "demerit", "mean"]
    assert [line.split()[:4] for line in lines[2:]] == [
        ["all", "3", "3.400", "ms"],
        ["reads", "2", "4.850", "ms"],
        ["writes", "1", "0.500", "ms"],
    ]
    assert all(re.search(r"\d+\.\d{3} ms +\d+\.\d %$", line) for line in lines[2:])


def test_the_json_file_has_what_is_printed(trace: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["validate-disk", "generic-disk", trace, "--json", "out.json"]) == 0
    document = json.loads(Path("out.json").read_text(encoding="utf-8"))
    assert list(document) == ["schema", "part", "trace", "all", "reads", "writes"]
    assert f"{document['all']['demerit_us'] / 1000:.3f} ms" in capsys.readouterr().out


def test_the_plot_is_an_svg_whose_title_says_the_finding(trace: str) -> None:
    assert invoke(["validate-disk", "generic-disk", trace, "--plot", "out.svg", "--json", "out.json"]) == 0
    picture = Path("out.svg").read_text(encoding="utf-8")
    demerit_us = json.loads(Path("out.json").read_text(encoding="utf-8"))["all"]["demerit_us"]
    assert f"<title>The model of the generic-disk is {demerit_us / 1000:.3f} ms off the drive" in picture
    for text in ("service time, ms", "requests served within, %", "measured", "simulated"):
        assert text in picture


def test_the_plot_may_be_a_png(trace: str) -> None:
    assert invoke(["validate-disk", "generic-disk", trace, "--plot", "out.png"]) == 0
    assert Path("out.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_is_overwritten_unless_forced(trace: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("out.svg").write_text("mine", encoding="utf-8")
    assert invoke(["validate-disk", "generic-disk", trace, "--plot", "out.svg"]) == 4
    assert "is there already" in capsys.readouterr().err
    assert Path("out.svg").read_text(encoding="utf-8") == "mine"
    assert invoke(["validate-disk", "generic-disk", trace, "--plot", "out.svg", "--force"]) == 0
    assert Path("out.svg").read_text(encoding="utf-8") != "mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["generic-dsk", "my.trace"], "there is no part 'generic-dsk'. Is generic-disk meant?"),
        (["FM25V10", "my.trace"], "FM25V10 is a part of kind nvram; only a disk"),
        (["./none.toml", "my.trace"], "none.toml: cannot be read"),
        (["generic-disk", "none.trace"], "none.trace: cannot be read: No such file"),
        (["generic-disk", "bad.trace"], "bad.trace:1: expected"),
        (["generic-disk", "my.trace", "--plot", "out.pdf"], "ends in .svg or .png"),
        (["generic-disk", "my.trace", "--json", "none/out.json"], "the folder none does not exist"),
    ],
)
def test_what_cannot_be_used_is_named(
    trace: str, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("bad.trace").write_text("R 1 2 3\n", encoding="utf-8")
    assert invoke(["validate-disk", *arguments]) == 4
    message = capsys.readouterr().err
    assert said in message
    assert "Traceback" not in message


def test_a_request_beyond_the_part_is_named_by_its_line(trace: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("far.trace").write_text(TRACE + "R Hit 4100000 4 9000.0 1.0\n", encoding="utf-8")
    assert invoke(["validate-disk", "generic-disk", "far.trace"]) == 4
    message = capsys.readouterr().err
    assert "far.trace:4: a request beyond generic-disk, which has the sectors 0 to 65535" in message
