"""The endurance kernel: what each host command wears, over flat arrays, without any contents.

The same functions run compiled by Numba (compiled.py) and as they stand, in pure Python.  They therefore keep to
integers of 64 bits and to loops over flat arrays; the random numbers, which are to overflow, are masked.  What the
firmware does is told in ``firmware_model``; here stands what of it decides where the next write goes.

What follows from sums is not simulated but derived from them (wear.py): the records of a NOR log fill their slots in
order, a compaction comes with every so many atoms, twin slots take turns.  NAND flash is another matter: what has to be
moved there depends on the order of all writes (flash_commands.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from deltabench.scenarios.endurance.state import Shape, State
    from deltabench.scenarios.endurance.workload import Mix, Requests, Schedule

PLAIN, FLAGGED, VERSIONED, HISTORY = range(4)
READ, WRITE, WRITE_FUA, FLUSH, SAVE, RESTORE = range(6)
"""Kinds of commands; ``totals`` counts them under these numbers."""
DELTA: Final = 6
"""In ``totals``: units written since T0."""
SYSTEM_VERSION: Final = 7
LABEL_VERSION: Final = 8
LABEL_UPDATES: Final = 9
COPIES: Final = 10
COPIED_SECTORS: Final = 11
DIRECT_READS: Final = 12
REDIRECTED_READS: Final = 13
SECTORS_READ: Final = 14
SECTORS_WRITTEN: Final = 15
PLACE: Final = 16
"""In ``totals``: the next request of a trace."""
MOST_DELTA: Final = 17
"""In ``totals``: the most units that were ever written since T0 when a save or restore came."""
TOTALS: Final = 18

IN_B: Final = 1
WRITTEN: Final = 2

GOLDEN_GAMMA: Final = 0x9E3779B97F4A7C15
MASK_64: Final = 0xFFFFFFFFFFFFFFFF
MASK_32: Final = 0xFFFFFFFF
MASK_16: Final = 0xFFFF


def run_mix(state: State, shape: Shape, schedule: Schedule, mix: Mix, first: int, last: int) -> None:
    """Commands ``first`` to ``last - 1`` of a random mix, with the saves and restores that are due among them."""
    number = first
    while number < last:
        order = next_order(schedule, number)
        if mix.per_unit:
            mixed_inside_units(state, shape, mix, min(order, last) - number)
        else:
            mixed(state, shape, mix, min(order, last) - number)
        if order < last:
            give_order(state, shape, schedule, order)
        number = order + 1


def run_requests(state: State, shape: Shape, schedule: Schedule, requests: Requests, first: int, last: int) -> None:
    """Commands ``first`` to ``last - 1`` of a trace that is repeated, with the saves and restores that are due."""
    number, length = first, len(requests.kinds)
    place = state.totals[PLACE]
    while number < last:
        order = next_order(schedule, number)
        for _ in range(min(order, last) - number):
            transfer(state, shape, requests.kinds[place], requests.lbas[place], requests.counts[place])
            place = place + 1 if place + 1 < length else 0
        if order < last:
            give_order(state, shape, schedule, order)
        number = order + 1
    state.totals[PLACE] = place


def next_order(schedule: Schedule, number: int) -> int:
    """The first save or restore from command ``number`` on."""
    save_every, restore_every = schedule.save_every, schedule.restore_every
    return min(number + save_every - number % save_every, number + restore_every - number % restore_every) - 1


def give_order(state: State, shape: Shape, schedule: Schedule, number: int) -> None:
    """The save or restore that command ``number`` is; where both are due, the restore."""
    totals = state.totals
    totals[MOST_DELTA] = max(totals[MOST_DELTA], totals[DELTA])
    if (number + 1) % schedule.restore_every == 0:
        restore(state, shape)
    else:
        save(state, shape)


def scrambled(z: int) -> int:
    """SplitMix64: the output for a state, which goes on by GOLDEN_GAMMA.

    Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
    """
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK_64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK_64
    return z ^ (z >> 31)


def located(bits: int, hot: int, total: int, hot_share: int) -> int:
    """One of ``total`` places, the first ``hot`` of which come up in ``hot_share`` of 65,536 cases.

    Of a random number, bits 16 to 31 say whether it is a hot one, and the upper 32 which.  They are scaled down by a
    multiplication (Lemire, "Fast Random Integer Generation in an Interval", 2019), which favours no place by more than
    ``total`` in 2**32.
    """
    is_hot = ((bits >> 16) & MASK_16) < hot_share
    base = 0 if is_hot else hot
    span = hot if is_hot else total - hot
    return base + (((bits >> 32) & MASK_32) * span >> 32)


def is_read(bits: int, read_share: int) -> bool:
    """Whether a random number's lowest 16 bits make the command a read."""
    return (bits & MASK_16) < read_share


