"""Two documents of one schema side by side: which runs belong together, and what differs between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from deltabench.scenarios.counters import COUNTERS
from deltabench.scenarios.documents import (
    MOST_YEARS,
    Document,
    Endurance,
    EnduredRun,
    FlashSummary,
    HeldUp,
    HoldUp,
    Judged,
    MeasuredRun,
    Measurement,
    Results,
    Series,
    Wear,
    WearOut,
)
from deltabench.tools.lifetimes import when

Run = MeasuredRun | EnduredRun | Judged | HeldUp


class Life(NamedTuple):
    """How many years a part lasts, and the words for it, which say how exactly that is known."""

    years: float
    words: str


Value = int | float | str | Life | None


class Line(NamedTuple):
    """One figure of both runs; ``unit`` as in ``ns``, ``bytes``, or empty for words."""

    name: str
    unit: str
    one: Value
    other: Value

    @property
    def ratio(self) -> float | None:
        """The second by the first, where that means something."""
        one, other = (value.years if isinstance(value, Life) else value for value in (self.one, self.other))
        if isinstance(one, int | float) and isinstance(other, int | float) and one:
            return other / one
        return None


class Pair(NamedTuple):
    """Two runs that belong together; ``lines``: all figures that one of them has."""

    one: Run
    other: Run
    lines: tuple[Line, ...]

    @property
    def different(self) -> list[Line]:
        """The figures that are not the same in both."""
        return [line for line in self.lines if line.one != line.other]


class Comparison(NamedTuple):
    """All pairs, and the names of the runs that have none."""

    pairs: tuple[Pair, ...]
    only_one: tuple[str, ...]
    only_other: tuple[str, ...]


def runs_of(document: Document) -> tuple[Run, ...]:
    """The runs of a document of any schema."""
    return document.results if isinstance(document, Results) else document.runs


def compare(one: Document, other: Document) -> Comparison:
    """Runs of the same name belong together, then those of the same variant; those that are left, in their order."""
    left, right = list(runs_of(one)), list(runs_of(other))
    named = {run.run: run for run in right}
    pairs: list[tuple[Run, Run]] = []
    alone: list[Run] = []
    for run in left:
        if run.run in named:
            pairs.append((run, named.pop(run.run)))
        else:
            alone.append(run)
    variants = {run.run.rpartition(":")[2]: run for run in named.values()}
    for run in list(alone):
        like = variants.pop(run.run.rpartition(":")[2], None)
        if like is not None:
            pairs.append((run, like))
            alone.remove(run)
            del named[like.run]
    rest = list(named.values())
    pairs += zip(alone, rest, strict=False)
    matched = min(len(alone), len(rest))
    return Comparison(
        tuple(Pair(first, second, _lines(first, second)) for first, second in pairs),
        tuple(run.run for run in alone[matched:]),
        tuple(run.run for run in rest[matched:]),
    )


def together(pair: Pair) -> tuple[Document, tuple[str, str]]:
    """Both runs in one document, so that pictures show them on the same axes; and the names that they have there."""
    one, other = pair.one, pair.other
    if isinstance(one, Judged) and isinstance(other, Judged):
        judged = tuple(msgspec.structs.replace(run, scenario=side) for side, run in (("A", one), ("B", other)))
        return Results(results=judged), (judged[0].run, judged[1].run)
    labels = _label("A", one, other), _label("B", other, one)
    if isinstance(one, MeasuredRun) and isinstance(other, MeasuredRun):
        measured = zip(labels, (one, other), strict=True)
        return Measurement(
            runs=tuple(msgspec.structs.replace(run, run=f":{label}", scenario="") for label, run in measured)
        ), labels
    if isinstance(one, EnduredRun) and isinstance(other, EnduredRun):
        endured = zip(labels, (one, other), strict=True)
        return Endurance(runs=tuple(msgspec.structs.replace(run, run=f":{label}") for label, run in endured)), labels
    assert isinstance(one, HeldUp), "the schemas are the same"
    assert isinstance(other, HeldUp), "the schemas are the same"
    held = zip(labels, (one, other), strict=True)
    runs = tuple(msgspec.structs.replace(run, run=f":{label}", scenario="") for label, run in held)
    return HoldUp(from_mv=0, to_mv=0, load_mw=0, runs=runs), labels


def _label(side: str, run: Run, beside: Run) -> str:
    """``A``, with what tells it from the run beside it: scheme and store, or the size."""
    if (run.scheme, run.atom_store) != (beside.scheme, beside.atom_store):
        return f"{side} ({run.scheme}-{run.atom_store})"
    if isinstance(run, MeasuredRun | EnduredRun) and isinstance(beside, MeasuredRun | EnduredRun):
        if run.units != beside.units:
            return f"{side} ({run.units:,} units)"
        if run.sectors_per_unit != beside.sectors_per_unit:
            return f"{side} (units of {run.sectors_per_unit} sectors)"
    return side


def _lines(one: Run, other: Run) -> tuple[Line, ...]:
    """What either has, by name, in the order of the first; what only the second has stands where it has it."""
    left, right = dict(_figures(one)), dict(_figures(other))
    order = list(left)
    before: tuple[str, str] | None = None
    for key in right:
        if key not in left:
            order.insert(order.index(before) + 1 if before else 0, key)
        before = key
    return tuple(Line(*key, left.get(key), right.get(key)) for key in order)


def _figures(run: Run) -> list[tuple[tuple[str, str], Value]]:
    """(name, unit) and value of each."""
    if isinstance(run, Judged):
        counts = run.counts
        return [
            (("verdict", ""), run.verdict if run.complete else f"{run.verdict}, not finished"),
            (("commands", "commands"), run.commands),
            (("media operations", "operations"), run.operations),
            (("crash states", ""), counts.generated),
            (("distinct crash states", ""), counts.distinct),
            (("recoveries judged", ""), counts.verified),
            (("recoveries that broke a rule", ""), counts.violations),
        ]
    if isinstance(run, HeldUp):
        needed = "no hold-up is enough" if run.least_us is None else 1000 * run.least_us
        return [
            (("hold-up needed", "ns"), needed),
            (("crash states", ""), run.generated),
            (("unsafe without hold-up", ""), run.steps[0].violations if run.steps else None),
            *(((f"hold-up needed during {name}", "ns"), 1000 * us) for name, us in run.needed_during.items()),
        ]
    found: list[tuple[tuple[str, str], Value]] = [
        (("scheme", ""), run.scheme),
        (("atom store", ""), run.atom_store),
        (("units", "units"), run.units),
        (("sectors in a unit", "sectors"), run.sectors_per_unit),
    ]
    if isinstance(run, MeasuredRun):
        found.append((("simulated time", "ns"), run.simulated_ns))
        for latency in run.latency:
            percentiles = [(f"{key} %", value) for key, value in latency.percentiles_ns.items() if key in ("50", "99")]
            for which, value in (*percentiles, ("longest", latency.most_ns)):
                found.append(((f"{latency.command}, {which}", "ns"), value))
    else:
        found.append((("simulated time", "days"), run.simulated_days))
        found += [(("ended", ""), run.ended), (("seed", ""), run.seed), *_configured(run)]
    found += _counted(run.counters)
    found += _worn(run.wear)
    found += _of_flash(run.flash)
    if isinstance(run, EnduredRun):
        found.append((("most units written since T0", "units"), run.most_ddm))
        found += [
            ((f"{row.device} {row.what}s: worn out after", "years"), _life(row))
            for row in run.wear_out
            if row.endurance is not None
        ]
    return found


def _life(row: WearOut) -> Value:
    """Above MOST_YEARS no more than that is known."""
    return when(row) if row.years is None or row.years > MOST_YEARS else Life(row.years, when(row))


def _configured(run: EnduredRun) -> list[tuple[tuple[str, str], Value]]:
    """The settings of a workload; those of its source, a random mix or a trace, stand in a table of their own."""
    settings = dict(run.workload)
    for kind in ("random", "trace"):
        source = settings.pop(kind, None)
        if isinstance(source, dict):
            settings |= {f"{kind} {key}": value for key, value in source.items()}
    return [
        ((f"workload: {key.replace('_', ' ')}", ""), "yes" if value is True else "no" if value is False else value)
        for key, value in settings.items()
        if key != "seed" and (value is None or isinstance(value, int | float | str))
    ]


def _counted(counters: Sequence[Series]) -> list[tuple[tuple[str, str], Value]]:
    sums: dict[tuple[str, str], Value] = {}
    for series in counters:
        counter = COUNTERS.get(series.name)
        labels = ", ".join(series.labels.values())
        name = series.name.removesuffix("_ns").replace("_", " ")
        sums[f"{name}: {labels}" if labels else name, counter.unit if counter else ""] = series.value
    return list(sums.items())


def _of_flash(flash: Sequence[FlashSummary]) -> list[tuple[tuple[str, str], Value]]:
    """What counters and wear do not say of themselves."""
    found: list[tuple[tuple[str, str], Value]] = []
    for part in flash:
        found.append(((f"{part.device}: write amplification", ""), part.write_amplification))
        found.append(((f"{part.device}: share of a collected block won back", ""), part.collection_efficiency))
        found.append(((f"{part.device}: spread of erases, most to mean", ""), part.spread))
        found.append(((f"{part.device}: spare blocks left", ""), part.spare_blocks_left))
    return found


def _worn(wear: Sequence[Wear]) -> list[tuple[tuple[str, str], Value]]:
    found: list[tuple[tuple[str, str], Value]] = []
    for part in wear:
        what = f"{part.device} {part.what}s"
        found.append(((f"{what}, most of one {part.cell.split()[0]}", ""), max(part.counts, default=0)))
        found.append(((f"{what}, all", ""), sum(part.counts)))
    return found
