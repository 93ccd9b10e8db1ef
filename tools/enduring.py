"""``deltabench endure``: a workload over simulated years, at speed; when which part wears out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from deltabench.firmware_model.config import StoreKind
from deltabench.firmware_model.schemes import SCHEMES
from deltabench.scenarios.scenario import find_scenario
from deltabench.scenarios.traces import FORMATS
from deltabench.scenarios.verdict import write_whole
from deltabench.tools.console import make_console, rate_bar
from deltabench.tools.exits import Exit
from deltabench.tools.lifetimes import print_endurance, print_interrupted
from deltabench.tools.measuring import csv_option
from deltabench.tools.result_files import check_result_files, force_option, json_option

OF_VOLUMES = [name for name, kind in FORMATS.items() if not kind.needs_files]
"""Formats of traces that are of a whole volume, and not of files with a place on one."""


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
@click.option("--format", "trace_format", type=click.Choice(OF_VOLUMES), help="Format of the trace.")
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
        raise click.UsageError(f"--trace {trace} needs --format: one of {', '.join(OF_VOLUMES)}")
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
    with rate_bar("enduring", "commands") as progress:
        runs, interrupted = endure(variants, workload, model, progress)
    if json_file:
        write_whole(json_file, to_json(Endurance(interrupted=interrupted, runs=tuple(runs))))
    if csv_file:
        write_whole(csv_file, to_csv({run.run: Counts.of_series(run.counters) for run in runs}))
    console = make_console()
    print_endurance(console, scenario.name, workload, runs)
    if interrupted:
        print_interrupted(console, runs, [variant.name for variant in variants[len(runs) :]])
        return Exit.INTERRUPTED
    return Exit.OK