def mixed(state: State, shape: Shape, mix: Mix, count: int) -> None:
    """``count`` random reads and writes of ``mix.sectors`` sectors, aligned to their length."""
    z = state.random[0]
    for _ in range(count):
        z = (z + GOLDEN_GAMMA) & MASK_64
        bits = scrambled(z)
        slot = located(bits, mix.hot_slots, mix.slots, mix.hot_share)
        transfer(state, shape, READ if is_read(bits, mix.read_share) else WRITE, slot * mix.sectors, mix.sectors)
    state.random[0] = z


def mixed_inside_units(state: State, shape: Shape, mix: Mix, count: int) -> None:
    """Does what ``mixed`` does where ``mix.per_unit`` transfers make a unit: no divisions, sums in registers."""
    maps, versions, written, overwrites = state.maps, state.versions, state.written, state.overwrites
    totals, sectors = state.totals, mix.sectors
    has_versions, version = shape.scheme >= VERSIONED, totals[SYSTEM_VERSION] & shape.version_mask
    hot_units, side_length = mix.hot_slots // mix.per_unit, shape.units * shape.sectors_per_unit + 1
    delta = totals[DELTA]
    reads = redirected = 0
    z = state.random[0]
    for _ in range(count):
        z = (z + GOLDEN_GAMMA) & MASK_64
        bits = scrambled(z)
        unit = located(bits, hot_units, shape.units, mix.hot_share)
        entry = maps[unit]
        if is_read(bits, mix.read_share):
            reads += 1
            redirected += entry // WRITTEN
        elif entry & WRITTEN:
            slot = located(bits, mix.hot_slots, mix.slots, mix.hot_share)
            at = (1 - (entry & IN_B)) * side_length + slot * sectors
            overwrites[at] += 1
            overwrites[at + sectors] -= 1
        else:
            maps[unit] = entry | WRITTEN
            written[delta] = unit
            delta += 1
            if has_versions:
                versions[unit] = version
    state.random[0] = z
    writes, first_writes = count - reads, delta - totals[DELTA]
    totals[DELTA] = delta
    totals[READ] += reads
    totals[WRITE] += writes
    totals[REDIRECTED_READS] += redirected
    totals[DIRECT_READS] += reads - redirected
    totals[SECTORS_READ] += reads * sectors
    totals[SECTORS_WRITTEN] += writes * sectors
    if mix.per_unit > 1:
        totals[COPIES] += first_writes
        totals[COPIED_SECTORS] += first_writes * (shape.sectors_per_unit - sectors)
    if writes:
        bring_labels_up_to_date(state)


def transfer(state: State, shape: Shape, kind: int, lba: int, count: int) -> None:
    """A read, write or flush, of any length; a flush finds nothing to do in write-through."""
    state.totals[kind] += 1
    if kind == READ:
        read(state, shape, lba, count)
    elif kind != FLUSH:
        write(state, shape, lba, count)


def read(state: State, shape: Shape, lba: int, count: int) -> None:
    """A read wears nothing; it is counted from where each unit comes."""
    maps, totals = state.maps, state.totals
    first, end = lba // shape.sectors_per_unit, (lba + count - 1) // shape.sectors_per_unit + 1
    redirected = 0
    for unit in range(first, end):
        redirected += maps[unit] // WRITTEN
    totals[REDIRECTED_READS] += redirected
    totals[DIRECT_READS] += end - first - redirected
    totals[SECTORS_READ] += count


