"""What ``deltabench measure`` and ``endure`` print of NAND flash: a table a part, a line for each variant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from deltabench.tools.console import needed_width, print_table, table_of_numbers, widest
from deltabench.tools.pictures.words import share

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from deltabench.scenarios.documents import EnduredRun, FlashSummary, MeasuredRun

HEADINGS: Final = {
    "given": "pages\ngiven",
    "programmed": "pages\nprogrammed",
    "amplification": "amplifi-\ncation",
    "moved": "pages\nmoved",
    "won back": "won\nback",
    "most": "erases\nat most",
    "spread": "most to\nmean",
    "grown": "blocks\ngone bad",
    "spare": "blocks\nspare",
}
NOTHING: Final = "-"
WHERE_ANY: Final = ("moved", "won back", "grown")
"""Columns that are left out where they have nothing in any line."""


def print_flash(console: Console, runs: Sequence[MeasuredRun | EnduredRun]) -> None:
    """A table for each device, each with an empty line before it; nothing where there is no NAND flash."""
    from rich.markup import escape

    for device, part in dict.fromkeys((flash.device, flash.part) for run in runs for flash in run.flash):
        rows = [(run.run.rpartition(":")[2], flash) for run in runs for flash in run.flash if flash.device == device]
        console.print(f"\n[bold]{escape(device)}[/bold] {escape(part)}, behind its translation layer")
        table = _table(console, rows)
        print_table(console, table, needed_width(console, table))


def _table(console: Console, rows: Sequence[tuple[str, FlashSummary]]) -> Table:
    """The widest table that the terminal has room for."""
    cells = [_row(flash) for _, flash in rows]
    shown = {
        column: heading
        for column, heading in HEADINGS.items()
        if column not in WHERE_ANY or any(row[column] not in (NOTHING, "0") for row in cells)
    }
    names = [name for name, _ in rows]
    tables = (
        table_of_numbers("variant", names, {c: h for c, h in shown.items() if c not in left_out}, cells)
        for left_out in ((), ("moved",), ("moved", "programmed"))
    )
    return widest(console, tables)


def _row(flash: FlashSummary) -> dict[str, str]:
    """What the columns say of a flash."""
    from deltabench.scenarios.flash_use import MOVES, RECOVERED

    moved = sum(flash.pages.get(cause, 0) for cause in (*MOVES.values(), RECOVERED))
    efficiency = flash.collection_efficiency
    return {
        "given": f"{flash.host_pages:,}",
        "programmed": f"{flash.programmed_pages:,}",
        "amplification": NOTHING if flash.write_amplification is None else f"{flash.write_amplification:.2f}",
        "moved": f"{moved:,}",
        "won back": NOTHING if efficiency is None else share(efficiency, 1),
        "most": f"{flash.most_erases:,}",
        "spread": NOTHING if flash.spread is None else f"{flash.spread:.2f}",
        "grown": f"{flash.grown_bad_blocks:,}",
        "spare": f"{flash.spare_blocks_left:,}",
    }
