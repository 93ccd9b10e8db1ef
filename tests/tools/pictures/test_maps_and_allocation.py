"""Figures 6A, 6B and 9A to 9E: roles before and after a save, and the maps step by step."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deltabench.scenarios.documents import MapsAt
from deltabench.tools.pictures.allocation import allocation_picture, last_save
from deltabench.tools.pictures.maps import MOST_STEPS, maps_picture, steps_of
from deltabench.tools.pictures.style import Picture

Drawn = Callable[[Picture], list[str]]

FIGURE_9 = (
    MapsAt(number=-1, command="power on", vsm="0", ddm="0"),
    MapsAt(number=0, command="READ DMA EXT LBA 0+4", vsm="0", ddm="0"),
    MapsAt(number=1, command="WRITE DMA EXT LBA 1+2", vsm="0", ddm="6"),
    MapsAt(number=2, command="SAVE", vsm="6", ddm="0"),
    MapsAt(number=3, command="WRITE DMA EXT LBA 2+2", vsm="6", ddm="c"),
    MapsAt(number=4, command="RESTORE", vsm="6", ddm="0"),
)


def all_written(units: int) -> tuple[MapsAt, ...]:
    """Every unit is written and saved, with one command."""
    full = f"{(1 << units) - 1:x}"
    return (
        MapsAt(number=0, command="WRITE DMA EXT", vsm="0", ddm=full),
        MapsAt(number=1, command="SAVE", vsm=full, ddm="0"),
    )


def test_the_steps_of_figure_9_are_drawn_bit_by_bit(drawn: Drawn) -> None:
    picture = maps_picture("maps", FIGURE_9, 4)
    assert picture.title == "SAVE gives 2 of 4 units a primary on the other side, RESTORE drops what was written to 2"
    words = drawn(picture)
    assert [word for word in words if "SAVE" in word or "WRITE" in word] == [
        "1: WRITE LBA 1+2",
        "2: SAVE",
        "3: WRITE LBA 2+2",
    ]
    assert (words.count("B"), words.count("A")) == (6, 14)
    assert words.count("1") >= 4
    assert [row[2:] for row in picture.table.rows] == [
        ("0000", "0000"),
        ("0000", "0110"),
        ("0110", "0000"),
        ("0110", "0011"),
        ("0110", "0000"),
    ]


def test_commands_that_change_nothing_are_left_out_but_for_saves_and_restores() -> None:
    idle = tuple(MapsAt(number=n, command="SAVE" if n == 7 else "FLUSH CACHE EXT", vsm="0", ddm="0") for n in range(9))
    assert [step.number for step in steps_of(idle)] == [0, 7]


def test_what_changed_behind_a_gap_is_laid_on_no_command() -> None:
    maps = (*FIGURE_9[:3], MapsAt(number=900, command="FLUSH CACHE EXT", vsm="6", ddm="1"))
    last = steps_of(maps)[-1]
    assert (last.gap, last.changed_vsm, last.changed_ddm) == (True, 0, 0)


def test_no_more_steps_are_drawn_than_fit_and_the_caption_says_so(drawn: Drawn) -> None:
    maps = [MapsAt(number=n, command="WRITE DMA EXT", vsm="0", ddm=f"{(1 << n) - 1:x}") for n in range(40)]
    picture = maps_picture("maps", maps, 40)
    # VSM and DDM stand one above the other.
    assert len([word for word in drawn(picture) if "WRITE" in word]) == 2 * MOST_STEPS
    assert len(picture.table.rows) == MOST_STEPS
    assert picture.caption.endswith("These are the first 24 of 40 steps that the result has.")
    assert "These are" not in maps_picture("maps", maps[:MOST_STEPS], 40).caption


def test_of_several_saves_the_title_says_which_it_is_about() -> None:
    again = (
        MapsAt(number=5, command="WRITE DMA EXT", vsm="6", ddm="1"),
        MapsAt(number=6, command="SAVE", vsm="7", ddm="0"),
    )
    title = maps_picture("maps", (*FIGURE_9, *again), 4).title
    assert title.startswith("The first SAVE gives 2 of 4 units a primary on the other side, RESTORE drops")


def test_maps_that_never_change_are_told_and_not_drawn() -> None:
    picture = maps_picture("maps", FIGURE_9[:2], 4)
    assert picture.draw is None
    assert picture.title == "No command changes a bit of VSM or DDM"
    assert maps_picture("maps", (), 4).draw is None


@pytest.mark.parametrize(
    ("units", "about"),
    [
        (1, None),
        (64, None),
        (256, "Each column stands for 4 units"),
        (16_384, "Each column stands for 256 units"),
    ],
)
def test_maps_of_any_size_are_drawn(units: int, about: str | None, drawn: Drawn) -> None:
    start = MapsAt(number=-1, command="power on", vsm="0", ddm="0")
    picture = maps_picture("maps", (start, *all_written(units)), units)
    assert drawn(picture)
    assert ("Each column" in picture.caption) is (about is not None)
    assert (about or "") in picture.caption


def test_of_many_units_only_those_that_change_are_drawn(drawn: Drawn) -> None:
    maps = (FIGURE_9[0], MapsAt(number=0, command="WRITE DMA EXT LBA 9999+1", vsm="0", ddm=f"{1 << 9999:x}"))
    picture = maps_picture("maps", maps, 16_384)
    assert "9,999" in drawn(picture)
    assert "Of 16,384 units only the 1 that change" in picture.caption


def test_the_last_save_that_moves_units_is_the_one_that_is_drawn() -> None:
    save = last_save((*FIGURE_9, MapsAt(number=5, command="SAVE", vsm="6", ddm="0")))
    assert save is not None
    assert (save.number, save.moved) == (2, 6)
    only = last_save((FIGURE_9[0], MapsAt(number=0, command="SAVE by its switch", vsm="0", ddm="0")))
    assert only is not None
    assert (only.number, only.moved) == (0, 0)


def test_figures_6a_and_6b_show_roles_before_and_after_a_save(drawn: Drawn) -> None:
    picture = allocation_picture("allocation", FIGURE_9, 4)
    assert picture.title == "A save makes volume B hold the primary of 2 of 4 units, and moves no data"
    assert {"before the save (6A)", "after the save (6B)", "volume A", "volume B"} <= set(drawn(picture))
    assert picture.table.rows == (
        ("primaries on volume A", 4, 2),
        ("primaries on volume B", 0, 2),
        ("secondaries that hold live data", 2, 0),
        ("units that change sides, to B", None, 2),
        ("units that change sides, to A", None, 0),
    )


def test_a_save_may_bring_units_back_or_do_nothing(drawn: Drawn) -> None:
    back = (MapsAt(number=0, command="x", vsm="f", ddm="3"), MapsAt(number=1, command="SAVE", vsm="c", ddm="0"))
    assert "volume A hold the primary of 2 of 4" in allocation_picture("allocation", back, 4).title
    both = (MapsAt(number=0, command="x", vsm="c", ddm="6"), MapsAt(number=1, command="SAVE", vsm="a", ddm="0"))
    assert "gives 1 of 4 units their primary on volume B and 1 theirs on A" in allocation_picture("a", both, 4).title
    none = (MapsAt(number=0, command="x", vsm="c", ddm="0"), MapsAt(number=1, command="SAVE", vsm="c", ddm="0"))
    picture = allocation_picture("allocation", none, 4)
    assert "has its primary where it had it" in picture.title
    drawn(picture)


def test_without_a_save_there_is_no_before_and_after() -> None:
    assert allocation_picture("allocation", FIGURE_9[:2], 4).draw is None
    assert allocation_picture("allocation", (), 4).draw is None


@pytest.mark.parametrize("units", [1, 3, 64, 1024, 1025, 16_384])
def test_volumes_of_any_size_are_drawn(units: int, drawn: Drawn) -> None:
    picture = allocation_picture("allocation", all_written(units), units)
    assert drawn(picture)
    assert picture.height_in < 8
