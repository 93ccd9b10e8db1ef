"""Erases, DDM fill and the flow of units, from the first command to the last."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deltabench.scenarios.documents import Day, Moment, WearOut
from deltabench.tools.pictures.between_saves import Fill, fill_of, fill_picture, flow_picture
from deltabench.tools.pictures.over_time import Line, erases_picture, life_title, wear_out_table
from deltabench.tools.pictures.style import Picture

Drawn = Callable[[Picture], list[str]]


def fill(*states: tuple[int, int, int]) -> Fill:
    """A timeline of (DDM, units on B, moves so far), a command apart."""
    return fill_of([Moment(command=n, ns=n, ddm=d, vsm_b=b, moved=m, erases=0) for n, (d, b, m) in enumerate(states)])


def test_erases_are_compared_by_their_pace(drawn: Drawn) -> None:
    fast, slow = Line("flagged", (0, 99), (0, 412)), Line("history", (0, 198), (0, 412))
    picture = erases_picture("erases", [fast, slow], "command")
    assert picture.title == (
        "Erases go fastest under flagged: 412 erases in 100 commands, twice as fast as under history"
    )
    assert {"flagged", "history"} <= set(drawn(picture))
    assert picture.table.rows[-1] == (198, 412, 412), "a line goes on as it ended"


@pytest.mark.parametrize(
    ("lines", "title"),
    [
        ([Line("flagged", (5,), (1,))], "1 erase in 6 commands"),
        (
            [Line("a", (0, 9), (0, 3)), Line("b", (0, 9), (0, 3))],
            "3 erases in 10 commands, equally fast in every run",
        ),
        ([Line("none", (0, 9), (0, 0)), Line("some", (0, 9), (0, 3))], "3 erases in 10 commands"),
    ],
)
def test_one_run_one_point_and_equal_runs_are_told_as_they_are(lines: list[Line], title: str, drawn: Drawn) -> None:
    picture = erases_picture("erases", lines, "command")
    assert picture.title == title
    drawn(picture)


def test_many_runs_are_not_all_drawn_but_counted(drawn: Drawn) -> None:
    lines = [Line(f"run {n} of a scenario with a long name", (0, 9), (0, n + 1)) for n in range(12)]
    picture = erases_picture("erases", lines, "command")
    assert len([word for word in drawn(picture) if word.startswith("run")]) == 7
    assert "5 runs without erases, or beyond the first 7" in picture.caption


def test_without_erases_there_is_no_empty_plot() -> None:
    assert erases_picture("erases", [Line("flagged", (0, 1), (0, 0))], "command").draw is None
    assert erases_picture("erases", [], "command").draw is None


def test_the_rating_is_drawn_once_wear_comes_near_it(drawn: Drawn) -> None:
    worn = Line("flagged", (0.0, 1.2), (0, 90_000))
    words = drawn(erases_picture("worn", [worn, worn], "day", most_worn=True, rated=100_000))
    assert "rated for 100,000" in words
    new = Line("flagged", (0.0, 1.2), (0, 9))
    assert "rated for 100,000" not in drawn(erases_picture("new", [new, new], "day", most_worn=True, rated=100_000))


def test_sums_of_areas_of_different_size_are_told_and_not_compared(drawn: Drawn) -> None:
    lines = [Line("flagged", (0, 99), (0, 412), 4), Line("history", (0, 99), (0, 300), 6)]
    picture = erases_picture("erases", lines, "command")
    assert picture.title == (
        "412 erases of 4 sectors in 100 commands under flagged, "
        "and 300 erases of 6 sectors in 100 commands under history"
    )
    assert "A larger map store has more sectors to erase; it wears no faster for that." in picture.caption
    drawn(picture)
    alike = erases_picture("erases", [line._replace(sectors=4) for line in lines], "command")
    assert alike.title.startswith("Erases go fastest under flagged: 412 erases in 100 commands, 1.4 times as fast")
    assert "larger" not in alike.caption


def test_blocks_of_nand_flash_are_not_called_sectors(drawn: Drawn) -> None:
    blocks = ("NAND block",)
    line = Line("flagged", (0, 99), (0, 412), None, blocks)
    picture = erases_picture("erases", [line], "command")
    assert picture.caption == "NAND block erases since the factory, over host commands."
    assert "block erases so far" in drawn(picture)
    worn = erases_picture("worn", [line], "day", most_worn=True)
    assert worn.title == "412 erases of the most worn block in 99 days"
    assert "erases of that block" in drawn(worn)
    both = erases_picture("both", [line, line._replace(label="nor", erased=("NOR sector", "NAND block"))], "command")
    assert both.caption.startswith("Erases of NOR sectors and NAND blocks since the factory")
    assert "erases so far" in drawn(both)
    assert erases_picture("none", [line._replace(values=(0, 0))], "day").title == "No NAND block was erased"


def wear_out(years: float | None, *, reached: bool = False, too_little: bool = False) -> WearOut:
    return WearOut(
        device="nor0",
        part="W25Q64JV",
        what="erase",
        endurance=100_000,
        most=5,
        years=years,
        reached=reached,
        too_little=too_little,
    )


@pytest.mark.parametrize(
    ("years", "title"),
    [
        ([None], ""),
        ([12.34], "worn out after about 12.3 years"),
        ([12.3, 12.3], "worn out after about 12.3 years in every run"),
        ([12.3, None], "worn out after about 12.3 years in 1 of 2 runs"),
        ([5000], "lasts over 1,000 years"),
        ([5000, 70_000], "lasts over 1,000 years in every run"),
        ([12.3, 5000], "worn out after about 12.3 years under run 0, and after over 1,000 years under run 1"),
        ([12.3, None, 0.0033], "worn out after about 1.21 days under run 2, and after about 12.3 years under run 0"),
    ],
)
def test_the_first_and_the_last_to_wear_out_are_named(years: list[float | None], title: str) -> None:
    assert life_title([(f"run {n}", wear_out(year)) for n, year in enumerate(years)]) == title


def test_the_table_of_lives_tells_the_cases_apart() -> None:
    rows = [
        wear_out(1.25),
        wear_out(None),
        wear_out(0.1, reached=True),
        wear_out(None, too_little=True),
        wear_out(70_000.0),
    ]
    shown = [row[-1] for row in wear_out_table([("run", row) for row in rows]).rows]
    assert shown == [1.2, "no end", "reached", "too little wear to tell", "over 1,000"]


def test_saves_and_restores_are_told_apart_by_what_moved() -> None:
    story = fill((0, 0, 0), (3, 0, 0), (0, 3, 3), (2, 3, 3), (0, 3, 3))
    assert (story.saves, story.restores) == ([2], [4])


def test_ddm_fills_between_saves(drawn: Drawn) -> None:
    picture = fill_picture("ddm", fill((0, 0, 0), (3, 0, 0), (0, 3, 3), (2, 3, 3), (0, 3, 3)), 8, "command")
    assert picture.title == "DDM fills up to 3 of 8 units (38 %) between saves"
    assert {"save", "restore", "primary on B (VSM)"} <= set(drawn(picture))


def test_marks_of_saves_give_way_where_there_are_too_many(drawn: Drawn) -> None:
    states = [(n % 2, n // 2 % 2, n // 2) for n in range(4000)]
    picture = fill_picture("ddm", fill(*states), 16_384, "command")
    assert "save" not in drawn(picture)
    assert len(picture.table.rows) == 60
    assert picture.table.rows[-1][0] == 3999


@pytest.mark.parametrize("states", [(), ((0, 0, 0),), ((0, 0, 0), (0, 0, 0))])
def test_where_nothing_was_written_there_is_nothing_to_draw(states: tuple[tuple[int, int, int], ...]) -> None:
    assert fill_picture("ddm", fill(*states), 8, "command").draw is None
    assert flow_picture("flow", fill(*states), 8, "command").draw is None


def test_a_single_sample_is_a_point(drawn: Drawn) -> None:
    assert drawn(fill_picture("ddm", fill((1, 0, 0)), 1, "command"))


def test_the_flow_goes_both_ways(drawn: Drawn) -> None:
    picture = flow_picture("flow", fill((0, 0, 0), (0, 5, 5), (0, 4, 8), (3, 4, 8)), 8, "command")
    assert picture.title == "2 saves move units 8 times, 6 to B and 2 back to A; the largest moves 5 of 8"
    assert picture.table.rows == ((1.0, 5, 0), (2.0, 1, 2))
    assert {"to volume B", "back to volume A"} <= set(drawn(picture))


def test_one_save_is_one_bar_and_thousands_are_grouped(drawn: Drawn) -> None:
    one = flow_picture("flow", fill((0, 0, 0), (0, 1, 1)), 1, "command")
    assert one.title == "The one save that moves units moves 1 of 1 unit"
    drawn(one)
    many = flow_picture("flow", fill(*((0, n % 2, n) for n in range(4001))), 64, "command")
    assert "mean of 50 saves" in many.caption
    assert "units a save, mean" in drawn(many)


def test_over_days_only_the_pace_of_moves_is_known(drawn: Drawn) -> None:
    days = [
        Day(command=n, day=n / 2, erases={"nor0": n}, most_worn={"nor0": n}, ddm=3, moved=100 * n) for n in range(5)
    ]
    picture = flow_picture("flow", fill_of(days), 64, "day")
    assert picture.title == "Units change sides 200 times a day, 400 times in all"
    assert "units that move a day" in drawn(picture)


def test_over_days_ddm_is_points_and_nothing_is_said_of_saves_that_lie_between(drawn: Drawn) -> None:
    days = [Day(command=n, day=n / 2, erases={}, most_worn={}, ddm=n % 7, moved=100 * n) for n in range(40)]
    picture = fill_picture("ddm", fill_of(days), 64, "day")
    assert picture.title == "DDM holds up to 6 of 64 units (9 %) where it was sampled"
    assert {"save", "most at any time"}.isdisjoint(drawn(picture))


def test_over_days_the_fullest_ddm_is_that_of_the_whole_run(drawn: Drawn) -> None:
    days = [Day(command=n, day=n / 2, erases={}, most_worn={}, ddm=n % 7, moved=100 * n) for n in range(40)]
    picture = fill_picture("ddm", fill_of(days, 13), 64, "day")
    assert picture.title == "DDM fills up to 13 of 64 units (20 %) between saves"
    assert picture.caption.endswith("The line: the most at any time.")
    assert "most at any time" in drawn(picture)
    never = [Day(command=0, day=day.day, erases={}, most_worn={}, ddm=0, moved=0) for day in days]
    assert fill_picture("ddm", fill_of(never, 0), 64, "day").title == "No unit was written: DDM stays empty"
    assert fill_picture("ddm", fill_of(never), 64, "day").title == "DDM was empty whenever it was sampled"


def test_where_saves_lie_between_samples_the_titles_keep_to_what_the_run_knows(drawn: Drawn) -> None:
    known = fill_of(
        [Moment(command=10 * n, ns=n, ddm=n % 2, vsm_b=n, moved=20 * n, erases=0) for n in range(40)], 73, 1787, 71
    )
    assert fill_picture("ddm", known, 256, "command").title == "DDM fills up to 73 of 256 units (29 %) between saves"
    flow = flow_picture("flow", known, 256, "command")
    assert flow.title == "Units change sides 2 times a command, 780 times in all"
    drawn(flow)
