"""What ``deltabench run`` prints: a line a variant, and a counterexample in words for each that is violated."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deltabench.scenarios.explorer import Finding
from deltabench.scenarios.verdict import Result


def print_report(console: Console, results: Sequence[Result]) -> None:
    """Tables by scenario, then the counterexamples, then one line that sums up."""
    shown = ""
    for result in results:
        name = result.variant.scenario.name
        if name != shown:
            group = [other for other in results if other.variant.scenario.name == name]
            console.print(f"[bold]{escape(name)}[/bold]: {escape(result.variant.scenario.document.title)}")
            console.print(_table(group))
            console.print()
            shown = name
    for result in results:
        if result.findings:
            _print_counterexample(console, result)
        elif not result.as_expected:
            console.print(f"[bold red]{escape(_title(result))}[/bold red]: {escape(result.problem())}\n")
    _print_summary(console, results)


def _table(results: Sequence[Result]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("scheme\nand store", no_wrap=True)
    for heading in (
        "host\ncommands",
        "media\nops",
        "crash states\ngenerated",
        "\ndistinct",
        "\nverified",
        "viola-\ntions",
        "CPU\ntime",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for result in results:
        counts = result.counts
        table.add_row(
            escape(result.variant.name),
            f"{result.commands:,}",
            f"{result.operations:,}",
            f"{counts.generated:,}",
            f"{counts.distinct:,}",
            f"{counts.verified:,}",
            f"{counts.violations:,}",
            f"{result.elapsed_s:.1f} s",
            _verdict(result),
        )
    return table


def _verdict(result: Result) -> str:
    word = "holds" if result.holds else "caught" if result.as_expected else "violated"
    if not result.complete:
        word = "partial"
    return f"[green]{word}[/green]" if result.as_expected else f"[bold red]{word}[/bold red]"


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
    console.print(f"  {'crash id':<10}{escape(crash)}")
    console.print(f"  {'replay':<10}deltabench replay {escape(shlex.quote(crash))}\n")


def counterexample(finding: Finding) -> list[tuple[str, str]]:
    """A finding in words: what was being done, where the cut fell, what was read."""
    lines = [("during", finding.doing), ("the cut", finding.cut)]
    if len(finding.path) > 1:
        more = len(finding.path) - 1
        lines.append(("and", f"{more} more cut{'s' * (more > 1)} in the recovery"))
    lines.append(("then", finding.detail))
    return lines


def _print_summary(console: Console, results: Sequence[Result]) -> None:
    generated = sum(result.counts.generated for result in results)
    wrong = [result for result in results if not result.as_expected]
    seconds = sum(result.elapsed_s for result in results)
    rate = f", {generated / seconds:,.0f} a CPU second" if seconds > 0.5 else ""
    console.print(f"{generated:,} crash states judged{rate}.", end=" ")
    if wrong:
        console.print(f"[bold red]{len(wrong)} of {len(results)} variants did not come out as expected.[/bold red]")
    else:
        all_of_them = f"All {len(results)} variants" if len(results) > 1 else "It"
        console.print(f"[green]{all_of_them} came out as expected.[/green]")
