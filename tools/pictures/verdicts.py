"""All runs whose power was cut, by what the device was doing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deltabench.scenarios.crash_map import HELD, VIOLATED
from deltabench.scenarios.documents import CutOperation, Judged
from deltabench.tools.pictures.crash_map import COLOURS, THE_END, during_kind
from deltabench.tools.pictures.style import ON_BRIGHT, SMALL_PT, Paint, Picture, Table, draw_cells, legend
from deltabench.tools.pictures.words import listed, shortened
from deltabench.tools.report import counted

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase


def verdicts_picture(name: str, results: Sequence[Judged]) -> Picture:
    """All runs by what the device was doing: how many operations were cut, how many of them with a wrong recovery."""
    rows: list[Judged] = []
    by_kind: list[dict[str, list[CutOperation]]] = []
    for result in results:
        if result.crash_map and result.crash_map.operations:
            kinds: dict[str, list[CutOperation]] = {}
            for operation in result.crash_map.operations:
                kinds.setdefault(during_kind(operation.during), []).append(operation)
            rows.append(result)
            by_kind.append(kinds)
    doing = sorted(dict.fromkeys(kind for kinds in by_kind for kind in kinds), key=lambda kind: kind == THE_END)
    cells = [[kinds.get(kind, []) for kind in doing] for kinds in by_kind]
    broken = [result for result in results if result.counts.violations]
    if not broken:
        title = f"No rule is broken in any of {counted(len(results), 'run')}"
    else:
        title = f"{len(broken)} of {counted(len(results), 'run')} break a rule: {listed([r.run for r in broken], 3)}"
    table = Table(
        ("run", "during", "operations cut", "with a wrong recovery"),
        tuple(
            (result.run, kind, len(found), sum(VIOLATED in op.verdicts for op in found))
            for result, row in zip(rows, cells, strict=True)
            for kind, found in zip(doing, row, strict=True)
            if found
        ),
    )
    if not rows:
        return Picture(name, title, "None of the results has a crash map to draw.", table)

    def paint(found: Sequence[CutOperation]) -> Paint | None:
        if not found:
            return None
        return (COLOURS[VIOLATED if any(VIOLATED in op.verdicts for op in found) else HELD], 1.0)

    def draw(figure: FigureBase) -> None:
        axes = figure.add_subplot()
        draw_cells(axes, [[paint(found) for found in row] for row in cells], gap=0.1)
        for row, line in enumerate(cells):
            for column, found in enumerate(line):
                wrong = sum(VIOLATED in op.verdicts for op in found)
                text = f"{wrong:,} of {len(found):,}" if wrong else f"{len(found):,}" if found else ""
                axes.text(
                    column, row, text, ha="center", va="center_baseline", fontsize=SMALL_PT, color=ON_BRIGHT.light
                )
        axes.set_xlim(-0.5, max(len(doing), 6) - 0.5)
        axes.set_yticks(range(len(rows)), [shortened(result.run, 40) for result in rows])
        axes.set_xticks(
            range(len(doing)), [shortened(kind, 30) for kind in doing], rotation=35, ha="right", rotation_mode="anchor"
        )
        legend(figure, [("violated", COLOURS[VIOLATED], 1), ("held", COLOURS[HELD], 1)])

    longest = max(len(shortened(kind, 30)) for kind in doing)
    return Picture(
        name,
        title,
        "Media operations that were cut, by run and by what the device was doing. Red: so many of them had a recovery "
        "that broke a rule. Light blue: every recovery held.",
        table,
        draw,
        0.26 * len(rows) + 0.045 * longest + 0.7,
    )
