"""``deltabench run`` and ``deltabench demo``: run scenarios, show progress, print what came out."""

from __future__ import annotations

import os
from pathlib import Path

import click
from rich.console import Console

from deltabench.firmware_model.errors import FirmwareError
from deltabench.hwsim.errors import HardwareError
from deltabench.scenarios.campaign import run_campaign
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.scenario import Variant, find_scenario
from deltabench.scenarios.verdict import Result, exit_code, to_json, to_junit, write_whole
from deltabench.tools.console import make_console, progress_bar
from deltabench.tools.exits import Exit
from deltabench.tools.finding import build_problems, scheme_option, selected, store_option, wrap_option
from deltabench.tools.report import print_report
from deltabench.tools.result_files import check_result_files, force_option, json_option
from deltabench.tools.targeting import Target, board_option, cuts_option, power_option, run_on, target_of, target_option

jobs_option = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    default=lambda: len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
    show_default="one a core",
    help="Processes to use; counts and ids do not depend on it.",
)
junit_option = click.option(
    "--junit", "junit_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the results as JUnit XML."
)


@click.command("run", short_help="Run scenarios.")
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@scheme_option
@store_option
@jobs_option
@json_option
@junit_option
@force_option
@wrap_option
@target_option
@cuts_option
@power_option
@board_option
def run_command(
    scenarios: tuple[str, ...],
    scheme: tuple[str, ...],
    store: tuple[str, ...],
    jobs: int,
    json_file: Path | None,
    junit_file: Path | None,
    force: bool,
    wrap: bool,
    **_board: object,
) -> int:
    """Run scenarios: names of the library, scenario files, or folders of *.scenario.toml files.

    With --target they are run on a board, real or emulated, with power cuts drawn at random; without, on the model,
    where every one is explored.

    Exits with 0 if everything came out as the scenarios expect, and with 1 if a rule was violated or an expected
    violation was not found.
    """
    target = target_of(click.get_current_context())
    variants, code = selected(scenarios, scheme, store, wrap=wrap)
    if not variants:
        return code
    if target is not None:
        return _run_on_board(target, variants, json_file, junit_file, force=force)
    return run_variants(variants, jobs, json_file, junit_file, force=force)


@click.command("demo", short_help="Run the workload of a real program.")
@jobs_option
@json_option
@junit_option
@force_option
def demo_command(jobs: int, json_file: Path | None, junit_file: Path | None, force: bool) -> int:
    """A real program's writes, power cut at every media operation, under all four map schemes."""
    return run_variants(find_scenario("demo").variants(), jobs, json_file, junit_file, force=force)


def run_variants(
    variants: list[Variant], jobs: int, json_file: Path | None, junit_file: Path | None, *, force: bool
) -> int:
    """Run, print, write the result files; returns the exit code."""
    check_result_files({"--json": json_file, "--junit": junit_file}, force=force)
    console = make_console()
    with progress_bar() as report:
        try:
            results, interrupted = run_campaign(variants, jobs, report)
        except (ScenarioError, HardwareError, FirmwareError):
            problems = build_problems(variants)
            if len(problems) < 2:
                raise
            for problem in problems:
                click.echo(f"deltabench: {problem}", err=True)
            return Exit.USAGE
    return _told(console, results, json_file, junit_file, interrupted=interrupted)


def _run_on_board(
    target: Target, variants: list[Variant], json_file: Path | None, junit_file: Path | None, *, force: bool
) -> int:
    """As ``run_variants``, on a board.  If it fails, what was found before is told and written all the same."""
    check_result_files({"--json": json_file, "--junit": junit_file}, force=force)
    with progress_bar() as report:
        run = run_on(target, variants, report)
    code: int = Exit.OK
    if run.results or not run.problem:
        code = _told(make_console(), run.results, json_file, junit_file, interrupted=run.interrupted)
    if run.problem:
        click.echo(f"deltabench: {run.problem}", err=True)
        return Exit.USAGE
    return code


def _told(
    console: Console,
    results: list[Result],
    json_file: Path | None,
    junit_file: Path | None,
    *,
    interrupted: bool,
) -> int:
    """Write the result files and print the report; returns the exit code."""
    if json_file:
        write_whole(json_file, to_json(results, interrupted=interrupted))
    if junit_file:
        write_whole(junit_file, to_junit(results))
    print_report(console, results, interrupted=interrupted)
    return Exit.INTERRUPTED if interrupted else exit_code(results)
