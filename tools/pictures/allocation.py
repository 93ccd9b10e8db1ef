"""Which home of each unit is its primary and which its secondary, before and after a save (figures 6A and 6B)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from deltabench.scenarios.documents import MapsAt
from deltabench.tools.pictures.style import (
    BLUE,
    INK,
    ON_BLUE,
    ON_BRIGHT,
    ORANGE,
    PALE,
    SMALL_PT,
    Colour,
    Picture,
    Table,
    draw_cells,
    legend,
)
from deltabench.tools.report import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

MOST_DRAWN_SINGLY: Final = 1024
"""Beyond it, cells become pixels."""
MOST_NUMBERED: Final = 32
PRIMARY: Final = BLUE
LIVE: Final = ORANGE
FREE: Final = PALE


class Around(NamedTuple):
    """VSM and DDM before and after a save."""

    number: int
    vsm: int
    ddm: int
    vsm_after: int
    ddm_after: int

    @property
    def moved(self) -> int:
        """The units that change sides."""
        return self.vsm ^ self.vsm_after


def last_save(maps: Sequence[MapsAt]) -> Around | None:
    """The last save that changes sides of a unit, or else the last; None if the state before it is not known."""
    found: Around | None = None
    for before, after in pairwise(maps):
        if after.command.startswith("SAVE"):
            save = Around(after.number, *(int(bits, 16) for bits in (before.vsm, before.ddm, after.vsm, after.ddm)))
            if save.moved or found is None or not found.moved:
                found = save
    return found


def allocation_picture(name: str, maps: Sequence[MapsAt], units: int) -> Picture:
    """Both volumes before and after the last save."""
    save = last_save(maps)
    if save is None:
        return Picture(
            name,
            "No SAVE was done, so every unit keeps its primary where it was",
            "There is no before and after to draw.",
            Table((), ()),
        )
    columns = _columns(units)
    to_b = (save.moved & save.vsm_after).bit_count()
    to_a = save.moved.bit_count() - to_b
    table = Table(
        ("homes", "before the save", "after the save"),
        (
            ("primaries on volume A", units - save.vsm.bit_count(), units - save.vsm_after.bit_count()),
            ("primaries on volume B", save.vsm.bit_count(), save.vsm_after.bit_count()),
            ("secondaries that hold live data", save.ddm.bit_count(), save.ddm_after.bit_count()),
            ("units that change sides, to B", None, to_b),
            ("units that change sides, to A", None, to_a),
        ),
    )
    caption = (
        f"The homes of {counted(units, 'unit')} on both volumes around command {save.number:,}, a SAVE, as figures 6A "
        "and 6B draw them. Blue: the unit's primary, its save-point data. Orange: its secondary, holding what was "
        "written since. Faint: its secondary, with nothing that is still wanted. Where a unit was written, the save "
        "makes its secondary the primary; no data moves. "
        + (
            f"Units run from left to right, {columns} in a line."
            if units > columns
            else "Units run from left to right."
        )
    )
    rows = -(-units // columns)
    cell_in = min(3.35 / columns, 0.55)

    def draw(figure: FigureBase) -> None:
        axes = figure.subplots(2, 2, squeeze=False)
        states = (("before the save (6A)", save.vsm, save.ddm), ("after the save (6B)", save.vsm_after, save.ddm_after))
        for place, (title, vsm, ddm) in enumerate(states):
            for side, volume in enumerate("AB"):
                _panel(axes[side][place], vsm, ddm, side, units, columns)
                if not place:
                    axes[side][place].set_ylabel(f"volume {volume}", rotation=0, ha="right", va="center")
            axes[0][place].set_title(title)
        legend(figure, [("primary", PRIMARY, 1), ("secondary, live data", LIVE, 1), ("secondary, free", FREE, 1)])

    return Picture(name, _title(units, to_a, to_b), caption, table, draw, 2 * rows * cell_in + 0.8)


def _title(units: int, to_a: int, to_b: int) -> str:
    whole = counted(units, "unit")
    if not to_a and not to_b:
        return f"A save after which every one of {whole} has its primary where it had it"
    if not to_a or not to_b:
        volume = "B" if to_b else "A"
        return f"A save makes volume {volume} hold the primary of {to_a or to_b} of {whole}, and moves no data"
    return f"A save gives {to_b} of {whole} their primary on volume B and {to_a} theirs on A, and moves no data"


def _columns(units: int) -> int:
    """Units in a line: all of few, and about as many as there are lines of many."""
    return units if units <= 8 else min(2 ** math.ceil(math.log2(math.sqrt(units) * 1.4)), units)


def _panel(axes: Axes, vsm: int, ddm: int, side: int, units: int, columns: int) -> None:
    """The homes of all units on one volume; ``side`` is 0 for A."""

    def role(unit: int) -> Colour:
        if vsm >> unit & 1 == side:
            return PRIMARY
        return LIVE if ddm >> unit & 1 else FREE

    roles = [role(unit) for unit in range(units)]
    if units <= MOST_DRAWN_SINGLY:
        lines = [roles[first : first + columns] for first in range(0, units, columns)]
        draw_cells(axes, [[(colour, 1.0) for colour in line] for line in lines], gap=0.12)
    else:
        _pixels(axes, roles, columns)
    if units <= MOST_NUMBERED:
        for unit, colour in enumerate(roles):
            ink = {PRIMARY: ON_BLUE, LIVE: ON_BRIGHT}.get(colour, INK).light
            axes.text(
                unit % columns,
                unit // columns,
                str(unit),
                ha="center",
                va="center_baseline",
                fontsize=SMALL_PT,
                color=ink,
            )
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])


def _pixels(axes: Axes, roles: Sequence[Colour], columns: int) -> None:
    """One pixel a unit.  What is free is left open, so that pixels do for light paper and for dark."""
    import numpy as np
    from matplotlib.colors import to_rgba

    known = {colour: to_rgba(colour.light) for colour in (PRIMARY, LIVE)}
    pixels = np.zeros((-(-len(roles) // columns), columns, 4))
    for unit, colour in enumerate(roles):
        pixels[divmod(unit, columns)] = known.get(colour, (0.5, 0.5, 0.5, 0.18))
    axes.imshow(pixels, interpolation="none")
    axes.spines[:].set_visible(False)
