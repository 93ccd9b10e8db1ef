"""Runs as small or as large as a test wants them, and a look at what a picture draws."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from deltabench.scenarios.documents import (
    Bin,
    CrashMap,
    CutOperation,
    Explored,
    Judged,
    Latency,
    MapsAt,
    MeasuredRun,
    Moment,
    Series,
)
from deltabench.tools.pictures.style import Picture, to_png, to_svg

Drawn = Callable[[Picture], list[str]]

BASE = MeasuredRun(
    run="made-up:flagged-nor",
    scenario="made-up",
    title="Made up",
    scheme="flagged",
    atom_store="nor",
    units=8,
    sectors_per_unit=8,
    seed=1,
    media_time="typical",
    core_hz=168_000_000,
    complete=True,
    commands=3,
    simulated_ns=30_000_000,
    elapsed_s=0.1,
    counters=(
        Series(name="host_sectors_written", value=4),
        Series(name="bytes_written", labels={"cause": "data"}, value=2048),
        Series(name="bytes_written", labels={"cause": "maps"}, value=512),
    ),
    wear=(),
    unit_moves=(0, 1, 1, 0, 0, 0, 0, 0),
    unit_sides="6",
    timeline=(
        Moment(command=0, ns=0, ddm=0, vsm_b=0, moved=0, erases=0),
        Moment(command=1, ns=1000, ddm=2, vsm_b=0, moved=0, erases=1),
        Moment(command=2, ns=2000, ddm=0, vsm_b=2, moved=2, erases=4),
    ),
    maps=(
        MapsAt(number=-1, command="power on", vsm="0", ddm="0"),
        MapsAt(number=0, command="WRITE DMA EXT LBA 8+16", vsm="0", ddm="6"),
        MapsAt(number=1, command="SAVE", vsm="6", ddm="0"),
    ),
    latency=(),
)


@pytest.fixture
def new_run() -> Callable[..., MeasuredRun]:
    """A run of three commands, with what a test wants changed."""

    def new(**changes: Any) -> MeasuredRun:
        return msgspec.structs.replace(BASE, **changes)

    return new


@pytest.fixture
def new_latency() -> Callable[..., Latency]:
    """The latency of commands that took so many nanoseconds each."""

    def new(*times_ns: int, command: str = "SAVE", maps: float = 1.0) -> Latency:
        ordered, total = sorted(times_ns), sum(times_ns)
        ranks = {key: ordered[min(len(ordered) * int(key) // 100, len(ordered) - 1)] for key in ("50", "90", "99")}
        return Latency(
            command=command,
            count=len(ordered),
            total_ns=total,
            least_ns=ordered[0],
            most_ns=ordered[-1],
            percentiles_ns=ranks,
            histogram=tuple(Bin(up_to_ns=ns, count=ordered.count(ns)) for ns in sorted(set(ordered))),
            phases_ns={"maps": round(total * maps), "firmware": total - round(total * maps)},
        )

    return new


@pytest.fixture
def new_judged() -> Callable[..., Judged]:
    """A result with this crash map: operations by what was being done, and their verdicts."""

    def new(
        *operations: tuple[str, str], violations: int = 0, outcomes: tuple[str, ...] = ("nothing", "all")
    ) -> Judged:
        return Judged(
            scenario="made-up",
            title="Made up",
            scheme="plain",
            atom_store="nor",
            seed=1,
            verdict="violated" if violations else "holds",
            expected="holds",
            as_expected=not violations,
            complete=True,
            commands=3,
            operations=len(operations),
            counts=Explored(generated=20, distinct=10, verified=10, violations=violations),
            elapsed_s=0.1,
            crash_map=CrashMap(
                outcomes=outcomes,
                operations=tuple(
                    CutOperation(operation=number, during=during, what="nor0 program", verdicts=verdicts)
                    for number, (during, verdicts) in enumerate(operations)
                ),
            ),
        )

    return new


@pytest.fixture
def drawn() -> Drawn:
    """Draws a picture in both ways, checks what must hold of any, and returns the words in it."""

    def draw(picture: Picture) -> list[str]:
        assert picture.title
        assert picture.caption
        assert all(len(row) == len(picture.table.columns) for row in picture.table.rows)
        assert to_png(picture).startswith(b"\x89PNG")
        svg = to_svg(picture)
        assert svg == to_svg(picture), "the same data give the same picture"
        assert not re.search(r"\bnan\b", re.sub(r"<text.*?</text>|base64,[^\"]*", "", svg, flags=re.DOTALL).lower())
        return re.findall(r"<text[^>]*>([^<]*)</text>", svg)

    return draw
