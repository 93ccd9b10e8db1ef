from __future__ import annotations

import random
from typing import Any

import pytest

from deltabench.hwsim.instability import Unstable
from deltabench.hwsim.medium import Operation, Outcome
from deltabench.hwsim.nor import NorFlash
from deltabench.scenarios.images.memory_image import MemoryImage
from deltabench.tools.stm32.chip_map import ChipMap
from deltabench.tools.stm32.errors import FlashError, NoAnswerError, PortError, VerifyError
from deltabench.tools.stm32.flashing import Flashed, Flashing
from deltabench.tools.stm32.plan import plan

FLASH, FRAM, DISK = 0x0800_0000, 0x6000_0000, 0xA000_0000
SECOND = FLASH + 0x4000
"""The second erase block, of 16 KiB."""
SMALL = MemoryImage([(SECOND, random.Random(3155).randbytes(612))])


def flash(
    desk: Any, image: MemoryImage, *, diff: bool = False, verify: bool = True, retries: int = 3, session: Any = None
) -> Flashed:
    session = session or desk.session(retries)
    session.open()
    return Flashing(session, diff=diff, verify=verify).run(plan(ChipMap(desk.file, image), image))


def contents(desk: Any, image: MemoryImage) -> MemoryImage:
    """What the board holds where the image has something."""
    return MemoryImage([(address, desk.chip.bus.read(address, len(data))) for address, data in image.segments])


class Unplugged:
    """A line whose other end is pulled out after so many pieces, and cannot be opened twice."""

    def __init__(self, desk: Any, pieces: int) -> None:
        self._desk = desk
        self._pieces = pieces

    def feed(self, data: bytes) -> bytes:
        self._pieces -= 1
        if self._pieces == 0:
            self._desk.unplugged = 2
            self._desk.put_on_line(self._desk.chip)
        return b"" if self._pieces <= 0 else self._desk.chip.feed(data)


class ComesBack:
    """A chip whose power comes back when the client next says something, half a second or more after it was lost."""

    def __init__(self, desk: Any, policy: str) -> None:
        self._desk = desk
        self._policy = policy
        self._lost_s: float | None = None

    def feed(self, data: bytes) -> bytes:
        chip, now_s = self._desk.chip, self._desk.time.s
        if not chip.on:
            self._lost_s = now_s if self._lost_s is None else self._lost_s
            if now_s < self._lost_s + 0.5:
                return b""
            chip.power_on(self._policy)
        return bytes(chip.feed(data))


@pytest.mark.parametrize("board", ["stm32f405", "stm32f103"])
def test_an_image_is_written_everywhere_it_says_and_only_blocks_of_flash_that_it_touches_are_erased(
    make_desk: Any, board: str
) -> None:
    desk = make_desk(board)
    desk.chip.bus.write(FLASH + 0x8000, b"old")
    desk.chip.bus.write(SECOND + 0x300, b"lost")
    image = MemoryImage([*SMALL.segments, (FRAM + 3, b"fram"), (DISK + 500, b"disk" * 10)])
    flashed = flash(desk, image)
    assert contents(desk, image) == image
    assert desk.chip.bus.read(FLASH + 0x8000, 3) == b"old"
    assert flashed.erased_blocks == 1
    assert flashed.written_bytes == flashed.verified_bytes == len(image)
    assert flash(desk, image, verify=False).verified_bytes == 0


def test_blank_blocks_of_an_image_are_erased_and_not_written(make_desk: Any) -> None:
    desk = make_desk()
    desk.chip.bus.write(SECOND + 0x150, b"old")
    image = MemoryImage([(SECOND, b"\x01" * 256 + b"\xff" * 512)])
    flashed = flash(desk, image)
    assert contents(desk, image) == image
    assert (flashed.written_bytes, flashed.verified_bytes) == (256, 768)


