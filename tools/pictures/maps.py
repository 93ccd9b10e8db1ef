"""VSM and DDM step by step, as figures 9A to 9E draw them: a line a step, a column a unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from deltabench.scenarios.documents import MapsAt
from deltabench.tools.pictures.style import (
    BLUE,
    INK,
    MUTED,
    ON_BLUE,
    ON_BRIGHT,
    ORANGE,
    PALE,
    SMALL_PT,
    Colour,
    Paint,
    Picture,
    Table,
    draw_cells,
    legend,
)
from deltabench.tools.pictures.words import capital, short_command, shortened
from deltabench.tools.report import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

MOST_STEPS: Final = 24
MOST_COLUMNS: Final = 64
MOST_LETTERED: Final = 16
"""Up to so many columns VSM and DDM stand side by side, with a letter in each cell."""
ORDERS: Final = ("SAVE", "RESTORE")


class Step(NamedTuple):
    """The maps after a command; ``changed``: bits of either map that it changed, ``gap``: commands are left out."""

    number: int
    command: str
    vsm: int
    ddm: int
    changed_vsm: int
    changed_ddm: int
    gap: bool


def is_order(command: str) -> bool:
    """Whether a command is a save or a restore, given in whatever way."""
    return command.startswith(ORDERS)


def steps_of(maps: Sequence[MapsAt]) -> list[Step]:
    """What changes a bit, and every save and restore."""
    steps: list[Step] = []
    before: MapsAt | None = None
    for here in maps:
        vsm, ddm = int(here.vsm, 16), int(here.ddm, 16)
        was_vsm, was_ddm = (int(before.vsm, 16), int(before.ddm, 16)) if before else (vsm, ddm)
        gap = before is not None and here.number > before.number + 1
        if before is None or vsm != was_vsm or ddm != was_ddm or is_order(here.command):
            # Behind a gap nobody can say which command changed what.
            changed = (0, 0) if gap else (vsm ^ was_vsm, ddm ^ was_ddm)
            steps.append(Step(here.number, here.command, vsm, ddm, *changed, gap))
        before = here
    return steps


def maps_picture(name: str, maps: Sequence[MapsAt], units: int) -> Picture:
    """The maps of the first commands; of many units, those that change, or groups of them."""
    every = steps_of(maps)
    steps = every[:MOST_STEPS]
    table = Table(
        ("command", "after", "VSM (units on B)", "DDM (units written)"),
        tuple((step.number, step.command, _named(step.vsm, units), _named(step.ddm, units)) for step in steps),
    )
    if not any(step.changed_vsm | step.changed_ddm for step in steps):
        return Picture(name, "No command changes a bit of VSM or DDM", "There are no steps to draw.", table)
    columns = _columns(steps, units)
    caption = (
        "Each line is the state after a command, figures 9A to 9E. VSM: the volume that holds the unit's primary. "
        "DDM: 1 if the unit was written since the last save or restore. Bits that the command changed are framed. "
        "Commands that change no bit are left out, but for saves and restores; a dotted line marks a longer gap."
    )
    if any(len(group) > 1 for group in columns):
        caption += f" Each column stands for {len(columns[0])} units; fuller colour: more of them are on B or written."
    elif len(columns) < units:
        caption += f" Of {units:,} units only the {len(columns)} that change in them are drawn."
    if len(steps) < len(every):
        caption += f" These are the first {len(steps)} of {len(every)} steps that the result has."

    def draw(figure: FigureBase) -> None:
        _draw(figure, steps, columns)

    stacked = len(columns) > MOST_LETTERED
    height = (0.22 * len(steps) + 0.5) * (1 + stacked) + 0.45
    return Picture(name, _title(steps, units), caption, table, draw, height)


def _title(steps: Sequence[Step], units: int) -> str:
    saves = [step for step in steps if step.command.startswith("SAVE") and step.changed_vsm]
    restores = [step for step in steps if step.command.startswith("RESTORE") and step.changed_ddm]
    parts = []
    if saves:
        moved = saves[0].changed_vsm.bit_count()
        first = "the first " * (len(saves) > 1)
        parts.append(f"{first}SAVE gives {moved} of {counted(units, 'unit')} a primary on the other side")
    if restores:
        dropped = restores[0].changed_ddm.bit_count()
        parts.append(f"{'the first ' * (len(restores) > 1)}RESTORE drops what was written to {dropped}")
    if not parts:
        most = max(step.ddm.bit_count() for step in steps)
        return f"Writes mark up to {most} of {counted(units, 'unit')} in DDM, and VSM stays as it was"
    return capital(", ".join(parts))


def _named(bits: int, units: int) -> str:
    """The units whose bit is set; all bits where there are few."""
    if units <= MOST_LETTERED:
        return "".join(str(bits >> unit & 1) for unit in range(units))
    chosen = [unit for unit in range(units) if bits >> unit & 1]
    shown = ", ".join(map(str, chosen[:12]))
    return f"{shown} and {len(chosen) - 12} more" if len(chosen) > 12 else shown or "none"


def _columns(steps: Sequence[Step], units: int) -> list[range]:
    """The units that each column stands for."""
    if units <= MOST_COLUMNS:
        return [range(unit, unit + 1) for unit in range(units)]
    touched = 0
    for step in steps:
        touched |= step.changed_vsm | step.changed_ddm
    if touched.bit_count() <= MOST_COLUMNS:
        return [range(unit, unit + 1) for unit in range(units) if touched >> unit & 1]
    size = -(-units // MOST_COLUMNS)
    return [range(first, min(first + size, units)) for first in range(0, units, size)]


def _draw(figure: FigureBase, steps: Sequence[Step], columns: Sequence[range]) -> None:
    stacked = len(columns) > MOST_LETTERED
    rows, across = (2, 1) if stacked else (1, 2)
    axes = figure.subplots(rows, across, sharey=True, squeeze=False).ravel()
    for axis, title, on, letters in ((axes[0], "VSM", BLUE, "AB"), (axes[1], "DDM", ORANGE, "01")):
        values = [step.vsm if title == "VSM" else step.ddm for step in steps]
        changes = [step.changed_vsm if title == "VSM" else step.changed_ddm for step in steps]
        _panel(axis, steps, columns, values, changes, on, "" if stacked else letters)
        axis.set_title(title, fontweight="bold")
        axis.set_xlabel("unit" if len(columns[0]) == 1 else "first unit of the group")
    if not stacked:
        axes[1].tick_params(labelleft=False)
    legend(
        figure,
        [
            ("VSM: primary on A, DDM: 0", PALE, 1),
            ("VSM: primary on B", BLUE, 1),
            ("DDM: 1", ORANGE, 1),
            ("changed", None, 1),
        ],
    )


def _panel(
    axes: Axes,
    steps: Sequence[Step],
    columns: Sequence[range],
    values: Sequence[int],
    changes: Sequence[int],
    on: Colour,
    letters: str,
) -> None:
    from matplotlib.patches import Rectangle

    def paint(bits: int, group: range) -> Paint:
        part = sum(bits >> unit & 1 for unit in group) / len(group)
        return (on, 0.25 + 0.75 * part) if part else (PALE, 1.0)

    draw_cells(axes, [[paint(bits, group) for group in columns] for bits in values], gap=0.12)
    for row, bits in enumerate(values):
        for column, group in enumerate(columns):
            if any(changes[row] >> unit & 1 for unit in group):
                axes.add_patch(
                    Rectangle((column - 0.44, row - 0.44), 0.88, 0.88, fill=False, edgecolor=INK.light, linewidth=1)
                )
            if letters:
                bit = bits >> group[0] & 1
                axes.text(
                    column,
                    row,
                    letters[bit],
                    ha="center",
                    va="center_baseline",
                    fontsize=SMALL_PT,
                    color=(INK if not bit else ON_BLUE if on is BLUE else ON_BRIGHT).light,
                )
        if steps[row].gap:
            axes.axhline(row - 0.5, color=MUTED.light, linewidth=1, linestyle=":")
    axes.set_yticks(range(len(steps)), [_label(step) for step in steps])
    every = 1 if len(columns) <= MOST_LETTERED else -(-len(columns) // 16)
    shown = range(0, len(columns), every)
    names = [f"{columns[place][0]:,}" for place in shown]
    crowded = len(names) > 6 and max(map(len, names)) > 2
    axes.set_xticks(list(shown), names, rotation=90 if crowded else 0)


def _label(step: Step) -> str:
    return "power on" if step.number < 0 else f"{step.number:,}: {shortened(short_command(step.command), 26)}"
