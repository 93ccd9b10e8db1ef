"""``deltabench merge``: the results of shares, put together as if one run had written them."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deltabench.scenarios.documents import Judged
from deltabench.scenarios.merging import Merged, merge
from deltabench.scenarios.verdict import PARTLY, document_text, write_whole
from deltabench.tools.campaigning import read_results
from deltabench.tools.console import make_console, print_table
from deltabench.tools.exits import Exit
from deltabench.tools.report import counted, verdict_word
from deltabench.tools.result_files import check_result_files, force_option


@click.command("merge", short_help="Put the results of shares together.")
@click.argument(
    "files", nargs=-1, required=True, metavar="RESULT.json...", type=click.Path(path_type=Path, dir_okay=False)
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the whole to a JSON file.",
)
@force_option
def merge_command(files: tuple[Path, ...], output: Path | None, force: bool) -> int:
    """Put the results of the shares of a campaign together (deltabench run -B 1/8 --json ..., and so on).

    Exits as the run of the whole would have: with 0 if everything came out as expected, with 1 if it did not, and with
    2 if shares are missing or were interrupted.
    """
    check_result_files({"--output": output}, force=force)
    merged = merge([(path, read_results(path)) for path in files])
    if output:
        write_whole(output, document_text(merged.document))
    _print(make_console(), merged)
    if merged.document.interrupted:
        return Exit.INTERRUPTED
    return Exit.OK if all(result.as_expected for result in merged.document.results) else Exit.VIOLATED


def _print(console: Console, merged: Merged) -> None:
    """A line for each variant, and what is missing."""
    results = merged.document.results
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("variant", no_wrap=True)
    for heading in ("crash states\ngenerated", "\nverified", "viola-\ntions", "CPU\ntime"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for result in results:
        counts = result.counts
        numbers = [f"{number:,}" for number in (counts.generated, counts.verified, counts.violations)]
        table.add_row(escape(result.run), *numbers, f"{result.elapsed_s:.1f} s", _verdict(result))
    print_table(console, table)
    console.print()
    for run, shares in merged.missing.items():
        console.print(f"[bold]{escape(run)}[/bold]: {counted(len(shares), 'share')} missing: {', '.join(shares)}")
    for result in results:
        if result.violations and not result.as_expected:
            first = result.violations[0]
            console.print(f"[bold red]{escape(first.id)}[/bold red]: {first.rule} is violated: {escape(first.detail)}")
        elif result.complete and not result.as_expected and not result.counts.is_covered:
            console.print(f"[bold red]{escape(result.run)}[/bold red]: {PARTLY}")
    wrong = [result for result in results if result.complete and not result.as_expected]
    words = f"{len(wrong)} of {counted(len(results), 'variant')} did not come out as expected."
    if not wrong:
        words = f"{counted(len(results), 'variant')}, and nothing came out otherwise than expected."
    console.print(words)


def _verdict(result: Judged) -> str:
    return verdict_word(
        holds=result.verdict == "holds",
        whole=result.complete and result.counts.is_covered,
        closed=result.closed,
        as_expected=result.as_expected,
    )
