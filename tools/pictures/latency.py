"""How long commands take: their distribution, and where the time goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from deltabench.scenarios.documents import Latency
from deltabench.tools.pictures.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    PURPLE,
    SERIES,
    SKY,
    SMALL_PT,
    VERMILLION,
    Cell,
    Picture,
    Table,
    plain_axes,
    time_axis,
)
from deltabench.tools.pictures.words import duration, named, share, shortened, times
from deltabench.tools.report import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

MOST_RUNS: Final = 12
PHASES: Final = {
    "data": BLUE,
    "copies": SKY,
    "maps": GREEN,
    "labels": PURPLE,
    "translation": VERMILLION,
    "host bus": ORANGE,
    "firmware": GREY,
}
MARKS: Final = (("50", "median", "o"), ("99", "99th percentile", "D"))


class Timed(NamedTuple):
    """The latencies of one kind of command in one run."""

    label: str
    latency: Latency

    @property
    def median(self) -> int:
        return self.latency.percentiles_ns.get("50", self.latency.total_ns // self.latency.count)

    @property
    def mean(self) -> float:
        return self.latency.total_ns / self.latency.count


def latency_picture(name: str, command: str, runs: Sequence[Timed]) -> Picture:
    """The distribution of one command's latency, a line of bars a run."""
    shown = runs[:MOST_RUNS]
    percentiles = list(dict.fromkeys(key for run in runs for key in run.latency.percentiles_ns))
    table = Table(
        ("run", "commands", "mean, µs", "least, µs", *(f"{key} %, µs" for key in percentiles), "most, µs"),
        tuple(
            (
                run.label,
                run.latency.count,
                _us(run.mean),
                _us(run.latency.least_ns),
                *(_us(run.latency.percentiles_ns.get(key)) for key in percentiles),
                _us(run.latency.most_ns),
            )
            for run in runs
        ),
    )
    caption = (
        f"How long {command} takes, in simulated time on a logarithmic axis: bars show how often, in steps of equal "
        "ratio, each line scaled by itself. Dot: the median. Diamond: the 99th percentile. Stroke: the longest."
    )
    if len(shown) < len(runs):
        caption += f" {counted(len(runs) - len(shown), 'more run')} in the table."

    def draw(figure: FigureBase) -> None:
        axes = plain_axes(figure.add_subplot(), grid="x")
        low, high = min(run.latency.least_ns for run in shown) or 1, max(run.latency.most_ns for run in shown) or 1
        # At least a decade, or times that are nearly the same would seem far apart.
        room = max(1.15, (10 * low / high) ** 0.5)
        time_axis(axes, low / room, high * room)
        for row, run in enumerate(shown):
            _distribution(axes, row, run.latency)
        axes.set_yticks([row + 0.4 for row in range(len(shown))], [shortened(run.label, 34) for run in shown])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(shown) - 0.25, -0.35)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(f"time of one {command}")
        _marks(figure)

    return Picture(name, _title(command, runs), caption, table, draw, 0.52 * len(shown) + 1.15)


def phases_picture(name: str, commands: Sequence[tuple[str, Sequence[Timed]]]) -> Picture:
    """Where the mean time of each command goes, a bar a command and run."""
    rows = [(command, run) for command, runs in commands for run in runs if sum(run.latency.phases_ns.values())]
    if not rows:
        return Picture(name, "No time was measured", "There are no latencies to draw.", Table((), ()))
    found = dict.fromkeys(phase for _, run in rows for phase in run.latency.phases_ns)
    phases = [phase for phase in (*PHASES, *(phase for phase in found if phase not in PHASES)) if phase in found]
    spare = iter([PALE, INK, *SERIES] * len(phases))
    colours = {phase: PHASES.get(phase) or next(spare) for phase in phases}
    several = max(len(runs) for _, runs in commands) > 1

    def draw(figure: FigureBase) -> None:
        axes = plain_axes(figure.add_subplot())
        places: list[float] = []
        at = 0.0
        last = rows[0][0]
        for command, _ in rows:
            at += 0.7 if several and command != last else 0
            last = command
            places.append(at)
            at += 1
        left = [0.0] * len(rows)
        for phase in phases:
            parts = [100 * run.latency.phases_ns.get(phase, 0) / sum(run.latency.phases_ns.values()) for _, run in rows]
            axes.barh(places, parts, 0.78, left=left, color=colours[phase].light, label=phase)
            left = [before + part for before, part in zip(left, parts, strict=True)]
        for place, (_, run) in zip(places, rows, strict=True):
            axes.text(101, place, duration(run.mean), va="center", fontsize=SMALL_PT)
        axes.text(101, -0.9, "mean", va="center", fontsize=SMALL_PT, fontweight="bold")
        axes.set_yticks(places, [_row_label(rows, number, several) for number in range(len(rows))])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(places[-1] + 0.6, -1.3)
        axes.set_xlim(0, 112)
        axes.set_xticks([0, 25, 50, 75, 100])
        axes.spines[["bottom", "left"]].set_visible(False)
        axes.set_xlabel("share of the time, %")
        figure.legend(loc="outside upper left", ncols=len(phases), handlelength=1.1, columnspacing=1.2)

    gaps = 0.7 * (len(commands) - 1) if several else 0
    return Picture(
        name,
        _phases_title(rows),
        "Where the time of each command goes: moving the host's data and copies on the media, keeping the maps and the "
        "labels, the bus to the host, the processor. On the right the mean time of one command.",
        Table(
            ("command", "run", "commands", "mean, µs", *(f"{phase}, µs" for phase in phases)),
            tuple(
                (
                    command,
                    run.label,
                    run.latency.count,
                    _us(run.mean),
                    *(_us(run.latency.phases_ns.get(phase, 0) / run.latency.count) for phase in phases),
                )
                for command, run in rows
            ),
        ),
        draw,
        0.21 * (len(rows) + gaps) + 1.3,
    )


