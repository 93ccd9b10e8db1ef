"""What a translation layer makes of the pages that it is given."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from deltabench.scenarios.flash_summary import Blocks, summary_of
from deltabench.scenarios.flash_use import PAGE_CAUSES, Use
from deltabench.tools.pictures.flash import COLOURS, Programmed, flash_picture
from deltabench.tools.pictures.style import Picture

Drawn = Callable[[Picture], list[str]]


def programmed(label: str, blocks: int = 0, **pages: int) -> Programmed:
    use = Use(pages, blocks, pages.get("collected", 0))
    return Programmed(label, summary_of("nand0", "generic-nand", use, 7, np.array([2, 4, 3]), Blocks((), 1, 2)))


@pytest.mark.parametrize(
    ("runs", "title"),
    [
        (
            [programmed("a", 5, host=100, collected=14, headers=20, checkpoints=6)],
            "nand0 programs 1.4 pages for each that it is given; 50 % of what it adds is for headers",
        ),
        ([programmed("a", host=100)], "nand0 programs 1 pages for each that it is given"),
        (
            [programmed("a", host=100, headers=20), programmed("b", host=100, headers=70)],
            "nand0 programs 1.7 pages for each that it is given under b, and 1.2 under a",
        ),
        (
            [programmed("a", host=100, headers=20), programmed("b", host=200, headers=40)],
            "nand0 programs 1.2 pages for each that it is given, whatever the scheme",
        ),
    ],
)
def test_the_title_says_how_much_more_is_programmed(runs: list[Programmed], title: str, drawn: Drawn) -> None:
    picture = flash_picture("flash", "nand0", runs)
    assert picture.title == title
    assert {run.label for run in runs} <= set(drawn(picture))


def test_all_causes_have_a_colour_and_a_place_in_the_table(drawn: Drawn) -> None:
    assert set(COLOURS) == set(PAGE_CAUSES)
    assert len(set(COLOURS.values())) == len(COLOURS)
    picture = flash_picture("flash", "nand0", [programmed("a", 3, **dict.fromkeys(PAGE_CAUSES, 10))])
    words = drawn(picture)
    assert {"given", "garbage collection", "failed blocks emptied", "failed programs", "10.00"} <= set(words)
    row = dict(zip(picture.table.columns, picture.table.rows[0], strict=True))
    assert row["pages programmed"] == 100
    assert row["garbage collection"] == 10
    assert row["of their pages won back"] == "52 %"
    assert (row["erases of the most worn block"], row["spread"], row["grown"], row["spare blocks left"]) == (
        4,
        4 / 3,
        1,
        2,
    )


def test_the_caption_says_what_a_collected_block_gives_and_how_even_wear_is() -> None:
    runs = [programmed("a", 5, host=9, collected=7), programmed("b", 5, host=9, collected=14)]
    caption = flash_picture("flash", "nand0", runs).caption
    assert "Of the pages of a block that was collected 60 % to 80 % were won back." in caption
    assert caption.endswith("The most worn block was erased 1.33 times as often as the mean.")
    assert "No block was collected." in flash_picture("flash", "nand0", [programmed("a", host=9)]).caption


def test_a_layer_that_was_given_nothing_has_nothing_to_draw() -> None:
    picture = flash_picture("flash", "nand0", [programmed("a", headers=3)])
    assert (picture.title, picture.draw) == ("nand0 was given no page to write", None)
    assert len(picture.table.rows) == 1
