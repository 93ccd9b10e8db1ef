"""What ``deltabench endure`` prints: a line for each part that was worn, and which wears out first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from deltabench.scenarios.documents import MOST_YEARS
from deltabench.tools.console import needed_width, print_table, widest
from deltabench.tools.flash_tables import print_flash
from deltabench.tools.pictures.words import listed
from deltabench.tools.report import counted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from deltabench.scenarios.documents import EnduredRun, WearOut
    from deltabench.scenarios.endurance.workload import Workload


def print_endurance(console: Console, name: str, workload: Workload, runs: Sequence[EnduredRun]) -> None:
    """What was done, a line for each part that was worn, and what came out."""
    from rich.markup import escape

    if not runs:
        return
    console.print(f"[bold]{escape(name)}[/bold]: {escape(_in_words(workload, runs[0]))}")
    table = _table(console, runs)
    print_table(console, table, needed_width(console, table))
    print_flash(console, runs)
    console.print(f"\n{escape(_finding(runs))}")


def print_interrupted(console: Console, runs: Sequence[EnduredRun], left: Sequence[str]) -> None:
    """Which variants were not finished; ``left`` were not begun."""
    from rich.markup import escape

    cut = [run.run.rpartition(":")[2] for run in runs if run.ended == "interrupted"]
    states = [(f"cut short: {', '.join(cut)}", cut), (f"not begun: {', '.join(left)}", left)]
    console.print(f"[bold]Interrupted: {escape('; '.join(text for text, names in states if names))}.[/bold]")


def _in_words(workload: Workload, run: EnduredRun) -> str:
    """The workload in two lines."""
    from deltabench.scenarios.endurance.workload import RandomMix

    source = workload.source
    if isinstance(source, RandomMix):
        hot = run.workload["hot_part"]
        spread = "spread evenly over the volume"
        if 0 < hot < 1:
            spread = f"{100 * source.hot_share:g} % of them in {100 * hot:.3g} % of the volume"
        what = f"{100 * source.reads:g} % reads, transfers of {counted(source.sectors, 'sector')}, {spread}"
    else:
        what = f"{source.path} again and again"
    orders = [
        f"a {order} every {counted(every, 'command')}" if every else f"no {order}s"
        for order, every in (("save", workload.save_every), ("restore", workload.restore_every))
    ]
    years = f"{workload.years:g} year{'s' * (workload.years != 1)}"
    pace = run.workload["commands_per_day"]
    return f"up to {years} of {pace:,.0f} commands a day\n{what}; {', '.join(orders)}"


def _table(console: Console, runs: Sequence[EnduredRun]) -> Table:
    """The widest table that the terminal has room for."""
    choices = ((), ("driven by",), ("driven by", "rated for"))
    return widest(console, (_table_without(left_out, runs) for left_out in choices))


def _table_without(left_out: Sequence[str], runs: Sequence[EnduredRun]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    headings = ("variant", "part", "most worn cell", "rated for", "worn out after", "driven by")
    for heading in headings:
        if heading not in left_out:
            numbers = heading in ("most worn cell", "rated for", "worn out after")
            table.add_column(heading, justify="right" if numbers else "left", no_wrap=True)
    for run in runs:
        variant = run.run.rpartition(":")[2]
        for row in run.wear_out:
            cells = (
                variant,
                f"{row.device} {row.part}",
                counted(row.most, row.what),
                "no rating" if row.endurance is None else _rating(row.endurance),
                when(row),
                row.driven_by,
            )
            shown = [escape(cell) for heading, cell in zip(headings, cells, strict=True) if heading not in left_out]
            table.add_row(*shown)
            variant = ""
    return table


def when(row: WearOut) -> str:
    """When it is worn out, in words; ``about``: at the pace of the second half of the run."""
    if row.too_little:
        return "too little wear to tell"
    if row.years is None:
        return "-" if row.endurance is None else "wears no more"
    about = "" if row.reached or row.years > MOST_YEARS else "about "
    return f"{about}{span(row.years)}"


def _rating(endurance: int) -> str:
    return f"{endurance:,}" if endurance < 10**9 else f"{endurance:.3g}".replace("e+", "e")


def span(years: float) -> str:
    """A time in words, with two or three significant digits."""
    from deltabench.scenarios.endurance.workload import DAYS_PER_YEAR

    if years * DAYS_PER_YEAR < 100:
        return f"{years * DAYS_PER_YEAR:.2g} days"
    if years > MOST_YEARS:
        return f"over {MOST_YEARS:,} years"
    return f"{years:.2f} years" if years < 10 else f"{years:.0f} years"


def _finding(runs: Sequence[EnduredRun]) -> str:
    """What wears out first and what last, what cannot be told yet, and how far that was run."""
    rows = [(run.run.rpartition(":")[2], row) for run in runs for row in run.wear_out if row.endurance is not None]
    if not rows:
        return "Nothing that was worn has a rated endurance: its writes are counted, but not when it wears out."
    told = [named for named in rows if not named[1].too_little]
    untold = [f"{row.device} of {variant}" for variant, row in rows if row.too_little]
    if not told:
        return "Too little was worn to tell when anything will be worn out: run it for more years."
    told.sort(key=lambda named: (math.inf if named[1].years is None else named[1].years, named[0]))
    sentences = [_first_and_last(told, "All else" if untold else "All")]
    if untold:
        sentences.insert(0, f"{listed(untold)}: worn too little to tell when; run it for more years. ")
    if any(when(row).startswith("about") for _, row in told):
        sentences.append("\n'About': at the pace of the second half of the time that was run.")
    return "".join(sentences)


def _first_and_last(rated: Sequence[tuple[str, WearOut]], all_of_it: str) -> str:
    """A sentence on parts in the order in which they wear out."""
    (variant, first), (last_variant, last) = rated[0], rated[-1]
    if first.years is None:
        why = "nothing was written to it in the second half of the run"
        return f"{all_of_it} that has a rated endurance wears no more: {why}."
    if first.years > MOST_YEARS:
        return f"{all_of_it} that has a rated endurance lasts {when(first)}."
    if len(rated) == 1:
        return f"{first.device} of {variant} wears out after {when(first)}."
    if when(first) == when(last):
        return f"{all_of_it} that has a rated endurance wears out after {when(first)}."
    which = "first" if all_of_it == "All" else "first of the others"
    longest = f"lasts longest, {when(last)}" if last.years is not None else "wears no more"
    return (
        f"{first.device} of {variant} wears out {which}, after {when(first)}; "
        f"{last.device} of {last_variant} {longest}."
    )
