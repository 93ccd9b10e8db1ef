from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from deltabench.scenarios.documents import MeasuredRun, Measurement, Region, Wear, read_document
from deltabench.tools.pictures.gallery import chapters
from deltabench.tools.pictures.overview import overview
from deltabench.tools.pictures.style import Picture, to_svg

NewRun = Callable[..., MeasuredRun]
WORN = Wear(device="nor0", part="W25Q64JV", what="erase", cell="sector of 4,096 bytes", counts=(3, 1))


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        ("cuts", ["Crash states"]),
        (
            "measured",
            [
                "Volumes before and after a save",
                "Maps step by step",
                "Between saves",
                "Write amplification",
                "Latency",
                "Erases over time",
                "Wear",
            ],
        ),
        ("holdup", ["Hold-up time"]),
        ("endured", ["Erases over time", "Write amplification", "Between saves", "Wear"]),
        (
            "measured-flash",
            [
                "Volumes before and after a save",
                "Maps step by step",
                "Between saves",
                "Write amplification",
                "Translation layer",
                "Latency",
                "Erases over time",
                "Wear",
            ],
        ),
        (
            "endured-flash",
            ["Erases over time", "Write amplification", "Translation layer", "Between saves", "Wear"],
        ),
    ],
)
def test_what_the_commands_write_gives_these_pictures(name: str, titles: list[str], documents: Path) -> None:
    document = read_document(documents / f"{name}.json")
    found = chapters(document)
    assert [chapter.title for chapter in found] == titles
    pictures = [picture for chapter in found for picture in chapter.pictures]
    assert len({picture.name for picture in pictures}) == len(pictures)
    for picture in pictures:
        assert picture.title
        assert all(len(row) == len(picture.table.columns) for row in picture.table.rows)
        if picture.draw:
            assert to_svg(picture).startswith("<svg ")
    runs = document.results if name == "cuts" else document.runs
    assert len(overview(document).rows) == len(runs)


def test_what_is_erased_is_called_by_its_name(documents: Path) -> None:
    measured, endured = (
        {
            picture.name: picture
            for chapter in chapters(read_document(documents / f"{name}.json"))
            for picture in chapter.pictures
        }
        for name in ("measured-flash", "endured-flash")
    )
    (erases,) = (picture for name, picture in measured.items() if name.startswith("erases-"))
    assert erases.caption.startswith("Erases of NOR sectors and NAND blocks since the factory, over host commands.")
    assert endured["erases-nand0"].caption.startswith("NAND block erases since the factory")
    assert endured["erases-nor0"].caption.startswith("NOR sector erases since the factory")
    assert endured["most-worn-nand0"].caption.startswith("Erases of the most worn block")
    assert endured["flash-nand0"].title.startswith("nand0 programs ")
    worn = [picture for name, picture in measured.items() if name.startswith("wear-nand0-erase")]
    assert worn
    assert all("Spread " in picture.caption for picture in worn)


def in_chapter(title: str, *runs: MeasuredRun) -> list[Picture]:
    return [
        picture
        for chapter in chapters(Measurement(runs=runs))
        if chapter.title == title
        for picture in chapter.pictures
    ]


def test_runs_that_would_give_the_same_picture_share_one(new_run: NewRun) -> None:
    flagged, history = new_run(), new_run(run="made-up:history-nor", scheme="history")
    (maps,) = in_chapter("Maps step by step", flagged, history)
    assert maps.title == "SAVE gives 2 of 8 units a primary on the other side"
    first, second = in_chapter("Maps step by step", flagged, new_run(run="made-up:history-nor", maps=flagged.maps[:2]))
    assert first.title.startswith("flagged-nor: ")
    assert second.title.startswith("history-nor: ")
    other = new_run(run="another:flagged-nor", scenario="another")
    assert [picture.title.split(": ")[0] for picture in in_chapter("Maps step by step", flagged, other)] == [
        "made-up",
        "another",
    ]


def test_wear_stands_part_by_part_and_where_it_is_alike_once(new_run: NewRun) -> None:
    program = Wear(device="nor0", part="W25Q64JV", what="program", cell="page of 256 bytes", counts=(1,))
    runs = [
        new_run(run=f"made-up:{scheme}-nor", wear=(wear, program))
        for scheme, wear in (
            ("plain", WORN),
            ("flagged", Wear(**{**_fields(WORN), "counts": (9, 1)})),
            ("history", WORN),
        )
    ]
    assert [picture.title for picture in in_chapter("Wear", *runs)] == [
        "plain-nor and history-nor: Sector 0 of nor0 was erased 3 times, 1.5 times the mean",
        "flagged-nor: Sector 0 of nor0 was erased 9 times, 1.8 times the mean",
        "Only page 0 of nor0 was programmed, once",
    ]
    elsewhere = new_run(
        run="made-up:plain-disk", wear=(WORN,), regions=(Region(name="x", device="nor0", first=0, length=9),)
    )
    assert len(in_chapter("Wear", runs[0], elsewhere)) == 3, "the same counts, in other regions"


def _fields(wear: Wear) -> dict[str, object]:
    return {name: getattr(wear, name) for name in wear.__struct_fields__}


def test_runs_whose_names_make_the_same_file_name_have_files_of_their_own(new_run: NewRun) -> None:
    runs = [new_run(run=f"{name}:flagged-nor", scenario=name) for name in ("a.b", "a b", "a-b")]
    assert [picture.name for picture in in_chapter("Maps step by step", *runs)] == [
        "maps-a-b",
        "maps-a-b-2",
        "maps-a-b-3",
    ]


def test_a_document_without_runs_has_no_pictures(new_run: NewRun) -> None:
    assert chapters(Measurement(runs=())) == []
    bare = new_run(counters=(), timeline=(), maps=(), unit_moves=(), unit_sides="0")
    assert not [
        picture.name for chapter in chapters(Measurement(runs=(bare,))) for picture in chapter.pictures if picture.draw
    ]


def test_an_unfinished_run_is_marked_where_it_is_summed_up(new_run: NewRun) -> None:
    (row,) = overview(Measurement(runs=(new_run(complete=False),))).rows
    assert row[0] == "made-up:flagged-nor (not finished)"
