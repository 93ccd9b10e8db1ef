from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltabench.firmware_model.link.framing import encode_frame
from deltabench.firmware_model.link.messages import (
    CUT_REQUEST,
    ELAPSE_REQUEST,
    HELLO_ANSWER,
    POWER_REQUEST,
    Message,
    request,
)
from deltabench.hwsim.clock import MediaTime
from deltabench.hwsim.devboard.spec import CONFIGURATION, load_board
from deltabench.scenarios.boards.emulated import EmulatedBoard
from deltabench.scenarios.boards.link import Link, LinkError, PowerLost, RefusedError
from deltabench.scenarios.boards.power_switch import FixturePower
from deltabench.scenarios.boards.target import BoardTarget, meet
from deltabench.scenarios.boards.transport import Loopback
from deltabench.scenarios.scenario import Variant, find_scenario

VARIANT = find_scenario("save-by-host").variant("flagged-nor")
ON, OFF = POWER_REQUEST.pack(1, 0, 0), POWER_REQUEST.pack(0, 0, 0)
LOADED = (0xA000_0000).to_bytes(4, "little") + bytes(512)
SYNC, ACK = b"\x7f", b"\x79"
Emulated = Callable[[Variant], EmulatedBoard]


def board_with(*, configuration: bytes, boots_application: bool = True) -> EmulatedBoard:
    file = load_board()
    board = EmulatedBoard(file, VARIANT.scenario.document.board)
    board.chip.bus.write(file.regions[CONFIGURATION].address, configuration)
    board.chip.boots_application = boots_application
    board.chip.power_off()
    board.chip.power_on()
    return board


def test_a_new_board_is_in_its_bootloader_and_everything_goes_there() -> None:
    board = EmulatedBoard(load_board(), VARIANT.scenario.document.board)
    assert board.feed(encode_frame(request(Message.POWER, 1, OFF))) == b""
    assert board.chip.on
    assert board.feed(SYNC).endswith(ACK)


def test_a_board_in_its_bootloader_is_told_from_one_that_does_not_answer() -> None:
    board = EmulatedBoard(load_board(), VARIANT.scenario.document.board)
    link = Link(Loopback(board))
    with pytest.raises(LinkError, match="is in its system bootloader, and no firmware runs"):
        meet(link, FixturePower(link))


def test_a_firmware_whose_configuration_is_torn_still_answers() -> None:
    link = Link(Loopback(board_with(configuration=b"DB")))
    assert HELLO_ANSWER.unpack(link.ask(Message.HELLO))[0] == 1
    with pytest.raises(RefusedError, match="no configuration block begins here"):
        link.ask(Message.BOOT)


def test_without_a_firmware_the_chip_hangs_and_the_fixture_does_not() -> None:
    board = board_with(configuration=b"")
    assert board.chip.hangs
    link = Link(Loopback(board))
    with pytest.raises(LinkError, match="does not answer HELLO"):
        link.ask(Message.HELLO)
    link.ask(Message.POWER, OFF)
    assert not board.chip.on


def test_the_fixture_answers_while_power_is_off_and_the_firmware_does_not(emulated: Emulated) -> None:
    link = Link(Loopback(emulated(VARIANT)))
    link.ask(Message.POWER, OFF)
    with pytest.raises(LinkError):
        link.ask(Message.HELLO)
    link.ask(Message.POWER, ON)
    link.ask(Message.HELLO)


def test_power_is_lost_in_the_operation_that_was_asked_for(emulated: Emulated) -> None:
    board = emulated(VARIANT)
    link = Link(Loopback(board))
    link.ask(Message.CUT, CUT_REQUEST.pack(2, 0, 0))
    operations = board.chip.board.rail.operations
    sectors = [(0xA000_0000 + 512 * n).to_bytes(4, "little") + bytes([n]) * 512 for n in range(3)]
    for sector in sectors[:2]:
        link.ask(Message.LOAD, sector)
    with pytest.raises(PowerLost) as lost:
        link.ask(Message.LOAD, sectors[2])
    assert board.chip.board.rail.operations == operations + 2
    assert str(lost.value) == "disk0 write FUA 0x2+1; it leaves: nothing"
    assert not board.chip.on


class Loses(Loopback):
    """A line that loses the first frames that come back once it is told to."""

    losing = 0

    def receive(self, timeout_s: float) -> bytes:
        data = super().receive(timeout_s)
        if data and self.losing:
            self.losing -= 1
            return b""
        return data


