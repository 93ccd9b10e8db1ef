"""What grows and changes while a workload runs: erases, the most worn cell, DDM between saves, units that move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from deltabench.scenarios.documents import MOST_YEARS, WearOut
from deltabench.tools.pictures.style import (
    DASHES,
    MUTED,
    SERIES,
    Cell,
    Picture,
    Table,
    legend_of_lines,
    plain_axes,
    thousands,
)
from deltabench.tools.pictures.words import digits, listed, shortened, times
from deltabench.tools.report import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

Row = TypeVar("Row")
MOST_LINES: Final = 7
MOST_ROWS: Final = 60
MOST_MARKS: Final = 60
MOST_BARS: Final = 80
NOR_SECTOR: Final = "NOR sector"
NAND_BLOCK: Final = "NAND block"


class Line(NamedTuple):
    """One run's values: ``at`` commands or days; ``erased``: what is.

    ``sectors``: how many share the erases; None if that is not known, or the same in every run, as of NAND flash.
    """

    label: str
    at: tuple[float, ...]
    values: tuple[int, ...]
    sectors: int | None = None
    erased: tuple[str, ...] = (NOR_SECTOR,)


def erases_picture(
    name: str, lines: Sequence[Line], unit: str, *, most_worn: bool = False, rated: int | None = None
) -> Picture:
    """Erases so far, a line a run; ``most_worn``: of the most worn cell alone, which is ``rated`` for so many.

    ``unit``: commands or days.
    """
    shown = [line for line in lines if line.values and line.values[-1]][:MOST_LINES]
    erased = {kind for line in shown or lines for kind in line.erased}
    kinds = [kind for kind in (NOR_SECTOR, NAND_BLOCK) if kind in erased]
    if not shown:
        title = f"No {' and no '.join(kinds or (NOR_SECTOR,))} was erased"
        return Picture(name, title, "There are no erases to draw.", Table((), ()))
    cell = kinds[0].split()[-1] if len(kinds) == 1 else "cell"
    what = f"{kinds[0]} erases" if len(kinds) == 1 else f"Erases of {listed([f'{kind}s' for kind in kinds])}"
    if most_worn:
        what = f"Erases of the most worn {cell}"
    caption = f"{what} since the factory, over {axis_of(unit)}."
    if len(shown) < len(lines):
        caption += (
            f" {counted(len(lines) - len(shown), 'run')} without erases, or beyond the first {MOST_LINES}, not drawn."
        )
    if _unequal(shown):
        caption += " A larger map store has more sectors to erase; it wears no faster for that."

    def draw(figure: FigureBase) -> None:
        axes = plain_axes(figure.add_subplot(), grid="y")
        for number, line in enumerate(shown):
            style = {"color": SERIES[number].light, "linestyle": DASHES[number], "label": shortened(line.label, 40)}
            if len(line.at) == 1:
                axes.plot(line.at, line.values, marker="o", **style)
            else:
                axes.step(line.at, line.values, where="post", **style)
        if rated is not None and rated < 3 * max(line.values[-1] for line in shown):
            axes.axhline(rated, color=MUTED.light, linewidth=1, label=f"rated for {rated:,}")
        axes.set_xlabel(axis_of(unit))
        axes.set_ylabel(f"erases of that {cell}" if most_worn else f"{cell} erases so far".removeprefix("cell "))
        axes.set_ylim(bottom=0)
        along(axes, unit)
        thousands(axes, "y")
        if len(shown) > 1:
            legend_of_lines(figure, axes)

    at = sorted({x for line in shown for x in line.at})
    rows = [(x, *(_value_at(line, x) for line in shown)) for x in thinned(at)]
    return Picture(
        name,
        _erases_title(shown, unit, cell if most_worn else ""),
        caption,
        Table((unit, *(line.label for line in shown)), tuple(rows)),
        draw,
    )


def _erases_title(lines: Sequence[Line], unit: str, most_worn: str) -> str:
    """How often; of several runs, the fastest against the slowest: they may not be equally long."""
    of_it = f" of the most worn {most_worn}" if most_worn else ""
    pace = {line.label: line.values[-1] / max(line.at[-1], 1e-9) for line in lines}
    fast = max(lines, key=lambda line: pace[line.label])
    slow = min(lines, key=lambda line: pace[line.label])

    def found_of(line: Line) -> str:
        length = f"{digits(line.at[-1])} days" if unit == "day" else f"{line.at[-1] + 1:,.0f} commands"
        return f"{counted(line.values[-1], 'erase')}{of_it or _of_sectors(line, lines)} in {length}"

    found = found_of(fast)
    if len(lines) == 1:
        return found
    if _unequal(lines):
        return f"{found} under {fast.label}, and {found_of(slow)} under {slow.label}"
    ratio = pace[fast.label] / pace[slow.label]
    if ratio < 1.02:
        return f"{found}, equally fast in every run"
    return f"Erases{of_it} go fastest under {fast.label}: {found}, {times(ratio)} as fast as under {slow.label}"


def _unequal(lines: Sequence[Line]) -> bool:
    """Whether sums of erases are of areas that differ in size, so that more of them are not faster wear."""
    return len({line.sectors for line in lines if line.sectors is not None}) > 1


def _of_sectors(line: Line, lines: Sequence[Line]) -> str:
    return f" of {counted(line.sectors, 'sector')}" if line.sectors is not None and _unequal(lines) else ""


def life_title(wear_out: Sequence[tuple[str, WearOut]]) -> str:
    """Who wears out first and who last; empty if nothing is known to wear out."""
    found = [(row.years, row.reached or row.years > MOST_YEARS, run) for run, row in wear_out if row.years is not None]
    ends = sorted(found, key=lambda end: end[0])
    if not ends:
        return ""
    (first, found_first, soon), (last, found_last, late) = ends[0], ends[-1]
    after, at_last = (f"after {'' if reached else 'about '}" for reached in (found_first, found_last))
    every = " in every run" if len(ends) == len(wear_out) > 1 else f" in {len(ends)} of {len(wear_out)} runs"
    where = every if len(wear_out) > 1 else ""
    if first > MOST_YEARS:
        return f"lasts {life(first)}{where}"
    if last < 1.02 * first:
        return f"worn out {after}{life(first)}{where}"
    return f"worn out {after}{life(first)} under {soon}, and {at_last}{life(last)} under {late}"


def life(years: float) -> str:
    """``12 years``, ``1.2 days``, ``over 1,000 years``."""
    if years > MOST_YEARS:
        return f"over {MOST_YEARS:,} years"
    return f"{digits(years)} years" if years >= 1 else f"{digits(365.25 * years)} days"


def wear_out_table(wear_out: Sequence[tuple[str, WearOut]]) -> Table:
    """When each part wears out, by run."""
    return Table(
        ("run", "device", "part", "wear", "rated for", "most worn", "worn out after, years from the factory on"),
        tuple(
            (
                run,
                row.device,
                row.part,
                row.what,
                row.endurance,
                row.most,
                _end(row),
            )
            for run, row in wear_out
        ),
    )


def _end(row: WearOut) -> Cell:
    if row.reached:
        return "reached"
    if row.too_little:
        return "too little wear to tell"
    if row.years is None:
        return "no end"
    return f"over {MOST_YEARS:,}" if row.years > MOST_YEARS else round(row.years, 1)


def _value_at(line: Line, x: float) -> Cell:
    """The last value not after ``x``."""
    found: Cell = None
    for at, value in zip(line.at, line.values, strict=True):
        if at > x:
            break
        found = value
    return found


def axis_of(unit: str) -> str:
    return "host commands" if unit == "command" else "days"


def along(axes: Axes, unit: str) -> None:
    if unit == "command":
        thousands(axes, "x")


def thinned(rows: Sequence[Row]) -> list[Row]:
    """At most MOST_ROWS of them, evenly, the first and the last included."""
    if len(rows) <= MOST_ROWS:
        return list(rows)
    return [rows[k * (len(rows) - 1) // (MOST_ROWS - 1)] for k in range(MOST_ROWS)]
