"""Crash states that break a rule against the time for which the supply holds up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from deltabench.hwsim.clock import NS_PER_US
from deltabench.scenarios.documents import HeldUp
from deltabench.tools.pictures.style import (
    DASHES,
    SERIES,
    Picture,
    Table,
    legend_of_lines,
    plain_axes,
    thousands,
    time_axis,
)
from deltabench.tools.pictures.words import listed, shortened
from deltabench.tools.report import counted

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

MOST_LINES: Final = 7


def holdup_picture(name: str, runs: Sequence[tuple[str, HeldUp]]) -> Picture:
    """A line a run that is unsafe without hold-up; ``runs`` with their labels."""
    table = Table(
        ("run", "hold-up, µs", "crash states that break a rule", "of"),
        tuple((label, step.holdup_us, step.violations, run.generated) for label, run in runs for step in run.steps),
    )
    unsafe = [(label, run) for label, run in runs if any(step.violations for step in run.steps)]
    safe = [label for label, run in runs if (label, run) not in unsafe]
    if not unsafe:
        title = "No run needs any hold-up time: all are safe without"
        return Picture(name, title, f"Safe however soon power is lost: {listed(safe)}.", table)
    shown = unsafe[:MOST_LINES]
    caption = (
        "Crash states that still break a rule if the supply holds up for so long after it has warned the firmware, "
        "which then takes no new command. Simulated time, on a logarithmic axis."
    )
    if safe:
        caption += f" Safe without any hold-up, and not drawn: {listed(safe, 16)}."
    if len(shown) < len(unsafe):
        caption += f" {counted(len(unsafe) - len(shown), 'more run')} in the table."
    times = [step.holdup_us * NS_PER_US for _, run in shown for step in run.steps if step.holdup_us]
    first, last = (min(times) / 2, max(times) * 2) if times else (NS_PER_US, 1000 * NS_PER_US)

    def draw(figure: FigureBase) -> None:
        axes = plain_axes(figure.add_subplot(), grid="y")
        for number, (label, run) in enumerate(shown):
            at = [max(step.holdup_us * NS_PER_US, first) for step in run.steps]
            wrong = [step.violations for step in run.steps]
            axes.step(
                [*at, last],
                [*wrong, wrong[-1]],
                where="post",
                color=SERIES[number].light,
                linestyle=DASHES[number],
                label=shortened(label, 40),
            )
            if run.least_us is not None and not wrong[-1]:
                axes.plot(at[-1], 0, "o", color=SERIES[number].light, markersize=5, clip_on=False, zorder=3)
        time_axis(axes, first, last)
        axes.set_xlabel("hold-up time of the supply")
        axes.set_ylabel("unsafe crash states")
        axes.set_ylim(bottom=0)
        thousands(axes, "y")
        if len(shown) > 1:
            legend_of_lines(figure, axes)

    return Picture(name, _title(unsafe, safe), caption, table, draw, 3.2)


def _title(unsafe: Sequence[tuple[str, HeldUp]], safe: Sequence[str]) -> str:
    parts = []
    helped = [(label, run.least_us) for label, run in unsafe if run.least_us is not None]
    if helped:
        label, needed = max(helped, key=lambda pair: pair[1])
        parts.append(f"{label} is safe from {needed:,} µs of hold-up on")
    hopeless = [label for label, run in unsafe if run.least_us is None]
    if hopeless:
        parts.append(f"no hold-up makes {listed(hopeless)} safe")
    title = ", and ".join(parts)
    if safe:
        title += f"; {listed(safe)} without any" if len(safe) <= 3 else f"; {len(safe)} others are safe without any"
    return title
