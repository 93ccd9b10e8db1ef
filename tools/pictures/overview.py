"""The table that sums up a document: a line a run."""

from __future__ import annotations

from collections.abc import Sequence

from deltabench.scenarios.documents import (
    Document,
    EnduredRun,
    HoldUp,
    Judged,
    MeasuredRun,
    Results,
    Series,
)
from deltabench.tools.pictures.amplification import written
from deltabench.tools.pictures.style import Table
from deltabench.tools.pictures.words import digits, duration


def overview(document: Document) -> Table:
    """A line a run: what was run, and how it came out."""
    if isinstance(document, Results):
        columns = ("run", "commands", "operations", "generated", "distinct", "verified", "violations", "verdict")
        return Table(
            columns,
            tuple(
                (
                    result.run,
                    result.commands,
                    result.operations,
                    result.counts.generated,
                    result.counts.distinct,
                    result.counts.verified,
                    result.counts.violations,
                    _verdict(result),
                )
                for result in document.results
            ),
        )
    if isinstance(document, HoldUp):
        return Table(
            ("run", "crash states", "unsafe without hold-up", "hold-up needed", "capacitor, µF"),
            tuple(
                (
                    run.run,
                    run.generated,
                    run.steps[0].violations if run.steps else None,
                    "none is enough" if run.least_us is None else f"{run.least_us:,} µs",
                    None if run.capacitance_nf is None else digits(run.capacitance_nf / 1000),
                )
                for run in document.runs
            ),
        )
    runs: tuple[MeasuredRun | EnduredRun, ...] = document.runs
    return Table(
        ("run", "units", "commands", "simulated", "saves", "restores", "unit moves", "media bytes a host byte"),
        tuple(
            (
                run.run if not isinstance(run, MeasuredRun) or run.complete else f"{run.run} (not finished)",
                run.units,
                run.commands,
                duration(run.simulated_ns) if isinstance(run, MeasuredRun) else f"{digits(run.simulated_days)} days",
                total(run.counters, "saves"),
                total(run.counters, "restores"),
                total(run.counters, "unit_moves"),
                _factor(run),
            )
            for run in runs
        ),
    )


def total(counters: Sequence[Series], name: str, **labels: str) -> int:
    """The sum of a counter over all its values that have these labels."""
    return sum(series.value for series in counters if series.name == name and labels.items() <= series.labels.items())


def _verdict(result: Judged) -> str:
    word = result.verdict if result.complete else f"{result.verdict}, not finished"
    return word if result.as_expected else f"{word}; expected: {result.expected}"


def _factor(run: MeasuredRun | EnduredRun) -> str:
    counted = written(run.run, run.counters)
    return digits(counted.factor) if counted.host else "–"
