"""The decoder, written from the tables of formats.py, says of every image what the firmware's own boot comes to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from deltabench.firmware_model.controller import DeltaController
from deltabench.hwsim.contents import put_contents
from deltabench.scenarios.images.decode import Decoded, decode_image, find_configuration
from deltabench.scenarios.images.device import Device, factory_fresh
from deltabench.scenarios.images.errors import ImageError
from deltabench.scenarios.images.inspect import inspect
from deltabench.scenarios.images.memory_image import MemoryImage
from deltabench.scenarios.scenario import find_scenario, library_names, load_scenario

SMALL = Path(__file__).parent / "small.scenario.toml"
STRUCTURES = ("configuration", "labels", "maps")
ImageOf = Callable[..., MemoryImage]


def decoded(image: MemoryImage) -> Decoded:
    found = find_configuration(image)
    assert found is not None
    return decode_image(image, *found)


@pytest.mark.parametrize("name", library_names())
def test_the_decoder_agrees_with_the_firmwares_boot_wherever_power_is_cut(
    name: str, visit: Callable[..., None], image_of: ImageOf
) -> None:
    def look(device: Device, what: str) -> None:
        maps = decoded(image_of(device, *STRUCTURES)).maps
        assert maps is not None, what
        controller = DeltaController(device.board, device.firmware)
        controller.boot()
        found = (int(maps.vsm, 16), int(maps.ddm, 16), maps.finished_flag, maps.finished_system_version)
        view = controller.view
        assert found == (view.vsm, view.ddm, view.flag, view.system_version), what
        assert int(maps.lost, 16) == controller.maps.lost, what

    for variant in find_scenario(name).variants():
        visit(variant, look, 8, 6)


@pytest.mark.parametrize("name", library_names())
def test_wherever_power_is_cut_no_structural_rule_is_broken(
    name: str, visit: Callable[..., None], image_of: ImageOf
) -> None:
    def look(device: Device, what: str) -> None:
        seen = inspect(decoded(image_of(device, *STRUCTURES)), Path("x"))
        assert [(rule.rule, rule.place) for rule in seen.rules if rule.state == "broken"] == [], what

    for variant in find_scenario(name).variants():
        visit(variant, look, 3, 4)


def test_atoms_that_are_lost_are_lost_to_both(image_of: ImageOf) -> None:
    for variant in load_scenario(SMALL, "small").variants():
        if variant.firmware.store.value != "nvram":
            continue
        device = factory_fresh(variant)
        fram = device.board.media["fram0"]
        atoms = len(decoded(image_of(device, *STRUCTURES)).store.atoms)
        for atom in range(1, atoms):
            mark = len(device.board.cells.journal)
            for slot in (2 * atom, 2 * atom + 1):
                put_contents(fram, slot * 16 + 4, b"\x77")
            found = decoded(image_of(device, *STRUCTURES))
            controller = DeltaController(device.board, device.firmware)
            controller.boot()
            assert found.maps is not None
            assert int(found.maps.lost, 16) == controller.maps.lost, (variant.name, atom)
            assert controller.maps.lost
            device.board.cells.rollback(mark)


def test_a_configuration_block_is_found_wherever_it_is(image_of: ImageOf) -> None:
    image = image_of(factory_fresh(load_scenario(SMALL).variant("flagged-nor")))
    ((_, block), *rest) = image.segments
    moved = MemoryImage([(0x1000, b"DBC1 is no block" + block), *rest])
    found = find_configuration(moved)
    assert found is not None
    assert found == (found[0], 0x1010)


def test_an_image_without_a_block_has_none_and_one_with_a_broken_block_says_so(image_of: ImageOf) -> None:
    image = image_of(factory_fresh(load_scenario(SMALL).variant("flagged-nor")))
    ((address, block), *rest) = image.segments
    assert find_configuration(MemoryImage(rest)) is None
    with pytest.raises(ImageError, match=r"0x080E0000: the configuration block fails its CRC"):
        find_configuration(MemoryImage([(address, block[:20] + b"\x99" + block[21:]), *rest]))
