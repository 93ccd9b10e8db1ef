"""``deltabench shrink``: the smallest scenario that still violates the same rule, as a file to be kept as a test."""

from __future__ import annotations

from pathlib import Path

import click

from deltabench.scenarios.crash_id import parse_crash_id
from deltabench.scenarios.scenario import SUFFIX, find_scenario
from deltabench.scenarios.verdict import write_whole
from deltabench.tools.exits import Exit
from deltabench.tools.finding import wrap_option, wrapped
from deltabench.tools.result_files import check_result_files, force_option

MOST_RUNS = 2000


@click.command("shrink", short_help="Make a crash as small as it can be.")
@click.argument("crash_id", metavar="ID")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The scenario file to write.  [printed]"
)
@click.option("--only-this-cut", is_flag=True, help="Let the file cut only where the rule was found violated.")
@click.option(
    "--most-runs",
    type=click.IntRange(min=1),
    default=MOST_RUNS,
    show_default=True,
    help="So many smaller scenarios are tried at most.",
)
@force_option
@wrap_option
def shrink_command(
    crash_id: str, output: Path | None, only_this_cut: bool, most_runs: int, force: bool, wrap: bool
) -> int:
    """Shrink a crash that violates a rule: commands, cuts, what they tear, sectors, units, and what is on the board.

    What comes out is a scenario file that expects the rules to hold: a test that fails until the firmware is mended.
    """
    check_result_files({"--output": output}, force=force)
    # Imported here, so that the command line answers before all of it is loaded.
    from deltabench.scenarios.counterexamples.regression import as_file
    from deltabench.scenarios.counterexamples.shrink import shrink

    crash = parse_crash_id(crash_id)
    scenario = find_scenario(crash.scenario)
    found = shrink((wrapped(scenario) if wrap else scenario).variant(crash.variant), crash, most_runs)
    text = as_file(found, output or Path(f"shrunk{SUFFIX}"), only_this_cut=only_this_cut)
    steps = len(found.variant.scenario.document.steps)
    told = f"{found.actions:,} actions to {steps:,}, by {found.runs:,} runs; {found.rule.value} is violated as before"
    if not found.complete:
        told += f"; --most-runs {most_runs} did not suffice to try all that may be left out"
    click.echo(told, err=True)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_whole(output, text)
    return Exit.OK
