"""``deltabench run --coverage``: which ways the recoveries went, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deltabench.scenarios.documents import RecoveryCoverage
from deltabench.scenarios.verdict import Result
from deltabench.tools.console import PIPED_WIDTH, needed_width, print_table


def print_coverage(console: Console, results: Sequence[Result]) -> None:
    """A matrix for each variant whose firmware has said which branches it takes, and the branches that none took."""
    for result in results:
        coverage = result.coverage
        if coverage is None:
            continue
        name = f"{result.variant.scenario.name}, {result.variant.name}"
        console.print(f"[bold]{escape(name)}[/bold]: recoveries by save flag, and by what was cut")
        table = _matrix(coverage)
        print_table(console, table, max(PIPED_WIDTH, needed_width(console, table)))
        branches = ", ".join(f"{taken.branch} {taken.recoveries:,}" for taken in coverage.branches)
        console.print(f"branches taken: {escape(branches)}")
        console.print(f"never taken: {escape(', '.join(coverage.unreached) or 'none')}\n")


def _matrix(coverage: RecoveryCoverage) -> Table:
    cuts = list(dict.fromkeys(way.cut for way in coverage.ways))
    counts = {(way.flag, way.status, way.cut): way.recoveries for way in coverage.ways}
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("save flag, status", no_wrap=True)
    for cut in cuts:
        table.add_column(cut.replace(" ", "\n", 1), justify="right")
    for flag, status in dict.fromkeys((way.flag, way.status) for way in coverage.ways):
        label = f"{flag}, {status}" if status else flag
        table.add_row(escape(label), *(f"{counts.get((flag, status, cut), 0):,}" for cut in cuts))
    return table
