"""``deltabench run`` and ``deltabench demo``: run scenarios, show progress, print what came out."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from deltabench.firmware_model.errors import FirmwareError
from deltabench.hwsim.errors import HardwareError
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.scenario import Variant, find_scenario
from deltabench.scenarios.verdict import Result, exit_code, to_json, to_junit, write_whole
from deltabench.tools.budgets import most_seconds_option, most_states_option, with_budget
from deltabench.tools.campaigning import (
    Before,
    Way,
    campaign_options,
    jobs_option,
    only_failed_option,
    read_results,
    way_of,
)
from deltabench.tools.console import make_console, progress_bar
from deltabench.tools.coverage_view import print_coverage
from deltabench.tools.exits import Exit
from deltabench.tools.finding import build_problems, scheme_option, selected, store_option, wrap_option
from deltabench.tools.report import print_report
from deltabench.tools.result_files import check_result_files, force_option, json_option
from deltabench.tools.targeting import Target, board_option, cuts_option, power_option, run_on, target_of, target_option

junit_option = click.option(
    "--junit", "junit_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the results as JUnit XML."
)


@click.command("run", short_help="Run scenarios.")
@click.argument("scenarios", nargs=-1, metavar="SCENARIO...")
@scheme_option
@store_option
@only_failed_option
@campaign_options
@json_option
@junit_option
@force_option
@wrap_option
@click.option("--coverage", is_flag=True, help="Print which ways the recoveries went, and which none did.")
@most_states_option
@most_seconds_option
@target_option
@cuts_option
@power_option
@board_option
def run_command(
    scenarios: tuple[str, ...],
    scheme: tuple[str, ...],
    store: tuple[str, ...],
    only_failed: Path | None,
    json_file: Path | None,
    junit_file: Path | None,
    force: bool,
    wrap: bool,
    coverage: bool,
    max_states: int | None,
    max_seconds: float | None,
    **_ways: object,
) -> int:
    """Run scenarios: names of the library, scenario files, or folders of *.scenario.toml files.

    With --target they are run on a board, real or emulated, with power cuts drawn at random; without, on the model,
    where every one is explored.

    Exits with 0 if everything came out as the scenarios expect, and with 1 if a rule was violated, an expected
    violation was not found, or a budget was spent that the scenario does not allow to leave anything out.
    """
    context = click.get_current_context()
    target, way = target_of(context), way_of(context)
    before = None if only_failed is None else Before(only_failed, read_results(only_failed).results)
    if not scenarios and before is None:
        raise click.MissingParameter(ctx=context, param=context.command.params[0])
    if not scenarios and before is not None and not before.scenarios:
        return _nothing_left(before)
    variants, code = selected(scenarios or (before.scenarios if before else ()), scheme, store, wrap=wrap)
    if not variants:
        return code
    if before is not None:
        variants = before.left(variants)
        if not variants:
            return _nothing_left(before)
    variants = with_budget(variants, max_states, max_seconds)
    if target is not None:
        return _run_on_board(target, variants, json_file, junit_file, force=force)
    return run_variants(variants, way, json_file, junit_file, force=force, coverage=coverage)


def _nothing_left(before: Before) -> int:
    click.echo(
        f"deltabench: nothing selected: nothing of this is unfinished or otherwise than expected in {before.path}",
        err=True,
    )
    return Exit.NOTHING


@click.command("demo", short_help="Run the workload of a real program.")
@jobs_option
@json_option
@junit_option
@force_option
def demo_command(jobs: int, json_file: Path | None, junit_file: Path | None, force: bool) -> int:
    """A real program's writes, power cut at every media operation, under all four map schemes."""
    return run_variants(find_scenario("demo").variants(), Way(jobs), json_file, junit_file, force=force)


def run_variants(
    variants: list[Variant],
    way: Way,
    json_file: Path | None,
    junit_file: Path | None,
    *,
    force: bool,
    coverage: bool = False,
) -> int:
    """Run, print, write the result files; returns the exit code."""
    check_result_files({"--json": json_file, "--junit": junit_file}, force=force)
    console = make_console()
    with progress_bar() as report:
        try:
            results, interrupted = way.run(variants, report)
        except (ScenarioError, HardwareError, FirmwareError):
            problems = build_problems(variants)
            if len(problems) < 2:
                raise
            for problem in problems:
                click.echo(f"deltabench: {problem}", err=True)
            return Exit.USAGE
    if coverage:
        print_coverage(console, results)
    return _told(console, results, json_file, junit_file, interrupted=interrupted)


def _run_on_board(
    target: Target, variants: list[Variant], json_file: Path | None, junit_file: Path | None, *, force: bool
) -> int:
    """As ``run_variants``, on a board.  If it fails, what was found before is told and written all the same."""
    check_result_files({"--json": json_file, "--junit": junit_file}, force=force)
    with progress_bar() as report:
        run = run_on(target, variants, report)
    code: int = Exit.OK
    if run.interrupted and not run.results:
        click.echo("deltabench: Interrupted before the first variant was finished.", err=True)
        return Exit.INTERRUPTED
    if run.results or not run.problem:
        code = _told(make_console(), run.results, json_file, junit_file, interrupted=run.interrupted)
    if run.problem:
        for line in run.problem.splitlines():
            click.echo(f"deltabench: {line}", err=True)
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
    """Write the result files and print the report, even if a file cannot be written; returns the exit code."""
    here = [result for result in results if not result.is_elsewhere]
    try:
        if json_file:
            write_whole(json_file, to_json(results, interrupted=interrupted))
        if junit_file:
            write_whole(junit_file, to_junit(here))
    finally:
        print_report(console, here, interrupted=interrupted)
    return Exit.INTERRUPTED if interrupted else exit_code(results)
