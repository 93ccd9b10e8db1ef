"""What happens between two saves: DDM fills up, and a save gives the written units a primary on the other side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from deltabench.scenarios.documents import Day, Moment
from deltabench.tools.pictures.over_time import along, axis_of, thinned
from deltabench.tools.pictures.style import (
    BLUE,
    MUTED,
    ORANGE,
    VERMILLION,
    Cell,
    Picture,
    Table,
    plain_axes,
    thousands,
)
from deltabench.tools.pictures.words import digits, occasions, share
from deltabench.tools.report import counted

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

MOST_MARKS: Final = 60
MOST_BARS: Final = 80


class Fill(NamedTuple):
    """DDM between saves: units written since T0, and units with primary on B where that is known."""

    at: tuple[float, ...]
    ddm: tuple[int, ...]
    vsm_b: tuple[int, ...] | None
    moved: tuple[int, ...]
    most_ddm: int | None = None
    moving_saves: int | None = None
    largest_save: int | None = None

    @property
    def has_every_save(self) -> bool:
        """Whether each save that moved units lies between two samples of its own."""
        return self.vsm_b is not None and self.moving_saves in (None, len(self.saves))

    @property
    def saves(self) -> list[int]:
        """The samples after which DDM is emptier and units have moved."""
        return [k for k in range(1, len(self.at)) if self.moved[k] > self.moved[k - 1]]

    @property
    def restores(self) -> list[int]:
        """The samples after which DDM is emptier and no unit has moved."""
        return [
            k for k in range(1, len(self.at)) if self.ddm[k] < self.ddm[k - 1] and self.moved[k] == self.moved[k - 1]
        ]


def fill_of(
    timeline: Sequence[Moment] | Sequence[Day],
    most_ddm: int | None = None,
    moving_saves: int | None = None,
    largest_save: int | None = None,
) -> Fill:
    """The part of a timeline that DDM and the moves are in, and what a run knows exactly of them."""
    moments = [moment for moment in timeline if isinstance(moment, Moment)]
    at = tuple(float(m.command) if isinstance(m, Moment) else m.day for m in timeline)
    return Fill(
        at,
        tuple(m.ddm for m in timeline),
        tuple(moment.vsm_b for moment in moments) if moments else None,
        tuple(m.moved for m in timeline),
        most_ddm,
        moving_saves,
        largest_save,
    )


def fill_picture(name: str, fill: Fill, units: int, unit: str) -> Picture:
    """DDM fill between saves and restores."""
    if not fill.at:
        return Picture(name, "Nothing was sampled over time", "There is no timeline to draw.", Table((), ()))
    columns: tuple[str, ...] = (unit, "units written since T0")
    series: list[Sequence[Cell]] = [fill.at, fill.ddm]
    if fill.vsm_b is not None:
        columns, series = (*columns, "units with primary on B"), [*series, fill.vsm_b]
    table = Table(columns, tuple(thinned(list(zip(*series, strict=True)))))
    most = max(*fill.ddm, fill.most_ddm or 0)
    sampled = fill.vsm_b is None
    exact = not sampled or fill.most_ddm is not None
    if not most and not any(fill.vsm_b or ()):
        empty = "No unit was written: DDM stays empty" if exact else "DDM was empty whenever it was sampled"
        return Picture(name, empty, "There is nothing to draw.", table)
    saves, restores = (fill.saves, fill.restores) if fill.has_every_save else ([], [])
    marked = 0 < len(saves) + len(restores) <= MOST_MARKS
    caption = (
        f"Units written since the last save or restore (DDM), over {axis_of(unit)}"
        + (", and units with their primary on volume B (VSM)" if fill.vsm_b is not None else "")
        + f", of {counted(units, 'unit')}."
        + (" Points, as saves come far more often than samples." if sampled else "")
        + (" The line: the most at any time." if sampled and exact else "")
        + (" Triangles: saves that moved units point up, restores that dropped writes down." if marked else "")
    )

    def draw(figure: FigureBase) -> None:
        axes = plain_axes(figure.add_subplot(), grid="y")
        alone = len(fill.at) == 1
        if alone or sampled:
            axes.plot(fill.at, fill.ddm, "o", markersize=4, color=ORANGE.light, label="written since T0 (DDM)")
            if sampled and exact:
                axes.axhline(most, color=MUTED.light, linewidth=1, label="most at any time")
        else:
            axes.fill_between(
                fill.at,
                fill.ddm,
                step="post",
                color=ORANGE.light,
                alpha=0.85,
                linewidth=0,
                label="written since T0 (DDM)",
            )
        if fill.vsm_b is not None:
            axes.plot(
                fill.at,
                fill.vsm_b,
                drawstyle="steps-post",
                marker="s" if alone else None,
                color=BLUE.light,
                label="primary on B (VSM)",
            )
        if marked:
            for places, marker, label, colour in (
                (saves, "^", "save", BLUE),
                (restores, "v", "restore", VERMILLION),
            ):
                if places:
                    axes.plot(
                        [fill.at[k] for k in places],
                        [-0.045] * len(places),
                        marker,
                        markersize=5,
                        color=colour.light,
                        transform=axes.get_xaxis_transform(),
                        clip_on=False,
                        label=label,
                    )
            axes.tick_params(axis="x", pad=9)
        axes.set_xlabel(axis_of(unit))
        axes.set_ylabel("units")
        axes.set_ylim(0, max(most, *(fill.vsm_b or (0,)), 1) * 1.06)
        along(axes, unit)
        thousands(axes, "y")
        figure.legend(loc="outside upper left", ncols=4)

    verb, where = ("fills", "") if exact else ("holds", " where it was sampled")
    title = f"DDM {verb} up to {most:,} of {counted(units, 'unit')} ({share(most, units)}){where}"
    if len(saves) + len(restores):
        title += " between saves" if saves else " between restores"
    elif exact and (fill.moving_saves or fill.moved[-1]):
        title += " between saves"
    return Picture(name, title, caption, table, draw, 3.2)


def flow_picture(name: str, fill: Fill, units: int, unit: str) -> Picture:
    """How many units each save gives a primary on the other side; of many saves, groups of them."""
    saves = [(fill.at[k], *_sides(fill, k)) for k in fill.saves]
    if not saves:
        return Picture(name, "No save moved a unit", "There is no flow to draw.", Table((), ()))
    if not fill.has_every_save:
        return _pace_picture(name, fill, unit)
    table = Table((unit, "units to B", "units to A"), tuple(thinned(saves)))
    total = sum(to_b + to_a for _, to_b, to_a in saves)
    most = fill.largest_save or max(to_b + to_a for _, to_b, to_a in saves)
    group = -(-len(saves) // MOST_BARS)
    bars = [saves[first : first + group] for first in range(0, len(saves), group)]
    caption = (
        "Units whose primary changes sides in a save: upwards those that go to volume B, downwards those that come "
        "back to A."
    )
    if group > 1:
        caption += f" Each bar is the mean of {group} saves in a row."

    def draw(figure: FigureBase) -> None:
        axes = plain_axes(figure.add_subplot(), grid="y")
        first, last = fill.at[0], max(fill.at[-1], fill.at[0] + 1)
        middles = [sum(at for at, _, _ in bar) / len(bar) for bar in bars]
        nearest = min((b - a for a, b in pairwise(middles)), default=last - first)
        width = min(max(0.7 * nearest, 0.004 * (last - first)), 0.03 * (last - first))
        up = [sum(to_b for _, to_b, _ in bar) / len(bar) for bar in bars]
        down = [-sum(to_a for _, _, to_a in bar) / len(bar) for bar in bars]
        axes.bar(middles, up, width, color=BLUE.light, label="to volume B")
        axes.bar(middles, down, width, color=ORANGE.light, label="back to volume A")
        axes.axhline(0, color=MUTED.light, linewidth=0.8)
        figure.legend(loc="outside upper left", ncols=2)
        axes.set_xlim(first - 0.02 * (last - first), last + 0.02 * (last - first))
        axes.set_xlabel(axis_of(unit))
        axes.set_ylabel("units a save" if group == 1 else "units a save, mean")
        along(axes, unit)
        thousands(axes, "y")
        from matplotlib.ticker import FuncFormatter

        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):,.0f}"))

    return Picture(name, _flow_title(saves, total, most, units), caption, table, draw, 3.0)


def _pace_picture(name: str, fill: Fill, unit: str) -> Picture:
    """How fast units move between two samples, where saves are too many to be told apart."""
    pace = [
        (fill.moved[k] - fill.moved[k - 1]) / max(fill.at[k] - fill.at[k - 1], 1e-9) for k in range(1, len(fill.at))
    ]
    mean = fill.moved[-1] / max(fill.at[-1], 1e-9)

    def draw(figure: FigureBase) -> None:
        axes = plain_axes(figure.add_subplot(), grid="y")
        axes.stairs(pace, fill.at, fill=True, color=BLUE.light)
        axes.set_xlabel(axis_of(unit))
        axes.set_ylabel(f"units that move a {unit}")
        axes.set_ylim(0, max(pace) * 1.06)
        thousands(axes, "y")

    return Picture(
        name,
        f"Units change sides {digits(mean)} times a {unit}, {fill.moved[-1]:,} times in all",
        f"How often units get a primary on the other side, as a mean from one of {len(fill.at)} samples to the next.",
        Table((unit, "moves so far"), tuple(thinned(list(zip(fill.at, fill.moved, strict=True))))),
        draw,
        2.8,
    )


def _flow_title(saves: Sequence[tuple[float, int, int]], total: int, most: int, units: int) -> str:
    if len(saves) == 1:
        return f"The one save that moves units moves {total:,} of {counted(units, 'unit')}"
    to_b = sum(row[1] for row in saves)
    return (
        f"{len(saves):,} saves move units {occasions(total)}, {to_b:,} to B and {total - to_b:,} back to A; "
        f"the largest moves {most:,} of {units:,}"
    )


def _sides(fill: Fill, k: int) -> tuple[int, int]:
    """Units that went to B and to A between two samples; all to B where sides are not known."""
    moved = fill.moved[k] - fill.moved[k - 1]
    if fill.vsm_b is None:
        return moved, 0
    # Of several saves in between only the sum is known.
    to_b = (moved + fill.vsm_b[k] - fill.vsm_b[k - 1]) // 2
    return to_b, moved - to_b
