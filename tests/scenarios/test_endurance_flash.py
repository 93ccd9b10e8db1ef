"""The translation layer of the endurance kernel against the one of the firmware: the same pages, given to both."""

from __future__ import annotations

import random
from collections import Counter
from typing import NamedTuple

import numpy as np
import pytest

from deltabench.firmware_model.steps import CHECKPOINTED, COLLECT, COLLECTED, LEVELLED, PAGE
from deltabench.firmware_model.translation.geometry import geometry_of
from deltabench.firmware_model.translation.layer import TranslationLayer
from deltabench.hwsim.board import Board, BoardSpec, DeviceSpec
from deltabench.hwsim.clock import MediaTime
from deltabench.hwsim.meter import Meter
from deltabench.scenarios.endurance import flash_kernel
from deltabench.scenarios.endurance.compiled import Kernel, load_kernel
from deltabench.scenarios.endurance.flash import (
    Flash,
    Layer,
    Totals,
    erases_and_programs,
    given_pages,
    mounted,
    new_flash,
    totals_of,
)
from deltabench.scenarios.endurance.flash_kernel import COLLECTIONS, REGISTERS
from deltabench.scenarios.flash_use import Use

PURE, COMPILED = load_kernel(jit=False), load_kernel(jit=True)
CORE_HZ = 100_000_000


class Part(NamedTuple):
    """A part under a load: a share ``hot`` of the pages goes to a tenth of the logical pages."""

    spec: DeviceSpec
    over_provisioning: int
    interval: int
    hot: float
    pages: int


PARTS = {
    "a few blocks": Part(DeviceSpec(part="generic-nand", blocks=20), 10, 5, 0.9, 4000),
    "with bad blocks": Part(DeviceSpec(part="generic-nand", bad_blocks=(0, 9)), 10, 32, 0.9, 6000),
    "uniform": Part(DeviceSpec(part="generic-nand"), 10, 32, 0.0, 6000),
    "hot and cold": Part(DeviceSpec(part="generic-nand"), 10, 7, 0.95, 6000),
    "much room": Part(DeviceSpec(part="generic-nand", blocks=63), 300, 32, 0.5, 4000),
    "MLC": Part(DeviceSpec(part="generic-mlc"), 25, 9, 0.9, 6000),
    "a checkpoint whenever one can be": Part(DeviceSpec(part="generic-mlc", blocks=40), 7, 1, 0.9, 3000),
    "large pages": Part(DeviceSpec(part="MT29F1G08ABADA", blocks=33), 10, 4, 0.9, 9000),
}


class Worn(NamedTuple):
    """What a layer has come to."""

    erases: list[int]
    programs: list[int]
    totals: Counter[str]


