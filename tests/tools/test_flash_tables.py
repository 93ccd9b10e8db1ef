"""The tables of NAND flash that ``deltabench measure`` and ``endure`` print."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from deltabench.scenarios.documents import Endurance, Measurement, read_document
from deltabench.tools.flash_tables import print_flash
from deltabench.tools.measuring import print_measurement


def runs_in(documents: Path, name: str) -> Measurement | Endurance:
    document = read_document(documents / f"{name}.json")
    assert isinstance(document, Measurement | Endurance)
    return document


def printed(document: Measurement | Endurance, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    print_flash(console, document.runs)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


@pytest.mark.parametrize("name", ["measured-flash", "endured-flash"])
@pytest.mark.parametrize("width", [80, 120])
def test_a_line_a_variant_fits_the_terminal(name: str, width: int, documents: Path) -> None:
    document = runs_in(documents, name)
    lines = printed(document, width)
    assert lines[:2] == ["", "nand0 generic-nand, behind its translation layer"]
    assert max(map(len, lines)) <= width
    assert [line.split()[0] for line in lines[4:]] == ["flagged-nand", "flagged-nor", "history-nand", "history-nor"]
    for line, run in zip(lines[4:], document.runs, strict=True):
        (flash,) = run.flash
        cells = line.split()
        assert cells[1:4] == [
            f"{flash.host_pages:,}",
            f"{flash.programmed_pages:,}",
            f"{flash.write_amplification:.2f}",
        ]
        assert cells[-3:] == [f"{flash.most_erases:,}", f"{flash.spread:.2f}", f"{flash.spare_blocks_left}"]
    assert ("moved" in lines[3]) is (width == 120) or len(lines[3]) <= 80
    assert not any("gone bad" in line for line in lines), "none has"


def test_names_give_way_where_nothing_else_can(documents: Path) -> None:
    assert max(map(len, printed(runs_in(documents, "measured-flash"), 50))) <= 50


def test_without_nand_flash_nothing_is_printed(documents: Path) -> None:
    assert printed(runs_in(documents, "measured"), 80) == []


def test_nor_sectors_are_not_mixed_up_with_blocks(documents: Path) -> None:
    document = runs_in(documents, "measured-flash")
    assert isinstance(document, Measurement)
    console = Console(file=io.StringIO(), width=120, highlight=False)
    print_measurement(console, document.runs, interrupted=False)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    (on_nand,) = (line for line in lines[:6] if line.startswith("flagged-nand"))
    assert on_nand.split()[-1] == "-"
