"""The decoder, written from the tables of formats.py, says of every image what the firmware's own boot comes to."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from deltabench.firmware_model.controller import DeltaController
from deltabench.firmware_model.translation.layer import TranslationLayer
from deltabench.hwsim.board import Board
from deltabench.hwsim.contents import put_contents
from deltabench.hwsim.medium import Operation, Outcome, UncorrectableError
from deltabench.scenarios.images.build import stored_regions
from deltabench.scenarios.images.decode import Decoded, decode_image, find_configuration
from deltabench.scenarios.images.device import Device, factory_fresh
from deltabench.scenarios.images.errors import ImageError
from deltabench.scenarios.images.inspect import inspect
from deltabench.scenarios.images.memory_image import MemoryImage
from deltabench.scenarios.images.rules import MENDED, RULES
from deltabench.scenarios.scenario import BitErrors, find_scenario, library_names, load_scenario

SMALL = Path(__file__).parent / "small.scenario.toml"
NANDS = [str(Path(__file__).parent / f"small-{kind}.scenario.toml") for kind in ("nand", "mlc")]
SCENARIOS = [*library_names(), *NANDS]
OF_LAYERS = [rule for rule in RULES if rule.layers and rule.name not in MENDED]
ImageOf = Callable[..., MemoryImage]


def structures(device: Device) -> list[str]:
    """The regions that have more than the sectors of a volume in them."""
    there = [region.name for region in stored_regions(device)]
    return ["configuration", *(name for name in ("labels", "maps", "nand") if name in there)]


def decoded(image: MemoryImage) -> Decoded:
    found = find_configuration(image)
    assert found is not None
    return decode_image(image, *found)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_decoder_agrees_with_the_firmwares_boot_wherever_power_is_cut(
    name: str, visit: Callable[..., None], image_of: ImageOf
) -> None:
    def look(device: Device, what: str) -> None:
        maps = decoded(image_of(device, *structures(device))).maps
        assert maps is not None, what
        controller = DeltaController(device.board, device.firmware)
        controller.boot()
        found = (int(maps.vsm, 16), int(maps.ddm, 16), maps.finished_flag, maps.finished_system_version)
        view = controller.view
        assert found == (view.vsm, view.ddm, view.flag, view.system_version), what
        assert int(maps.lost, 16) == controller.maps.lost, what

    for variant in find_scenario(name).variants():
        visit(variant, look, 8, 6)


@pytest.mark.parametrize("name", SCENARIOS)
def test_wherever_power_is_cut_no_structural_rule_is_broken(
    name: str, visit: Callable[..., None], image_of: ImageOf
) -> None:
    scenario = find_scenario(name)
    # Bits that flipped beyond what the ECC corrects have made sectors unreadable, and nothing else.
    flipped = any(isinstance(step, BitErrors) for step in scenario.document.steps)
    allowed = ("live-readable", "save-point-readable") if flipped else ()

    def look(device: Device, what: str) -> None:
        seen = inspect(decoded(image_of(device, *structures(device))), Path("x"))
        broken = [(rule.rule, rule.place) for rule in seen.rules if rule.state == "broken" and rule.rule not in allowed]
        assert broken == [], what

    for variant in scenario.variants():
        visit(variant, look, 3, 4)


@pytest.mark.parametrize("name", NANDS)
def test_what_a_translation_layer_holds_is_what_a_mount_finds_wherever_power_is_cut(
    name: str, visit: Callable[..., None], image_of: ImageOf
) -> None:
    def look(device: Device, what: str) -> None:
        found = decoded(image_of(device, *structures(device)))
        (layer,) = found.layers
        assert layer is not None
        assert not layer.seen.fault
        (flash,) = DeltaController(device.board, device.firmware).flash
        flash.mount()
        assert layer.flash.sectors == flash.size
        start = layer.flash.device.address
        mine = [found.image.read(start + lba * 512, 512) for lba in range(flash.size)]
        assert [lba for lba, (one, its) in enumerate(zip(mine, sectors_of(flash), strict=True)) if one != its] == [], (
            what
        )

    for variant in find_scenario(name).variants():
        visit(variant, look, 12, 40)


class PowerLostError(Exception):
    """Ends what the firmware does, whose power is gone; ``outcome`` is what that leaves."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


def cut_at(board: Board, number: int, draw: random.Random) -> Callable[[Operation], None]:
    """Cuts the media operation of that number from now on; what it leaves is drawn."""
    left = iter(range(number))

    def listen(operation: Operation) -> None:
        if next(left, None) is None:
            raise PowerLostError(draw.choice(board.cut_outcomes(operation)))

    return listen


def sectors_of(flash: TranslationLayer) -> list[bytes | None]:
    """What is behind a translation layer; None for a sector that cannot be read."""
    held: list[bytes | None] = []
    for lba in range(flash.size):
        try:
            held += flash.read(lba, 1)
        except UncorrectableError:
            held.append(None)
    return held


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", NANDS)
def test_what_the_next_mount_finds_is_said_however_often_mounts_are_cut(
    name: str, seed: int, image_of: ImageOf
) -> None:
    draw = random.Random(seed)
    device = factory_fresh(find_scenario(name).variant("flagged-nand"))
    board, mounts, named = device.board, 0, set()
    while mounts < 120:
        found = decoded(image_of(device, *structures(device)))
        (layer,) = found.layers
        assert [(rule.name, *rule.check(found)) for rule in OF_LAYERS if any(rule.check(found))] == [], mounts
        (flash,) = DeltaController(board, device.firmware).flash
        board.rail.listeners = (cut_at(board, draw.randrange(14 if draw.random() < 0.6 else 60), draw),)
        try:
            flash.mount()
            mounts += 1
            assert layer is not None
            assert layer.seen.checkpoint is not None
            named.add(layer.seen.checkpoint.named)
            start = layer.flash.device.address
            mine = [found.image.read(start + lba * 512, 512) for lba in range(flash.size)]
            differing = [lba for lba, (one, its) in enumerate(zip(mine, sectors_of(flash), strict=True)) if one != its]
            assert differing == [], mounts
            while True:
                flash.write(draw.randrange(flash.size), [bytes([draw.randrange(256)]) * 512])
        except PowerLostError as cut:
            board.lose_power()
            for index, value in cut.outcome.changes:
                board.cells.put(index, value)
            board.adversary.power_on(draw.choice("onm"))
        board.rail.listeners = ()
    assert named == {False, True}


def test_atoms_that_are_lost_are_lost_to_both(image_of: ImageOf) -> None:
    for variant in load_scenario(SMALL, "small").variants():
        if variant.firmware.store.value != "nvram":
            continue
        device = factory_fresh(variant)
        fram = device.board.media["fram0"]
        atoms = len(decoded(image_of(device, *structures(device))).store.atoms)
        for atom in range(1, atoms):
            mark = len(device.board.cells.journal)
            for slot in (2 * atom, 2 * atom + 1):
                put_contents(fram, slot * 16 + 4, b"\x77")
            found = decoded(image_of(device, *structures(device)))
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
