"""From the sums of the kernel to the wear of every cell, and to the counters of the device.

What a write of an atom does to each map store is told in ``firmware_model/atoms``; here it is counted.  That the two
agree, cell by cell, is tested.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deltabench.firmware_model.atoms.nor import OPEN, PROVEN, geometry
from deltabench.firmware_model.atoms.twin import slot_bytes
from deltabench.firmware_model.commands import Opcode
from deltabench.firmware_model.label import IDENTITY_ATOM
from deltabench.firmware_model.schemes.scheme import MapScheme
from deltabench.hwsim.disk import SECTOR_BYTES, Disk
from deltabench.hwsim.meter import Wear, WearKind, wear_of
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nor import NorFlash
from deltabench.hwsim.nvram import Nvram
from deltabench.scenarios.counters import Counts
from deltabench.scenarios.documents import FlashSummary
from deltabench.scenarios.endurance import kernel
from deltabench.scenarios.endurance.device import Device
from deltabench.scenarios.endurance.flash import Flash, block_erases, erases_and_programs, use_of
from deltabench.scenarios.endurance.state import Shape, State
from deltabench.scenarios.flash_summary import count_flash, summary_of
from deltabench.scenarios.flash_use import HOST

Numbers = NDArray[np.int64]
KINDS_OF_NAND: Final[tuple[WearKind, WearKind]] = ("erase", "program")
OPCODES: Final = {
    kernel.READ: Opcode.READ_DMA_EXT,
    kernel.WRITE: Opcode.WRITE_DMA_EXT,
    kernel.WRITE_FUA: Opcode.WRITE_DMA_FUA_EXT,
    kernel.FLUSH: Opcode.FLUSH_CACHE_EXT,
    kernel.SAVE: Opcode.SAVE,
    kernel.RESTORE: Opcode.RESTORE,
}


class AtomWrites(NamedTuple):
    """Writes of each atom, by what they are for."""

    entries: Numbers
    """First writes of units: a DDM atom or an entry atom each."""
    orders: Numbers
    """Saves and restores, the scrub included."""
    labels: Numbers
    """The identity, whenever the labels are brought up to date."""

    @property
    def all(self) -> Numbers:
        return self.entries + self.orders + self.labels


class MapWear(NamedTuple):
    """Wear of the map store's cells: for each kind the first cell, and how often this and the next ones were worn.

    None of NAND flash, where it depends on all that is written there.  ``written_bytes`` in all; ``compactions`` of a
    NOR log.
    """

    cells: dict[WearKind, tuple[int, Numbers]]
    written_bytes: int
    compactions: int = 0


def first_writes(shape: Shape, state: State) -> Numbers:
    """First writes since T0 of each unit on each side, as rows of two."""
    maps = np.asarray(state.maps, np.int64)
    done: Numbers = (_numbers(state.moved) + _numbers(state.undone)).reshape(shape.units, 2)
    units = np.flatnonzero(maps & kernel.WRITTEN)
    done[units, 1 - (maps[units] & kernel.IN_B)] += 1
    return done


def atom_writes(shape: Shape, state: State) -> AtomWrites:
    """How often each atom was written: identity, what the scheme has one of, VSM blocks, DDM or entry blocks."""
    saves, restores = state.totals[kernel.SAVE], state.totals[kernel.RESTORE]
    switched, rewritten = _numbers(state.switched), _numbers(state.rewritten)
    marks = _both_sides(first_writes(shape, state)) - _numbers(state.joined)
    starts = np.arange(0, shape.units, shape.units_per_block)
    single = {
        kernel.PLAIN: [],
        kernel.FLAGGED: [int(switched.sum()) + 2 * (saves + restores)],
        kernel.VERSIONED: [saves + 2 * restores],
        kernel.HISTORY: [saves + restores],
    }[shape.scheme]
    blocks = [switched, rewritten] if shape.scheme < kernel.VERSIONED else [rewritten]
    orders = np.concatenate([np.zeros(MapScheme.FIRST_ATOM, np.int64), np.array(single, np.int64), *blocks])
    entries, labels = np.zeros_like(orders), np.zeros_like(orders)
    entries[-shape.blocks :] = np.add.reduceat(marks, starts)
    labels[IDENTITY_ATOM] = state.totals[kernel.LABEL_UPDATES]
    return AtomWrites(entries, orders, labels)


def map_wear(device: Device, writes: Numbers) -> MapWear:
    """What so many writes of each atom do to the map store."""
    if device.config.remote is not None:
        # Nobody presses the remote, so that its atom, the last, stays as it is.
        writes = np.append(writes, 0)
    assert len(writes) == device.atoms, "every atom of the map store is counted"
    region, atom_bytes = device.layout.maps, device.config.atom_bytes
    medium = device.board.media[region.device]
    if isinstance(medium, NorFlash):
        return _nor_wear(medium, region.first, device, int(writes.sum()))
    if isinstance(medium, NandFlash):
        return MapWear({}, int(writes.sum()) * medium.part.page_bytes)
    slots = twin_slots(writes)
    if isinstance(medium, Disk):
        return MapWear({"write": (region.first, slots)}, int(slots.sum()) * SECTOR_BYTES)
    assert isinstance(medium, Nvram), "a store lies on one of the four media"
    size, word = slot_bytes(atom_bytes), medium.word_bytes
    begins = region.first + np.arange(len(slots)) * size
    first = region.first // word
    changes = np.zeros((region.first + region.length - 1) // word - first + 2, np.int64)
    np.add.at(changes, begins // word - first, slots)
    np.add.at(changes, (begins + size - 1) // word - first + 1, -slots)
    return MapWear({"write": (first, changes.cumsum()[:-1])}, int(slots.sum()) * size)


def twin_slots(writes: Numbers) -> Numbers:
    """Twin slots take turns.  The factory leaves the second one newer, so that the first is written next."""
    return np.stack([(writes + 1) // 2, writes // 2], axis=1).ravel()


def _nor_wear(nor: NorFlash, first: int, device: Device, writes: int) -> MapWear:
    """A round of the log is a record a slot, and a write that finds it full and goes into a checkpoint instead.

    The factory leaves the first area in use.  In each round that has a record ``open`` is programmed, and ``proven``
    with each checkpoint.
    """
    atom_bytes, page = device.config.atom_bytes, nor.page_bytes
    where = geometry(device.atoms, atom_bytes, device.config.log_records, page, nor.sector_bytes)
    compactions, used = divmod(writes, len(where.slots) + 1)
    area_pages = where.sectors * nor.sector_bytes // page
    checkpoint_bytes = where.atoms[-1] + atom_bytes
    record_pages = np.array(where.slots) // page
    erases = np.zeros((2, where.sectors), np.int64)
    programs = np.zeros((2, area_pages), np.int64)
    rounds_begun = 0
    for area in (0, 1):
        full = (compactions + 1 - area) // 2
        checkpoints = (compactions + area) // 2
        begun = full + (used > 0 and compactions % 2 == area)
        rounds_begun += begun
        erases[area] += checkpoints
        programs[area, : -(-checkpoint_bytes // page)] += checkpoints
        programs[area, PROVEN // page] += checkpoints
        programs[area, OPEN // page] += begun
        np.add.at(programs[area], record_pages, full)
        if compactions % 2 == area:
            np.add.at(programs[area], record_pages[:used], 1)
    return MapWear(
        {
            "erase": (first // nor.sector_bytes, erases.ravel()),
            "program": (first // page, programs.ravel()),
        },
        compactions * (checkpoint_bytes + 1) + rounds_begun + (writes - compactions) * (atom_bytes + 6),
        compactions,
    )


def cell_wear(device: Device, state: State, flash: Flash) -> list[Wear]:
    """The wear of all media, cell by cell, as ``deltabench measure`` has it."""
    shape, layout = device.shape, device.layout
    wears = {(wear.device, wear.what): wear for medium in device.board.media.values() for _, wear in wear_of(medium)}
    for what, (first, cells) in map_wear(device, atom_writes(shape, state).all).cells.items():
        wears[layout.maps.device, what].add(first, cells.tolist())
    labels = twin_slots(np.array([state.totals[kernel.LABEL_UPDATES]], np.int64))
    for number, layer in enumerate(device.layers):
        for what, cells in zip(KINDS_OF_NAND, erases_and_programs(device.layers, flash, number), strict=True):
            wears[layer.device, what].add(0, cells.tolist())
    on_disks = [name for name, medium in device.board.media.items() if isinstance(medium, Disk)]
    for disk in layout.disks:
        if disk in on_disks:
            wears[disk, "write"].add(0, labels.tolist())
    sectors = home_writes(shape, state)
    for side, (disk, first) in enumerate(layout.homes):
        if disk in on_disks:
            wears[disk, "write"].add(first, sectors[side].tolist())
    return list(wears.values())


def home_writes(shape: Shape, state: State) -> list[Numbers]:
    """How often each sector of volumes A and B was written."""
    firsts = first_writes(shape, state)
    changes = _numbers(state.overwrites).reshape(2, -1)
    return [np.repeat(firsts[:, side], shape.sectors_per_unit) + changes[side].cumsum()[:-1] for side in (0, 1)]


def flash_summaries(device: Device, flash: Flash) -> list[FlashSummary]:
    """Of each NAND flash, as ``deltabench measure`` has it."""
    erases = block_erases(device.layers, flash)
    return [
        summary_of(
            layer.device,
            layer.part,
            use_of(device.layers, flash, number),
            layer.geometry.data_pages,
            erases[layer.device],
            layer.blocks,
        )
        for number, layer in enumerate(device.layers)
    ]


def unit_moves(shape: Shape, state: State) -> Numbers:
    """Of each unit, the saves that moved it."""
    return _both_sides(_numbers(state.moved).reshape(shape.units, 2))


def most_ddm(state: State) -> int:
    """The most units that were ever written since T0: DDM only grows until the next save or restore."""
    return max(int(state.totals[kernel.MOST_DELTA]), int(state.totals[kernel.DELTA]))


def counters(device: Device, state: State, flash: Flash, wears: list[Wear]) -> Counts:
    """The counters that ``deltabench measure`` has, but for most operations of media, their time, and cycles.

    Of NAND flash, programs and erases are there.
    """
    shape, totals, counts = device.shape, state.totals, Counts()
    writes = atom_writes(shape, state).all
    for kind, opcode in OPCODES.items():
        counts.add("host_commands", int(totals[kind]), opcode.title)
    for name, total in (
        ("host_sectors_read", kernel.SECTORS_READ),
        ("host_sectors_written", kernel.SECTORS_WRITTEN),
        ("saves", kernel.SAVE),
        ("restores", kernel.RESTORE),
        ("direct_reads", kernel.DIRECT_READS),
        ("redirected_reads", kernel.REDIRECTED_READS),
        ("copies_on_first_write", kernel.COPIES),
        ("copied_sectors", kernel.COPIED_SECTORS),
    ):
        counts.add(name, int(totals[total]))
    counts.add("first_writes", int(first_writes(shape, state).sum()))
    counts.add("unit_moves", int(unit_moves(shape, state).sum()))
    counts.add("atom_writes", int(writes.sum()))
    counts.add("log_compactions", map_wear(device, writes).compactions)
    counts.add("boots", 1)
    counts.add("recoveries", device.recoveries)
    for number, layer in enumerate(device.layers):
        for what, cells in zip(KINDS_OF_NAND, erases_and_programs(device.layers, flash, number), strict=True):
            counts.add("media_operations", int(cells.sum()), layer.device, what)
        count_flash(counts, layer.device, use_of(device.layers, flash, number), layer.blocks)
    for cause, written in _bytes_written(device, state, flash).items():
        counts.add("bytes_written", written, cause)
    for wear in wears:
        counts.add("past_endurance", wear.past_endurance, wear.device)
    return counts


def _bytes_written(device: Device, state: State, flash: Flash) -> dict[str, int]:
    """By cause.  On NAND flash a page counts whole: one for each atom and label, and what else is given is data."""
    layout, updates = device.layout, int(state.totals[kernel.LABEL_UPDATES])
    writes = atom_writes(device.shape, state).all
    copies = SECTOR_BYTES * int(state.totals[kernel.COPIED_SECTORS])
    data = labels = translation = 0
    layers = {layer.device: number for number, layer in enumerate(device.layers)}
    for (home, _), sectors in zip(layout.homes, home_writes(device.shape, state), strict=True):
        if home not in layers:
            data += SECTOR_BYTES * int(sectors.sum())
    labels += SECTOR_BYTES * updates * sum(disk not in layers for disk in layout.disks)
    for name, number in layers.items():
        page_bytes, pages = device.layers[number].geometry.page_bytes, use_of(device.layers, flash, number).pages
        of_labels = updates * (name in layout.disks)
        of_maps = int(writes.sum()) * (name == layout.maps.device)
        labels += page_bytes * of_labels
        data += page_bytes * (pages[HOST] - of_labels - of_maps)
        translation += page_bytes * (sum(pages.values()) - pages[HOST])
    return {
        "data": data - copies,
        "copies": copies,
        "maps": map_wear(device, writes).written_bytes,
        "labels": labels,
        "translation": translation,
    }


def _both_sides(numbers: Numbers) -> Numbers:
    """Sums of rows of two, many times quicker than ``sum(axis=1)``."""
    sums: Numbers = numbers[:, 0] + numbers[:, 1]
    return sums


def _numbers(column: object) -> Numbers:
    return np.asarray(column, np.int64)
