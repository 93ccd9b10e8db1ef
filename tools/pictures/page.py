"""Documents as one HTML page that opens without a network: a table that sums up, pictures, the numbers behind them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deltabench.scenarios.documents import Document, schema_of
from deltabench.tools.pictures.gallery import chapters
from deltabench.tools.pictures.overview import overview
from deltabench.tools.pictures.style import FONTS, Cell, Picture, Table, css_variables, to_svg
from deltabench.tools.pictures.words import capital, digits
from deltabench.tools.report import counted

KINDS: Final = {
    "deltabench.measurement/1": "measured without cuts",
    "deltabench.endurance/1": "endurance",
    "deltabench.result/1": "power cuts",
    "deltabench.holdup/1": "hold-up time",
}


class Shown(NamedTuple):
    """A picture on a page."""

    id: str
    title: str
    caption: str
    svg: str
    table: Table
    side: str = ""
    """Which of two runs it shows, where two are compared; empty for both."""


class Part(NamedTuple):
    """A chapter on a page."""

    id: str
    title: str
    figures: list[Shown]


class Section(NamedTuple):
    """A document on a page, or a comparison."""

    id: str
    title: str
    about: str
    note: str
    overview: Table
    chapters: list[Part]


def report_page(documents: Sequence[tuple[Path, Document]], skipped: Sequence[str]) -> str:
    """All documents with all their pictures; ``skipped``: what is said of files that are not shown."""
    sections = []
    for number, (path, document) in enumerate(documents, 1):
        parts = [
            Part(f"d{number}c{place}", chapter.title, [_shown(f"d{number}-", picture) for picture in chapter.pictures])
            for place, chapter in enumerate(chapters(document), 1)
        ]
        schema = schema_of(document)
        title = f"{path.name}: {KINDS.get(schema, schema)}"
        note = "Interrupted: these runs are not all that were asked for." if document.interrupted else ""
        sections.append(
            Section(f"d{number}", title, f"Runs of {path.name} ({schema})", note, overview(document), parts)
        )
    about = f"{counted(len(documents), 'document')}, drawn by deltabench {version('deltabench')}."
    return _page("deltabench report", about, sections, skipped=skipped, pairs=False)


def comparison_page(title: str, about: str, pairs: Sequence[tuple[str, Table, Document, tuple[str, str]]]) -> str:
    """For each pair of runs a table, and their pictures: on the same axes where they can be, else side by side.

    A pair is its name, its table, both runs in one document, and the names that they have there.
    """
    sections = []
    for number, (name, table, document, labels) in enumerate(pairs, 1):
        parts = []
        for place, chapter in enumerate(chapters(document), 1):
            shown = []
            for picture in chapter.pictures:
                side = next((label for label in labels if picture.title.startswith(f"{label}: ")), "")
                untitled = picture.title.removeprefix(f"{side}: ") if side else picture.title
                shown.append(_shown(f"p{number}-", picture._replace(title=capital(untitled)), side))
            parts.append(Part(f"p{number}c{place}", chapter.title, shown))
        sections.append(Section(f"p{number}", name, name, "", table, parts))
    return _page(title, about, sections, skipped=(), pairs=True)


def _shown(prefix: str, picture: Picture, side: str = "") -> Shown:
    """The picture with ids that are its own on the page."""
    named = picture._replace(name=f"{prefix}{picture.name}")
    svg = to_svg(named) if picture.draw else ""
    return Shown(named.name, picture.title, picture.caption, svg, picture.table, side)


def _page(title: str, about: str, sections: list[Section], *, skipped: Sequence[str], pairs: bool) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown"] = _cell
    return environment.get_template("report.html.jinja").render(
        title=title,
        about=about,
        documents=sections,
        skipped=skipped,
        pairs=pairs,
        colours=css_variables(),
        fonts=FONTS,
    )


def _cell(value: Cell) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return digits(value)
    return f"{value:,}" if isinstance(value, int) else value
