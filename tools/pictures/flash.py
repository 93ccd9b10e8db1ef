"""What a translation layer programs on its NAND flash for each page that it is given, by cause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from deltabench.scenarios.documents import FlashSummary
from deltabench.scenarios.flash_use import HOST, PAGE_CAUSES
from deltabench.tools.pictures.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    MUTED,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    SMALL_PT,
    VERMILLION,
    Colour,
    Picture,
    Table,
    plain_axes,
)
from deltabench.tools.pictures.words import digits, share, shortened

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

COLOURS: Final[dict[str, Colour]] = dict(
    zip(PAGE_CAUSES, (BLUE, ORANGE, GREEN, SKY, VERMILLION, PURPLE, GREY, PALE, INK, MUTED), strict=True)
)
WORDS: Final = {
    HOST: "given",
    "collected": "garbage collection",
    "levelled": "wear levelling",
    "scrubbed": "scrubbing",
    "evacuated": "failed blocks emptied",
    "recovered": "copies at mount",
    "failed": "failed programs",
}
"""Where the words for a cause are others."""


class Programmed(NamedTuple):
    """The flash of one run."""

    label: str
    flash: FlashSummary

    @property
    def factor(self) -> float:
        """Pages programmed for each that was given."""
        return self.flash.write_amplification or 0.0

    def part(self, cause: str) -> float:
        """Those of a cause, for each page given."""
        return self.flash.pages.get(cause, 0) / self.flash.host_pages


def flash_picture(name: str, device: str, runs: Sequence[Programmed]) -> Picture:
    """A bar a run, stacked by cause."""
    shown = [run for run in runs if run.flash.host_pages]
    causes = [cause for cause in PAGE_CAUSES if any(run.flash.pages.get(cause) for run in runs)]
    table = _table(runs, causes)
    if not shown:
        caption = "There is no write amplification where the translation layer was given nothing."
        return Picture(name, f"{device} was given no page to write", caption, table)
    largest = max(run.factor for run in shown)

    def draw(figure: FigureBase) -> None:
        axes = plain_axes(figure.add_subplot(), grid="x")
        rows = range(len(shown))
        left = [0.0] * len(shown)
        for cause in causes:
            parts = [run.part(cause) for run in shown]
            axes.barh(rows, parts, 0.62, left=left, color=COLOURS[cause].light, label=WORDS.get(cause, cause))
            left = [at + part for at, part in zip(left, parts, strict=True)]
        for row, run in enumerate(shown):
            axes.text(run.factor + 0.015 * largest, row, f"{run.factor:.2f}", va="center", fontsize=SMALL_PT)
        axes.axvline(1, color=MUTED.light, linewidth=1, linestyle=":")
        axes.set_yticks(rows, [shortened(run.label, 34) for run in shown])
        axes.tick_params(axis="y", length=0)
        axes.invert_yaxis()
        axes.set_xlim(0, max(largest * 1.1, 1.1))
        axes.set_xlabel("pages programmed for each that the translation layer was given")
        figure.legend(loc="outside upper left", ncols=5, handlelength=1.1, columnspacing=1.2)

    return Picture(
        name,
        _title(device, shown),
        "Pages programmed for each page that the translation layer was given to write, by cause. A write of part of a "
        f"page is one of all of it. The dotted line is one for one.{_collections(shown)}{_spreads(shown)}",
        table,
        draw,
        0.34 * len(shown) + (1.35 if len(causes) > 5 else 1.15),
    )


def _table(runs: Sequence[Programmed], causes: Sequence[str]) -> Table:
    return Table(
        (
            "run",
            "pages programmed",
            *(WORDS.get(cause, cause) for cause in causes),
            "for each given",
            "blocks collected",
            "of their pages won back",
            "erases of the most worn block",
            "of a block on average",
            "of the least worn",
            "spread",
            "bad blocks from the factory",
            "grown",
            "spare blocks left",
        ),
        tuple(
            (
                run.label,
                flash.programmed_pages,
                *(flash.pages.get(cause, 0) for cause in causes),
                flash.write_amplification,
                flash.blocks_collected,
                None if flash.collection_efficiency is None else share(flash.collection_efficiency, 1),
                flash.most_erases,
                flash.mean_erases,
                flash.least_erases,
                flash.spread,
                flash.factory_bad_blocks,
                flash.grown_bad_blocks,
                flash.spare_blocks_left,
            )
            for run in runs
            for flash in (run.flash,)
        ),
    )


def _title(device: str, runs: Sequence[Programmed]) -> str:
    ordered = sorted(runs, key=lambda run: run.factor)
    least, most = ordered[0], ordered[-1]
    each = f"{device} programs {digits(most.factor)} pages for each that it is given"
    if len(runs) > 1 and most.factor - least.factor < 0.005 * most.factor:
        return f"{each}, whatever the scheme"
    if len(runs) > 1:
        return f"{each} under {most.label}, and {digits(least.factor)} under {least.label}"
    rest = {cause: pages for cause, pages in most.flash.pages.items() if cause != HOST}
    if not rest:
        return each
    cause = max(rest, key=lambda cause: rest[cause])
    return f"{each}; {share(rest[cause], sum(rest.values()))} of what it adds is for {WORDS.get(cause, cause)}"


def _collections(runs: Sequence[Programmed]) -> str:
    """How much a block gives that is collected."""
    found = [run.flash.collection_efficiency for run in runs if run.flash.collection_efficiency is not None]
    if not found:
        return " No block was collected."
    shares = _span([share(each, 1) for each in sorted(found)])
    return f" Of the pages of a block that was collected {shares} were won back."


def _spreads(runs: Sequence[Programmed]) -> str:
    found = sorted(run.flash.spread for run in runs if run.flash.spread is not None)
    return f" The most worn block was erased {_span([digits(each) for each in found])} times as often as the mean."


def _span(values: Sequence[str]) -> str:
    return values[0] if values[0] == values[-1] else f"{values[0]} to {values[-1]}"
