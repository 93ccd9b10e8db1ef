"""The translation layer of ``firmware_model/translation`` as the endurance kernel runs it: where pages go, no contents.

Each function does what the method does that it is named after, with the same choice among equals, so that the same
pages are programmed and the same blocks erased in the same order.  Nothing fails here and nothing is cut.

A logical page is at a *place*: the pages of a block that are used, header included, are numbered from a power of two on
for each block, as divisions take long.  All layers share the arrays of ``Flash``; ``layer`` is where the registers of
one begin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deltabench.firmware_model.translation.blocks import HELD
from deltabench.firmware_model.translation.collection import MOST_BEHIND

if TYPE_CHECKING:
    from deltabench.scenarios.endurance.flash import Flash

BLOCKS, USABLE, PLACE_BITS, SECTOR_BITS, RESERVE, INTERVAL, CHECKPOINT_PAGES = range(7)
"""Registers of a layer that stay: blocks, pages of a block that are used; bits that tell places of a block and sectors
of a page apart; blocks to be kept free, blocks between two checkpoints, pages of both copies of a checkpoint."""
FIRST_BLOCK, FIRST_LOGICAL, FIRST_PLACE, FIRST_KEPT, MOST_KEPT = range(7, 12)
"""Where its parts of the arrays begin; of ``kept``, also how many blocks a checkpoint has at most."""
OPEN, NEXT, END, FREE, SEQUENCE, CHECKPOINT, KEPT = range(12, 19)
"""The open block, the place of its next page and that behind its last; free blocks; the sequence of the newest block
and of the checkpoint's first; the checkpoint's blocks."""
HOST_PAGES, COLLECTIONS, COLLECTED, LEVELLED, CHECKPOINTS = range(19, 24)
"""Sums: pages given to it, blocks collected, pages moved by that, pages moved by levelling, checkpoints."""
REGISTERS: Final = 24

NOTHING: Final = -1
KEY_BITS: Final = 24
"""Bits of a key that are the block's number: of equals the lowest is the least."""
KEY_MASK: Final = (1 << KEY_BITS) - 1
NO_KEY: Final = 1 << 62
MOST_ERASES: Final = 1 << 32
"""The most worn block has the least key where erases are taken from this."""


def write_pages(flash: Flash, layer: int, logicals: Any) -> None:
    """Logical pages, one after the other."""
    for place in range(len(logicals)):
        write_page(flash, layer, logicals[place])


def write_sectors(flash: Flash, layer: int, lba: int, count: int) -> None:
    """``TranslationLayer.write``: every page that is touched is written whole."""
    bits = flash.registers[layer + SECTOR_BITS]
    for logical in range(lba >> bits, (lba + count - 1 >> bits) + 1):
        write_page(flash, layer, logical)


def write_page(flash: Flash, layer: int, logical: int) -> None:
    """A page for the firmware."""
    registers = flash.registers
    if registers[layer + NEXT] == registers[layer + END]:
        open_next(flash, layer)
    registers[layer + HOST_PAGES] += 1
    number = registers[layer + FIRST_LOGICAL] + logical
    old = flash.places[number]
    append(flash, layer, number)
    if old != NOTHING:
        flash.owners[old] = NOTHING
        lose_page(flash, layer, old - registers[layer + FIRST_PLACE] >> registers[layer + PLACE_BITS])


def append(flash: Flash, layer: int, number: int) -> None:
    """Program a page; what it replaces is not looked at."""
    registers = flash.registers
    if registers[layer + NEXT] == registers[layer + END]:
        open_block(flash, layer)
    place = registers[layer + NEXT]
    registers[layer + NEXT] = place + 1
    flash.places[number] = place
    flash.owners[place] = number
    flash.scores[registers[layer + FIRST_BLOCK] + registers[layer + OPEN]] += 1


def open_next(flash: Flash, layer: int) -> None:
    """Write a checkpoint if the last is far behind, and make room."""
    registers = flash.registers
    behind = registers[layer + SEQUENCE] - registers[layer + CHECKPOINT]
    if behind >= registers[layer + INTERVAL] + registers[layer + KEPT]:
        write_checkpoint(flash, layer)
    make_room(flash, layer)


def make_room(flash: Flash, layer: int) -> None:
    """Until the open block has a free page, and the reserve is free as far as that can be."""
    registers = flash.registers
    while True:
        if registers[layer + NEXT] == registers[layer + END]:
            level(flash, layer)
            if registers[layer + NEXT] == registers[layer + END]:
                open_block(flash, layer)
        elif registers[layer + FREE] >= registers[layer + RESERVE] or not collect(flash, layer):
            break


def collect(flash: Flash, layer: int) -> bool:
    """Win a block back; False if there is none with a page that counts no more."""
    registers = flash.registers
    key = flash.by_score[2 * registers[layer + FIRST_BLOCK] + 1]
    if key >> KEY_BITS >= registers[layer + USABLE] - 1:
        return False
    registers[layer + COLLECTIONS] += 1
    registers[layer + COLLECTED] += move_all(flash, layer, key & KEY_MASK)
    return True


def level(flash: Flash, layer: int) -> None:
    """Static wear levelling, at most one block each time that one is opened."""
    registers = flash.registers
    first = registers[layer + FIRST_BLOCK]
    coldest, rested = flash.by_erases[2 * first + 1], flash.by_rest[2 * first + 1]
    if coldest == NO_KEY or rested == NO_KEY:
        return
    if MOST_ERASES - (rested >> KEY_BITS) - (coldest >> KEY_BITS) > MOST_BEHIND:
        close_open(flash, layer)
        open_this(flash, layer, flash.by_rest[2 * first + 1] & KEY_MASK)
        registers[layer + LEVELLED] += move_all(flash, layer, coldest & KEY_MASK)