def test_with_diff_what_is_there_is_not_touched_and_what_lies_beside_is_kept(make_desk: Any) -> None:
    desk = make_desk()
    flash(desk, SMALL)
    desk.chip.bus.write(SECOND + 0x3000, b"beside")
    desk.chip.bus.write(FRAM, b"abcdefgh")
    flashed = flash(desk, SMALL, diff=True)
    assert (flashed.written_bytes, flashed.erased_blocks, flashed.equal_bytes) == (0, 0, len(SMALL))
    image = MemoryImage([(SECOND + 0x10, b"changed"), (FRAM, b"abXdefYh")])
    flashed = flash(desk, image, diff=True)
    assert contents(desk, image) == image
    assert desk.chip.bus.read(SECOND + 0x3000, 6) == b"beside"
    assert desk.chip.bus.read(SECOND + 0x17, 0x1E9) == SMALL.read(SECOND + 0x17, 0x1E9)
    assert flashed.erased_blocks == 1
    assert flashed.written_bytes == 256 + 256 + 100 + 8 + 2


def test_a_range_is_read_as_it_is(make_desk: Any) -> None:
    desk = make_desk()
    desk.chip.bus.write(SECOND - 2, b"abcd")
    session = desk.session()
    session.open()
    read = Flashing(session, diff=False, verify=False).read([(SECOND - 300, 600), (FRAM, 5)])
    assert read.read(SECOND - 300, 600) == b"\xff" * 298 + b"abcd" + b"\xff" * 298
    assert read.read(FRAM, 5) == bytes(5)
    with pytest.raises(FlashError, match=r"0x08100000.*no memory at this address"):
        Flashing(session, diff=False, verify=False).read([(FLASH + 0x10_0000, 4)])


def test_the_wrong_chip_is_named_and_nothing_is_changed(make_desk: Any) -> None:
    desk = make_desk("stm32f103")
    desk.chip.bus.write(FLASH, b"old")
    with pytest.raises(FlashError, match=r"0x410 \(STM32F103\), and stm32f405 has the STM32F405, 0x413: nothing was"):
        desk.session(board="stm32f405").open()
    assert desk.chip.bus.read(FLASH, 3) == b"old"


def test_a_write_protected_block_is_found_out_though_it_acknowledges_everything(make_desk: Any) -> None:
    desk = make_desk()
    desk.chip.bus.write(SECOND + 5, b"old")
    desk.chip.options.write_protected.add(1)
    with pytest.raises(VerifyError, match=r"0x08004005 is not blank after.*the block is write-protected"):
        flash(desk, SMALL)
    desk.chip.options.write_protected.add(2)
    with pytest.raises(VerifyError, match="does not hold what was written there, twice"):
        flash(desk, MemoryImage([(FLASH + 0x8000, b"data")]))


def test_a_chip_protected_from_readout_says_so(make_desk: Any) -> None:
    desk = make_desk()
    desk.chip.options.readout_protected = True
    with pytest.raises(FlashError, match="protected from readout"):
        flash(desk, SMALL)


def test_nothing_at_the_end_of_the_line_is_said_with_what_to_look_at(make_desk: Any) -> None:
    desk = make_desk()
    desk.chip.power_off()
    with pytest.raises(NoAnswerError, match=r"no bootloader answers on the desk; .*BOOT0 high.*parity even"):
        flash(desk, SMALL)
    assert desk.time.s < 10


def test_a_running_application_is_asked_to_go_back_to_the_bootloader(make_desk: Any) -> None:
    desk = make_desk()
    desk.chip.boots_application = True
    desk.chip.power_off()
    desk.chip.power_on()
    session = desk.session()
    asked = []

    def wake(line: object) -> bool:
        asked.append(line)
        desk.chip.enter_bootloader()
        return True

    session._wake = wake
    flash(desk, SMALL, session=session)
    assert len(asked) == 1
    assert contents(desk, SMALL) == SMALL


@pytest.mark.parametrize("pieces", range(6, 60, 3))
def test_after_a_lost_line_the_work_goes_on_where_it_was_and_no_block_is_erased_again(
    make_desk: Any, pieces: int
) -> None:
    desk = make_desk()
    image = MemoryImage([(FLASH, random.Random(1).randbytes(768)), *SMALL.segments])
    session = desk.session()
    session.open()
    desk.put_on_line(Unplugged(desk, pieces))
    session._line._line = desk.line
    flashed = Flashing(session, diff=False, verify=True).run(plan(ChipMap(desk.file, image), image))
    assert contents(desk, image) == image
    assert flashed.erased_blocks == 2
    assert session.resumptions == 1
    assert session.restarts == 0
    assert len(desk.told) == 1


