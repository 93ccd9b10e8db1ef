"""``deltabench measure``: run scenarios in simulated time, without cuts; latencies, wear, write amplification."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from deltabench.scenarios.verdict import write_whole
from deltabench.tools.console import make_console, print_table, table_of_numbers, widest, work_bar
from deltabench.tools.exits import Exit
from deltabench.tools.finding import scheme_option, selected, store_option, wrap_option
from deltabench.tools.flash_tables import print_flash
from deltabench.tools.pictures.words import duration
from deltabench.tools.report import counted
from deltabench.tools.result_files import check_result_files, force_option, json_option

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from deltabench.scenarios.counters import Counts
    from deltabench.scenarios.documents import Latency, MeasuredRun

NOTHING: Final = "-"
HEADINGS: Final = {
    "simulated": "simulated\ntime",
    "write": "write\nmedian",
    "write 99 %": "\n99 %",
    "flush": "flush\nmedian",
    "save": "save\nmedian",
    "restore": "restore\nmedian",
    "amplification": "bytes written\nper host byte",
    "erases": "erases of most\nworn NOR sector",
}

csv_option = click.option(
    "--csv", "csv_file", type=click.Path(path_type=Path, dir_okay=False), help="Write all counters as CSV."
)
openmetrics_option = click.option(
    "--openmetrics", type=click.Path(path_type=Path, dir_okay=False), help="Write all counters as OpenMetrics text."
)


@click.command("measure", short_help="Measure latencies, wear and remapping.")
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@scheme_option
@store_option
@json_option
@csv_option
@openmetrics_option
@force_option
@wrap_option
def measure_command(
    scenarios: tuple[str, ...],
    scheme: tuple[str, ...],
    store: tuple[str, ...],
    json_file: Path | None,
    csv_file: Path | None,
    openmetrics: Path | None,
    force: bool,
    wrap: bool,
) -> int:
    """Run the workload of scenarios without power cuts, in simulated time, and count what it costs and wears.

    `deltabench plot` and `deltabench report` draw what --json writes.
    """
    check_result_files({"--json": json_file, "--csv": csv_file, "--openmetrics": openmetrics}, force=force)
    variants, code = selected(scenarios, scheme, store, wrap=wrap)
    if not variants:
        return code
    # Imported here, so that the command line answers before numpy is loaded.
    from deltabench.scenarios.counters import Counts, to_csv, to_openmetrics
    from deltabench.scenarios.documents import Measurement, to_json
    from deltabench.scenarios.measure import measure_all

    with work_bar("measuring", "steps") as report:
        runs, interrupted = measure_all(variants, report)
    counts = {run.run: Counts.of_series(run.counters) for run in runs}
    if json_file:
        write_whole(json_file, to_json(Measurement(interrupted=interrupted, runs=tuple(runs))))
    if csv_file:
        write_whole(csv_file, to_csv(counts))
    if openmetrics:
        write_whole(openmetrics, to_openmetrics(counts))
    print_measurement(make_console(), runs, interrupted=interrupted)
    return Exit.INTERRUPTED if interrupted else Exit.OK


def print_measurement(console: Console, runs: Sequence[MeasuredRun], *, interrupted: bool) -> None:
    """A table a scenario: a line for each variant."""
    from rich.markup import escape

    for scenario in dict.fromkeys(run.scenario for run in runs):
        group = [run for run in runs if run.scenario == scenario]
        console.print(f"[bold]{escape(scenario)}[/bold]: {escape(group[0].title)}")
        print_table(console, _table(console, group))
        print_flash(console, group)
        console.print()
    commands = sum(run.commands for run in runs)
    unfinished = [run.run for run in runs if not run.complete]
    simulated = duration(sum(run.simulated_ns for run in runs))
    console.print(
        f"{counted(commands, 'host command')} in {simulated} of simulated time, with "
        f"{'/'.join(dict.fromkeys(run.media_time for run in runs))} times of the parts."
    )
    if interrupted:
        console.print(f"[bold]Interrupted: not finished: {escape(', '.join(unfinished) or 'the next one')}.[/bold]")


def _table(console: Console, runs: Sequence[MeasuredRun]) -> Table:
    """The widest table that the terminal has room for, of what any of the runs has."""
    rows = [_row(run) for run in runs]
    names = [run.run.removeprefix(f"{run.scenario}:") for run in runs]
    shown = {column: heading for column, heading in HEADINGS.items() if any(row[column] != NOTHING for row in rows)}
    tables = (
        table_of_numbers("scheme\nand store", names, {c: h for c, h in shown.items() if c not in left_out}, rows)
        for left_out in ((), ("restore",), ("restore", "write 99 %"), ("restore", "write 99 %", "flush"))
    )
    return widest(console, tables)


def _row(run: MeasuredRun) -> dict[str, str]:
    """What the columns say of a run."""
    from deltabench.scenarios.counters import Counts

    latencies = {latency.command: latency for latency in run.latency}
    writes = latencies.get("WRITE DMA EXT") or latencies.get("WRITE DMA FUA EXT")
    return {
        "simulated": duration(run.simulated_ns),
        "write": _percentile(writes, "50"),
        "write 99 %": _percentile(writes, "99"),
        "flush": _percentile(latencies.get("FLUSH CACHE EXT"), "50"),
        "save": _percentile(latencies.get("SAVE"), "50"),
        "restore": _percentile(latencies.get("RESTORE"), "50"),
        "amplification": _amplification(Counts.of_series(run.counters)),
        "erases": _most_erased(run),
    }


def _percentile(latency: Latency | None, which: str) -> str:
    return duration(latency.percentiles_ns[which]) if latency else NOTHING


def _amplification(counts: Counts) -> str:
    host_bytes = 512 * counts["host_sectors_written"]
    return f"{counts['bytes_written'] / host_bytes:.2f}" if host_bytes else NOTHING


def _most_erased(run: MeasuredRun) -> str:
    most = [max(wear.counts) for wear in run.wear if wear.what == "erase" and wear.cell.startswith("sector")]
    return f"{max(most):,}" if most else NOTHING
