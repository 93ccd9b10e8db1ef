"""``deltabench run`` and ``deltabench demo``: run scenarios, show progress, print what came out."""

from __future__ import annotations

import os
from pathlib import Path

import click

from deltabench.firmware_model.errors import FirmwareError
from deltabench.hwsim.errors import HardwareError
from deltabench.scenarios.campaign import run_campaign
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.scenario import Variant, find_scenario
from deltabench.scenarios.verdict import exit_code, is_stdout, is_written_in_place, to_json, to_junit, write_whole
from deltabench.tools.console import make_console, progress_bar
from deltabench.tools.exits import Exit
from deltabench.tools.finding import build_problems, find_all, wrap_option, wrapped
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
@wrap_option
def run_command(
    scenarios: tuple[str, ...],
    scheme: tuple[str, ...],
    store: tuple[str, ...],
    jobs: int,
    json_file: Path | None,
    junit_file: Path | None,
    force: bool,
    wrap: bool,
) -> int:
    """Run scenarios: names of the library, scenario files, or folders of *.scenario.toml files.

    Exits with 0 if everything came out as the scenarios expect, and with 1 if a rule was violated or an expected
    violation was not found.
    """
    found, problems = find_all(scenarios)
    known = [variant for scenario in found for variant in (wrapped(scenario) if wrap else scenario).variants()]
    variants = [
        variant
        for variant in known
        if (not scheme or variant.scheme in scheme) and (not store or variant.firmware.store.value in store)
    ]
    if problems:
        for problem in problems + build_problems(variants):
            click.echo(f"deltabench: {problem}", err=True)
        return Exit.USAGE
    if not variants:
        schemes = ", ".join(dict.fromkeys(variant.scheme for variant in known))
        stores = ", ".join(dict.fromkeys(variant.firmware.store.value for variant in known))
        click.echo(
            f"deltabench: nothing selected: no variant has this scheme and store; "
            f"the schemes there are: {schemes}; the stores: {stores}",
            err=True,
        )
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
    _check_different(json_file, junit_file)
    for path in (json_file, junit_file):
        _check_writable(path, force=force)
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
    if json_file:
        write_whole(json_file, to_json(results, interrupted=interrupted))
    if junit_file:
        write_whole(junit_file, to_junit(results))
    print_report(console, results, interrupted=interrupted)
    if interrupted:
        return Exit.INTERRUPTED
    return exit_code(results)


def _check_writable(path: Path | None, *, force: bool) -> None:
    """Find out before the work, and not after it, that its result cannot be written."""
    if path is None:
        return
    if is_stdout(path):
        return
    if path.is_file() and not force:
        raise click.UsageError(f"{path} is there already; remove it, choose another name, or give --force")
    if is_written_in_place(path) and path.exists():
        if not os.access(path, os.W_OK):
            raise click.UsageError(f"{path}: cannot be written to")
        return
    folder = path.resolve().parent if path.is_symlink() else path.parent
    if not folder.is_dir():
        raise click.UsageError(f"{path}: the folder {folder} does not exist")
    if not os.access(folder, os.W_OK):
        raise click.UsageError(f"{path}: the folder {folder} cannot be written to")


def _check_different(json_file: Path | None, junit_file: Path | None) -> None:
    """One of them would be lost."""
    if json_file is None or junit_file is None:
        return
    same = json_file.resolve() == junit_file.resolve()
    if same or (json_file.exists() and junit_file.exists() and json_file.samefile(junit_file)):
        raise click.UsageError(f"--json {json_file} and --junit {junit_file} name the same file; choose two")
