"""Latencies and write amplification."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deltabench.scenarios.counters import CAUSES
from deltabench.scenarios.documents import Latency, Series
from deltabench.tools.pictures.amplification import Written, amplification_picture, written
from deltabench.tools.pictures.latency import Timed, latency_picture, phases_picture
from deltabench.tools.pictures.style import Picture

Drawn = Callable[[Picture], list[str]]
NewLatency = Callable[..., Latency]
MS = 1_000_000


def test_one_run_is_told_by_median_percentile_and_where_time_goes(new_latency: NewLatency, drawn: Drawn) -> None:
    latency = new_latency(*[2 * MS] * 98, 31 * MS, 31 * MS, maps=0.71)
    picture = latency_picture("latency", "SAVE", [Timed("flagged-nor", latency)])
    assert picture.title == (
        "SAVE takes 2 ms at the median and 31 ms at the 99th percentile; 71 % of its time goes to maps"
    )
    assert {"median", "99th percentile", "longest", "time of one SAVE"} <= set(drawn(picture))


@pytest.mark.parametrize(
    ("times", "title"),
    [
        ((3 * MS,), "SAVE took 3 ms, the one time it was given; 100 % of its time goes to maps"),
        ((3 * MS,) * 4, "SAVE takes 3 ms each time; 100 % of its time goes to maps"),
        ((0, 0), "SAVE takes 0 ns each time"),
    ],
)
def test_one_command_and_equal_times_are_told_as_such(
    times: tuple[int, ...], title: str, new_latency: NewLatency, drawn: Drawn
) -> None:
    picture = latency_picture("latency", "SAVE", [Timed("plain", new_latency(*times))])
    assert picture.title == title
    drawn(picture)


def test_of_several_runs_the_fastest_and_the_slowest_are_named(new_latency: NewLatency, drawn: Drawn) -> None:
    runs = [Timed("flagged", new_latency(40 * MS, 41 * MS)), Timed("history", new_latency(8 * MS, 10 * MS))]
    assert latency_picture("latency", "SAVE", runs).title == (
        "SAVE takes 10 ms at the median under history, and 4.1 times as long, 41 ms, under flagged"
    )
    same = [Timed(f"a run with a name that no axis has room for, number {n}", new_latency(8 * MS)) for n in range(20)]
    picture = latency_picture("latency", "SAVE", same)
    assert picture.title == "SAVE takes 8 ms at the median in every run"
    assert "8 more runs in the table" in picture.caption
    assert len(picture.table.rows) == 20
    drawn(picture)


def test_the_shares_of_the_time_are_told_for_all_commands_and_for_saves(new_latency: NewLatency, drawn: Drawn) -> None:
    save, write = new_latency(10 * MS, maps=0.9), new_latency(*[MS] * 90, command="WRITE DMA EXT", maps=0.1)
    picture = phases_picture("time", [("WRITE DMA EXT", [Timed("nor", write)]), ("SAVE", [Timed("nor", save)])])
    assert picture.title == "82 % of all time goes to the firmware; of SAVE, 90 % goes to maps"
    assert {"10 ms", "1 ms", "maps", "firmware", "mean"} <= set(drawn(picture))
    assert phases_picture("time", []).draw is None


def test_each_command_of_each_run_has_its_bar(new_latency: NewLatency, drawn: Drawn) -> None:
    runs = [Timed(f"scheme {n}", new_latency(MS)) for n in range(4)]
    words = drawn(phases_picture("time", [("SAVE", runs), ("RESTORE", runs)]))
    assert [word for word in words if "scheme 0" in word] == ["SAVE: scheme 0", "RESTORE: scheme 0"]
    assert words.count("scheme 3") == 2


def test_bytes_are_summed_by_cause_and_unknown_causes_are_others() -> None:
    counters = [
        Series(name="host_sectors_written", value=2),
        Series(name="bytes_written", labels={"cause": "data"}, value=1024),
        Series(name="bytes_written", labels={"cause": "of a firmware to come"}, value=512),
        Series(name="a_counter_to_come", value=1),
    ]
    found = written("flagged", counters)
    assert (found.host, found.causes["data"], found.causes["other"], found.factor) == (1024, 1024, 512, 1.5)


def test_amplification_is_told_by_what_makes_the_difference(drawn: Drawn) -> None:
    none = dict.fromkeys(CAUSES, 0)
    lean = Written("history", 1000, {**none, "data": 1000, "maps": 40})
    fat = Written("flagged", 1000, {**none, "data": 1000, "copies": 200, "maps": 1300})
    assert amplification_picture("a", [lean, fat]).title == (
        "A byte of the host becomes 2.5 on media under flagged and 1.04 under history; maps make the difference"
    )
    assert amplification_picture("a", [fat]).title == "Each byte of the host becomes 2.5 on media, 1.3 of it for maps"
    same = amplification_picture("a", [fat, fat._replace(label="plain")])
    assert same.title == "Each byte of the host becomes 2.5 on media, whatever the scheme"
    assert {"data", "copies", "maps", "2.5"} <= set(drawn(same))


def test_a_host_that_wrote_nothing_amplifies_nothing(drawn: Drawn) -> None:
    silent = written("reader", [])
    assert amplification_picture("a", [silent]).draw is None
    speaking = Written("writer", 512, {**silent.causes, "data": 512})
    picture = amplification_picture("a", [silent, speaking])
    assert "reader" not in drawn(picture)
    assert len(picture.table.rows) == 2
