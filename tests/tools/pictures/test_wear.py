from __future__ import annotations

from collections.abc import Callable

import pytest

from deltabench.scenarios.documents import FlashSummary, Region, Wear
from deltabench.tools.pictures.style import Picture
from deltabench.tools.pictures.wear import moves_picture, wear_picture

Drawn = Callable[[Picture], list[str]]


def erases(*counts: int, endurance: int | None = 100_000, first: int = 0) -> Wear:
    return Wear(
        device="nor0",
        part="W25Q64JV",
        what="erase",
        cell="sector of 4,096 bytes",
        addresses=4096,
        first=first,
        endurance=endurance,
        counts=counts,
    )


@pytest.mark.parametrize(
    ("wear", "title"),
    [
        (erases(412, 20), "Sector 0 of nor0 was erased 412 times, 1.9 times the mean"),
        (erases(0, 0, 3), "Only sector 2 of nor0 was erased, 3 times"),
        (erases(7, 7, 7), "3 sectors of nor0 were erased, each 7 times"),
        (erases(1000, 1001), "2 sectors of nor0 were erased, each about 1,001 times"),
        (erases(90_000, 10), "Sector 0 of nor0 was erased 90,000 times, rated for 100,000"),
        (erases(90_000, 10, endurance=None), "Sector 0 of nor0 was erased 90,000 times, twice the mean"),
        (erases(5, 1, first=40), "Sector 40 of nor0 was erased 5 times, 1.7 times the mean"),
    ],
)
def test_the_title_says_which_cell_is_worn_most_and_how_uneven_wear_is(wear: Wear, title: str, drawn: Drawn) -> None:
    picture = wear_picture("wear", wear, ())
    assert picture.title == title
    drawn(picture)


@pytest.mark.parametrize("counts", [(), (0, 0)])
def test_a_part_that_was_not_worn_is_told_and_not_drawn(counts: tuple[int, ...]) -> None:
    picture = wear_picture("wear", erases(*counts), ())
    assert (picture.title, picture.draw) == ("No sector of nor0 was erased", None)


@pytest.mark.parametrize("cells", [1, 2, 64, 65, 4098, 16_384, 40_000])
@pytest.mark.parametrize("worn", ["evenly", "unevenly"])
def test_few_cells_are_bars_and_many_a_heat_map_with_a_histogram(cells: int, worn: str, drawn: Drawn) -> None:
    counts = [5] * cells if worn == "evenly" else [1 + 1000 * (number == cells // 2) for number in range(cells)]
    picture = wear_picture("wear", erases(*counts), ())
    assert ("how many" in drawn(picture)) is (cells > 64)
    assert ("most worn of" in picture.caption) is (cells > 16_384)
    assert len(picture.table.rows) == min(cells, 20)


def test_a_heat_map_is_divided_by_what_the_firmware_keeps_where(drawn: Drawn) -> None:
    wear = Wear(
        device="disk0",
        part="ST32171W",
        what="write",
        cell="sector of 512 bytes",
        counts=(3, 3, *[1] * 100, *[2] * 50, 9),
    )
    regions = [
        Region(name="label", device="disk0", first=0, length=2),
        Region(name="volume B", device="disk0", first=102, length=100),
        Region(name="volume A", device="disk0", first=2, length=100),
        Region(name="map store", device="nor0", first=0, length=8192),
        Region(name="nothing here", device="disk0", first=500, length=10),
    ]
    picture = wear_picture("wear", wear, regions)
    words = drawn(picture)
    assert [word for word in words if word in {region.name for region in regions}] == ["label", "volume A", "volume B"]
    assert "102" in words, "the first sector of volume B"
    assert [row[:2] for row in picture.table.rows[:2]] == [(152, "volume B"), (0, "label")]


def test_what_is_worn_outside_all_regions_is_shown_as_well(drawn: Drawn) -> None:
    region = Region(name="map store", device="nor0", first=4096, length=4096)
    picture = wear_picture("wear", erases(8, 4, 2), [region])
    assert {"elsewhere", "map store"} <= set(drawn(picture))
    assert [row[:2] for row in picture.table.rows] == [(0, "elsewhere"), (1, "map store"), (2, "elsewhere")]


def test_blocks_of_nand_flash_are_not_divided_by_what_lies_behind_its_translation_layer(drawn: Drawn) -> None:
    wear = Wear(
        device="nand0", part="generic-nand", what="erase", cell="block of 8 pages", addresses=8, counts=(4, 1, 0, 2)
    )
    region = Region(name="volume A", device="disk0", first=0, length=8)
    picture = wear_picture("wear", wear, [region])
    assert picture.title == "Block 0 of nand0 was erased 4 times, 1.7 times the mean"
    assert "volume A" not in drawn(picture)


def test_wear_of_blocks_is_held_against_the_mean_of_all_that_were_good(drawn: Drawn) -> None:
    wear = Wear(device="nand0", part="generic-nand", what="erase", cell="block of 8 pages", counts=(4, 1, 0, 2))
    flash = FlashSummary(
        device="nand0",
        part="generic-nand",
        host_pages=9,
        programmed_pages=18,
        pages={"host": 9, "headers": 9},
        write_amplification=2.0,
        blocks_collected=0,
        collection_efficiency=None,
        most_erases=4,
        mean_erases=1.75,
        least_erases=0,
        spread=4 / 1.75,
        factory_bad_blocks=0,
        grown_bad_blocks=0,
        spare_blocks_left=1,
    )
    picture = wear_picture("wear", wear, (), flash)
    assert picture.title == "Block 0 of nand0 was erased 4 times, 2.3 times the mean"
    assert picture.caption.endswith("Spread 2.29: the most to the mean of all blocks that were good at the factory.")
    assert "mean" in drawn(picture)
    assert "mean" not in drawn(wear_picture("wear", wear, ()))


@pytest.mark.parametrize(
    ("moves", "title"),
    [
        ((0, 3, 1, 0), "2 of 4 units changed sides in a save, at most 3 times, 1.5 times the mean"),
        ((2,), "1 of 1 unit changed sides in a save, twice"),
        ((4,) * 64, "All 64 units changed sides in a save, each 4 times"),
        ((1, 9) * 8192, "All 16,384 units changed sides in a save, at most 9 times, 1.8 times the mean"),
    ],
)
def test_moves_of_units_are_drawn_as_wear_is(moves: tuple[int, ...], title: str, drawn: Drawn) -> None:
    picture = moves_picture("moves", moves)
    assert picture.title == title
    drawn(picture)


def test_units_that_never_moved_are_told() -> None:
    assert moves_picture("moves", (0,) * 8).draw is None
