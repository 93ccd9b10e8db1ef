"""Counts of many cells: as bars where they are few, as a heat map with a histogram where they are many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deltabench.tools.pictures.style import BLUE, GRID, INK, SMALL_PT, VERMILLION, heat_colours, plain_axes, thousands
from deltabench.tools.pictures.words import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase
    from matplotlib.gridspec import SubplotSpec

MOST_BARS: Final = 64
MOST_SQUARES: Final = 16_384
MOST_BINS: Final = 30
LETTERS: Final = 92
"""So many fit on a line as wide as the axes."""
MAP_HEIGHT_IN: Final = 2.2


class Region(NamedTuple):
    """A run of cells with a name; ``first`` is the number of its first cell."""

    name: str
    first: int
    counts: NDArray[np.int64]


def height_in(regions: Sequence[Region]) -> float:
    """What ``draw`` needs."""
    if _cells(regions) <= MOST_BARS:
        return 2.9
    return sum(_map_height(region) for region in regions) + 0.2 * len(regions) + 2.4


def squares(regions: Sequence[Region]) -> int:
    """How many cells one square of the heat map stands for; 1 where there are bars."""
    return max(1, -(-max((len(region.counts) for region in regions), default=1) // MOST_SQUARES))


def draw(
    figure: FigureBase,
    regions: Sequence[Region],
    *,
    cell: str,
    times: str,
    limit: int | None = None,
    mean: float | None = None,
) -> None:
    """``cell``: what a cell is, ``times``: what is counted, ``limit``: how often it may be; ``mean``: of all that wear.

    The mean is drawn over bars; a histogram has that of the cells that it shows.
    """
    if _cells(regions) <= MOST_BARS:
        axes = _bars(figure, regions, cell, times, limit)
        if mean is not None:
            _mean_line(axes, mean)
    else:
        _map_and_histogram(figure, regions, cell, times)


def _cells(regions: Sequence[Region]) -> int:
    return sum(len(region.counts) for region in regions)


def _bars(figure: FigureBase, regions: Sequence[Region], cell: str, times: str, limit: int | None) -> Axes:
    axes = plain_axes(figure.add_subplot(), grid="y")
    place = 0
    ticks: list[int] = []
    names: list[str] = []
    largest = max(int(region.counts.max()) for region in regions)
    total = _cells(regions)
    every = -(-total // 16)
    for region in regions:
        count = len(region.counts)
        axes.bar(range(place, place + count), region.counts, color=BLUE.light, width=0.8)
        ticks += range(place, place + count, every)
        names += [f"{region.first + offset:,}" for offset in range(0, count, every)]
        if len(regions) > 1 and region.name:
            name = shortened(region.name, max(4, int(LETTERS * count / total)))
            axes.text(place - 0.4, 1.02, name, fontsize=SMALL_PT, transform=axes.get_xaxis_transform())
        if place:
            axes.axvline(place - 0.5, color=GRID.light, linewidth=1)
        place += count
    if total <= 16:
        for at, value in enumerate(np.concatenate([region.counts for region in regions])):
            axes.annotate(f"{value:,}", (at, value), (0, 4), textcoords="offset points", ha="center", fontsize=SMALL_PT)
    axes.set_xticks(ticks, names)
    axes.set_xlim(-0.7, max(total, 4) - 0.3)
    axes.set_xlabel(cell)
    axes.set_ylabel(times)
    thousands(axes, "y")
    axes.set_ylim(0, largest * 1.18)
    if limit is not None and limit <= largest * 1.18:
        axes.axhline(limit, color=VERMILLION.light, linestyle="--")
        axes.set_xlabel(f"{cell} (dashed: rated for {limit:,})")
    return axes


def _mean_line(axes: Axes, mean: float) -> None:
    """Across all bars, with its name behind them."""
    axes.axhline(mean, color=INK.light, linestyle=":", linewidth=1.2)
    axes.annotate(
        "mean",
        (1, mean),
        (3, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        fontsize=SMALL_PT,
        annotation_clip=False,
    )


def _columns(region: Region) -> int:
    shown = min(len(region.counts), MOST_SQUARES)
    return next(columns for columns in (32, 64, 128, 256) if columns * columns // 2 >= shown or columns == 256)


def _map_height(region: Region) -> float:
    lines = -(-min(len(region.counts), MOST_SQUARES) // _columns(region))
    return min(MAP_HEIGHT_IN, max(0.28, lines * 5.2 / _columns(region)))


def _map_and_histogram(figure: FigureBase, regions: Sequence[Region], cell: str, times: str) -> None:
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

    heights = [*(_map_height(region) for region in regions), 1.5]
    grid = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    largest = max(int(region.counts.max()) for region in regions)
    grouped = squares(regions)
    maps = []
    image = None
    touched = np.concatenate([region.counts[region.counts > 0] for region in regions])
    skewed = largest > 20 * float(np.median(touched))
    norm = LogNorm(max(1, int(touched.min())), largest) if skewed else Normalize(0, largest)
    for place, region in enumerate(regions):
        axes = figure.add_subplot(grid[place])
        columns = _columns(region)
        counts = region.counts
        if grouped > 1:
            counts = np.pad(counts, (0, -len(counts) % grouped)).reshape(-1, grouped).max(axis=1)
        lines = -(-len(counts) // columns)
        squared = np.full(lines * columns, np.nan)
        squared[: len(counts)] = np.where(counts > 0, counts, np.nan)
        image = axes.imshow(
            squared.reshape(lines, columns),
            cmap=heat_colours(),
            norm=norm,
            aspect="auto",
            interpolation="none",
        )
        axes.spines[:].set_color(GRID.light)
        axes.set_xticks([])
        marks = sorted({0, lines - 1}) if lines > 1 else [0]
        axes.set_yticks(marks, [f"{region.first + mark * columns * grouped:,}" for mark in marks])
        axes.tick_params(length=0)
        if region.name:
            axes.set_title(shortened(region.name, 60))
        maps.append(axes)
    assert image is not None, "a part with no cells has no picture"
    bar = figure.colorbar(image, ax=maps, pad=0.015, fraction=0.03, aspect=25)
    bar.locator = LogLocator(numticks=5) if skewed else MaxNLocator(nbins=4, integer=True)
    bar.formatter = FuncFormatter(lambda value, _: f"{value:,.0f}")
    bar.minorticks_off()
    bar.update_ticks()
    bar.set_label(times)
    bar.outline.set_edgecolor("none")
    _histogram(figure, grid[len(heights) - 1], np.concatenate([region.counts for region in regions]), cell, times)


def _histogram(figure: FigureBase, place: SubplotSpec, counts: NDArray[np.int64], cell: str, times: str) -> None:
    axes = plain_axes(figure.add_subplot(place), grid="y")
    touched = counts[counts > 0]
    largest = int(touched.max())
    width = max(1, -(-largest // MOST_BINS))
    edges = np.arange(1, largest + width + 1, width)
    found, _ = np.histogram(touched, bins=edges if len(edges) > 1 else [1, 2])
    starts = edges[: len(found)]
    axes.bar(starts - 0.5 + 0.04 * width, found, width=0.92 * width, align="edge", color=BLUE.light, edgecolor="none")
    shown = max(len(found), 8) * width
    axes.set_xlim(0.5 - 0.02 * shown, 0.5 + 1.02 * shown)
    if found.max() > 50 * max(1, found[found > 0].min()):
        # Linear up to 1, so that one cell can be seen beside thousands.
        axes.set_yscale("symlog", linthresh=1)
        axes.set_ylim(0, found.max() * 1.5)
        ticks = [0, *(10**power for power in range(7) if 10**power <= found.max() * 1.5)]
        axes.set_yticks(ticks, [f"{tick:,}" for tick in ticks])
        axes.minorticks_off()
    else:
        thousands(axes, "y")
    thousands(axes, "x")
    mean = float(touched.mean())
    axes.axvline(mean, color=INK.light, linestyle="--", linewidth=1)
    axes.annotate(
        "mean",
        (mean, 1),
        (0, 2),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="center",
        fontsize=SMALL_PT,
    )
    axes.set_xlabel(f"{times} of one {cell}, those never touched left out")
    axes.set_ylabel("how many")
