"""Which ways the recoveries went: save flag and status against what was cut, and the branches that none took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deltabench.scenarios.documents import Judged
from deltabench.tools.pictures.style import BLUE, INK, SMALL_PT, Paint, Picture, Table, draw_cells
from deltabench.tools.pictures.words import listed, shortened
from deltabench.tools.report import counted

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase


def recoveries_picture(name: str, result: Judged) -> Picture | None:
    """How many recoveries met each combination; None where the firmware has not said which way it goes."""
    coverage = result.coverage
    if coverage is None:
        return None
    cuts = list(dict.fromkeys(way.cut for way in coverage.ways))
    flags = list(dict.fromkeys((way.flag, way.status) for way in coverage.ways))
    counts = {((way.flag, way.status), way.cut): way.recoveries for way in coverage.ways}
    labels = [f"{flag}, {status}" if status else flag for flag, status in flags]
    table = Table(
        ("save flag, status", "what was cut", "recoveries"),
        tuple(
            (label, cut, counts[flag, cut])
            for flag, label in zip(flags, labels, strict=True)
            for cut in cuts
            if (flag, cut) in counts
        ),
    )
    known = len(coverage.branches) + len(coverage.unreached)
    branches = counted(known, "branch", "branches")
    title = f"{result.variant or result.run}: recoveries take {len(coverage.branches)} of {branches} of the boot"
    never = listed(coverage.unreached, len(coverage.unreached)) if coverage.unreached else "none"
    most = max(counts.values())

    def paint(count: int) -> Paint | None:
        return (BLUE, 0.15 + 0.65 * count / most) if count else None

    def draw(figure: FigureBase) -> None:
        axes = figure.add_subplot()
        numbers = [[counts.get((flag, cut), 0) for cut in cuts] for flag in flags]
        draw_cells(axes, [[paint(count) for count in row] for row in numbers], gap=0.1)
        for row, line in enumerate(numbers):
            for column, count in enumerate(line):
                text = f"{count:,}" if count else ""
                axes.text(column, row, text, ha="center", va="center_baseline", fontsize=SMALL_PT, color=INK.light)
        axes.set_xlim(-0.5, max(len(cuts), 5) - 0.5)
        axes.set_yticks(range(len(flags)), [shortened(label, 40) for label in labels])
        axes.set_xticks(range(len(cuts)), [shortened(cut, 30).replace(" ", "\n", 1) for cut in cuts])

    return Picture(
        name,
        title,
        "How many recoveries met each state of the save flag (with its status data), by the kind of operation that was "
        f"cut before. Branches of the boot that no crash state has reached: {never}.",
        table,
        draw,
        0.3 * len(flags) + 0.75,
    )
