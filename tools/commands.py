"""The commands of ``deltabench``.  Each is a thin layer over functions that a script can call as well."""

from __future__ import annotations

from importlib.metadata import version

import click

from deltabench.tools.boarding import board_command
from deltabench.tools.enduring import endure_command
from deltabench.tools.explaining import explain_command
from deltabench.tools.flashing import flash_command
from deltabench.tools.holding import holdup_command
from deltabench.tools.imaging import image_group
from deltabench.tools.measuring import measure_command
from deltabench.tools.merging import merge_command
from deltabench.tools.mutating import mutants_command
from deltabench.tools.plotting import compare_command, plot_command, report_command
from deltabench.tools.replaying import replay_command
from deltabench.tools.running import demo_command, run_command
from deltabench.tools.showing import parts_command, scenarios_command
from deltabench.tools.shrinking import shrink_command
from deltabench.tools.validating import validate_disk_command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("deltabench"), prog_name="deltabench")
def cli() -> None:
    """Cut the power of a disk controller's firmware at every media operation, and judge every recovery."""


for command in (
    run_command,
    merge_command,
    replay_command,
    explain_command,
    shrink_command,
    mutants_command,
    measure_command,
    holdup_command,
    plot_command,
    report_command,
    compare_command,
    endure_command,
    validate_disk_command,
    scenarios_command,
    parts_command,
    image_group,
    board_command,
    flash_command,
    demo_command,
):
    cli.add_command(command)
