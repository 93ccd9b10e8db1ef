"""The endurance kernel for a device with NAND flash: each command writes there what the firmware writes, in its order.

What decides where the next write goes is the state machine of kernel.py; it is asked before a command, or after it, and
the pages that come of it are written to the translation layers of flash_kernel.py.  Compiled as those are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deltabench.scenarios.endurance.flash_kernel import write_sectors
from deltabench.scenarios.endurance.kernel import (
    DELTA,
    FLAGGED,
    FLUSH,
    GOLDEN_GAMMA,
    IN_B,
    LABEL_UPDATES,
    LABEL_VERSION,
    MASK_64,
    PLACE,
    PLAIN,
    READ,
    RESTORE,
    SAVE,
    SYSTEM_VERSION,
    VERSIONED,
    WRITE,
    WRITTEN,
    give_order,
    is_read,
    located,
    next_order,
    scrambled,
    transfer,
)

if TYPE_CHECKING:
    from deltabench.scenarios.endurance.flash import Flash
    from deltabench.scenarios.endurance.state import Shape, State
    from deltabench.scenarios.endurance.workload import Mix, Requests, Schedule

IDENTITY: Final = 0
SINGLE: Final = 1
"""Numbers of atoms: the identity, and the one that every scheme but ``plain`` has of itself; blocks follow."""
MAPS: Final = 4
"""Where ``regions`` says where the map store is; volumes A and B are before it."""


def run_mix_on_flash(
    state: State, flash: Flash, shape: Shape, schedule: Schedule, mix: Mix, first: int, last: int
) -> None:
    """As ``run_mix``."""
    number = first
    while number < last:
        order = next_order(schedule, number)
        z = state.random[0]
        for _ in range(min(order, last) - number):
            z = (z + GOLDEN_GAMMA) & MASK_64
            bits = scrambled(z)
            slot = located(bits, mix.hot_slots, mix.slots, mix.hot_share)
            kind = READ if is_read(bits, mix.read_share) else WRITE
            transfer_on_flash(state, flash, shape, kind, slot * mix.sectors, mix.sectors)
        state.random[0] = z
        if order < last:
            give_order_on_flash(state, flash, shape, schedule, order)
        number = order + 1


def run_requests_on_flash(
    state: State, flash: Flash, shape: Shape, schedule: Schedule, requests: Requests, first: int, last: int
) -> None:
    """As ``run_requests``."""
    number, length = first, len(requests.kinds)
    place = state.totals[PLACE]
    while number < last:
        order = next_order(schedule, number)
        for _ in range(min(order, last) - number):
            kind, lba, count = requests.kinds[place], requests.lbas[place], requests.counts[place]
            transfer_on_flash(state, flash, shape, kind, lba, count)
            place = place + 1 if place + 1 < length else 0
        if order < last:
            give_order_on_flash(state, flash, shape, schedule, order)
        number = order + 1
    state.totals[PLACE] = place


def transfer_on_flash(state: State, flash: Flash, shape: Shape, kind: int, lba: int, count: int) -> None:
    """A read, write or flush: labels first where they are behind, then data, then map entries."""
    if kind in (READ, FLUSH):
        transfer(state, shape, kind, lba, count)
        return
    totals = state.totals
    if totals[LABEL_VERSION] != totals[SYSTEM_VERSION]:
        write_labels(state, flash)
    write_homes(state, flash, shape, lba, count)
    new = totals[DELTA]
    transfer(state, shape, kind, lba, count)
    if flash.regions[MAPS] >= 0:
        write_marks(state, flash, shape, new)


def write_labels(state: State, flash: Flash) -> None:
    """Twin slots of a sector each, which take turns, and then the identity."""
    for place in range(len(flash.labels)):
        write_sectors(flash, flash.labels[place], state.totals[LABEL_UPDATES] & 1, 1)
    write_atom(flash, IDENTITY)


def write_homes(state: State, flash: Flash, shape: Shape, lba: int, count: int) -> None:
    """The data of a write: a stretch of units at once that go to one side."""
    maps, size = state.maps, shape.sectors_per_unit
    first, end, last_side = lba, lba, -1
    for unit in range(lba // size, (lba + count - 1) // size + 1):
        entry = maps[unit]
        side = 1 - (entry & IN_B)
        is_new = entry & WRITTEN == 0
        if side != last_side:
            if last_side >= 0:
                write_region(flash, 2 * last_side, first, end - first)
            # The first write of a unit is of all of it.
            first, last_side = unit * size if is_new else max(lba, unit * size), side
        end = (unit + 1) * size if is_new else min(lba + count, (unit + 1) * size)
    write_region(flash, 2 * last_side, first, end - first)


def write_marks(state: State, flash: Flash, shape: Shape, new: int) -> None:
    """The blocks of units that were written for the first time since T0: all from number ``new`` on, ascending."""
    last = -1
    for place in range(new, state.totals[DELTA]):
        block = state.block_of[state.written[place]]
        if block != last:
            write_atom(flash, first_block(shape) + block)
        last = block


def give_order_on_flash(state: State, flash: Flash, shape: Shape, schedule: Schedule, number: int) -> None:
    """A save or restore, whose atoms are written block by block, ascending.

    ``flagged`` has its control atom before each VSM block and around the DDM blocks, ``versioned`` its system atom
    around the blocks that a restore clears; a save of it, and all of ``history``, scrubs blocks before the system atom.
    """
    saves = state.totals[SAVE]
    give_order(state, shape, schedule, number)
    if flash.regions[MAPS] < 0:
        return
    seen, blocks = state.seen, shape.blocks
    order = state.totals[SAVE] + state.totals[RESTORE]
    is_save, first = state.totals[SAVE] > saves, first_block(shape)
    if shape.scheme < VERSIONED and is_save:
        for block in range(blocks):
            if seen[block] == order:
                if shape.scheme != PLAIN:
                    write_atom(flash, SINGLE)
                write_atom(flash, first - blocks + block)
    if shape.scheme == FLAGGED or (shape.scheme == VERSIONED and not is_save):
        write_atom(flash, SINGLE)
    for block in range(blocks):
        if seen[block] == order:
            write_atom(flash, first + block)
    if shape.scheme != PLAIN:
        write_atom(flash, SINGLE)


def first_block(shape: Shape) -> int:
    """The atom of the first DDM block, or of the first block of entries."""
    return SINGLE + (shape.scheme != PLAIN) + (shape.blocks if shape.scheme < VERSIONED else 0)


def write_atom(flash: Flash, atom: int) -> None:
    """An atom, if the map store is on NAND flash."""
    write_region(flash, MAPS, atom, 1)


def write_region(flash: Flash, region: int, sector: int, count: int) -> None:
    """Some of the sectors of a region, if it is on NAND flash."""
    layer = flash.regions[region]
    if layer >= 0:
        write_sectors(flash, layer, flash.regions[region + 1] + sector, count)