@pytest.mark.parametrize("message", [Message.LOAD, Message.ELAPSE])
def test_that_power_was_lost_is_said_again_if_the_word_of_it_is_lost(emulated: Emulated, message: Message) -> None:
    variant = find_scenario("switches-that-bounce").variants()[0]
    board = emulated(variant)
    link = Link(line := Loses(board))
    target = BoardTarget(variant, link, FixturePower(link), load_board())
    controller = target.boot()
    if message is Message.LOAD:
        target.power.off()
        target.power.on()
    else:
        controller.elapse(20)
        target.press("save", 80)
    target.cut(0)
    line.losing = 2
    with pytest.raises(PowerLost):
        target.link.ask(message, LOADED if message is Message.LOAD else ELAPSE_REQUEST.pack(60))
    assert not board.chip.on
    target.power.on()
    target.link.ask(Message.HELLO)


def test_a_bench_that_begins_anew_with_the_number_of_the_last_request_is_heard(emulated: Emulated) -> None:
    board = emulated(VARIANT)
    for _ in range(2):
        link = Link(Loopback(board))
        link.ask(Message.POWER, OFF)
        assert not board.chip.on
        link.ask(Message.POWER, ON)
        link.ask(Message.HELLO)


@pytest.mark.parametrize("timed", [None, MediaTime.TYPICAL])
def test_simulated_time_that_goes_by_is_no_time_that_the_media_take(timed: MediaTime | None) -> None:
    board = EmulatedBoard(load_board(), VARIANT.scenario.document.board, timed=timed)
    board.start_without_firmware()
    link = Link(Loopback(board))
    link.ask(Message.LOAD, LOADED)
    before_ns = board.chip.media_ns
    assert bool(before_ns) is (timed is not None)
    link.ask(Message.ELAPSE, ELAPSE_REQUEST.pack(60_000))
    assert board.chip.media_ns == before_ns


def test_leaving_the_firmware_leads_to_the_bootloader(emulated: Emulated) -> None:
    board = emulated(VARIANT)
    link = Link(Loopback(board))
    link.ask(Message.LEAVE)
    assert board.chip.in_bootloader


def test_refitting_keeps_the_flash_of_the_chip_and_nothing_else(emulated: Emulated) -> None:
    board = emulated(VARIANT)
    link = Link(Loopback(board))
    link.ask(Message.LOAD, (0xA000_0000).to_bytes(4, "little") + b"x" * 512)
    link.ask(Message.FIT, bytes(4) + b'{"devices": {"disk7": {"part": "generic-disk", "sectors": 8}}}')
    link.ask(Message.POWER, ON)
    link.ask(Message.HELLO)
    assert list(board.chip.board.media) == ["disk7"]
    assert board.chip.bus.read(0xA000_0000, 4) == bytes(4)


@pytest.mark.parametrize(
    ("message", "payload", "said"),
    [
        (Message.FIT, bytes(4) + b"{}", "devices"),
        (Message.FIT, bytes(4) + b'{"devices": {"x": {"part": "nothing"}}}', "there is no part 'nothing'"),
        (Message.READINGS, b"z", "one of o, n, f, g, m"),
        (Message.READINGS, b"\xff", "WRONG_PAYLOAD"),
        (Message.PRESS, bytes(8) + b"eject", "has no switch 'eject'"),
        (Message.ELAPSE, b"\xff\xff\xff\xff", "at most 600000"),
        (Message.CUT, b"", "WRONG_PAYLOAD"),
        (Message.RADIO, b"air\0hello", "has no serial line b'air'"),
    ],
)
def test_what_the_fixture_cannot_do_it_says(emulated: Emulated, message: Message, payload: bytes, said: str) -> None:
    with pytest.raises(RefusedError) as caught:
        Link(Loopback(emulated(VARIANT))).ask(message, payload)
    assert said in str(caught.value)


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=50),
            st.tuples(st.integers(0, 0x7F), st.binary(max_size=12)).map(lambda m: encode_frame(request(m[0], 7, m[1]))),
        ),
        max_size=20,
    )
)
def test_whatever_comes_over_the_line_a_power_cycle_makes_the_board_answer(pieces: list[bytes]) -> None:
    board = board_with(configuration=b"DBC1")
    for piece in pieces:
        board.feed(piece)
    board.chip.power_off()
    board.chip.boots_application = True
    board.chip.power_on()
    board.feed(b"\0")
    assert HELLO_ANSWER.unpack(Link(Loopback(board)).ask(Message.HELLO))[0] == 1