def _us(ns: float | None) -> Cell:
    return None if ns is None else round(ns / 1000, 3)


def _title(command: str, runs: Sequence[Timed]) -> str:
    if len(runs) == 1:
        (run,) = runs
        latency = run.latency
        if latency.count == 1:
            return f"{command} took {duration(latency.total_ns)}, the one time it was given{_dominant(latency)}"
        if latency.least_ns == latency.most_ns:
            return f"{command} takes {duration(latency.least_ns)} each time{_dominant(latency)}"
        late = latency.percentiles_ns.get("99", latency.most_ns)
        usual = f"{command} takes {duration(run.median)} at the median and {duration(late)} at the 99th percentile"
        return usual + _dominant(latency)
    ordered = sorted(runs, key=lambda run: run.median)
    fast, slow = ordered[0], ordered[-1]
    if slow.median < 1.02 * max(fast.median, 1):
        return f"{command} takes {duration(slow.median)} at the median in every run"
    ratio = times(slow.median / max(fast.median, 1))
    return (
        f"{command} takes {duration(fast.median)} at the median under {fast.label}, and {ratio} as long, "
        f"{duration(slow.median)}, under {slow.label}"
    )


def _dominant(latency: Latency) -> str:
    total = sum(latency.phases_ns.values())
    if not total:
        return ""
    phase = max(latency.phases_ns, key=lambda name: latency.phases_ns[name])
    return f"; {share(latency.phases_ns[phase], total)} of its time goes to {named(phase)}"


def _phases_title(rows: Sequence[tuple[str, Timed]]) -> str:
    sums: dict[str, int] = {}
    for _, run in rows:
        for phase, ns in run.latency.phases_ns.items():
            sums[phase] = sums.get(phase, 0) + ns
    first = max(sums, key=lambda name: sums[name])
    title = f"{share(sums[first], sum(sums.values()))} of all time goes to {named(first)}"
    saves = [run for command, run in rows if command == "SAVE"]
    if saves:
        whole = sum(sum(run.latency.phases_ns.values()) for run in saves)
        of_saves = {phase: sum(run.latency.phases_ns.get(phase, 0) for run in saves) for phase in sums}
        phase = max(of_saves, key=lambda name: of_saves[name])
        title += f"; of SAVE, {share(of_saves[phase], whole)} goes to {named(phase)}"
    return title


def _row_label(rows: Sequence[tuple[str, Timed]], number: int, several: bool) -> str:
    command, run = rows[number]
    if not several:
        return command
    begins = number == 0 or rows[number - 1][0] != command
    return f"{command}: {shortened(run.label, 22)}" if begins else shortened(run.label, 22)


def _distribution(axes: Axes, row: int, latency: Latency) -> None:
    """The bars of one run on their base line.  A logarithmic axis has no zero: what took no time is put at 1 ns."""
    base = row + 0.55
    most = max((found.count for found in latency.histogram), default=1)
    edges = [max(found.up_to_ns, 1) for found in latency.histogram]
    # The first bin has no bin before it to begin at.
    ratio = edges[1] / edges[0] if len(edges) > 1 else 1.1
    for number, found in enumerate(latency.histogram):
        if found.count:
            low = edges[number - 1] if number else edges[0] / ratio
            height = max(0.68 * found.count / most, 0.02)
            axes.bar(low, height, edges[number] - low, bottom=base - height, align="edge", color=BLUE.light, alpha=0.75)
    least, longest = max(latency.least_ns, 1), max(latency.most_ns, 1)
    axes.plot([least, longest], [base, base], color=INK.light, linewidth=0.8)
    for key, _, marker in MARKS:
        if key in latency.percentiles_ns:
            axes.plot(max(latency.percentiles_ns[key], 1), base, marker, color=INK.light, markersize=5)
    axes.plot([longest] * 2, [base - 0.14, base + 0.14], color=INK.light, linewidth=1.6)


def _marks(figure: FigureBase) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=INK.light, marker=marker, linestyle="", markersize=5, label=label)
        for _, label, marker in MARKS
    ]
    handles.append(
        Line2D([], [], color=INK.light, marker="|", linestyle="", markersize=9, markeredgewidth=1.6, label="longest")
    )
    figure.legend(handles=handles, loc="outside upper left", ncols=3)
