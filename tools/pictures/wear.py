"""How often each cell of a part was erased, programmed or written, and how often each unit changed sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from deltabench.scenarios import documents
from deltabench.scenarios.documents import FlashSummary, Wear
from deltabench.tools.pictures import heat
from deltabench.tools.pictures.heat import Region
from deltabench.tools.pictures.style import Picture, Table
from deltabench.tools.pictures.words import digits, occasions, share, times
from deltabench.tools.report import counted

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

MOST_LISTED: Final = 20
DONE: Final = {"erase": "erased", "program": "programmed", "write": "written"}
COUNTED: Final = {"erase": "erases", "program": "programs", "write": "writes"}


def wear_picture(
    name: str, wear: Wear, regions: Sequence[documents.Region], flash: FlashSummary | None = None
) -> Picture:
    """One part, one kind of wear; ``regions`` of the same device divide the map; ``flash``: whose blocks are erased."""
    parts = _divided(wear, regions)
    counts = np.concatenate([part.counts for part in parts]) if parts else np.zeros(0, dtype=np.int64)
    touched = counts[counts > 0]
    noun = wear.cell.split()[0]
    done, how_often = DONE[wear.what], COUNTED[wear.what]
    if not len(touched):
        return Picture(name, f"No {noun} of {wear.device} was {done}", "There is no wear to draw.", Table((), ()))
    most, mean = int(touched.max()), float(touched.mean())
    numbers = np.concatenate([np.arange(part.first, part.first + len(part.counts)) for part in parts])
    worst = int(numbers[int(counts.argmax())])
    order = np.argsort(-counts, kind="stable")[:MOST_LISTED]
    names = [part.name for part in parts for _ in part.counts]
    rated = (
        f"; rated for {wear.endurance:,}, so {share(most, wear.endurance)} of that is used" if wear.endurance else ""
    )
    grouped = heat.squares(parts)
    caption = (
        f"{wear.device} ({wear.part}), each {wear.cell}: {counted(len(touched), noun)} {done}, "
        f"{counted(int(touched.sum()), how_often[:-1])} in all, {digits(mean)} each on average, "
        f"{most:,} at most{rated}. "
    )
    if flash is not None and flash.spread is not None:
        caption += f"Spread {digits(flash.spread)}: the most to the mean of all blocks that were good at the factory. "
    if len(counts) > heat.MOST_BARS:
        caption += f"Blank: never {done}. Numbers on the left: the first {noun} of the line. "
        if grouped > 1:
            caption += f"Each square is the most worn of {grouped} neighbours. "

    def draw(figure: FigureBase) -> None:
        of_all = None if flash is None else flash.mean_erases
        heat.draw(figure, parts, cell=noun, times=how_often, limit=wear.endurance, mean=of_all)

    return Picture(
        name,
        _title(wear, noun, worst, done, touched, mean if flash is None else flash.mean_erases),
        caption.strip(),
        Table(
            (noun, "region", how_often),
            tuple((int(numbers[place]), names[place] or "–", int(counts[place])) for place in order if counts[place]),
        ),
        draw,
        heat.height_in(parts),
    )


def moves_picture(name: str, moves: Sequence[int]) -> Picture:
    """How often each unit changed sides."""
    counts = np.array(moves, dtype=np.int64)
    touched = counts[counts > 0]
    if not len(touched):
        return Picture(name, "No unit ever changed sides", "There are no moves to draw.", Table((), ()))
    mean = float(touched.mean())
    region = [Region("", 0, counts)]
    order = np.argsort(-counts, kind="stable")[:MOST_LISTED]

    def draw(figure: FigureBase) -> None:
        heat.draw(figure, region, cell="unit", times="changes of sides")

    return Picture(
        name,
        _moves_title(touched, len(counts)),
        f"How many saves gave each unit a primary on the other volume: {int(touched.sum()):,} moves in all, "
        f"{digits(mean)} on average for each unit that moved. Blank: never.",
        Table(("unit", "changes of sides"), tuple((int(unit), int(counts[unit])) for unit in order if counts[unit])),
        draw,
        heat.height_in(region),
    )


NEARLY_EVEN: Final = 1.05
"""The most worn cell is worn so little more than the mean that there is nothing to say about it."""
TOLD_OF_RATING: Final = 0.1
"""From this share of its rating on, a title says what a part is rated for."""


def _title(wear: Wear, noun: str, worst: int, done: str, touched: NDArray[np.int64], mean: float) -> str:
    device, most, count = wear.device, int(touched.max()), len(touched)
    rated = f", rated for {wear.endurance:,}" if wear.endurance and most >= TOLD_OF_RATING * wear.endurance else ""
    if count == 1:
        return f"Only {noun} {worst:,} of {device} was {done}, {occasions(most)}{rated}"
    if most <= NEARLY_EVEN * mean:
        about = "" if int(touched.min()) == most else "about "
        return f"{count:,} {noun}s of {device} were {done}, each {about}{occasions(most)}{rated}"
    against = rated or f", {times(most / mean)} the mean"
    return f"{noun.capitalize()} {worst:,} of {device} was {done} {occasions(most)}{against}"


def _moves_title(touched: NDArray[np.int64], units: int) -> str:
    most, mean, count = int(touched.max()), float(touched.mean()), len(touched)
    which = f"All {units:,} units" if count == units > 1 else f"{count:,} of {counted(units, 'unit')}"
    if most <= NEARLY_EVEN * mean:
        about = "" if int(touched.min()) == most else "about "
        return f"{which} changed sides in a save, {'each ' if count > 1 else ''}{about}{occasions(most)}"
    return f"{which} changed sides in a save, at most {occasions(most)}, {times(most / mean)} the mean"


def _divided(wear: Wear, regions: Sequence[documents.Region]) -> list[Region]:
    """The cells by region, in order; what lies in none stands between them if it was touched."""
    counts = np.array(wear.counts, dtype=np.int64)
    size = wear.addresses
    end = wear.first + len(counts)
    parts: list[Region] = []
    at = wear.first
    for region in sorted((region for region in regions if region.device == wear.device), key=lambda r: r.first):
        first, last = max(region.first // size, at), -(-(region.first + region.length) // size)
        if first >= end or last <= at:
            continue
        if counts[at - wear.first : first - wear.first].any():
            parts.append(Region("elsewhere", at, counts[at - wear.first : first - wear.first]))
        inside = counts[first - wear.first : last - wear.first]
        if inside.any():
            parts.append(Region(region.name, first, np.pad(inside, (0, last - first - len(inside)))))
        at = max(at, last)
    if counts[max(at - wear.first, 0) :].any():
        rest = counts[max(at - wear.first, 0) :]
        parts.append(Region("elsewhere" if parts else "", at, rest))
    return parts
