"""What ``deltabench mutants`` prints: a line a mutant, part by part, and in words what came out wrong."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from rich.markup import escape
from rich.table import Table

from deltabench.tools.console import PIPED_WIDTH, print_table
from deltabench.tools.report import counted

if TYPE_CHECKING:
    from rich.console import Console

    from deltabench.scenarios.documents import Violated
    from deltabench.scenarios.mutants.campaign import Plan
    from deltabench.scenarios.mutants.documents import Explored, Hunted, Mutation

ROOM_FOR_MISTAKES: Final = 110
"""So many columns a table needs to say in it what the mistakes are."""
TOLD_PIPED: Final = 120
STYLES: Final = {"killed": "green", "equivalent": "green", "unfinished": "yellow"}


def print_campaign(console: Console, document: Mutation, *, in_full: bool) -> None:
    """Tables, then what is wrong, then one paragraph; ``in_full``: how each was killed as well."""
    wide = console.soft_wrap or console.width >= ROOM_FOR_MISTAKES
    names = max((len(mutant.name) for mutant in document.mutants), default=0)
    for part in dict.fromkeys(mutant.part for mutant in document.mutants):
        group = [mutant for mutant in document.mutants if mutant.part == part]
        console.print(f"[bold]{escape(part or document.catalogue)}[/bold]")
        print_table(console, _table(group, names, wide=wide), TOLD_PIPED if wide else PIPED_WIDTH)
        console.print()
    for control in document.controls:
        if control.run.violation:
            title = f"the unbroken firmware does not hold: {control.scenario}, {control.run.variant}"
            console.print(f"[bold red]{escape(title)}[/bold red]")
            _print_violation(console, control.run.violation)
    for mutant in document.mutants:
        _print_about(console, mutant, in_full=in_full)
    console.print(" ".join(_summary(document)))


def print_list(console: Console, planned: Plan) -> None:
    """A line a mutant: its mistake, and what it is explored under."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("mutant", no_wrap=True)
    table.add_column("mistake")
    table.add_column("settings")
    table.add_column("pairs", justify="right")
    for hunt in planned.hunts:
        mutant = hunt.mutant
        table.add_row(*map(escape, (mutant.name, mutant.mistake, mutant.settings_name, str(len(hunt.variants)))))
    print_table(console, table, TOLD_PIPED)


def _table(mutants: Iterable[Hunted], name_width: int, *, wide: bool) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("mutant", no_wrap=True, min_width=name_width)
    if wide:
        table.add_column("its mistake", ratio=1)
    table.add_column("verdict", no_wrap=True, min_width=len("killed 9/9"))
    table.add_column("by the rule of", no_wrap=True, min_width=len("bounded-recovery +1"))
    table.add_column("states", justify="right", no_wrap=True, min_width=6)
    table.add_column("CPU", justify="right", no_wrap=True, min_width=8)
    for mutant in mutants:
        style = STYLES.get(mutant.verdict, "bold red")
        row = [
            escape(mutant.name),
            *([escape(mutant.mistake)] if wide else []),
            f"[{style}]{_verdict(mutant)}[/{style}]",
        ]
        most = max(mutant.runs, key=lambda run: run.crash_states)
        longest = max(run.elapsed_s for run in mutant.runs)
        table.add_row(*row, escape(_rules(mutant)), f"{most.crash_states:,}", f"{longest * 1000:,.0f} ms")
    return table


def _verdict(mutant: Hunted) -> str:
    """With on how many schemes and stores it was killed."""
    if mutant.verdict == "equivalent":
        return mutant.verdict
    killed = sum(run.violation is not None for run in mutant.runs)
    return f"{mutant.verdict} {killed}/{len(mutant.runs)}"


def _rules(mutant: Hunted) -> str:
    """The rule that most of its runs broke, and how many others there were."""
    rules = Counter(run.violation.rule for run in mutant.runs if run.violation).most_common()
    if not rules:
        return "-"
    return rules[0][0] if len(rules) == 1 else f"{rules[0][0]} +{len(rules) - 1}"


def _print_about(console: Console, mutant: Hunted, *, in_full: bool) -> None:
    """What a reader must know of it, or wants to; nothing of a mutant that is killed as it should be."""
    wrong = mutant.verdict in ("survived", "refuted")
    if not wrong and not in_full:
        return
    style = "bold red" if wrong else "bold"
    console.print(f"[{style}]{escape(mutant.name)}: {mutant.verdict}[/{style}]")
    lines = [("mistake", mutant.mistake), ("breaks", mutant.breaks), ("settings", mutant.settings)]
    lines += [("needs", mutant.needs), ("because", mutant.equivalent)]
    if mutant.verdict == "survived":
        lines.append(("survives", ", ".join(run.variant for run in mutant.runs if run.complete and not run.violation)))
    for name, text in lines:
        if text:
            console.print(f"  {name:<10}{escape(text)}")
    killed = next((run.violation for run in mutant.runs if run.violation), None)
    if killed:
        _print_violation(console, killed)
    else:
        console.print()


def _print_violation(console: Console, violation: Violated) -> None:
    lines = [
        ("rule", violation.rule),
        ("during", violation.doing),
        ("the cut", violation.cut),
        ("then", violation.detail),
    ]
    lines += [("crash id", violation.id), ("replay", f"deltabench replay {shlex.quote(violation.id)}")]
    for name, text in lines:
        console.print(f"  {name:<10}{escape(text)}")
    console.print()


def _summary(document: Mutation) -> Iterator[str]:
    """How many there were and what became of them."""
    by = Counter(mutant.verdict for mutant in document.mutants)
    runs = [run for mutant in document.mutants for run in mutant.runs]
    yield f"{counted(len(document.mutants), 'mutant')}: {_cost(runs)}."
    yield f"The unbroken firmware beside them: {_cost([control.run for control in document.controls])}."
    yield "States and CPU of a mutant: until it was killed, on the scheme and store where that took most."
    if document.interrupted:
        yield f"[bold]Interrupted: {counted(by['unfinished'], 'mutant')} not finished.[/bold]"
    failed = sum(control.verdict == "violated" for control in document.controls)
    if failed:
        yield f"[bold red]{counted(failed, 'run')} of the unbroken firmware did not hold: no kill counts.[/bold red]"
    wrong = by["survived"] + by["refuted"]
    if wrong:
        yield f"[bold red]{counted(wrong, 'mutant')} not killed as expected.[/bold red]"
    elif not document.interrupted and not failed:
        equivalent = f"; {by['equivalent']} equivalent" if by["equivalent"] else ""
        yield f"[green]{by['killed']} killed{equivalent}.[/green]"


def _cost(runs: Sequence[Explored]) -> str:
    states, seconds = sum(run.crash_states for run in runs), sum(run.elapsed_s for run in runs)
    return f"{counted(len(runs), 'run')}, {counted(states, 'crash state')}, {seconds:.1f} s of CPU time"
