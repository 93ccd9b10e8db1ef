"""``deltabench endure``: a workload over simulated years, at speed; when which part wears out."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from deltabench.firmware_model.config import StoreKind
from deltabench.firmware_model.schemes import SCHEMES
from deltabench.scenarios.scenario import find_scenario
from deltabench.scenarios.traces import FORMATS
from deltabench.scenarios.verdict import write_whole
from deltabench.tools.console import make_console, needed_width, print_table
from deltabench.tools.exits import Exit
from deltabench.tools.measuring import csv_option
from deltabench.tools.result_files import check_result_files, force_option, json_option

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from deltabench.scenarios.documents import EnduredRun, WearOut
    from deltabench.scenarios.endurance.workload import Workload

DAYS_PER_YEAR: Final = 365.25
MOST_YEARS: Final = 1000
"""What lasts longer is not told more exactly."""


class HotRegion(click.ParamType[tuple[float, float]]):
    """``0.1:0.9``: a share of the volume, and the share of the transfers that it gets."""

    name = "VOLUME:TRANSFERS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, float]:
        if isinstance(value, tuple):
            return value
        try:
            volume, transfers = map(float, str(value).split(":"))
        except ValueError:
            self.fail(f"{value!r} is not two shares like 0.1:0.9, of the volume and of the transfers", param, ctx)
        return volume, transfers


@click.command("endure", short_help="Find out when which part wears out.")
@click.argument("reference", metavar="SCENARIO")
@click.option("--scheme", type=click.Choice(list(SCHEMES)), multiple=True, help="This map scheme (may be repeated).")
@click.option(
    "--store",
    type=click.Choice([kind.value for kind in StoreKind]),
    multiple=True,
    help="This map store (may be repeated).",
)
@click.option("--units", type=click.IntRange(1, 1 << 20), help="Units of the volume.")
@click.option("--sectors-per-unit", type=click.IntRange(1, 256), help="Sectors of a unit.")
@click.option("--years", default=10.0, show_default=True, help="How long the device is used, at most.")
@click.option(
    "--commands-per-day", type=float, help="Pace of the host.  [default: of the trace's own times, else 1,000,000]"
)
@click.option("--save-every", default=1000, show_default=True, help="Every so many commands one is a save; 0: none.")
@click.option("--restore-every", default=0, show_default=True, help="Likewise for restores, which go first.")
@click.option("--reads", default=0.3, show_default=True, help="Share of reads among the transfers.")
@click.option("--sectors", default=8, show_default=True, help="Sectors of each transfer.")
@click.option(
    "--hot", type=HotRegion(), default=(0.1, 0.9), show_default="0.1:0.9", help="Hot region: its share of each."
)
@click.option("--trace", type=click.Path(path_type=Path), help="Repeat this trace in place of a random mix.")
@click.option("--format", "trace_format", type=click.Choice(list(FORMATS)), help="Format of the trace.")
@click.option("--wrap", is_flag=True, help="Fold the trace into the volume.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of the random mix.  [default: the scenario's]")
@click.option("--no-jit", is_flag=True, help="Run the kernel in pure Python, with the same results.")
@json_option
@csv_option
@force_option
def endure_command(
    reference: str,
    scheme: tuple[str, ...],
    store: tuple[str, ...],
    units: int | None,
    sectors_per_unit: int | None,
    years: float,
    commands_per_day: float | None,
    save_every: int,
    restore_every: int,
    reads: float,
    sectors: int,
    hot: tuple[float, float],
    trace: Path | None,
    trace_format: str | None,
    wrap: bool,
    seed: int | None,
    no_jit: bool,
    json_file: Path | None,
    csv_file: Path | None,
    force: bool,
) -> int:
    """Put a device through years of a workload, and find out when which part wears out.

    SCENARIO gives the board, the firmware and its variants; its steps and power cuts are left out. Options that name a
    scheme, a store or a size replace what it says.
    """
    check_result_files({"--json": json_file, "--csv": csv_file}, force=force)
    if trace is not None and trace_format is None:
        raise click.UsageError(f"--trace {trace} needs --format: one of {', '.join(FORMATS)}")
    if trace is None and (trace_format is not None or wrap):
        raise click.UsageError(f"{'--wrap' if wrap else '--format'} is for a trace; give one with --trace")
    scenario = find_scenario(reference)
    # Imported here, so that the command line answers before numpy is loaded.
    from deltabench.scenarios.counters import Counts, to_csv
    from deltabench.scenarios.documents import Endurance, to_json
    from deltabench.scenarios.endurance.compiled import load_kernel
    from deltabench.scenarios.endurance.device import refitted
    from deltabench.scenarios.endurance.run import endure
    from deltabench.scenarios.endurance.workload import RandomMix, RepeatedTrace, Workload

    source: RandomMix | RepeatedTrace = RandomMix(reads, sectors, *hot)
    if trace is not None and trace_format is not None:
        source = RepeatedTrace(trace, trace_format, wrap)
    seed = scenario.document.seed if seed is None else seed
    workload = Workload(source, save_every, restore_every, years, commands_per_day, seed)
    model = load_kernel(jit=False if no_jit else None)
    if not model.compiled and not no_jit:
        click.echo(
            "deltabench: without numba the kernel runs in pure Python: a hundred times slower, the same results; "
            "pip install 'deltabench[fast]' installs it",
            err=True,
        )
    stores = [StoreKind(kind) for kind in store]
    variants = refitted(scenario, scheme, stores, units, sectors_per_unit).variants()
    with rate_bar() as progress:
        runs, interrupted = endure(variants, workload, model, progress)
    if json_file:
        write_whole(json_file, to_json(Endurance(interrupted=interrupted, runs=tuple(runs))))
    if csv_file:
        write_whole(csv_file, to_csv({run.run: Counts.of_series(run.counters) for run in runs}))
    console = make_console()
    print_endurance(console, scenario.name, workload, runs)
    if interrupted:
        _print_interrupted(console, runs, [variant.name for variant in variants[len(runs) :]])
        return Exit.INTERRUPTED
    return Exit.OK


@contextmanager
def rate_bar() -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, with commands a second; nothing if that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("enduring"), BarColumn(), TextColumn("{task.percentage:>3.0f} %  {task.fields[rate]}"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, rate="")

        def progress(done: int, total: int) -> None:
            speed = bar.tasks[0].speed
            bar.update(task, completed=done, total=total, rate=f"{speed / 1e6:,.1f} M commands/s" if speed else "")

        yield progress


def print_endurance(console: Console, name: str, workload: Workload, runs: Sequence[EnduredRun]) -> None:
    """What was done, a line for each part that was worn, and what came out."""
    from rich.markup import escape

    if not runs:
        return
    console.print(f"[bold]{escape(name)}[/bold]: {escape(_in_words(workload, runs[0]))}")
    table = _table(console, runs)
    print_table(console, table, needed_width(console, table))
    console.print(f"\n{escape(_finding(runs))}")


def _print_interrupted(console: Console, runs: Sequence[EnduredRun], left: Sequence[str]) -> None:
    from rich.markup import escape

    cut = [run.run.rpartition(":")[2] for run in runs if run.ended == "interrupted"]
    states = [(f"cut short: {', '.join(cut)}", cut), (f"not begun: {', '.join(left)}", left)]
    console.print(f"[bold]Interrupted: {escape('; '.join(text for text, names in states if names))}.[/bold]")


def _in_words(workload: Workload, run: EnduredRun) -> str:
    """The workload in one sentence."""
    from deltabench.scenarios.endurance.workload import RandomMix

    source = workload.source
    if isinstance(source, RandomMix):
        what = (
            f"{source.reads:.0%} reads, transfers of {source.sectors} sector{'s' * (source.sectors != 1)}, "
            f"{source.hot_share:.0%} of them in {source.hot_fraction:.0%} of the volume"
        )
    else:
        what = f"{source.path} again and again"
    orders = [
        f"a {order} every {every:,} commands" if every else f"no {order}s"
        for order, every in (("save", workload.save_every), ("restore", workload.restore_every))
    ]
    years = f"{workload.years:g} year{'s' * (workload.years != 1)}"
    pace = run.workload["commands_per_day"]
    return f"up to {years} of {pace:,.0f} commands a day: {what}; {', '.join(orders)}"


def _table(console: Console, runs: Sequence[EnduredRun]) -> Table:
    """The widest table that the terminal has room for."""
    for left_out in ((), ("driven by",), ("driven by", "rated for")):
        table = _table_without(left_out, runs)
        if console.soft_wrap or needed_width(console, table) <= console.width:
            break
    return table


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
                f"{row.most:,} {row.what}s",
                "no rating" if row.endurance is None else _rating(row.endurance),
                _when(row),
                row.driven_by,
            )
            shown = [escape(cell) for heading, cell in zip(headings, cells, strict=True) if heading not in left_out]
            table.add_row(*shown)
            variant = ""
    return table


def _when(row: WearOut) -> str:
    if row.years is None:
        return "-" if row.endurance is None else "wears no more"
    about = "" if row.reached or row.years > MOST_YEARS else "about "
    return f"{about}{span(row.years)}"


def _rating(endurance: int) -> str:
    return f"{endurance:,}" if endurance < 10**9 else f"{endurance:.3g}".replace("e+", "e")


def span(years: float) -> str:
    """A time in words, with two or three significant digits."""
    if years * DAYS_PER_YEAR < 100:
        return f"{years * DAYS_PER_YEAR:.2g} days"
    if years > MOST_YEARS:
        return f"over {MOST_YEARS:,} years"
    return f"{years:.2f} years" if years < 10 else f"{years:.0f} years"


def _finding(runs: Sequence[EnduredRun]) -> str:
    """What wears out first and what last, in a sentence or two."""
    rows = [(run.run.rpartition(":")[2], row) for run in runs for row in run.wear_out if row.endurance is not None]
    if not rows:
        return "Nothing that was worn has a rated endurance: its writes are counted, but not when it wears out."
    rated = sorted((math.inf if row.years is None else row.years, variant, row.device) for variant, row in rows)
    if rated[0][0] == math.inf:
        return "What has a rated endurance wears no more: in the second half of the run it was not worn at all."
    years, variant, device = rated[0]
    if len(rated) == 1:
        sentences = [f"{device} of {variant} wears out after {span(years)}."]
    else:
        last_years, last_variant, last = rated[-1]
        sentences = [
            f"{device} of {variant} wears out first, after {span(years)}; "
            f"{last} of {last_variant} lasts longest, {span(last_years)}."
        ]
    if any(_when(row).startswith("about") for _, row in rows):
        sentences.append("'About': at the pace of the second half of the time that was run.")
    return " ".join(sentences)