def test_a_line_that_does_not_come_back_is_given_up(make_desk: Any) -> None:
    desk = make_desk()
    session = desk.session()
    session.open()
    desk.put_on_line(Unplugged(desk, 20))
    session._line._line = desk.line
    desk.unplugged = 1000

    class Dead:
        def feed(self, data: bytes) -> bytes:
            return b""

    desk.put_on_line(Dead())
    session._line._line = desk.line
    with pytest.raises(PortError, match="did not come back within"):
        flash_with(session, desk, SMALL)
    assert desk.time.s < 120


def flash_with(session: Any, desk: Any, image: MemoryImage) -> Flashed:
    return Flashing(session, diff=False, verify=True).run(plan(ChipMap(desk.file, image), image))


def cut_places() -> list[int]:
    """The operations of flashing SMALL: an erase and three programs."""
    return [1, 2, 3, 4]


class Prepared:
    """A desk whose second block holds something old."""

    def __init__(self, make_desk: Any) -> None:
        self.desk = make_desk()
        for page in range(0, 0x1000, 256):
            self.desk.chip.bus.write(SECOND + page, b"old page" * 32)
        window = self.desk.chip.bus.window_at(SECOND)
        assert isinstance(window.device, NorFlash)
        first = window.device.first + (SECOND - window.address) // 256
        self.block = slice(first, first + 0x4000 // 256)

    @property
    def cells(self) -> list[object]:
        return list(self.desk.chip.board.cells.values[self.block])


@pytest.fixture(scope="module")
def outcomes(make_desk: Any) -> list[tuple[int, list[object], list[Outcome], slice]]:
    """For each operation of flashing SMALL: its number, the cells before it, and what a cut may leave."""
    prepared = Prepared(make_desk)
    found: list[tuple[int, list[object], list[Outcome], slice]] = []

    def see(operation: Operation) -> None:
        left = prepared.desk.chip.board.cut_outcomes(operation)
        found.append((len(found) + 1, prepared.cells, left, prepared.block))

    prepared.desk.chip.board.rail.listeners = (see,)
    flash(prepared.desk, SMALL)
    assert [number for number, *_ in found] == cut_places()
    return found


@pytest.mark.parametrize("number", cut_places())
def test_a_power_cut_in_mid_write_leaves_what_the_flash_model_says_and_flashing_again_repairs_it(
    make_desk: Any, outcomes: list[tuple[int, list[object], list[Outcome], slice]], number: int
) -> None:
    _, before, lefts, block = outcomes[number - 1]
    assert len(lefts) > 3
    for index, left in enumerate(lefts):
        for policy in "onm":
            prepared = Prepared(make_desk)
            desk = prepared.desk
            desk.chip.cut_at(number, index)
            with pytest.raises(FlashError):
                flash(desk, SMALL, retries=0)
            assert not desk.chip.on
            assert desk.chip.last_cut.label == left.label
            expected = list(before)
            for cell, value in left.changes:
                expected[cell - block.start] = value
            assert prepared.cells == expected
            desk.chip.power_on(policy)
            again = flash(desk, SMALL, diff=True)
            assert contents(desk, SMALL) == SMALL
            if not again.erased_blocks:
                # All of it reads well, and nothing tells whether it will tomorrow: only without --diff it is sure to.
                flash(desk, SMALL)
            assert not [cell for cell in prepared.cells if isinstance(cell, Unstable)], (left.label, policy)


@pytest.mark.parametrize("number", cut_places())
def test_a_power_cut_that_the_client_lives_through_is_repaired_by_itself_whatever_it_left(
    make_desk: Any, outcomes: list[tuple[int, list[object], list[Outcome], slice]], number: int
) -> None:
    for index in range(len(outcomes[number - 1][2])):
        for policy in "on":
            prepared = Prepared(make_desk)
            desk = prepared.desk
            desk.put_on_line(ComesBack(desk, policy))
            desk.chip.cut_at(number, index)
            session = desk.session()
            flash(desk, SMALL, session=session)
            assert contents(desk, SMALL) == SMALL
            assert not [cell for cell in prepared.cells if isinstance(cell, Unstable)]
            assert session.restarts == 1
