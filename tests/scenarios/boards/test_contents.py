from __future__ import annotations

from collections.abc import Callable

from deltabench.firmware_model.link.messages import Message
from deltabench.hwsim.disk import UNCORRECTABLE, Disk
from deltabench.hwsim.instability import Unstable
from deltabench.hwsim.medium import Cells
from deltabench.hwsim.nor import NorFlash
from deltabench.scenarios.boards.contents import Place, keep, load, moved, put_back
from deltabench.scenarios.boards.emulated import EmulatedBoard
from deltabench.scenarios.boards.link import Link
from deltabench.scenarios.boards.transport import Loopback
from deltabench.scenarios.scenario import Variant, find_scenario

VARIANT = find_scenario("save-by-host").variant("flagged-nor")
DISK, NOR, FRAM = 0xA000_0000, 0x9000_0000, 0x6000_0000
PLACES = (
    Place(DISK, 64 * 512, 512, erased=False),
    Place(NOR, 0x2000, 0x1000, erased=True),
    Place(FRAM, 512, 256, erased=False),
)
Emulated = Callable[[Variant], EmulatedBoard]


def cells_of(board: EmulatedBoard) -> Cells:
    return board.chip.board.cells


def test_what_was_kept_is_put_back_whatever_happened_to_it(emulated: Emulated) -> None:
    board = emulated(VARIANT)
    link = Link(Loopback(board))
    load(link, {DISK: b"a" * 512, DISK + 1024: b"b" * 512, NOR: b"some maps", FRAM + 3: b"words"})
    load(link, {DISK + 1536: None})
    before, kept = list(cells_of(board).values), keep(link, PLACES)
    assert kept.blocks[DISK + 1536] is None
    load(link, {DISK + 1536: bytes(512), DISK: None, NOR + 0x1F00: b"more", FRAM: b"other"})
    assert cells_of(board).values != before
    put_back(link, kept)
    assert cells_of(board).values == before


def test_no_cell_is_left_unstable_even_one_that_reads_as_it_did(emulated: Emulated) -> None:
    board = emulated(VARIANT)
    link = Link(Loopback(board))
    kept = keep(link, PLACES)
    nor = board.chip.board.media["nor0"]
    assert isinstance(nor, NorFlash)
    cells_of(board).put(nor.first, Unstable(nor.blank, bytes(256)))
    put_back(link, kept)
    assert cells_of(board).values[nor.first] == nor.blank


def test_only_what_differs_is_sent_to_a_disk(emulated: Emulated) -> None:
    board = emulated(VARIANT)
    asked: list[int] = []

    class Counting(Link):
        def ask(self, message: Message, payload: bytes = b"") -> bytes:
            asked.append(message)
            return super().ask(message, payload)

    link = Counting(Loopback(board))
    kept = keep(link, PLACES[:1])
    load(link, {DISK + 5 * 512: b"x" * 512})
    asked.clear()
    put_back(link, kept)
    assert asked == [Message.DIGEST, Message.LOAD]
    disk = board.chip.board.media["disk0"]
    assert isinstance(disk, Disk)
    assert UNCORRECTABLE not in cells_of(board).values[disk.first : disk.first + 64]


def test_contents_can_be_put_into_another_place(emulated: Emulated) -> None:
    board = emulated(VARIANT)
    link = Link(Loopback(board))
    load(link, {DISK: b"a" * 512})
    kept = keep(link, (Place(DISK, 1024, 512, erased=False),))
    put_back(link, moved(kept, Place(DISK + 4096, 1024, 512, erased=False)))
    assert board.chip.bus.read(DISK + 4096, 512) == b"a" * 512