def some_pages(part: Part, logical_pages: int, seed: int) -> list[int]:
    draw = random.Random(seed)
    hot = max(1, logical_pages // 10)
    return [draw.randrange(hot if draw.random() < part.hot else logical_pages) for _ in range(part.pages)]


def in_full(part: Part, seed: int) -> tuple[Layer, list[int], Worn]:
    """The firmware's layer, just mounted; what it is given; and what that does to it."""
    board = Board(BoardSpec(devices={"nand0": part.spec}))
    nand = board.media["nand0"]
    geometry = geometry_of(nand, part.over_provisioning)
    TranslationLayer(nand, geometry, part.interval).format()
    layer = TranslationLayer(nand, geometry, part.interval, board.core)
    meter = Meter(board, MediaTime.TYPICAL, CORE_HZ, {})
    meter.attach()
    layer.mount()
    erased, programmed = (wear.counts for wear in meter.gauges["nand0"].wear)
    before = mounted(layer, part.interval, erased, programmed, Use({}))
    pages = some_pages(part, geometry.logical_pages, seed)
    for number, page in enumerate(pages):
        layer.write(page * geometry.page_sectors, [number.to_bytes(512, "big")] * geometry.page_sectors)
    steps = meter.steps
    totals = Counter(
        given=steps[PAGE].amount,
        collections=steps[COLLECT].amount,
        collected=steps[COLLECTED].amount,
        levelled=steps[LEVELLED].amount,
        checkpoints=steps[CHECKPOINTED].amount,
    )
    erases, programs = (wear.counts.tolist() for wear in meter.gauges["nand0"].wear)
    return before, pages, Worn(erases, programs, totals)


def in_kernel(model: Kernel, layers: list[Layer], number: int, pages: list[int]) -> tuple[Flash, Worn]:
    """The same by the kernel, on layer ``number`` of several."""
    flash = new_flash(layers, compiled=model.compiled)
    half = len(pages) // 2
    for piece in (pages[:half], pages[half:]):
        given = np.array(piece, np.int64) if model.compiled else piece
        model.write_pages(flash, number * REGISTERS, given)
    erases, programs = (counts.tolist() for counts in erases_and_programs(layers, flash, number))
    totals = totals_of(layers, flash, number)
    sums = Counter(
        given=totals.given,
        collections=int(flash.registers[number * REGISTERS + COLLECTIONS]),
        collected=totals.collected,
        levelled=totals.levelled,
        checkpoints=totals.checkpoints,
    )
    return flash, Worn(erases, programs, sums)


@pytest.mark.parametrize("what", PARTS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_layer_wears_each_block_and_page_as_in_the_full_model(what: str, seed: int) -> None:
    layer, pages, wanted = in_full(PARTS[what], seed)
    assert what == "much room" or wanted.totals["collected"] > 0
    for model in (PURE, COMPILED):
        flash, found = in_kernel(model, [layer], 0, pages)
        assert found == wanted, f"compiled: {model.compiled}"
        totals = totals_of([layer], flash, 0)
        assert totals.programmed == sum(wanted.programs) - int(layer.programmed.sum())
        assert totals.amplification == totals.programmed / len(pages)


@pytest.mark.parametrize("what", ["hot and cold", "MLC"])
def test_cold_blocks_are_levelled(what: str) -> None:
    _, _, worn = in_full(PARTS[what], 1)
    assert worn.totals["levelled"] > 0


def test_layers_beside_one_another_do_not_mix() -> None:
    layers, pages, wanted = [], [], []
    for what in ("MLC", "a few blocks", "large pages"):
        layer, given, worn = in_full(PARTS[what], 1)
        layers.append(layer._replace(device=what))
        pages.append(given)
        wanted.append(worn)
    flash = new_flash(layers, compiled=True)
    for number, given in enumerate(pages):
        COMPILED.write_pages(flash, number * REGISTERS, np.array(given, np.int64))
    for number, worn in enumerate(wanted):
        erases, programs = erases_and_programs(layers, flash, number)
        assert (erases.tolist(), programs.tolist()) == (worn.erases, worn.programs)


def test_what_was_never_written_to_has_no_amplification() -> None:
    layer, _, _ = in_full(PARTS["MLC"]._replace(pages=0), 1)
    flash = new_flash([layer], compiled=False)
    assert totals_of([layer], flash, 0) == Totals(0, 0, 0, 0, 0, 0.0)
    assert totals_of([layer], flash, 0).amplification == 0
    assert given_pages([layer], flash) == {"nand0": 0}


def test_a_tree_of_minima_always_has_the_least_key_on_top() -> None:
    draw = random.Random(1)
    for blocks in (2, 3, 5, 64, 100):
        tree, keys = [flash_kernel.NO_KEY] * (2 * blocks + 2), [flash_kernel.NO_KEY] * blocks
        for _ in range(400):
            block = draw.randrange(blocks)
            keys[block] = draw.choice((flash_kernel.NO_KEY, draw.randrange(1000) << flash_kernel.KEY_BITS | block))
            flash_kernel.put(tree, 1, blocks, block, keys[block])
            assert tree[2 + 1] == min(keys)
