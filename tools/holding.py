"""``deltabench holdup``: the least hold-up time that makes each scheme safe, and the capacitor for it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from deltabench.scenarios.verdict import write_whole
from deltabench.tools.console import make_console, print_table, work_bar
from deltabench.tools.exits import Exit
from deltabench.tools.finding import scheme_option, selected, store_option, wrap_option
from deltabench.tools.result_files import check_result_files, force_option, json_option

if TYPE_CHECKING:
    from rich.console import Console

    from deltabench.scenarios.documents import HeldUp, HoldUp


class Measure(click.FloatRange):
    """A number in a range; "nan" is in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is no number", param, ctx)
        return number


VOLTS: Final = Measure(0, 1000)
WATTS: Final = Measure(0.001, 100_000)


@click.command("holdup", short_help="Find the hold-up time and the capacitor that make a scheme safe.")
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@scheme_option
@store_option
@click.option(
    "--from-volts", type=VOLTS, default=5.0, show_default=True, help="Voltage of the capacitor when the supply fails."
)
@click.option(
    "--to-volts", type=VOLTS, default=3.0, show_default=True, help="Voltage at which the board stops working."
)
@click.option("--load-watts", type=WATTS, default=2.5, show_default=True, help="Power that the board draws until then.")
@json_option
@force_option
@wrap_option
def holdup_command(
    scenarios: tuple[str, ...],
    scheme: tuple[str, ...],
    store: tuple[str, ...],
    from_volts: float,
    to_volts: float,
    load_watts: float,
    json_file: Path | None,
    force: bool,
    wrap: bool,
) -> int:
    """Find, for each variant, how long the supply must hold up after it has warned the firmware.

    `deltabench plot` draws what --json writes: violations against hold-up time.
    """
    check_result_files({"--json": json_file}, force=force)
    # Imported here, so that the command line answers before numpy is loaded.
    from deltabench.hwsim.supply import capacitance_nf
    from deltabench.scenarios.documents import to_json
    from deltabench.scenarios.holdup import needed_for_all

    supply = {"from_mv": round(1000 * from_volts), "to_mv": round(1000 * to_volts), "load_mw": round(1000 * load_watts)}
    capacitance_nf(0, **{name: supply[name] for name in ("load_mw", "from_mv", "to_mv")})
    variants, code = selected(scenarios, scheme, store, wrap=wrap)
    if not variants:
        return code
    with work_bar("cutting power", "steps") as report:
        found = needed_for_all(variants, report, **supply)
    if json_file:
        write_whole(json_file, to_json(found))
    print_holdup(make_console(), found)
    return Exit.INTERRUPTED if found.interrupted else Exit.OK


def print_holdup(console: Console, found: HoldUp) -> None:
    """A line for each variant, and what the figures mean."""
    from rich.markup import escape
    from rich.table import Table

    for scenario in dict.fromkeys(run.scenario for run in found.runs):
        group = [run for run in found.runs if run.scenario == scenario]
        console.print(f"[bold]{escape(scenario)}[/bold]: {escape(group[0].title)}")
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column("scheme\nand store", no_wrap=True)
        for heading in ("unsafe\nwithout", "hold-up\nneeded", "capac-\nitor"):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("needed during")
        for run in group:
            table.add_row(escape(run.run.removeprefix(f"{run.scenario}:")), *map(escape, _cells(run)))
        print_table(console, table)
        console.print()
    console.print(_summary(found))


def _cells(run: HeldUp) -> tuple[str, str, str, str]:
    unsafe = f"{run.steps[0].violations:,}"
    if run.least_us is None:
        return unsafe, "no time helps", "-", "between two commands"
    capacitor = farads(run.capacitance_nf or 0) if run.least_us else "none"
    worst = sorted(run.needed_during, key=lambda command: -run.needed_during[command])[:2]
    return unsafe, f"{run.least_us:,} µs", capacitor, ", ".join(worst) or "-"


def _summary(found: HoldUp) -> str:
    if not found.runs:
        return "[bold]Interrupted before the first variant was through.[/bold]"
    times = "/".join(dict.fromkeys(run.media_time for run in found.runs))
    text = (
        "Unsafe without: outcomes of cuts that break a rule if there is no hold-up. The capacitor carries "
        f"{found.load_mw / 1000:g} W from {found.from_mv / 1000:g} V to {found.to_mv / 1000:g} V for the time needed, "
        f"which is by {times} times of the parts."
    )
    return f"{text} [bold]Interrupted: not all variants are there.[/bold]" if found.interrupted else text


def farads(nf: int) -> str:
    """``470 nF``, ``61.1 µF``, ``3.2 mF``, rounded up."""
    for unit, size in (("mF", 1_000_000), ("µF", 1000)):
        if nf >= size:
            tenths = -(-10 * nf // size)
            return f"{tenths / 10:,.1f} {unit}" if tenths < 1000 else f"{-(-nf // size):,} {unit}"
    return f"{nf} nF"
