"""The terminal: colour and progress only where somebody looks; plain text in pipes and with NO_COLOR."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from deltabench.scenarios import campaign

PIPED_WIDTH = 100
UNBOUNDED = 1 << 16


class OutputConsole(Console):
    """A console whose reader may go away: that is no error of what it was told."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def make_console() -> Console:
    """Standard output; text that is piped is not folded to a terminal's width."""
    piped = not sys.stdout.isatty()
    return OutputConsole(highlight=False, width=PIPED_WIDTH if piped else None, soft_wrap=piped)


def print_table(console: Console, table: Table, piped_width: int = PIPED_WIDTH) -> None:
    """Print a table; where no terminal sets its width, of ``piped_width`` and without blanks at the ends of lines."""
    if console.soft_wrap:
        # What print() is told of a width can only lessen the console's own.
        own_width, console.width = console.width, piped_width
        with console.capture() as capture:
            console.print(table)
        console.width = own_width
        console.print("\n".join(line.rstrip() for line in capture.get().splitlines()), markup=False)
    else:
        console.print(table)


def needed_width(console: Console, table: Table) -> int:
    """The columns that a table needs if nothing in it is wrapped or cut off."""
    return console.measure(table, options=console.options.update(width=UNBOUNDED)).maximum


def widest(console: Console, tables: Iterable[Table]) -> Table:
    """The first of ``tables``, widest first, that the terminal has room for.

    Of the last, if none fits, the first column is folded: names can be of any length.
    """
    for table in tables:
        if console.soft_wrap or needed_width(console, table) <= console.width:
            return table
    table.columns[0].no_wrap = False
    table.columns[0].overflow = "fold"
    return table


def table_of_numbers(
    of: str, names: Sequence[str], headings: Mapping[str, str], rows: Sequence[Mapping[str, str]]
) -> Table:
    """A line for each of ``names``, under the heading ``of``, with what its row has for each of ``headings``."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(of, no_wrap=True)
    for heading in headings.values():
        table.add_column(heading, justify="right", no_wrap=True)
    for name, row in zip(names, rows, strict=True):
        table.add_row(escape(name), *(row[column] for column in headings))
    return table


Advance = Callable[[int, int], None]
"""To be told what is done, and of how much."""


@contextmanager
def work_bar(what: str, unit: str) -> Iterator[Advance]:
    """A bar on standard error; nothing if that is no terminal."""
    with _bar(TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn(unit)) as advance:
        yield advance


@contextmanager
def rate_bar(what: str, unit: str) -> Iterator[Advance]:
    """A bar for what is done by the million, with how many millions a second."""
    with _bar(TextColumn(what), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), _MillionsColumn(unit)) as advance:
        yield advance


@contextmanager
def transfer_bar(what: str) -> Iterator[Advance]:
    """A bar for bytes that go over a line, with how many a second."""
    with _bar(TextColumn(what), BarColumn(), DownloadColumn(binary_units=True), TransferSpeedColumn()) as advance:
        yield advance


@contextmanager
def progress_bar() -> Iterator[campaign.Report]:
    """The bar of a campaign."""
    with work_bar("cutting power", "steps") as advance:
        yield lambda progress: advance(progress.done, progress.total)


class _MillionsColumn(ProgressColumn):
    """How fast it goes."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed / 1e6:,.1f} M {self._unit}/s" if task.speed else "")


@contextmanager
def _bar(*columns: ProgressColumn) -> Iterator[Advance]:
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