def move_all(flash: Flash, layer: int, block: int) -> int:
    """All that is valid in a block, elsewhere; nobody looks for a block to collect before that is done."""
    registers, owners = flash.registers, flash.owners
    first = registers[layer + FIRST_PLACE] + (block << registers[layer + PLACE_BITS])
    moved = 0
    for place in range(first + 1, first + registers[layer + USABLE]):
        number = owners[place]
        if number != NOTHING:
            owners[place] = NOTHING
            append(flash, layer, number)
            moved += 1
    free_block(flash, layer, block)
    return moved


def write_checkpoint(flash: Flash, layer: int) -> None:
    """Blocks of its own; those of the one before are free then."""
    registers, kept = flash.registers, flash.kept
    before = registers[layer + FIRST_KEPT]
    after = before + registers[layer + MOST_KEPT]
    blocks = 0
    left = registers[layer + CHECKPOINT_PAGES]
    while left:
        open_block(flash, layer)
        if not blocks:
            registers[layer + CHECKPOINT] = registers[layer + SEQUENCE]
        flash.scores[registers[layer + FIRST_BLOCK] + registers[layer + OPEN]] += HELD
        kept[after + blocks] = registers[layer + OPEN]
        blocks += 1
        pages = min(left, registers[layer + USABLE] - 1)
        registers[layer + NEXT] += pages
        left -= pages
    close_open(flash, layer)
    for number in range(registers[layer + KEPT]):
        close_block(flash, layer, kept[before + number])
    for number in range(blocks):
        kept[before + number] = kept[after + number]
    registers[layer + KEPT] = blocks
    registers[layer + CHECKPOINTS] += 1


def open_block(flash: Flash, layer: int) -> None:
    """Go on in the least worn free block."""
    close_open(flash, layer)
    open_this(flash, layer, flash.by_wear[2 * flash.registers[layer + FIRST_BLOCK] + 1] & KEY_MASK)


def open_this(flash: Flash, layer: int, block: int) -> None:
    """Go on in a free block, which is erased, and its header programmed."""
    registers = flash.registers
    close_open(flash, layer)
    first = registers[layer + FIRST_BLOCK]
    put(flash.by_wear, first, registers[layer + BLOCKS], block, NO_KEY)
    put(flash.by_rest, first, registers[layer + BLOCKS], block, NO_KEY)
    registers[layer + FREE] -= 1
    flash.erases[first + block] += 1
    registers[layer + SEQUENCE] += 1
    registers[layer + OPEN] = block
    place = registers[layer + FIRST_PLACE] + (block << registers[layer + PLACE_BITS])
    registers[layer + NEXT] = place + 1
    registers[layer + END] = place + registers[layer + USABLE]


def close_open(flash: Flash, layer: int) -> None:
    """Nothing is appended to the open block any more; how far it was filled is noted."""
    registers = flash.registers
    block = registers[layer + OPEN]
    if block != NOTHING:
        flash.ends[registers[layer + NEXT] - 1] += 1
        registers[layer + OPEN] = NOTHING
        registers[layer + NEXT] = registers[layer + END]
        close_block(flash, layer, block)


def close_block(flash: Flash, layer: int, block: int) -> None:
    """From now on it may be collected, unless it is still held; it is free if nothing in it counts any more."""
    first, blocks = flash.registers[layer + FIRST_BLOCK], flash.registers[layer + BLOCKS]
    score = flash.scores[first + block] - HELD
    flash.scores[first + block] = score
    if score == 0:
        free_block(flash, layer, block)
    elif score < HELD:
        put(flash.by_score, first, blocks, block, score << KEY_BITS | block)
        put(flash.by_erases, first, blocks, block, flash.erases[first + block] << KEY_BITS | block)


def lose_page(flash: Flash, layer: int, block: int) -> None:
    """One page of it counts no more."""
    first = flash.registers[layer + FIRST_BLOCK]
    score = flash.scores[first + block] - 1
    flash.scores[first + block] = score
    if score == 0:
        free_block(flash, layer, block)
    elif score < HELD:
        put(flash.by_score, first, flash.registers[layer + BLOCKS], block, score << KEY_BITS | block)


def free_block(flash: Flash, layer: int, block: int) -> None:
    """Nothing in it counts any more."""
    first, blocks = flash.registers[layer + FIRST_BLOCK], flash.registers[layer + BLOCKS]
    flash.scores[first + block] = HELD
    put(flash.by_score, first, blocks, block, NO_KEY)
    put(flash.by_erases, first, blocks, block, NO_KEY)
    put(flash.by_wear, first, blocks, block, flash.erases[first + block] << KEY_BITS | block)
    put(flash.by_rest, first, blocks, block, MOST_ERASES - flash.erases[first + block] << KEY_BITS | block)
    flash.registers[layer + FREE] += 1


def put(tree: Any, first: int, blocks: int, block: int, key: int) -> None:
    """Give a block a key in a tree of minima: each node has the least key below it, the first the least of all.

    It is climbed only as far as something changes, which for one block of many is seldom far.
    """
    root, node = 2 * first, blocks + block
    tree[root + node] = key
    while node > 1:
        key = min(key, tree[root + (node ^ 1)])
        node >>= 1
        if tree[root + node] == key:
            break
        tree[root + node] = key
