"""Save latency against the number of units."""

from __future__ import annotations

from collections.abc import Callable

from deltabench.scenarios.documents import Latency, MeasuredRun, Measurement
from deltabench.tools.pictures.gallery import chapters
from deltabench.tools.pictures.growth import Growth, growth_picture
from deltabench.tools.pictures.style import Picture

Drawn = Callable[[Picture], list[str]]
US = 1000


def test_what_grows_with_the_maps_is_told_from_what_does_not(drawn: Drawn) -> None:
    flagged = Growth("flagged-nor", ((64, 100 * US), (1024, 1600 * US)))
    history = Growth("history-nor", ((64, 50 * US), (1024, 50 * US)))
    picture = growth_picture("growth", "SAVE", [flagged, history])
    assert picture.title == (
        "With 16 times the units a SAVE takes 16 times as long under flagged-nor, 1.6 ms, "
        "and just as long under history-nor"
    )
    assert {"64", "1,024", "units", "median of SAVE"} <= set(drawn(picture))
    assert len(picture.table.rows) == 4


def test_a_measurement_of_several_sizes_has_the_picture_and_one_of_one_size_has_not(
    new_run: Callable[..., MeasuredRun], new_latency: Callable[..., Latency]
) -> None:
    def names(*sizes: int) -> set[str]:
        runs = tuple(
            new_run(run=f"made-up:flagged-nor-u{units}", units=units, latency=(new_latency(units * US),))
            for units in sizes
        )
        found = chapters(Measurement(runs=runs))
        return {picture.name for chapter in found for picture in chapter.pictures}

    assert "growth-save-made-up" in names(8, 64)
    assert "growth-save-made-up" not in names(8)
