"""NAND flash in an endurance run: its translation layers as the first boot leaves them, and what became of them.

The layers are run by flash_kernel.py.  Which page was programmed how often follows from how far each block was filled
each time that it was opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deltabench.firmware_model.layout import Layout
from deltabench.firmware_model.steps import COLLECT, LEVELLED
from deltabench.firmware_model.translation.blocks import HELD
from deltabench.firmware_model.translation.geometry import Geometry
from deltabench.firmware_model.translation.layer import TranslationLayer
from deltabench.firmware_model.translation.spare import SEQUENCES
from deltabench.scenarios.endurance import flash_kernel as registers
from deltabench.scenarios.endurance.flash_kernel import NO_KEY, NOTHING, REGISTERS
from deltabench.scenarios.flash_summary import Blocks
from deltabench.scenarios.flash_use import CHECKPOINTS, HEADERS, HOST, MOVES, Use

Numbers = NDArray[np.int64]


class Flash(NamedTuple):
    """All layers in common arrays, one behind the other; none if there is no NAND flash.

    ``regions``: for volumes A and B and the map store two numbers each: where the registers of its layer begin, NOTHING
    if it is on another medium, and its first sector.  ``labels``: the layers that have a label.  Of each logical page
    ``places``, of each place ``owners``: the logical page there, and ``ends``: how often it was the last page that was
    programmed before its block was closed.  Of each block ``scores`` (as in BlockTable) and ``erases``.  Trees of
    minima: ``by_score`` and ``by_erases`` of blocks that may be collected, ``by_wear`` and ``by_rest`` of free blocks,
    the least and the most worn on top.  ``kept``: blocks of the checkpoint, and room for as many.
    """

    registers: Any
    regions: Any
    labels: Any
    places: Any
    owners: Any
    ends: Any
    scores: Any
    erases: Any
    by_score: Any
    by_erases: Any
    by_wear: Any
    by_rest: Any
    kept: Any


class Layer(NamedTuple):
    """A translation layer that was just mounted: with no block open, and nothing to be written anew.

    ``erased`` and ``programmed``: by block and by page, what its first boot did; ``booted``: for what.
    ``factory_bad``: of ``bad``, what the factory has marked.
    """

    device: str
    part: str
    geometry: Geometry
    interval: int
    pages: Sequence[int]
    owner: Sequence[int]
    erases: Sequence[int]
    scores: Sequence[int]
    free: frozenset[int]
    bad: frozenset[int]
    factory_bad: frozenset[int]
    spare: int
    behind: int
    erased: Numbers
    programmed: Numbers
    booted: Use

    @property
    def blocks(self) -> Blocks:
        """Those that are bad, which become no more."""
        return Blocks(self.factory_bad, len(self.bad), self.spare)


def mounted(layer: TranslationLayer, interval: int, erased: Numbers, programmed: Numbers, booted: Use) -> Layer:
    """What the kernel goes on from."""
    blocks, log = layer.blocks, layer.log
    assert log.block is None, "a mount leaves no block open"
    return Layer(
        layer.name,
        layer.nand.part.name,
        layer.geometry,
        interval,
        tuple(layer.mapping.pages),
        tuple(layer.mapping.owner),
        tuple(blocks.erases),
        tuple(blocks.score),
        frozenset(blocks.free),
        frozenset(blocks.bad),
        layer.nand.bad_blocks,
        layer.spare_blocks,
        (log.sequence - log.checkpoint) % SEQUENCES,
        erased,
        programmed,
        booted,
    )


class Totals(NamedTuple):
    """What a layer has done since its first boot, in pages; ``spread``: most erases of a block to the mean.

    ``amplification``: pages programmed for each that it was given.
    """

    given: int
    collected: int
    levelled: int
    checkpoints: int
    headers: int
    spread: float

    @property
    def programmed(self) -> int:
        return self.given + self.collected + self.levelled + self.checkpoints + self.headers

    @property
    def amplification(self) -> float:
        return self.programmed / self.given if self.given else 0.0


def new_flash(layers: Sequence[Layer], layout: Layout | None = None, *, compiled: bool) -> Flash:
    """The layers as they were mounted; ``layout``: where what lies.

    Arrays for the compiled kernel; lists for pure Python, which is quicker with them.
    """
    at = {layer.device: number * REGISTERS for number, layer in enumerate(layers)}
    homes = [] if layout is None else [*layout.homes, (layout.maps.device, layout.maps.first)]
    parts = [_registers_and_arrays(layer) for layer in layers]
    first_block = first_logical = first_place = first_kept = 0
    for own, arrays in parts:
        own[registers.FIRST_BLOCK], own[registers.FIRST_LOGICAL] = first_block, first_logical
        own[registers.FIRST_PLACE], own[registers.FIRST_KEPT] = first_place, first_kept
        arrays["places"][arrays["places"] != NOTHING] += first_place
        arrays["owners"][arrays["owners"] != NOTHING] += first_logical
        first_block += len(arrays["erases"])
        first_logical += len(arrays["places"])
        first_place += len(arrays["owners"])
        first_kept += len(arrays["kept"])
    columns = {
        name: np.concatenate([np.zeros(0, np.int64), *(arrays[name] for _, arrays in parts)])
        for name in Flash._fields[3:]
    }
    for name in ("places", "owners"):
        columns[name] = columns[name].astype(np.int32)
    flash = Flash(
        registers=np.array([own for own, _ in parts], np.int64).ravel(),
        regions=np.array([[at.get(device, NOTHING), first] for device, first in homes], np.int64).ravel(),
        labels=np.array([at[disk] for disk in (layout.disks if layout else ()) if disk in at], np.int64),
        **columns,
    )
    return flash if compiled else Flash(*(column.tolist() for column in flash))


def _registers_and_arrays(layer: Layer) -> tuple[Numbers, dict[str, Numbers]]:
    """Of one layer alone."""
    geometry, blocks = layer.geometry, layer.geometry.blocks
    usable, bits = len(geometry.usable), _place_bits(geometry)
    places = (np.arange(blocks)[:, None] << bits) + np.arange(usable)
    place_of = np.full(blocks * geometry.pages_per_block, NOTHING, np.int64)
    place_of[_pages(geometry)] = places
    owners = np.full(blocks << bits, NOTHING, np.int64)
    owners[places] = np.array(layer.owner, np.int64)[_pages(geometry)]
    pages, erases, scores = (np.array(column, np.int64) for column in (layer.pages, layer.erases, layer.scores))
    nowhere = pages == geometry.none
    free = np.isin(np.arange(blocks), list(layer.free))
    held = (scores >= HELD) & ~free & ~np.isin(np.arange(blocks), list(layer.bad))
    kept = np.flatnonzero(held)
    most_kept = max(geometry.checkpoint_blocks, len(kept))
    own = np.zeros(REGISTERS, np.int64)
    for register, value in (
        (registers.BLOCKS, blocks),
        (registers.USABLE, usable),
        (registers.PLACE_BITS, bits),
        (registers.SECTOR_BITS, geometry.page_sectors.bit_length() - 1),
        (registers.RESERVE, geometry.reserve),
        (registers.INTERVAL, layer.interval),
        (registers.CHECKPOINT_PAGES, 2 * geometry.checkpoint_pages),
        (registers.MOST_KEPT, most_kept),
        (registers.OPEN, NOTHING),
        (registers.FREE, len(layer.free)),
        (registers.SEQUENCE, layer.behind),
        (registers.KEPT, len(kept)),
    ):
        own[register] = value
    closed = scores < HELD
    return own, {
        "places": np.where(nowhere, NOTHING, place_of[np.where(nowhere, 0, pages)]),
        "owners": owners,
        "ends": np.zeros(blocks << bits, np.int64),
        "scores": scores,
        "erases": erases,
        "by_score": _tree(closed, scores),
        "by_erases": _tree(closed, erases),
        "by_wear": _tree(free, erases),
        "by_rest": _tree(free, registers.MOST_ERASES - erases),
        "kept": np.concatenate([kept, np.zeros(2 * most_kept - len(kept), np.int64)]),
    }


def _pages(geometry: Geometry) -> Numbers:
    """The pages that are used, a row for each block."""
    firsts = np.arange(geometry.blocks, dtype=np.int64) * geometry.pages_per_block
    pages: Numbers = firsts[:, None] + np.array(geometry.usable, np.int64)
    return pages


def _place_bits(geometry: Geometry) -> int:
    """Bits that tell the pages of a block apart that are used."""
    return (len(geometry.usable) - 1).bit_length()


def _tree(chosen: NDArray[np.bool_], values: Numbers) -> Numbers:
    """A tree of minima over the blocks that are chosen."""
    blocks = len(values)
    tree = np.full(2 * blocks, NO_KEY, np.int64)
    tree[blocks:] = np.where(chosen, values << registers.KEY_BITS | np.arange(blocks), NO_KEY)
    for node in range(blocks - 1, 0, -1):
        tree[node] = min(tree[2 * node], tree[2 * node + 1])
    return tree


def erases_and_programs(layers: Sequence[Layer], flash: Flash, number: int) -> tuple[Numbers, Numbers]:
    """Of layer ``number``: erases of each block and programs of each page since it left the factory."""
    layer, own = layers[number], _own(flash, number)
    geometry, place = layer.geometry, int(own[registers.FIRST_PLACE])
    bits, usable = _place_bits(geometry), len(geometry.usable)
    erases = block_erases(layers, flash)[layer.device]
    ends = np.array(flash.ends[place : place + (geometry.blocks << bits)], np.int64)
    if own[registers.OPEN] != NOTHING:
        ends[own[registers.NEXT] - 1 - place] += 1
    # A page was programmed whenever its block was filled up to it or farther.
    filled = ends.reshape(-1, 1 << bits)[:, usable - 1 :: -1].cumsum(axis=1)[:, ::-1]
    programs = layer.programmed.copy()
    programs[_pages(geometry)] += filled
    return erases, programs


def block_erases(layers: Sequence[Layer], flash: Flash) -> dict[str, Numbers]:
    """Erases of each block since it left the factory, by device."""
    erases = {}
    for number, layer in enumerate(layers):
        first = int(_own(flash, number)[registers.FIRST_BLOCK])
        now = np.asarray(flash.erases[first : first + layer.geometry.blocks], np.int64)
        erases[layer.device] = now - layer.erases + layer.erased
    return erases


def totals_of(layers: Sequence[Layer], flash: Flash, number: int) -> Totals:
    """Of layer ``number``."""
    layer, own = layers[number], _own(flash, number)
    good = np.delete(block_erases(layers, flash)[layer.device], list(layer.bad))
    return Totals(
        given=int(own[registers.HOST_PAGES]),
        collected=int(own[registers.COLLECTED]),
        levelled=int(own[registers.LEVELLED]),
        checkpoints=int(own[registers.CHECKPOINTS] * own[registers.CHECKPOINT_PAGES]),
        headers=int(own[registers.SEQUENCE]) - layer.behind,
        spread=float(good.max() / good.mean()) if good.any() else 0.0,
    )


def use_of(layers: Sequence[Layer], flash: Flash, number: int) -> Use:
    """What layer ``number`` was used for since it left the factory, its first boot included."""
    booted, totals, own = layers[number].booted, totals_of(layers, flash, number), _own(flash, number)
    since = {
        HOST: totals.given,
        MOVES[COLLECT]: totals.collected,
        MOVES[LEVELLED]: totals.levelled,
        CHECKPOINTS: totals.checkpoints,
        HEADERS: totals.headers,
    }
    return Use(
        {cause: booted.pages.get(cause, 0) + since.get(cause, 0) for cause in (*booted.pages, *since)},
        booted.blocks_collected + int(own[registers.COLLECTIONS]),
        booted.valid + totals.collected,
        booted.mounts,
    )


def given_pages(layers: Sequence[Layer], flash: Flash) -> dict[str, int]:
    """Pages that each layer was given so far, by device."""
    return {layer.device: totals_of(layers, flash, number).given for number, layer in enumerate(layers)}


def _own(flash: Flash, number: int) -> Numbers:
    """The registers of a layer."""
    return np.asarray(flash.registers[number * REGISTERS : (number + 1) * REGISTERS], np.int64)
