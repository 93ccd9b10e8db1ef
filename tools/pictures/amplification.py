"""Bytes written to media for each byte that the host wrote, by why they were written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from deltabench.scenarios.counters import CAUSES
from deltabench.scenarios.documents import Series
from deltabench.tools.pictures.style import (
    BLUE,
    GREEN,
    GREY,
    MUTED,
    ORANGE,
    PURPLE,
    SMALL_PT,
    VERMILLION,
    Colour,
    Picture,
    Table,
    plain_axes,
)
from deltabench.tools.pictures.words import digits, named, shortened

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

SECTOR_BYTES: Final = 512
COLOURS: Final[dict[str, Colour]] = dict(zip(CAUSES, (BLUE, ORANGE, GREEN, PURPLE, VERMILLION, GREY), strict=True))


class Written(NamedTuple):
    """What one run wrote: bytes of the host, and bytes on media by cause."""

    label: str
    host: int
    causes: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.causes.values())

    @property
    def factor(self) -> float:
        return self.total / self.host


def written(label: str, counters: Sequence[Series]) -> Written:
    """The counters that this is about."""
    causes = dict.fromkeys(CAUSES, 0)
    host = 0
    for series in counters:
        if series.name == "bytes_written":
            cause = series.labels.get("cause", "other")
            causes[cause if cause in causes else "other"] += series.value
        elif series.name == "host_sectors_written":
            host += series.value * SECTOR_BYTES
    return Written(label, host, causes)


def amplification_picture(name: str, runs: Sequence[Written]) -> Picture:
    """A bar a run, stacked by cause."""
    shown = [run for run in runs if run.host]
    table = Table(
        ("run", "host wrote, bytes", *(f"{cause}, bytes" for cause in CAUSES), "bytes a byte of the host"),
        tuple(
            (run.label, run.host, *(run.causes[cause] for cause in CAUSES), round(run.factor, 3) if run.host else None)
            for run in runs
        ),
    )
    if not shown:
        return Picture(name, "The host wrote nothing", "There is no write amplification without writes.", table)
    causes = [cause for cause in CAUSES if any(run.causes[cause] for run in shown)]
    largest = max(run.factor for run in shown)

    def draw(figure: FigureBase) -> None:
        axes = plain_axes(figure.add_subplot(), grid="x")
        rows = range(len(shown))
        left = [0.0] * len(shown)
        for cause in causes:
            parts = [run.causes[cause] / run.host for run in shown]
            axes.barh(rows, parts, 0.62, left=left, color=COLOURS[cause].light, label=cause)
            left = [at + part for at, part in zip(left, parts, strict=True)]
        for row, run in enumerate(shown):
            axes.text(run.factor + 0.015 * largest, row, digits(run.factor), va="center", fontsize=SMALL_PT)
        axes.axvline(1, color=MUTED.light, linewidth=1, linestyle=":")
        axes.set_yticks(rows, [shortened(run.label, 34) for run in shown])
        axes.tick_params(axis="y", length=0)
        axes.invert_yaxis()
        axes.set_xlim(0, max(largest * 1.1, 1.1))
        axes.set_xlabel("bytes written to media for each byte that the host wrote")
        figure.legend(loc="outside upper left", ncols=len(causes), handlelength=1.1)

    return Picture(
        name,
        _title(shown),
        "Bytes written to media for each byte that the host wrote, by cause: data of the host, copies of the rest of a "
        f"unit at its first write, maps and versions, labels of the devices{_on_nand(causes)}. The dotted line is one "
        "byte for one.",
        table,
        draw,
        0.34 * len(shown) + 1.15,
    )


def _on_nand(causes: Sequence[str]) -> str:
    return (
        ", and what a translation layer programs besides the pages that it is given" if "translation" in causes else ""
    )


def _title(runs: Sequence[Written]) -> str:
    ordered = sorted(runs, key=lambda run: run.factor)
    least, most = ordered[0], ordered[-1]
    if len(runs) == 1:
        extra = {cause: most.causes[cause] for cause in CAUSES if cause != "data"}
        cause = max(extra, key=lambda name: extra[name])
        of_it = f", {digits(extra[cause] / most.host)} of it for {named(cause)}" if extra[cause] else ""
        return f"Each byte of the host becomes {digits(most.factor)} on media{of_it}"
    if most.factor - least.factor < 0.005 * most.factor:
        return f"Each byte of the host becomes {digits(most.factor)} on media, whatever the scheme"
    cause = max(CAUSES, key=lambda name: most.causes[name] / most.host - least.causes[name] / least.host)
    make = "make" if cause in ("copies", "maps", "labels") else "makes"
    return (
        f"A byte of the host becomes {digits(most.factor)} on media under {most.label} and {digits(least.factor)} "
        f"under {least.label}; {named(cause)} {make} the difference"
    )
