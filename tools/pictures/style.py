"""One look for all pictures: colours that the colour-blind tell apart (Okabe and Ito, 2008), sizes, light and dark.

matplotlib writes fixed colours.  Those below are written nowhere else, so that each can be replaced by a variable of
CSS, which a page or the picture itself sets for light and for dark.
"""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from deltabench.tools.pictures.words import duration

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure, FigureBase

WIDTH_IN: Final = 7.2
"""All pictures are equally wide; matplotlib counts 72 points an inch."""
FONT_PT: Final = 10
SMALL_PT: Final = 8.5
PNG_DPI: Final = 150
FONTS: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', Helvetica, Arial, sans-serif"
"""As wide as DejaVu Sans, by which matplotlib lays out, or narrower."""


class Colour(NamedTuple):
    """A colour by its name in CSS, on light paper and on dark."""

    name: str
    light: str
    dark: str


INK: Final = Colour("ink", "#1f2329", "#e6edf3")
MUTED: Final = Colour("muted", "#59636f", "#a3adb8")
GRID: Final = Colour("grid", "#d5dbe1", "#343c46")
PAPER: Final = Colour("paper", "#fefefe", "#12171d")
BLUE: Final = Colour("blue", "#0072b2", "#3d9fdc")
ORANGE: Final = Colour("orange", "#e69f00", "#f0b429")
GREEN: Final = Colour("green", "#009e73", "#21b48a")
VERMILLION: Final = Colour("vermillion", "#d55e00", "#f0803c")
PURPLE: Final = Colour("purple", "#b3589a", "#d98fc2")
SKY: Final = Colour("sky", "#56b4e9", "#8accf2")
GREY: Final = Colour("grey", "#8a939d", "#7c8590")
PALE: Final = Colour("pale", "#e4e9ee", "#262d36")
ON_BLUE: Final = Colour("on-blue", "#fffffe", "#0b1016")
ON_BRIGHT: Final = Colour("on-bright", "#1a1a1b", "#0b1017")
"""Letters on blue, and on orange, vermillion and sky."""
HEAT: Final = "#b4599b"
"""Of heat maps, which are pixels: the same on light paper and on dark."""
COLOURS: Final = (INK, MUTED, GRID, PAPER, BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, GREY, PALE, ON_BLUE, ON_BRIGHT)
SERIES: Final = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, GREY)
"""Of things that stand side by side, in this order."""
DASHES: Final[tuple[Any, ...]] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)), (0, (3, 1)), (0, (8, 3)), "-")
"""One for each of SERIES: lines are told apart without their colours as well."""

Cell = str | int | float | None
Paint = tuple[Colour, float]
"""A colour and its opacity."""


class Table(NamedTuple):
    """The numbers behind a picture."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Picture(NamedTuple):
    """``name``: as in file names.  ``title``: the finding.  ``caption``: what is shown, and how to read it.

    ``draw`` fills a figure of ``height_in``; None where there is nothing to draw, which the caption says.
    """

    name: str
    title: str
    caption: str
    table: Table
    draw: Callable[[FigureBase], None] | None = None
    height_in: float = 3.4


def css_variables() -> str:
    """The colours as CSS: light, and dark on a screen that wants it; paper stays light."""
    light = "".join(f"--{colour.name}:{colour.light};" for colour in COLOURS)
    dark = "".join(f"--{colour.name}:{colour.dark};" for colour in COLOURS)
    return f":root{{color-scheme:light dark;{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"


def to_svg(picture: Picture) -> str:
    """SVG for a page that has ``css_variables``: no title, no XML declaration, colours as variables."""
    label = f'role="img" aria-label="{_escaped(picture.title)}" '
    return _coloured(_render_svg(picture, titled=False), lambda colour: f"var(--{colour.name})").replace(
        "<svg ", f"<svg {label}", 1
    )


def to_svg_file(picture: Picture) -> str:
    """SVG that stands alone, with its title in it; a viewer without CSS variables shows the light colours."""
    text = _coloured(_render_svg(picture, titled=True), lambda colour: f"{colour.light}; %s: var(--{colour.name})")
    about = f"<title>{_escaped(picture.title)}</title><desc>{_escaped(picture.caption)}</desc>"
    paper = f'<rect width="100%" height="100%" style="fill: {PAPER.light}; fill: var(--{PAPER.name})"/>'
    text = re.sub(r"(<svg [^>]*>)", lambda m: f"{m[1]}{about}<style>{css_variables()}</style>{paper}", text, count=1)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}'


def to_png(picture: Picture) -> bytes:
    """PNG on white paper, with the title in it."""
    with _figure(picture, titled=True) as figure:
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=PNG_DPI, facecolor=PAPER.light, metadata={"Software": None})
    return out.getvalue()


def plain_axes(axes: Axes, *, grid: Literal["", "x", "y", "both"] = "") -> Axes:
    """Axes without a box; ``grid``: along which."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=3)
    if grid:
        axes.grid(True, axis=grid, linewidth=0.6)
        axes.set_axisbelow(True)
    return axes


