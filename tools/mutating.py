"""``deltabench mutants``: break the firmware in every way that the catalogue knows, and see that the bench notices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deltabench.scenarios.verdict import to_junit, write_whole
from deltabench.tools.campaigning import jobs_option
from deltabench.tools.console import make_console, work_bar
from deltabench.tools.exits import Exit
from deltabench.tools.finding import scheme_option, store_option
from deltabench.tools.result_files import check_result_files, force_option, json_option
from deltabench.tools.running import junit_option

if TYPE_CHECKING:
    from deltabench.scenarios.mutants.naming import Catalogue


@click.command("mutants", short_help="Break the firmware in known ways, and see that it is noticed.")
@click.argument("names", nargs=-1, metavar="[NAME...]")
@scheme_option
@store_option
@click.option("--catalogue", "own", metavar="MODULE:NAME", help="Mutants of your own; docs/mutants.md shows some.")
@click.option("--scenario", metavar="SCENARIO", help="Run classes, NAME as module:Class, as this scenario's firmware.")
@jobs_option
@json_option
@junit_option
@force_option
@click.option("--list", "only_list", is_flag=True, help="List the mutants, and run none.")
def mutants_command(
    names: tuple[str, ...],
    scheme: tuple[str, ...],
    store: tuple[str, ...],
    own: str | None,
    scenario: str | None,
    jobs: int,
    json_file: Path | None,
    junit_file: Path | None,
    force: bool,
    only_list: bool,
) -> int:
    """Run mutants: firmware with one mistake each, until the bench finds it out.

    NAME may have wildcards, as in 'ckpt-*'; without one, all are run. The unbroken firmware runs beside them, under the
    same settings.

    Exits with 0 if every mutant is killed, but for those that are equivalent, and the unbroken firmware holds; and with
    1 otherwise.
    """
    # Imported here, so that the command line answers before the catalogue is loaded.
    from deltabench.scenarios.mutants.campaign import exit_code, plan, run_mutants
    from deltabench.scenarios.verdict import document_text
    from deltabench.tools.mutant_tables import print_campaign, print_list

    if only_list and (json_file or junit_file):
        raise click.UsageError("--list runs nothing, and has no results for --json or --junit")
    check_result_files({"--json": json_file, "--junit": junit_file}, force=force)
    planned = plan(_catalogue(names, own, scenario), () if scenario else names, scheme, store)
    if not planned.hunts:
        click.echo("deltabench: nothing selected: none of these mutants has this scheme and store", err=True)
        return Exit.NOTHING
    console = make_console()
    if only_list:
        print_list(console, planned)
        return Exit.OK
    with work_bar("hunting mutants", "steps") as advance:
        campaign = run_mutants(planned, jobs, lambda progress: advance(progress.done, progress.total))
    document = campaign.document
    if json_file:
        write_whole(json_file, document_text(document))
    if junit_file:
        write_whole(junit_file, to_junit(campaign.results))
    print_campaign(console, document, in_full=bool(names))
    return Exit.INTERRUPTED if document.interrupted else exit_code(document)


def _catalogue(names: tuple[str, ...], own: str | None, scenario: str | None) -> Catalogue:
    """The mutants that there are to choose from; with a scenario, those that are named."""
    from deltabench.scenarios.mutants.naming import classes_as_mutants, load_catalogue, our_catalogue

    if scenario is None:
        return load_catalogue(own) if own else our_catalogue()
    if own:
        raise click.UsageError("--catalogue and --scenario exclude each other: the rows of a catalogue name scenarios")
    if not names:
        raise click.UsageError("--scenario needs the mutants: name one or more classes, as module:Class")
    return classes_as_mutants(scenario, names)
