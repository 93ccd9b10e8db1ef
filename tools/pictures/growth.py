"""How long a command takes against the number of units: O(map) in ``flagged``, one atom in ``versioned``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from deltabench.tools.pictures.style import (
    DASHES,
    SERIES,
    Picture,
    Table,
    legend_of_lines,
    plain_axes,
    time_axis,
)
from deltabench.tools.pictures.words import duration, shortened
from deltabench.tools.report import counted

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

MOST_LINES: Final = len(SERIES)
MARKERS: Final = "osD^vP*"


class Growth(NamedTuple):
    """Median latencies of one kind of device: (units, nanoseconds), by rising number of units."""

    label: str
    points: tuple[tuple[int, int], ...]

    @property
    def factor(self) -> float:
        """How much longer it takes with the most units than with the fewest."""
        return self.points[-1][1] / max(self.points[0][1], 1)


def growth_picture(name: str, command: str, lines: Sequence[Growth]) -> Picture:
    """A line a scheme and store, both axes logarithmic; ``lines`` have two points or more each."""
    table = Table(
        ("run", "units", f"median of {command}, µs"),
        tuple((line.label, units, ns / 1000) for line in lines for units, ns in line.points),
    )
    shown = lines[:MOST_LINES]
    caption = (
        f"The median of {command} against the number of units of the volume, with all else as it is. Both axes are "
        "logarithmic: what grows with the maps rises with them, and what is one atom stays level, but for the scrub."
    )
    if len(shown) < len(lines):
        caption += f" {counted(len(lines) - len(shown), 'more run')} in the table."
    times = [ns for line in shown for _, ns in line.points]
    sizes = sorted({units for line in shown for units, _ in line.points})

    def draw(figure: FigureBase) -> None:
        axes = plain_axes(figure.add_subplot(), grid="y")
        for number, line in enumerate(shown):
            axes.plot(
                [units for units, _ in line.points],
                [ns for _, ns in line.points],
                color=SERIES[number].light,
                linestyle=DASHES[number],
                marker=MARKERS[number],
                markersize=5,
                label=shortened(line.label, 40),
            )
        axes.set_xscale("log", base=2)
        axes.set_xticks(sizes, [f"{units:,}" for units in sizes])
        axes.set_xlabel("units")
        time_axis(axes, min(times) / 1.5, max(times) * 1.5, "y")
        axes.set_ylabel(f"median of {command}")
        legend_of_lines(figure, axes)

    return Picture(name, _title(command, lines), caption, table, draw, 3.6)


def _title(command: str, lines: Sequence[Growth]) -> str:
    most, least = max(lines, key=lambda line: line.factor), min(lines, key=lambda line: line.factor)
    (few, _), (many, longest_ns) = most.points[0], most.points[-1]
    first = (
        f"With {many / few:.3g} times the units a {command} takes {most.factor:.2g} times as long under {most.label}, "
        f"{duration(longest_ns)}"
    )
    if least is most:
        return first
    level = f"{least.factor:.2g} times" if least.factor >= 1.05 else "just as long"
    return f"{first}, and {level} under {least.label}"