def write(state: State, shape: Shape, lba: int, count: int) -> None:
    """A write, unit by unit: to the secondary, and into the map the first time since T0."""
    maps, totals, size = state.maps, state.totals, shape.sectors_per_unit
    bring_labels_up_to_date(state)
    totals[SECTORS_WRITTEN] += count
    unit, end, marked = lba // size, lba + count, -1
    while lba < end:
        piece = min(end, (unit + 1) * size) - lba
        entry = maps[unit]
        if entry & WRITTEN:
            at = (1 - (entry & IN_B)) * (shape.units * size + 1) + lba
            state.overwrites[at] += 1
            state.overwrites[at + piece] -= 1
        else:
            maps[unit] = entry | WRITTEN
            state.written[totals[DELTA]] = unit
            totals[DELTA] += 1
            totals[COPIES] += piece < size
            totals[COPIED_SECTORS] += size - piece
            if shape.scheme >= VERSIONED:
                state.versions[unit] = totals[SYSTEM_VERSION] & shape.version_mask
            # A block is written once a command, for all its units that are new.
            state.joined[unit] += marked == state.block_of[unit]
            marked = state.block_of[unit]
        lba += piece
        unit += 1


def bring_labels_up_to_date(state: State) -> None:
    """Labels and identity are written before the first data of a new system version."""
    totals = state.totals
    if totals[LABEL_VERSION] != totals[SYSTEM_VERSION]:
        totals[LABEL_VERSION] = totals[SYSTEM_VERSION]
        totals[LABEL_UPDATES] += 1


def save(state: State, shape: Shape) -> None:
    """VSM ^= DDM, DDM = 0; every scheme but ``plain`` counts it in its system version."""
    maps, written, moved, totals = state.maps, state.written, state.moved, state.totals
    totals[SAVE] += 1
    if shape.scheme >= VERSIONED:
        scrub(state, shape)
    else:
        rewrite_blocks(state, shape, True)
    for place in range(totals[DELTA]):
        unit = written[place]
        entry = maps[unit] ^ (IN_B | WRITTEN)
        maps[unit] = entry
        moved[2 * unit + entry] += 1
    totals[DELTA] = 0
    totals[SYSTEM_VERSION] += shape.scheme != PLAIN


def restore(state: State, shape: Shape) -> None:
    """DDM = 0; ``flagged`` and ``history`` count it in their system version."""
    maps, written, undone, totals = state.maps, state.written, state.undone, state.totals
    totals[RESTORE] += 1
    if shape.scheme == HISTORY:
        scrub(state, shape)
    else:
        rewrite_blocks(state, shape, False)
    for place in range(totals[DELTA]):
        unit = written[place]
        entry = maps[unit] ^ WRITTEN
        maps[unit] = entry
        undone[2 * unit + 1 - entry] += 1
    totals[DELTA] = 0
    totals[SYSTEM_VERSION] += shape.scheme == FLAGGED or shape.scheme == HISTORY


def rewrite_blocks(state: State, shape: Shape, switching: bool) -> None:
    """Each block with a written unit is written: its VSM switched by a save, its DDM or its entries cleared."""
    totals, written, block_of, seen = state.totals, state.written, state.block_of, state.seen
    rewritten, switched, versions = state.rewritten, state.switched, state.versions
    number = totals[SAVE] + totals[RESTORE]
    version = totals[SYSTEM_VERSION] & shape.version_mask
    for place in range(totals[DELTA]):
        block = block_of[written[place]]
        found = seen[block] != number
        seen[block] = number
        rewritten[block] += found
        switched[block] += found and switching
        if found and shape.scheme == VERSIONED:
            first = block * shape.units_per_block
            for unit in range(first, min(first + shape.units_per_block, shape.units)):
                versions[unit] = version


def scrub(state: State, shape: Shape) -> None:
    """The blocks whose turn it is at this system version are brought up to date, if they are not."""
    versions, rewritten = state.versions, state.rewritten
    turn = state.totals[SYSTEM_VERSION] % shape.window
    version = state.totals[SYSTEM_VERSION] & shape.version_mask
    number = state.totals[SAVE] + state.totals[RESTORE]
    for block in range(turn, shape.blocks, shape.window):
        unit = block * shape.units_per_block
        end = min(unit + shape.units_per_block, shape.units)
        while unit < end and versions[unit] == version:
            unit += 1
        if unit < end:
            rewritten[block] += 1
            state.seen[block] = number
        for stale in range(unit, end):
            versions[stale] = version
