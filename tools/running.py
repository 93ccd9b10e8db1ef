"""``deltabench run`` and ``deltabench demo``: run scenarios, show progress, print what came out."""

from __future__ import annotations

import os
from pathlib import Path

import click

from deltabench.scenarios.campaign import run_campaign
from deltabench.scenarios.scenario import SUFFIX, Scenario, Variant, find_scenario, load_scenario
from deltabench.scenarios.verdict import exit_code, to_json, to_junit, write_whole
from deltabench.tools.console import make_console, progress_bar
from deltabench.tools.exits import Exit
from deltabench.tools.report import print_report

jobs_option = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    default=lambda: len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
    show_default="one a core",
    help="Processes to use; counts and ids do not depend on it.",
)
json_option = click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the results to a JSON file."
)
junit_option = click.option(
    "--junit", "junit_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the results as JUnit XML."
)
force_option = click.option("--force", is_flag=True, help="Overwrite result files that are there already.")


@click.command("run", short_help="Run scenarios.")
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@click.option("--scheme", multiple=True, help="Run only variants with this map scheme (may be repeated).")
@click.option("--store", multiple=True, help="Run only variants with this atom store (may be repeated).")
@jobs_option
@json_option
@junit_option
@force_option
def run_command(
    scenarios: tuple[str, ...],
    scheme: tuple[str, ...],
    store: tuple[str, ...],
    jobs: int,
    json_file: Path | None,
    junit_file: Path | None,
    force: bool,
) -> int:
    """Run scenarios: names of the library, scenario files, or folders of *.scenario.toml files.

    Exits with 0 if everything came out as the scenarios expect, and with 1 if a rule was violated or an expected
    violation was not found.
    """
    variants = [
        variant
        for reference in scenarios
        for scenario in _scenarios(reference)
        for variant in scenario.variants()
        if (not scheme or variant.scheme in scheme) and (not store or variant.firmware.store.value in store)
    ]
    if not variants:
        click.echo("deltabench: nothing selected: no variant has this scheme and store", err=True)
        return Exit.NOTHING
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
    for path in (json_file, junit_file):
        _check_writable(path, force=force)
    console = make_console()
    with progress_bar() as report:
        results, interrupted = run_campaign(variants, jobs, report)
    if json_file:
        write_whole(json_file, to_json(results, interrupted=interrupted))
    if junit_file:
        write_whole(junit_file, to_junit(results))
    print_report(console, results)
    if interrupted:
        console.print("Interrupted: the results above hold what was found so far.", style="bold")
        return Exit.INTERRUPTED
    return exit_code(results)


def _scenarios(reference: str) -> list[Scenario]:
    """A folder's scenario files, or the one scenario."""
    path = Path(reference)
    if path.is_dir():
        files = sorted(path.rglob(f"*{SUFFIX}"))
        if not files:
            raise click.UsageError(f"{reference}: the folder has no file that ends in {SUFFIX}")
        return [load_scenario(file) for file in files]
    return [find_scenario(reference)]


def _check_writable(path: Path | None, *, force: bool) -> None:
    """Find out before the work, and not after it, that its result cannot be written."""
    if path is None:
        return
    if path.is_file() and not force:
        raise click.UsageError(f"{path} is there already; remove it, choose another name, or give --force")
    if not path.parent.is_dir():
        raise click.UsageError(f"{path}: the folder {path.parent} does not exist")
    if not os.access(path.parent, os.W_OK):
        raise click.UsageError(f"{path}: the folder {path.parent} cannot be written to")
