"""The crash map, the verdicts of many runs, and hold-up times."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from deltabench.scenarios.documents import HeldUp, HoldUpStep, Judged
from deltabench.tools.pictures.crash_map import crash_map_picture, during_kind, in_order_picture
from deltabench.tools.pictures.holdup import holdup_picture
from deltabench.tools.pictures.style import Picture
from deltabench.tools.pictures.verdicts import verdicts_picture

Drawn = Callable[[Picture], list[str]]
NewJudged = Callable[..., Judged]


def test_a_violation_is_told_with_what_was_being_done(new_judged: NewJudged, drawn: Drawn) -> None:
    result = new_judged(("WRITE DMA EXT LBA 3+1", "dh"), ("SAVE", "hv"), ("SAVE", "hh"), violations=3)
    picture = crash_map_picture("crash-map", result)
    assert picture.title == "plain-nor: 3 of 10 recoveries wrong, all after a cut in SAVE"
    words = drawn(picture)
    assert words.count("×") == 1
    assert "0 WRITE: nor0 program" in words
    assert ("1 SAVE: nor0 program", "all", 1, 1, 0, 0) in picture.table.rows


def test_all_held_and_nothing_judged_are_told_apart(new_judged: NewJudged, drawn: Drawn) -> None:
    held = new_judged(("SAVE", "hh"))
    assert crash_map_picture("c", held).title == "plain-nor: all of 10 recoveries held"
    drawn(crash_map_picture("c", held))
    nothing = msgspec.structs.replace(held, counts=msgspec.structs.replace(held.counts, verified=0), complete=False)
    assert crash_map_picture("c", nothing).title == "plain-nor: nothing was judged, as far as it was run"


def test_results_without_a_crash_map_say_so(new_judged: NewJudged) -> None:
    old = msgspec.structs.replace(new_judged(("SAVE", "hh")), crash_map=None)
    picture = crash_map_picture("crash-map", old)
    assert picture.draw is None
    assert "an older deltabench wrote them" in picture.caption
    assert crash_map_picture("crash-map", new_judged()).draw is None
    assert in_order_picture("in-order", old) is None


def test_thousands_of_operations_are_grouped_by_what_was_being_done(new_judged: NewJudged, drawn: Drawn) -> None:
    operations = [("WRITE DMA EXT LBA 3+1", "hh"), ("SAVE", "hv"), ("RESTORE", "hh"), ("40 ms idle", "d.")] * 1050
    result = new_judged(*operations, violations=1050)
    picture = crash_map_picture("crash-map", result)
    assert {"WRITE: nor0 program (1,050)", "SAVE: nor0 program (1,050)", "idle: nor0 program (1,050)", "1,050"} <= set(
        drawn(picture)
    )
    order = in_order_picture("in-order", result)
    assert order is not None
    assert (
        order.title
        == "plain-nor: 1,050 of 4,200 operations have a cut that breaks a rule, the first of them operation 1"
    )
    assert len(order.table.rows) == 60
    drawn(order)


def test_the_order_is_drawn_only_where_it_shows_more(new_judged: NewJudged) -> None:
    assert in_order_picture("in-order", new_judged(*[("SAVE", "hh")] * 4000)) is None
    assert in_order_picture("in-order", new_judged(("SAVE", "hv"), violations=1)) is None


@pytest.mark.parametrize("outcomes", [1, 2, 30])
def test_one_operation_and_many_outcomes_with_long_names_are_drawn(
    outcomes: int, new_judged: NewJudged, drawn: Drawn
) -> None:
    names = tuple(
        f"all, one byte unstable; disk{n} cache: some sectors, one or more uncorrectable" for n in range(outcomes)
    )
    assert drawn(crash_map_picture("crash-map", new_judged(("SAVE", "h" * outcomes), outcomes=names)))


def test_the_kind_of_a_command_has_no_addresses_and_times() -> None:
    assert during_kind("WRITE DMA FUA EXT LBA 1024+8") == "WRITE FUA"
    assert during_kind("40 ms idle") == "idle"
    assert during_kind("power loss behind SAVE") == "power loss behind SAVE"
    assert during_kind("nothing, at the end of the workload") == "after the workload"


def test_all_runs_stand_in_one_table_of_verdicts(new_judged: NewJudged, drawn: Drawn) -> None:
    wrong = new_judged(("nothing, at the end of the workload", "hh"), ("SAVE", "vv"), ("SAVE", "hv"), violations=3)
    right = msgspec.structs.replace(new_judged(("SAVE", "hh")), scheme="flagged")
    picture = verdicts_picture("verdicts", [wrong, right])
    assert picture.title == "1 of 2 runs break a rule: made-up:plain-nor"
    words = drawn(picture)
    assert {"2 of 2", "made-up:flagged-nor"} <= set(words)
    assert words.index("SAVE") < words.index("after the workload"), "in the order of a run"
    assert verdicts_picture("verdicts", [right, right]).title == "No rule is broken in any of 2 runs"
    assert verdicts_picture("verdicts", [msgspec.structs.replace(right, crash_map=None)] * 2).draw is None


def held_up(least_us: int | None, *steps: tuple[int, int]) -> HeldUp:
    return HeldUp(
        run="made-up:plain-nor",
        scenario="made-up",
        title="Made up",
        scheme="plain",
        atom_store="nor",
        media_time="typical",
        least_us=least_us,
        needed_during={},
        steps=tuple(HoldUpStep(holdup_us=us, violations=count) for us, count in steps),
        generated=100,
    )


def test_the_longest_hold_up_that_helps_is_named(drawn: Drawn) -> None:
    runs = [
        ("plain-nvram", held_up(12, (0, 3), (8, 2), (12, 0))),
        ("plain-disk", held_up(16_700, (0, 2), (16_700, 0))),
        ("broken", held_up(None, (0, 7))),
        ("flagged", held_up(0, (0, 0))),
    ]
    picture = holdup_picture("holdup", runs)
    assert picture.title == (
        "plain-disk is safe from 16,700 µs of hold-up on, and no hold-up makes broken safe; flagged without any"
    )
    words = drawn(picture)
    assert {"plain-nvram", "plain-disk", "broken"} <= set(words)
    assert "flagged" not in words
    assert len(picture.table.rows) == 7


def test_where_all_are_safe_there_is_nothing_to_draw() -> None:
    picture = holdup_picture("holdup", [("flagged", held_up(0, (0, 0)))])
    assert (picture.draw, picture.title) == (None, "No run needs any hold-up time: all are safe without")


def test_a_run_that_no_hold_up_helps_is_drawn_alone_too(drawn: Drawn) -> None:
    assert drawn(holdup_picture("holdup", [("broken", held_up(None, (0, 7)))]))
