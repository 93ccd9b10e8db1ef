from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from deltabench.firmware_model.controller import DeltaController
from deltabench.hwsim.nand import NandFlash
from deltabench.scenarios.images.device import Device, after_actions
from deltabench.scenarios.images.diff import diff_images
from deltabench.scenarios.images.documents import ImageDiff
from deltabench.scenarios.images.inspect import open_image
from deltabench.scenarios.images.memory_image import MemoryImage
from deltabench.scenarios.scenario import load_scenario

SMALL = Path(__file__).parent / "small.scenario.toml"
NAND = Path(__file__).parent / "small-nand.scenario.toml"
VARIANTS = [variant.name for variant in load_scenario(SMALL, "small").variants()]
ImageOf = Callable[..., MemoryImage]


def small(variant: str, actions: int) -> Device:
    return after_actions(load_scenario(SMALL, "small").variant(variant), actions)


def diff(one: MemoryImage, other: MemoryImage) -> ImageDiff:
    paths = Path("a"), Path("b")
    return diff_images(open_image(one, paths[0]), open_image(other, paths[1]), *paths)


def found(one: MemoryImage, other: MemoryImage) -> dict[str, tuple[str, str]]:
    return {each.what: (each.one, each.other) for each in diff(one, other).differences}


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_image_is_the_same_as_itself_and_another_point_of_the_run_is_not(variant: str, image_of: ImageOf) -> None:
    images = [image_of(small(variant, actions)) for actions in range(8)]
    for number, image in enumerate(images):
        assert diff(image, image_of(small(variant, number))).same
        assert not diff(image, images[number - 1]).same


def test_what_a_save_changes_is_told_by_unit(image_of: ImageOf) -> None:
    differences = found(image_of(small("flagged-nvram", 1)), image_of(small("flagged-nvram", 2)))
    assert differences["VSM of units 0-5"] == ("A", "B")
    assert differences["DDM of units 0-5"] == ("1", "0")
    assert differences["system version"] == ("0", "1")
    assert not any(what.startswith("volume") for what in differences)


def test_what_a_write_changes_is_told_by_sector(image_of: ImageOf) -> None:
    differences = found(image_of(small("history-nor", 2)), image_of(small("history-nor", 3)))
    assert differences["DDM of units 1-3"] == ("0", "1")
    assert differences["volume-a: LBA 2-7"] == ("other data", "other data")
    assert differences["label of disk0"] == (
        "volume 44454c544131, device 0, system version 0",
        "volume 44454c544131, device 0, system version 1",
    )


def on_flash(variant: str, actions: int) -> Device:
    return after_actions(load_scenario(NAND, "small-nand").variant(variant), actions)


def test_of_a_flash_what_lies_behind_its_translation_layer_is_compared(image_of: ImageOf) -> None:
    differences = found(image_of(on_flash("flagged-nand", 6)), image_of(on_flash("flagged-nand", 7)))
    assert differences["DDM of units 6-7"] == ("0", "1")
    assert differences["volume-a: LBA 6-7"] == ("other data", "other data")
    assert not [what for what in differences if what.startswith("nand0")]


def test_where_a_flash_has_the_same_is_told_only_if_it_is_the_same(image_of: ImageOf) -> None:
    device = on_flash("flagged-nand", 7)
    before = image_of(device)
    controller = DeltaController(device.board, device.firmware)
    controller.boot()
    after = image_of(device)
    differences = found(before, after)
    assert all(what.startswith("nand0: ") for what in differences)
    assert differences["nand0: pages of the log behind it"][1] == "0"
    assert "nand0: checkpoint in force" in differences
    assert [what for what in differences if what.startswith("nand0: place of logical page")]
    assert [its for _, its in differences.values() if its.startswith("checkpoint, 1 erases, ")]


def test_pages_that_do_not_count_any_more_are_told_last(image_of: ImageOf) -> None:
    device = on_flash("flagged-nand", 7)
    before = image_of(device)
    nand = device.board.media["nand0"]
    assert isinstance(nand, NandFlash)
    device.board.cells.put(nand.first, None)
    assert found(before, image_of(device)) == {
        "nand0: block 0": ("free, 1 erases, 0 valid pages, sequence 4294967292", "free, 1 erases, 0 valid pages")
    }
    device = on_flash("flagged-nand", 7)
    device.board.cells.put(device.board.media["nand0"].first + 1, None)
    assert found(before, image_of(device)) == {"nand0: pages that mean nothing now": ("other data", "other data")}


def test_a_flash_that_only_one_image_has_is_told(image_of: ImageOf) -> None:
    device = on_flash("flagged-nor", 7)
    differences = found(image_of(device), image_of(device, "configuration", "maps"))
    assert differences["translation layer of nand0"] == ("there", "not in the image")


def test_what_only_one_image_has_is_told(image_of: ImageOf) -> None:
    device = small("flagged-nor", 7)
    whole, partly = image_of(device), image_of(device, "configuration", "labels", "maps")
    assert found(whole, partly) == {
        "volume-a: LBA 0-11": ("there", "missing"),
        "volume-b: LBA 0-11": ("there", "missing"),
    }
    no_maps = image_of(device, "configuration", "labels")
    assert found(partly, no_maps)["map store"] == ("there", "not in the image")


def test_bytes_without_a_meaning_are_told_if_there_is_nothing_else(image_of: ImageOf) -> None:
    image = image_of(small("flagged-nor", 7))
    ((address, block), *rest) = image.segments
    (maps,) = [segment for segment in rest if segment.address == 0x9000_0000]
    others = [segment for segment in rest if segment is not maps]
    spoilt = maps.data[:-1] + b"\0"
    other = MemoryImage([(address, block), *others, (maps.address, spoilt)])
    assert list(found(image, other)) == ["labels or map store: bytes that mean nothing now"]
    elsewhere = MemoryImage([(address, block), *rest, (0x0800_0000, b"firmware")])
    assert found(image, elsewhere) == {
        "outside of the devices' regions: 1 block of 256 bytes, 0x08000000 to 0x080000FF": ("missing", "there")
    }


def test_of_devices_that_are_configured_otherwise_only_that_is_told(image_of: ImageOf) -> None:
    differences = found(image_of(small("flagged-nor", 7)), image_of(small("history-disk", 7)))
    assert differences["configuration: scheme"] == ("flagged", "history")
    assert differences["configuration: store"] == ("nor", "disk")
    assert all(what.startswith("configuration: ") for what in differences)


def test_a_difference_inside_a_region_is_not_told_as_one_outside(image_of: ImageOf) -> None:
    image = image_of(small("flagged-nor", 7))
    beside = (0x0800_0000, b"firmware")
    segments = list(image.segments)
    changed = [(at, data[:-1] + bytes([data[-1] ^ 1]) if at == 0x9000_0000 else data) for at, data in segments]
    told = found(MemoryImage([*segments, beside]), MemoryImage([*changed, beside]))
    assert not [what for what in told if what.startswith("outside")]
