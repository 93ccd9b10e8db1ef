from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

from deltabench.tools.pictures.style import (
    COLOURS,
    INK,
    PALE,
    VERMILLION,
    Picture,
    Table,
    css_variables,
    draw_cells,
    to_png,
    to_svg,
    to_svg_file,
)

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

SVG = "{http://www.w3.org/2000/svg}"


def draw(figure: FigureBase) -> None:
    axes = figure.add_subplot()
    axes.plot([1, 2], [1, 3], color=VERMILLION.light, label="a <b> & $c_d$")
    axes.imshow([[1, 2]], extent=(1, 2, 1, 3))
    axes.legend()


PICTURE = Picture("some-picture", 'Sector 0 of "nor0" & <others>', "How to read it.", Table((), ()), draw)


def test_text_stays_text_and_is_escaped() -> None:
    for svg in (to_svg(PICTURE), to_svg_file(PICTURE)):
        words = [text.text for text in ET.fromstring(svg).iter(f"{SVG}text")]
        assert "a <b> & $c_d$" in words


def test_a_picture_for_a_page_has_its_finding_as_a_label_and_not_in_the_drawing() -> None:
    root = ET.fromstring(to_svg(PICTURE))
    assert (root.get("role"), root.get("aria-label")) == ("img", PICTURE.title)
    assert PICTURE.title not in [text.text for text in root.iter(f"{SVG}text")]


def test_a_file_has_its_finding_in_the_drawing_and_says_how_to_read_it() -> None:
    root = ET.fromstring(to_svg_file(PICTURE))
    assert root.findtext(f"{SVG}title") == PICTURE.title
    assert root.findtext(f"{SVG}desc") == PICTURE.caption
    assert PICTURE.title in [text.text for text in root.iter(f"{SVG}text")]


def test_every_colour_is_a_variable_and_a_file_has_a_light_one_for_viewers_that_know_none() -> None:
    colours = "|".join(colour.light for colour in COLOURS)
    assert not re.search(rf"(fill|stroke): ({colours})", to_svg(PICTURE))
    assert f"stroke: var(--{VERMILLION.name})" in to_svg(PICTURE)
    assert f"stroke: {VERMILLION.light}; stroke: var(--{VERMILLION.name})" in to_svg_file(PICTURE)
    assert f"--{INK.name}:{INK.dark}" in css_variables()


def test_colours_can_be_told_apart_by_their_value_alone() -> None:
    assert len({colour.light for colour in COLOURS}) == len(COLOURS)
    assert len({colour.name for colour in COLOURS}) == len(COLOURS)


def test_pictures_are_the_same_in_every_run_and_name_no_time_and_no_tool() -> None:
    assert to_svg_file(PICTURE) == to_svg_file(PICTURE)
    assert to_png(PICTURE) == to_png(PICTURE)
    assert not re.search(r"matplotlib|\b20\d\d-\d\d", to_svg_file(PICTURE))
    assert b"matplotlib" not in to_png(PICTURE).lower()


def test_two_pictures_on_a_page_share_no_id() -> None:
    one, other = (set(re.findall(r' id="([^"]*)"', to_svg(PICTURE._replace(name=name)))) for name in ("one", "another"))
    assert one
    assert not one & other
    svg = to_svg(PICTURE)
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', svg)) <= set(re.findall(r' id="([^"]*)"', svg))


@pytest.mark.parametrize("gap", [0.0, 0.1])
def test_cells_without_a_gap_are_drawn_together(gap: float) -> None:
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    pale, red = (PALE, 1.0), (VERMILLION, 1.0)
    draw_cells(axes, [[pale] * 50 + [red] + [pale] * 49, [None] * 100], gap=gap)
    assert sum(len(collection.get_paths()) for collection in axes.collections) == (100 if gap else 3)
