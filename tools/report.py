"""What ``deltabench run`` prints: a line a variant, and a counterexample in words for each that is violated."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deltabench.scenarios.explorer import Finding
from deltabench.scenarios.verdict import Result
from deltabench.tools.console import PIPED_WIDTH, needed_width, print_table, widest

MOST_NAMED: Final = 6
"""So many variants that were not finished are named; the rest are counted."""


def print_report(console: Console, results: Sequence[Result], *, interrupted: bool = False) -> None:
    """Tables by scenario, then the counterexamples, then one paragraph that sums up."""
    shown = ""
    for result in results:
        name = result.variant.scenario.name
        if name != shown:
            group = [other for other in results if other.variant.scenario.name == name]
            console.print(f"[bold]{escape(name)}[/bold]: {escape(result.variant.scenario.document.title)}")
            table = _table(console, group)
            print_table(console, table, max(PIPED_WIDTH, needed_width(console, table)))
            console.print()
            shown = name
    for result in results:
        if result.findings:
            _print_counterexample(console, result)
        elif not result.as_expected and not _open(result):
            console.print(f"[bold red]{escape(_title(result))}[/bold red]: {escape(result.problem())}\n")
    console.print(_summary(results, interrupted=interrupted))


def _table(console: Console, results: Sequence[Result]) -> Table:
    """The widest table that the terminal has room for; the verdict is in each of them."""
    choices = ((), ("time",), ("time", "distinct"))
    return widest(console, (_table_without(left_out, results) for left_out in choices))


def _table_without(left_out: Sequence[str], results: Sequence[Result]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("scheme\nand store", no_wrap=True)
    columns = {
        "commands": ("host\ncommands", [f"{result.commands:,}" for result in results]),
        "operations": ("media\nops", [f"{result.operations:,}" for result in results]),
        "generated": (
            "crash\nstates" if left_out else "crash states\ngenerated",
            [f"{result.counts.generated:,}" for result in results],
        ),
        "distinct": ("\ndistinct", [f"{result.counts.distinct:,}" for result in results]),
        "verified": ("\nverified", [f"{result.counts.verified:,}" for result in results]),
        "violations": ("viola-\ntions", [f"{result.counts.violations:,}" for result in results]),
        "time": ("CPU\ntime", [f"{result.elapsed_s:.1f} s" for result in results]),
    }
    shown = [column for name, column in columns.items() if name not in left_out]
    for heading, _ in shown:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for row, result in enumerate(results):
        table.add_row(escape(result.variant.name), *(values[row] for _, values in shown), _verdict(result))
    return table


def _verdict(result: Result) -> str:
    whole = result.complete and result.is_covered
    if whole and result.share is not None and result.holds and result.variant.expected.verdict == "violated":
        return "[green]open[/green]"
    holds = result.holds or _open(result)
    return verdict_word(holds=holds, whole=whole, closed=result.closed, as_expected=result.as_expected)


def verdict_word(*, holds: bool, whole: bool, closed: bool, as_expected: bool) -> str:
    """One word in its colour: what came out, and whether it should; ``whole``: nothing was left unexplored."""
    if holds and not whole:
        return "[green]partial[/green]" if as_expected else "[yellow]partial[/yellow]"
    word = "closed" if closed else "holds" if holds else "caught" if as_expected else "violated"
    return f"[green]{word}[/green]" if as_expected else f"[bold red]{word}[/bold red]"


def _open(result: Result) -> bool:
    """Whether the variant was interrupted before anybody can say that it does not come out as expected."""
    return (
        not result.complete
        and not result.as_expected
        and (result.holds or result.variant.expected.verdict == "violated")
    )


def _title(result: Result) -> str:
    return f"{result.variant.scenario.name}, {result.variant.name}"


def _print_counterexample(console: Console, result: Result) -> None:
    finding = result.findings[0]
    expected = ", as expected" if result.as_expected else ""
    style = "bold" if result.as_expected else "bold red"
    rule = finding.rule.value
    console.print(f"[{style}]{escape(_title(result))}: {rule} is violated{expected}[/{style}]")
    if problem := result.problem():
        console.print(f"  {escape(problem)}", style="red")
    for name, text in counterexample(finding):
        console.print(f"  {name:<10}{escape(text)}")
    crash = result.crash_id(finding)
    quoted = escape(shlex.quote(crash))
    if crash:
        console.print(f"  {'crash id':<10}{escape(crash)}")
        console.print(f"  {'replay':<10}deltabench replay {quoted}")
    if crash and finding.path:
        console.print(f"  {'explain':<10}deltabench explain {quoted}")
    console.print()


def counterexample(finding: Finding) -> list[tuple[str, str]]:
    """A finding in words: what was being done, where the cut fell, what was read."""
    lines = [("during", finding.doing), ("the cut", finding.cut)]
    if len(finding.path) > 1:
        more = len(finding.path) - 1
        lines.append(("and", f"{more} more cut{'s' * (more > 1)} in the recovery"))
    lines.append(("then", finding.detail))
    return lines


def _summary(results: Sequence[Result], *, interrupted: bool) -> str:
    """What was done, what was not finished, and whether it came out as expected, in one paragraph."""
    generated = sum(result.counts.generated for result in results)
    verified = sum(result.counts.verified for result in results)
    sentences = [
        f"{counted(generated, 'crash state')} generated, {counted(verified, 'recovery', 'recoveries')} run and judged."
    ]
    unfinished = [result for result in results if not result.complete]
    sentences += _left_out(results)
    boards = [result.board for result in results if result.board is not None]
    if boards:
        most = max(result.counts.verified for result in results)
        places = sum(board.places for board in boards)
        sentences.append(
            f"Cut on the board: at most {counted(most, 'time')} a variant, at {counted(places, 'place')} in all, with "
            "outcomes drawn at random; without --target all of them are explored on the model."
        )
        if unreached := sum(board.unreached for board in boards):
            sentences.append(f"{counted(unreached, 'cut')} found nothing to cut when the workload was done again.")
    wrong = [result for result in results if not result.as_expected and not _open(result)]
    if interrupted:
        sentences.append(f"[bold]Interrupted: {_unfinished(unfinished, len(results))}.[/bold]")
    if wrong:
        which = f"{len(wrong)} of {len(results)} variants" if len(results) > 1 else "It"
        sentences.append(f"[bold red]{which} did not come out as expected.[/bold red]")
    elif share := next((result.share for result in results), None):
        sentences.append(
            f"[green]Nothing in share {share.number}/{share.of} speaks against what is expected.[/green] "
            "`deltabench merge` puts the results of all shares together."
        )
    elif not results:
        sentences.append("Nothing is in this share: there are more shares than pieces of work.")
    elif not unfinished:
        which = f"All {len(results)} variants" if len(results) > 1 else "It"
        sentences.append(f"[green]{which} came out as expected.[/green]")
    return " ".join(sentences)


def _left_out(results: Sequence[Result]) -> list[str]:
    """What was not explored, and why; and what it means that a graph is closed."""
    sentences = []
    if any(result.closed for result in results):
        sentences.append("Closed: it holds for any number of cuts at any points, for this workload and fault model.")
    if budget := sum(result.counts.beyond_budget for result in results):
        left = counted(budget, "state or operation", "states and operations")
        sentences.append(f"[bold]Left out when the budget was spent: {left}.[/bold]")
    if unlike := sum(result.counts.unlike for result in results):
        sentences.append(
            f"[bold]{counted(unlike, 'recovery', 'recoveries')} did not do what another did from a state taken for "
            "equivalent: the graph is not closed.[/bold]"
        )
    return sentences


def _unfinished(unfinished: Sequence[Result], variants: int) -> str:
    """How many variants and which; of many, the first."""
    one_scenario = len({result.variant.scenario.name for result in unfinished}) == 1
    names = [result.variant.name if one_scenario else _title(result) for result in unfinished]
    more = [f"and {len(names) - MOST_NAMED} more"] if len(names) > MOST_NAMED else []
    verb = "was" if len(names) == 1 else "were"
    separator = ", " if one_scenario else "; "
    return (
        f"{len(names)} of {counted(variants, 'variant')} {verb} not finished"
        f" ({escape(separator.join(names[:MOST_NAMED] + more))})"
    )


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: ``1 crash state``, ``2 crash states``."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
