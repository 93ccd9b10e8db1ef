"""``deltabench validate-disk``: a drive's timing model against requests that were measured on the drive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deltabench.hwsim.clock import NS_PER_MS
from deltabench.scenarios.verdict import write_whole
from deltabench.tools.console import make_console, print_table
from deltabench.tools.exits import Exit
from deltabench.tools.result_files import check_result_files, force_option, json_option

if TYPE_CHECKING:
    from rich.console import Console

    from deltabench.scenarios.disk_validation import DiskValidation

PICTURES = (".svg", ".png")


@click.command("validate-disk", short_help="Compare a disk's timing model with a real disk.")
@click.argument("part", metavar="PART")
@click.argument("trace", metavar="TRACE", type=click.Path(path_type=Path))
@click.option(
    "--plot",
    "plot_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw both distributions to a file: .svg or .png.",
)
@json_option
@force_option
def validate_disk_command(part: str, trace: Path, plot_file: Path | None, json_file: Path | None, force: bool) -> int:
    """Replay TRACE, requests with the service times that a disk took, on the timing model of PART.

    PART is a name that `deltabench parts` lists, or a part file; TRACE is in DiskSim's validation format. Prints the
    demerit: the root mean square of the horizontal distance between the two cumulative distributions.
    """
    if plot_file is not None and plot_file.suffix.lower() not in PICTURES:
        raise click.UsageError(f"--plot {plot_file}: the name of a picture ends in {' or '.join(PICTURES)}")
    check_result_files({"--plot": plot_file, "--json": json_file}, force=force)
    from deltabench.scenarios.disk_validation import validate_disk

    validation = validate_disk(part, trace)
    if plot_file is not None:
        write_whole(plot_file, _drawn(validation, plot_file.suffix.lower()))
    if json_file is not None:
        write_whole(json_file, json.dumps(validation.as_dict(), indent=2) + "\n")
    print_validation(make_console(), validation)
    return Exit.OK


def _drawn(validation: DiskValidation, suffix: str) -> str | bytes:
    # Imported here, so that nobody waits for matplotlib who draws nothing.
    from deltabench.tools.pictures.service_times import service_times_picture
    from deltabench.tools.pictures.style import to_png, to_svg_file

    picture = service_times_picture(validation)
    return to_png(picture) if suffix == ".png" else to_svg_file(picture)


def print_validation(console: Console, validation: DiskValidation) -> None:
    """A line each for all requests, reads and writes."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(escape(validation.part), no_wrap=True)
    for heading in ("requests", "measured\nmean", "simulated\nmean", "\ndemerit", "of the\nmean"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, group in validation.groups.items():
        times = (group.measured_mean_ns, group.simulated_mean_ns, group.demerit_ns)
        table.add_row(
            name,
            f"{len(group.measured_ns):,}",
            *(f"{ns / NS_PER_MS:.3f} ms" for ns in times),
            f"{100 * group.demerit_share:.1f} %",
        )
    print_table(console, table)
