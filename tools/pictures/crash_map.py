"""What came of cutting each media operation, by kind of outcome: held, or violated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from deltabench.scenarios.crash_map import ABSENT, DUPLICATE, HELD, VIOLATED
from deltabench.scenarios.documents import CrashMap, CutOperation, Explored, Judged
from deltabench.tools.pictures.style import (
    INK,
    ON_BRIGHT,
    PALE,
    SKY,
    SMALL_PT,
    VERMILLION,
    Colour,
    Paint,
    Picture,
    Table,
    draw_cells,
    legend,
)
from deltabench.tools.pictures.words import listed, short_command, shortened
from deltabench.tools.report import counted

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

MOST_SINGLY: Final = 28
"""Up to so many operations have a column each."""
MOST_COLUMNS: Final = 240
THE_END: Final = "after the workload"
COLOURS: Final[dict[str, Colour]] = {VIOLATED: VERMILLION, HELD: SKY, DUPLICATE: PALE}
_WORST_FIRST: Final = VIOLATED + HELD + DUPLICATE + ABSENT


class Group(NamedTuple):
    """Operations that stand in one column: their label, and the verdicts of each."""

    label: str
    operations: tuple[CutOperation, ...]

    def verdict(self, outcome: int) -> str:
        """The worst verdict on one kind of outcome."""
        return min((operation.verdicts[outcome] for operation in self.operations), key=_WORST_FIRST.index)

    def with_verdict(self, outcome: int, verdict: str) -> int:
        """How many of the operations have this verdict."""
        return sum(operation.verdicts[outcome] == verdict for operation in self.operations)


def crash_map_picture(name: str, result: Judged) -> Picture:
    """Outcomes by operation; of many operations, by what the device was doing and by kind of operation."""
    title = finding(result)
    crash_map = result.crash_map
    if crash_map is None:
        why = "The results have no crash map; an older deltabench wrote them. Run the scenario again."
        return Picture(name, title, why, Table((), ()))
    if not crash_map.operations:
        return Picture(name, title, "No operation was cut, so there is no map to draw.", Table((), ()))
    singly = len(crash_map.operations) <= MOST_SINGLY
    groups = _singly(crash_map) if singly else _by_kind(crash_map)
    caption = (
        "Columns: media operations that were cut"
        + (", in the order of the workload" if singly else ", by what the device was doing; in brackets how many")
        + ". Rows: what the cut left of them. Red with a number: so many of these operations had a recovery that broke "
        "a rule. Light blue: every recovery held. Faint: the media were as in a crash state already judged. Open: no "
        "such outcome."
    )
    table = Table(
        ("operation", "outcome", "operations", "violated", "held", "judged before"),
        tuple(
            (
                group.label,
                outcome,
                sum(operation.verdicts[row] != ABSENT for operation in group.operations),
                *(group.with_verdict(row, verdict) for verdict in (VIOLATED, HELD, DUPLICATE)),
            )
            for group in groups
            for row, outcome in enumerate(crash_map.outcomes)
            if group.verdict(row) != ABSENT
        ),
    )

    def draw(figure: FigureBase) -> None:
        _matrix(figure, crash_map, groups)

    longest = max(len(shortened(group.label, 38)) for group in groups)
    return Picture(name, title, caption, table, draw, 0.24 * len(crash_map.outcomes) + 0.058 * longest + 0.75)


def in_order_picture(name: str, result: Judged) -> Picture | None:
    """The same in the order of the workload; None if nothing is wrong or each operation has its column already."""
    crash_map = result.crash_map
    if crash_map is None or len(crash_map.operations) <= MOST_SINGLY:
        return None
    operations = crash_map.operations
    if not any(VIOLATED in operation.verdicts for operation in operations):
        return None
    count = min(MOST_COLUMNS, len(operations))
    edges = [len(operations) * column // count for column in range(count + 1)]
    groups = [Group("", operations[first:last]) for first, last in pairwise(edges)]
    wrong = [operation for operation in operations if VIOLATED in operation.verdicts]

    def draw(figure: FigureBase) -> None:
        from matplotlib.ticker import FixedLocator, FuncFormatter

        axes = figure.add_subplot()
        draw_cells(axes, [[_paint(group, row) for group in groups] for row in range(len(crash_map.outcomes))])
        axes.set_yticks(range(len(crash_map.outcomes)), [shortened(outcome, 44) for outcome in crash_map.outcomes])
        ticks = [count * step // 6 for step in range(6)]
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_major_formatter(
            FuncFormatter(lambda value, _: f"{groups[min(int(value), count - 1)].operations[0].operation:,}")
        )
        axes.set_xlabel("number of the media operation, as in crash ids")
        _legend(figure)

    title = (
        f"{result.scheme}-{result.atom_store}: {len(wrong):,} of {counted(len(operations), 'operation')} have a cut "
        f"that breaks a rule, the first of them operation {wrong[0].operation:,}"
    )
    group = len(operations) / count
    return Picture(
        name,
        title,
        "The crash map in the order of the workload."
        + (f" Each column shows the worst of about {group:.0f} operations." if group > 1 else ""),
        Table(
            ("operation", "during", "what", "outcomes that broke a rule"),
            tuple(
                (
                    operation.operation,
                    operation.during,
                    operation.what,
                    "; ".join(
                        outcome
                        for outcome, verdict in zip(crash_map.outcomes, operation.verdicts, strict=True)
                        if verdict == VIOLATED
                    ),
                )
                for operation in wrong[:60]
            ),
        ),
        draw,
        0.2 * len(crash_map.outcomes) + 1.0,
    )


def finding(result: Judged) -> str:
    """What came out, in a sentence."""
    who = f"{result.scheme}-{result.atom_store}"
    counts: Explored = result.counts
    until = "" if result.complete else ", as far as it was run"
    if not counts.verified:
        return f"{who}: nothing was judged{until}"
    if not counts.violations:
        if counts.verified == 1:
            return f"{who}: the one recovery held{until}"
        return f"{who}: all of {counts.verified:,} recoveries held{until}"
    kinds: list[str] = []
    if result.crash_map:
        kinds = list(
            dict.fromkeys(
                during_kind(operation.during)
                for operation in result.crash_map.operations
                if VIOLATED in operation.verdicts
            )
        )
    where = f", all after a cut in {listed(kinds)}" if kinds else ""
    of = f"of {counted(counts.verified, 'recovery', 'recoveries')}"
    return f"{who}: {counts.violations:,} {of} wrong{where}{until}"


def during_kind(during: str) -> str:
    """What the device was doing, without addresses and times."""
    during = re.sub(r" LBA \d+\+\d+", "", during)
    during = re.sub(r"^\d+ ms ", "", during)
    return short_command(during.replace("nothing, at the end of the workload", THE_END))


def _singly(crash_map: CrashMap) -> list[Group]:
    return [Group(f"{operation.operation} {_label(operation)}", (operation,)) for operation in crash_map.operations]


def _label(operation: CutOperation) -> str:
    what = operation.what.replace("between two operations", "in between")
    doing = during_kind(operation.during)
    return doing if doing == THE_END else f"{doing}: {what}"


def _by_kind(crash_map: CrashMap) -> list[Group]:
    found: dict[str, list[CutOperation]] = {}
    for operation in crash_map.operations:
        found.setdefault(_label(operation), []).append(operation)
    return [Group(f"{label} ({len(operations):,})", tuple(operations)) for label, operations in found.items()]


def _paint(group: Group, outcome: int) -> Paint | None:
    verdict = group.verdict(outcome)
    return None if verdict == ABSENT else (COLOURS[verdict], 1.0)


def _matrix(figure: FigureBase, crash_map: CrashMap, groups: Sequence[Group]) -> None:
    axes = figure.add_subplot()
    outcomes = crash_map.outcomes
    draw_cells(axes, [[_paint(group, row) for group in groups] for row in range(len(outcomes))], gap=0.1)
    for row in range(len(outcomes)):
        for column, group in enumerate(groups):
            wrong = group.with_verdict(row, VIOLATED)
            if wrong:
                text = f"{wrong:,}" if len(group.operations) > 1 else "×"
                axes.text(
                    column, row, text, ha="center", va="center_baseline", fontsize=SMALL_PT, color=ON_BRIGHT.light
                )
    # A few columns must not become a few bars as wide as the page.
    axes.set_xlim(-0.5, max(len(groups), 10) - 0.5)
    axes.set_yticks(range(len(outcomes)), [shortened(outcome, 44) for outcome in outcomes])
    axes.set_xticks(
        range(len(groups)),
        [shortened(group.label, 38) for group in groups],
        rotation=50,
        ha="right",
        rotation_mode="anchor",
    )
    axes.tick_params(axis="x", labelcolor=INK.light)
    _legend(figure)


def _legend(figure: FigureBase) -> None:
    legend(
        figure,
        [
            ("violated", COLOURS[VIOLATED], 1),
            ("held", COLOURS[HELD], 1),
            ("as one judged before", COLOURS[DUPLICATE], 1),
        ],
    )
