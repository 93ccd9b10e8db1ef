"""Reports and timelines as a browser shows them: in light and dark, wide and narrow, and printed."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from deltabench.tools.cli import invoke

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SMALLEST_FIGURE = (200, 60)
SPACE_ON_PAPER = 20 / 2.54 * 96
"""Twenty centimetres in pixels of CSS: on A4 and on US letter a drawing has place for its title and caption, too."""
DRAWN_INSIDE = """
  // Each drawing: its size, what sticks out of it, and which of its words lie on one another.
  return [...document.querySelectorAll("figure svg")].map(svg => {
    const frame = svg.getBoundingClientRect();
    const words = [...svg.querySelectorAll("text")].filter(text => text.textContent.trim()).map(text => {
      const box = text.getBoundingClientRect();
      return {text: text.textContent, left: box.left, right: box.right, top: box.top, bottom: box.bottom,
              upright: !/rotate\\((?!-?0 )/.test(text.getAttribute("transform") || "")};
    });
    const outside = words.filter(word => word.left < frame.left - 1 || word.right > frame.right + 1 ||
                                         word.top < frame.top - 1 || word.bottom > frame.bottom + 1);
    const overlaps = [];
    const upright = words.filter(word => word.upright);
    upright.forEach((one, place) => upright.slice(place + 1).forEach(other => {
      const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      const line = Math.min(one.bottom - one.top, other.bottom - other.top);
      if (across > 1 && down > 0.4 * line) overlaps.push(one.text + " | " + other.text);
    }));
    return {name: svg.closest("figure").id, width: frame.width, height: frame.height,
            outside: outside.map(word => word.text), overlaps: overlaps};
  });
"""
WIDER_THAN_THE_PAGE = """
  const width = document.documentElement.clientWidth;
  return [...document.querySelectorAll("body *")]
    .filter(element => !element.closest(".wide > *") && element.getBoundingClientRect().right > width + 1)
    .map(element => element.outerHTML.slice(0, 80))
    .concat(document.documentElement.scrollWidth > width ? ["the page itself"] : []);
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Chromium, of the Debian packages chromium and chromium-driver."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    for found in (chromium, driver):
        assert found, "this test needs Chromium: apt-get install chromium chromium-driver"
    options = webdriver.ChromeOptions()
    options.binary_location = str(chromium)
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    running = webdriver.Chrome(options=options, service=Service(driver))
    yield running
    running.quit()


def show(browser: webdriver.Chrome, page: Path, width: int, scheme: str, medium: str = "screen") -> None:
    """Open a page as on a screen so wide, or on paper."""
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": medium, "features": features})
    browser.get(page.as_uri())


def ask(browser: webdriver.Chrome, script: str) -> Any:
    return browser.execute_script(script)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_every_figure_is_drawn_and_nothing_sticks_out(
    width: int, scheme: str, browser: webdriver.Chrome, report_page: Path
) -> None:
    show(browser, report_page, width, scheme)
    drawings = ask(browser, DRAWN_INSIDE)
    assert len(drawings) > 30
    assert [one["name"] for one in drawings if (one["width"], one["height"]) < SMALLEST_FIGURE] == []
    assert [(one["name"], one["outside"]) for one in drawings if one["outside"]] == []
    assert [(one["name"], one["overlaps"]) for one in drawings if one["overlaps"]] == []
    assert ask(browser, WIDER_THAN_THE_PAGE) == []
    assert browser.get_log("browser") == []


def test_paper_and_ink_change_places_in_the_dark(browser: webdriver.Chrome, report_page: Path) -> None:
    def brightness(selector: str, what: str) -> float:
        colour = ask(browser, f"return getComputedStyle(document.querySelector('{selector}')).{what}")
        return sum(int(part) for part in colour.strip("rgba()").split(",")[:3]) / (3 * 255)

    for medium, scheme, dark in (("screen", "light", False), ("screen", "dark", True), ("print", "dark", False)):
        show(browser, report_page, 1280, scheme, medium)
        paper, ink = brightness("body", "backgroundColor"), brightness("figure svg text", "fill")
        assert (paper < 0.3 and ink > 0.7) is dark
        assert (paper > 0.7 and ink < 0.3) is not dark


def test_on_paper_all_drawings_are_whole(browser: webdriver.Chrome, report_page: Path) -> None:
    show(browser, report_page, 720, "dark", "print")
    drawings = ask(browser, DRAWN_INSIDE)
    assert [one["name"] for one in drawings if one["outside"] or one["overlaps"] or one["width"] > 720] == []
    assert ask(browser, WIDER_THAN_THE_PAGE) == []
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")


def test_the_tallest_drawing_fits_on_a_sheet(browser: webdriver.Chrome, report_page: Path) -> None:
    show(browser, report_page, 720, "light", "print")
    ask(browser, "document.querySelector('figure svg').setAttribute('height', '4000pt')")
    heights = [one["height"] for one in ask(browser, DRAWN_INSIDE)]
    assert max(heights) == heights[0] == pytest.approx(SPACE_ON_PAPER, abs=1)


def test_the_numbers_behind_a_picture_open_and_fit(browser: webdriver.Chrome, report_page: Path) -> None:
    show(browser, report_page, 400, "light")
    ask(browser, "document.querySelectorAll('details').forEach(details => details.open = true)")
    assert ask(browser, "return document.querySelectorAll('figure details table tbody tr').length") > 100
    assert ask(browser, WIDER_THAN_THE_PAGE) == []


def test_whoever_cannot_see_the_drawings_is_told_what_they_show(browser: webdriver.Chrome, report_page: Path) -> None:
    show(browser, report_page, 1280, "light")
    unnamed = "return [...document.querySelectorAll('svg')].filter(svg => !svg.ariaLabel || svg.role != 'img').length"
    assert ask(browser, unnamed) == 0
    unscoped = "return [...document.querySelectorAll('th')].filter(th => !th.scope).length"
    assert ask(browser, unscoped) == 0
    skipped = """
      const levels = [...document.querySelectorAll("h1, h2, h3, h4")].map(heading => Number(heading.tagName[1]));
      return levels.some((level, place) => level > (levels[place - 1] ?? 0) + 1);
    """
    assert ask(browser, skipped) is False


@pytest.mark.parametrize("crash", ["plain-nor:5.6/1.1n", "flagged-nor:7.3", "plain-nvram:4.16", "history-disk:-"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (800, "dark")])
def test_a_timeline_is_drawn_and_nothing_lies_on_anything_else(
    crash: str, width: int, scheme: str, browser: webdriver.Chrome, tmp_path: Path
) -> None:
    page = tmp_path / "timeline.html"
    assert invoke(["replay", f"save-by-host:{crash}", "--timeline", str(page)]) in (0, 1)
    show(browser, page, width, scheme)
    (drawing,) = ask(browser, DRAWN_INSIDE)
    assert drawing["outside"] == []
    assert drawing["overlaps"] == []
    assert ask(browser, WIDER_THAN_THE_PAGE) == []
    assert browser.get_log("browser") == []
