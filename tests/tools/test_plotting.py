"""``plot``, ``report`` and ``compare`` as they are typed."""

from __future__ import annotations

import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from deltabench.tools.cli import invoke

Printed = pytest.CaptureFixture[str]


@pytest.fixture
def here(documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own, with the documents in it."""
    for path in documents.glob("*.json"):
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_plot_writes_one_file_a_picture_and_prints_its_finding(here: Path, capsys: Printed) -> None:
    assert invoke(["plot", "measured.json", "-o", "new/pictures"]) == 0
    out = capsys.readouterr().out
    files = sorted(path.name for path in (here / "new" / "pictures").iterdir())
    printed = sorted(Path(line).name for line in out.splitlines() if line.endswith(".svg"))
    assert printed == files
    assert "maps-maps-step-by-step.svg" in files
    assert "  maps-step-by-step: SAVE gives 2 of 4 units a primary on the other side" in out
    for name in files:
        assert ET.parse(here / "new" / "pictures" / name).getroot().tag.endswith("svg")


def test_plot_tells_of_what_there_is_nothing_to_draw(here: Path, capsys: Printed) -> None:
    invoke(["measure", "save-by-host", "--scheme", "flagged", "--store", "nvram", "--json", "quiet.json"])
    capsys.readouterr()
    assert invoke(["plot", "quiet.json", "--only", "erases"]) == 5
    assert capsys.readouterr().out == "no picture: No NOR sector was erased. There are no erases to draw.\n"
    assert not list(here.glob("*.svg"))


def test_plot_draws_only_what_is_asked_for_and_as_png_too(here: Path, capsys: Printed) -> None:
    assert invoke(["plot", "measured.json", "--only", "latency-save", "--only", "time", "--format", "png"]) == 0
    assert sorted(path.name for path in here.glob("*.*g")) == [
        "latency-save-maps-step-by-step.png",
        "latency-save-random-work-on-nor.png",
        "time-maps-step-by-step.png",
        "time-random-work-on-nor.png",
    ]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in here.glob("*.png"))


def test_plot_lists_without_writing(here: Path, capsys: Printed) -> None:
    assert invoke(["plot", "holdup.json", "--list"]) == 0
    name, title = capsys.readouterr().out.splitlines()
    assert (name, title.startswith("  plain-nvram is safe from")) == ("holdup-maps-step-by-step", True)
    assert not list(here.glob("*.svg"))


def test_plot_overwrites_nothing_silently(here: Path, capsys: Printed) -> None:
    assert invoke(["plot", "holdup.json"]) == 0
    (before,) = here.glob("*.svg")
    before.write_text("mine", encoding="utf-8")
    assert invoke(["plot", "holdup.json"]) == 4
    assert f"{before.name} is there already" in capsys.readouterr().err
    assert before.read_text(encoding="utf-8") == "mine"
    assert invoke(["plot", "holdup.json", "--force"]) == 0
    assert before.read_text(encoding="utf-8") != "mine"


def test_plot_names_the_pictures_there_are_if_none_is_named_so(here: Path, capsys: Printed) -> None:
    assert invoke(["plot", "holdup.json", "--only", "wear"]) == 5
    assert capsys.readouterr().err == (
        "deltabench: holdup.json: no picture has a name that begins so; there is holdup-maps-step-by-step\n"
    )


@pytest.mark.parametrize("command", ["plot bad.json", "compare bad.json cuts.json"])
def test_a_file_that_is_no_result_is_told_in_one_line(command: str, here: Path, capsys: Printed) -> None:
    (here / "bad.json").write_text('{"schema": "deltabench.result/9"}', encoding="utf-8")
    assert invoke(command.split()) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("deltabench: bad.json: schema = 'deltabench.result/9': is not a schema of this deltabench")


def test_a_report_holds_every_picture_and_table_of_every_document(report_page: Path) -> None:
    page = report_page.read_text(encoding="utf-8")
    figures = re.findall(r"<figure .*?</figure>", page, re.DOTALL)
    assert len(figures) > 30
    assert all("<svg " in figure or "to draw" in figure for figure in figures)
    assert all("<table>" in figure for figure in figures if "<svg " in figure)
    assert [
        re.search(rf"<h2[^>]*>{name}.json: ", page) is not None for name in ("cuts", "endured", "holdup", "measured")
    ]


def test_a_report_needs_nothing_else_and_has_no_id_twice(report_page: Path) -> None:
    page = report_page.read_text(encoding="utf-8")
    addresses = set(re.findall(r'https?://[^"\s<>)]+', page))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert not re.search(r"<script|<link(?! rel=\"icon\" href=\"data:,\")|@import", page)
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]*)"', page)) <= set(ids)


def test_files_that_are_no_results_are_named_and_left_out(here: Path, capsys: Printed) -> None:
    (here / "notes.json").write_text("{}", encoding="utf-8")
    (here / "measured.json").unlink()
    (here / "endured.json").unlink()
    assert invoke(["report", "."]) == 0
    out, err = capsys.readouterr()
    assert out == "report.html: cuts.json, endured-flash.json, holdup.json, measured-flash.json\n"
    assert err.startswith("left out: notes.json: is not a document of deltabench")
    page = (here / "report.html").read_text(encoding="utf-8")
    assert "Not shown" in page
    assert "notes.json: is not a document" in page


def test_a_report_escapes_what_scenarios_are_called(here: Path) -> None:
    (here / "measured.json").unlink()
    (here / "endured.json").unlink()
    text = (here / "cuts.json").read_text(encoding="utf-8")
    (here / "cuts.json").write_text(text.replace("maps-step-by-step", "<b>&bold"), encoding="utf-8")
    assert invoke(["report", "."]) == 0
    page = (here / "report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;&amp;bold" in page
    assert "<b>" not in page


def test_a_report_on_nothing_is_none(tmp_path: Path, capsys: Printed) -> None:
    assert invoke(["report", str(tmp_path)]) == 5
    assert "there is no result in the folder to report on" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_report_is_the_same_each_time(here: Path) -> None:
    (here / "measured.json").unlink()
    (here / "endured.json").unlink()
    assert invoke(["report", ".", "-o", "one.html"]) == 0
    assert invoke(["report", ".", "-o", "other.html"]) == 0
    assert (here / "one.html").read_bytes() == (here / "other.html").read_bytes()


def test_a_report_is_not_overwritten_silently(here: Path, capsys: Printed) -> None:
    (here / "report.html").write_text("mine", encoding="utf-8")
    assert invoke(["report", "."]) == 4
    assert "is there already" in capsys.readouterr().err
    assert (here / "report.html").read_text(encoding="utf-8") == "mine"


@pytest.fixture
def two_schemes(here: Path, capsys: Printed) -> Callable[[str, str], None]:
    """Measures two variants of a scenario into a.json and b.json."""

    def measure(one: str, other: str) -> None:
        for scheme, name in ((one, "a"), (other, "b")):
            assert invoke(["measure", "random-work-on-nor", "--scheme", scheme, "--json", f"{name}.json"]) == 0
        capsys.readouterr()

    return measure


def test_compare_prints_what_differs_with_its_ratio(two_schemes: Callable[[str, str], None], capsys: Printed) -> None:
    two_schemes("flagged", "history")
    assert invoke(["compare", "a.json", "b.json"]) == 0
    out = capsys.readouterr().out
    assert "A: random-work-on-nor:flagged-nor   B: random-work-on-nor:history-nor" in out
    assert re.search(r"^scheme +flagged +history$", out, re.MULTILINE)
    assert re.search(r"^SAVE, 50 % +[\d.]+ ms +[\d.]+ ms +0\.\d+$", out, re.MULTILINE)
    assert re.search(r"^\d+ figures are the same in both\.$", out, re.MULTILINE)
    assert not re.search(r"^units ", out, re.MULTILINE)
    assert max(map(len, out.splitlines())) <= 80
    assert invoke(["compare", "a.json", "b.json", "--all"]) == 0
    assert re.search(r"^units +12 +12 +1$", capsys.readouterr().out, re.MULTILINE)


def test_compare_draws_both_on_the_same_axes_or_side_by_side(
    two_schemes: Callable[[str, str], None], here: Path, capsys: Printed
) -> None:
    two_schemes("flagged", "history")
    assert invoke(["compare", "a.json", "b.json", "--html", "ab.html"]) == 0
    page = (here / "ab.html").read_text(encoding="utf-8")
    figures = re.findall(r"<figure .*?</figure>", page, re.DOTALL)
    both = [figure for figure in figures if 'class="both"' in figure]
    assert any("under A (flagged-nor)" in figure and "B (history-nor)" in figure for figure in both)
    sides = [re.findall(r'class="side">(.*?)<', figure) for figure in figures if figure not in both]
    assert sides[:2] == [["A (flagged-nor)"], ["B (history-nor)"]]
    assert invoke(["compare", "a.json", "b.json", "--html", "ab.html"]) == 4


@pytest.mark.parametrize("name", ["cuts", "measured", "holdup", "endured"])
def test_a_document_is_the_same_as_itself(name: str, here: Path, capsys: Printed) -> None:
    assert invoke(["compare", f"{name}.json", f"{name}.json", "--html", "same.html"]) == 0
    assert not re.search(r"B / A|Only in", capsys.readouterr().out)


def test_runs_that_only_one_has_are_named(here: Path, capsys: Printed) -> None:
    invoke(["run", "maps-step-by-step", "--scheme", "plain", "--store", "nvram", "-j1", "--json", "one.json"])
    capsys.readouterr()
    assert invoke(["compare", "one.json", "cuts.json"]) == 0
    out = capsys.readouterr().out
    assert "maps-step-by-step:plain-nvram\nAll 7 figures are the same." in out
    assert "Only in B: maps-step-by-step:flagged-nvram, maps-step-by-step:versioned-nvram" in out


def test_documents_of_two_kinds_are_not_compared(here: Path, capsys: Printed) -> None:
    assert invoke(["compare", "cuts.json", "measured.json"]) == 4
    assert "cuts.json is a deltabench.result/1 and measured.json a deltabench.measurement/1" in capsys.readouterr().err


def test_documents_without_runs_have_nothing_to_compare(here: Path, capsys: Printed) -> None:
    (here / "none.json").write_text('{"schema": "deltabench.result/1", "results": []}', encoding="utf-8")
    assert invoke(["compare", "none.json", "cuts.json"]) == 5
    assert "have no runs to compare" in capsys.readouterr().err