def draw_cells(axes: Axes, rows: Sequence[Sequence[Paint | None]], *, gap: float = 0.0) -> None:
    """A table of coloured cells, row 0 on top; cell (row, column) is centred there.  ``gap``: between two cells.

    Equal neighbours in a row are drawn as one where there is no gap, so that wide tables stay small.
    """
    for number, row in enumerate(rows):
        spans: dict[Paint, list[tuple[float, float]]] = {}
        start = 0
        for column in range(1, len(row) + 1):
            if column == len(row) or gap or row[column] != row[start]:
                paint = row[start]
                if paint is not None:
                    spans.setdefault(paint, []).append((start - 0.5 + gap / 2, column - start - gap))
                start = column
        for (colour, opacity), pieces in spans.items():
            height = 1 - gap if gap else 0.92
            axes.broken_barh(pieces, (number - height / 2, height), facecolor=colour.light, alpha=opacity, linewidth=0)
    axes.set_xlim(-0.5, max((len(row) for row in rows), default=1) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def legend(figure: FigureBase, entries: Sequence[tuple[str, Colour | None, float]], columns: int = 4) -> None:
    """What the colours of cells stand for, above all axes; no colour: an empty frame."""
    from matplotlib.patches import Patch

    handles = [
        Patch(
            facecolor=colour.light if colour else "none",
            alpha=opacity,
            edgecolor="none" if colour else INK.light,
            label=label,
        )
        for label, colour, opacity in entries
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=columns, handlelength=1.1, columnspacing=1.4)


def heat_colours() -> ListedColormap:
    """From few to many: one hue, ever less transparent, so that it stands out from light paper and from dark."""
    from matplotlib.colors import ListedColormap, to_rgba

    return ListedColormap([(*to_rgba(HEAT)[:3], 0.2 + 0.8 * step / 31) for step in range(32)])


def legend_of_lines(figure: FigureBase, axes: Axes) -> None:
    """The labels of all lines, above the axes, long enough to show their dashes."""
    short = all(len(label) < 20 for label in axes.get_legend_handles_labels()[1])
    figure.legend(loc="outside upper left", ncols=4 if short else 2, handlelength=3.2)


def time_axis(axes: Axes, low_ns: float, high_ns: float, which: Literal["x", "y"] = "x") -> None:
    """A logarithmic axis of times, with a unit at each tick."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axis = axes.xaxis if which == "x" else axes.yaxis
    axes.set(**{f"{which}scale": "log", f"{which}lim": (low_ns, high_ns)})
    steps = (1, 2, 5) if high_ns / low_ns < 2000 else (1,)
    ticks = [step * 10.0**power for power in range(13) for step in steps if low_ns <= step * 10.0**power <= high_ns]
    if len(ticks) < 2:
        ticks = [low_ns * 1.15, high_ns / 1.15] if high_ns > 1.5 * low_ns else [(low_ns * high_ns) ** 0.5]
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: duration(value)))


def thousands(axes: Axes, which: str) -> None:
    """Whole numbers with commas along an axis (``x`` or ``y``), and not too many of them."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


@contextmanager
def _figure(picture: Picture, *, titled: bool) -> Iterator[Figure]:
    import matplotlib
    from matplotlib.figure import Figure

    assert picture.draw is not None, f"{picture.name} has nothing to draw"
    lines = textwrap.wrap(picture.title, 76) if titled else []
    look: dict[Any, Any] = {
        "font.family": "DejaVu Sans",
        "font.size": FONT_PT,
        "axes.titlesize": FONT_PT,
        "axes.titlelocation": "left",
        "axes.labelsize": FONT_PT,
        "axes.edgecolor": MUTED.light,
        "axes.labelcolor": INK.light,
        "axes.linewidth": 0.8,
        "axes.facecolor": "none",
        "axes.unicode_minus": True,
        "axes.formatter.use_mathtext": False,
        "figure.facecolor": "none",
        "grid.color": GRID.light,
        "hatch.linewidth": 0.6,
        "legend.fontsize": SMALL_PT,
        "legend.frameon": False,
        "lines.linewidth": 1.6,
        "savefig.facecolor": "none",
        "svg.fonttype": "none",
        "svg.hashsalt": picture.name,
        "text.color": INK.light,
        "text.parse_math": False,
        "xtick.color": MUTED.light,
        "xtick.labelcolor": INK.light,
        "xtick.labelsize": SMALL_PT,
        "ytick.color": MUTED.light,
        "ytick.labelcolor": INK.light,
        "ytick.labelsize": SMALL_PT,
    }
    with matplotlib.rc_context(look):
        above = 0.21 * len(lines) + 0.1 if titled else 0.0
        figure = Figure(figsize=(WIDTH_IN, picture.height_in + above), layout="constrained")
        if titled:
            grid = figure.add_gridspec(2, 1, height_ratios=(above, picture.height_in))
            figure.add_subfigure(grid[0]).text(
                0.012, 0.5, "\n".join(lines), va="center", fontsize=FONT_PT + 1, fontweight="bold"
            )
            picture.draw(figure.add_subfigure(grid[1]))
        else:
            picture.draw(figure)
        yield figure


def _render_svg(picture: Picture, *, titled: bool) -> str:
    with _figure(picture, titled=titled) as figure:
        out = io.StringIO()
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(out, format="svg", metadata=metadata)
    text = out.getvalue()
    text = text[text.index("<svg ") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"font-family: [^;\"]*; ", "", text)
    text = text.replace("<svg ", f'<svg style="font-family: {FONTS}" ', 1)
    text = re.sub(r"\d+\.\d{4,}", lambda match: f"{float(match[0]):.3f}".rstrip("0").rstrip("."), text)
    # Several pictures stand in one page, and ids must be unique there.
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', text))
    text = re.sub(r' id="([^"]*)"', lambda m: f' id="{picture.name}-{m[1]}"' if m[1] in used else "", text)
    return re.sub(r'(href="|url\()#', rf"\1#{picture.name}-", text)


def _coloured(text: str, value: Callable[[Colour], str]) -> str:
    for colour in COLOURS:
        for name in ("fill", "stroke"):
            text = re.sub(rf"\b{name}: {colour.light}\b", f"{name}: {value(colour).replace('%s', name)}", text)
    return text


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
