"""``deltabench explain``: which order or atomicity of media operations was needed, and not there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from deltabench.scenarios.crash_id import parse_crash_id
from deltabench.scenarios.scenario import find_scenario
from deltabench.scenarios.verdict import write_whole
from deltabench.tools.console import make_console, print_table
from deltabench.tools.exits import Exit
from deltabench.tools.finding import wrap_option, wrapped
from deltabench.tools.result_files import check_result_files, force_option, json_option

if TYPE_CHECKING:
    from rich.console import Console

    from deltabench.scenarios.counterexamples.documents import BytesChanged, Explanation, MediaChange, Tried

MOST_STRUCTURES: Final = 12
MOST_RUNS: Final = 8
SHOWN_BYTES: Final = 16
MOST_TRIED: Final = 6
WORDS: Final = {"over": "", "cut": ", which was cut", "to come": ", still to come", "cached": ", lost in its cache"}


@click.command("explain", short_help="Say which order or atomicity a crash lacks.")
@click.argument("crash_id", metavar="ID")
@json_option
@force_option
@wrap_option
def explain_command(crash_id: str, json_file: Path | None, force: bool, wrap: bool) -> int:
    """Explain a crash that violates a rule: what must not persist without what, and how the media changed.

    Found by undoing and completing the media operations around the cut, and judging each time.  Exits with 1, as
    `replay` does, for a rule is violated.
    """
    check_result_files({"--json": json_file}, force=force)
    # Imported here, so that the command line answers before all of it is loaded.
    from deltabench.scenarios.counterexamples.explain import explain
    from deltabench.scenarios.images.documents import as_json

    crash = parse_crash_id(crash_id)
    scenario = find_scenario(crash.scenario)
    found = explain((wrapped(scenario) if wrap else scenario).variant(crash.variant), crash)
    if json_file is not None:
        write_whole(json_file, as_json(found))
    print_explanation(make_console(), found)
    return Exit.VIOLATED


def print_explanation(console: Console, found: Explanation) -> None:
    """The answer first, then what it was found by, then the media."""
    from rich.markup import escape

    console.print(f"[bold]{escape(found.id)}[/bold]: [bold red]{found.rule} is violated[/bold red]")
    if found.explained != found.id:
        console.print(f"[bold]{escape(found.explained)}[/bold] violates it with fewer cuts, and is what is explained:")
    for name, text in (
        ("during", found.doing), ("the cut", f"{found.cut}; it leaves: {found.left}"), ("then", found.detail)
    ):  # fmt: skip
        console.print(f"  {name:<10}{escape(text)}")
    console.print()
    first, *others = found.sentences
    console.print(f"[bold]{escape(first)}[/bold]")
    for sentence in others:
        console.print(escape(sentence))
    console.print()
    _print_tried(console, found.tried)
    _print_change(console, f"The media: from before {found.doing} to what the cut left", found.by_the_command)
    if found.by_the_recovery is not None:
        _print_change(console, "From what the cut left to after the recovery", found.by_the_recovery)


def _print_tried(console: Console, tried: Sequence[Tried]) -> None:
    """What was tried with single operations; of those that do not help, only the nearest to the cut."""
    from rich.markup import escape
    from rich.table import Table

    left = MOST_TRIED
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("oper-\nation", justify="right", no_wrap=True)
    for heading in ("\nis about", "\nif it is", "\nthen"):
        table.add_column(heading)
    shown = 0
    for one in tried:
        left -= not one.holds
        if one.holds or left >= 0:
            about = f"{one.about or one.what}{WORDS[one.state]}"
            rule = escape(one.then.partition(":")[0])
            then = "[green]all rules hold[/green]" if not rule else f"[green]only {rule}[/green]" if one.holds else rule
            table.add_row(str(one.operation), escape(about), one.tried, then)
            shown += 1
    print_table(console, table)
    if shown < len(tried):
        console.print(f"{len(tried) - shown} more were tried, and none of them helps.")
    console.print()


def _print_change(console: Console, title: str, change: MediaChange) -> None:
    from rich.markup import escape

    console.print(f"[bold]{escape(title)}[/bold]")
    for difference in change.structures[:MOST_STRUCTURES]:
        console.print(f"  {escape(difference.what)}: {escape(difference.one)} → {escape(difference.other)}")
    _print_rest(console, len(change.structures) - MOST_STRUCTURES, "structures")
    for run in change.bytes[:MOST_RUNS]:
        console.print(f"  {escape(_run_text(run))}", style="dim")
    _print_rest(console, len(change.bytes) - MOST_RUNS, "runs of bytes")
    if not change.bytes:
        console.print("  no byte differs")
    console.print()


def _print_rest(console: Console, count: int, what: str) -> None:
    if count > 0:
        console.print(f"  … and {count} more {what}, which --json has", style="dim")


def _run_text(run: BytesChanged) -> str:
    length = len(run.old) // 2
    place = f" ({run.place})" if run.place else ""
    may = f" or {_hex(run.or_new)}" if run.or_new else ""
    return f"{run.device} 0x{run.address:x}+{length}{place}: {_hex(run.old)} → {_hex(run.new)}{may}"


def _hex(text: str) -> str:
    data = bytes.fromhex(text)
    return data[:SHOWN_BYTES].hex(" ") + (" …" if len(data) > SHOWN_BYTES else "")
