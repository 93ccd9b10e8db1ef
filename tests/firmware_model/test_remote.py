"""The remote's commands: done once each, whatever power does; all else that comes in on the line changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltabench.firmware_model import commands
from deltabench.firmware_model.commands import Error
from deltabench.firmware_model.config import CacheMode, FirmwareConfig, StoreKind
from deltabench.firmware_model.controller import DeltaController, State, atom_count
from deltabench.firmware_model.errors import ConfigurationError
from deltabench.firmware_model.formats import REMOTE_SECTOR
from deltabench.firmware_model.link.framing import FrameReceiver, encode_frame
from deltabench.firmware_model.link.remote_frames import (
    MOST_COUNTER,
    Answer,
    Kind,
    Outcome,
    Request,
    answer_body,
    read_answer,
    request_body,
)
from deltabench.firmware_model.schemes import SCHEMES
from deltabench.hwsim.board import Board, SwitchSpec
from deltabench.hwsim.clock import NS_PER_MS

KEY = b"a key of the tests, and of nobody else"
UNITS = 20
SAFE = [scheme for scheme in SCHEMES if scheme != "plain"]
COUNTED = ("accepted", "duplicated", "refused", "replayed", "forged", "malformed", "overlong", "overruns")


class Hand:
    """A device with the hand that holds its remote."""

    def __init__(self, device: Any) -> None:
        self.device = device
        self.line = device.board.uarts["radio"]

    def say(self, *pieces: bytes, ms: int = 4) -> list[Answer]:
        """Send bytes, give the device some time after each piece, and return what it answers."""
        receiver, answers = FrameReceiver(64), []
        for piece in pieces:
            self.line.remote.write(piece)
            for _ in range(ms):
                self.device.controller.tick()
                bodies = receiver.feed(self.line.remote.read(1000))
                answers += [read_answer(KEY, body) for body in bodies]
        assert None not in answers, "a device says nothing but authentic answers"
        return [answer for answer in answers if answer is not None]

    def counted(self) -> dict[str, int]:
        """What REMOTE STATUS counts and is not 0."""
        (sector,) = self.device.must(commands.REMOTE_STATUS).data
        magic, _, reserved, _, *counts = REMOTE_SECTOR.unpack(sector)
        assert (magic, reserved, len(sector)) == (b"DBRS", bytes(3), 512)
        return {name: count for name, count in zip(COUNTED, counts, strict=True) if count}

    def state(self) -> tuple[int, int, str]:
        """State, counter and reason from REMOTE STATUS."""
        (sector,) = self.device.must(commands.REMOTE_STATUS).data
        _, state, _, counter, *_ = REMOTE_SECTOR.unpack(sector)
        return state, counter, sector[REMOTE_SECTOR.fixed_bytes :].rstrip(b"\0").decode()


def frame(kind: Kind, counter: int, key: bytes = KEY) -> bytes:
    return encode_frame(request_body(key, Request(kind, counter)))


def done(kind: Kind, counter: int) -> list[Answer]:
    return [Answer(kind, counter, Outcome.DONE)]


def refused(kind: Kind, counter: int) -> list[Answer]:
    return [Answer(kind, counter, Outcome.REFUSED)]


@pytest.fixture
def new_hand(new_device: Any, new_board: Callable[..., Board]) -> Callable[..., Hand]:
    def new(key: bytes = KEY, switches: dict[str, SwitchSpec] | None = None, **settings: Any) -> Hand:
        board = new_board(uarts=("radio",), switches=switches)
        board.otp_key = key
        return Hand(new_device(board, **{"store": StoreKind.NVRAM, "units": UNITS, "remote": "radio", **settings}))

    return new


@pytest.fixture
def hand(new_hand: Callable[..., Hand]) -> Hand:
    """With something written since the save point, so that a save and a restore would each change an image."""
    hand = new_hand()
    hand.device.write(1, "saved")
    hand.device.save()
    hand.device.write(1, "live")
    return hand


def images(hand: Hand) -> tuple[str, str]:
    """Sector 1 of the live image and of the save-point image."""
    return hand.device.read(1, 1)[0], hand.device.read_saved()[1]


def unchanged(hand: Hand, *pieces: bytes) -> list[Answer]:
    """Send bytes that must change neither image nor any medium; returns the answers."""
    before, digest = images(hand), hand.device.board.cells.digest
    answers: list[Answer] = []
    assert hand.device.operations(lambda: answers.extend(hand.say(*pieces))) == []
    assert hand.device.board.cells.digest == digest
    assert images(hand) == before
    return answers


def test_a_save_is_done_answered_and_counted(hand: Hand) -> None:
    assert hand.say(frame(Kind.SAVE, 1)) == done(Kind.SAVE, 1)
    assert images(hand) == ("live", "live")
    assert hand.counted() == {"accepted": 1}
    assert hand.state() == (0, 1, "")


def test_a_restore_is_done_answered_and_counted(hand: Hand) -> None:
    assert hand.say(frame(Kind.RESTORE, 7)) == done(Kind.RESTORE, 7)
    assert images(hand) == ("saved", "saved")
    assert hand.counted() == {"accepted": 1}
    assert hand.state() == (0, 7, "")


def test_the_tick_that_does_a_command_says_so(hand: Hand) -> None:
    hand.line.remote.write(frame(Kind.SAVE, 1))
    assert [hand.device.controller.tick() for _ in range(3)] == [True, False, False]


def test_a_duplicate_of_the_last_request_is_answered_and_not_done_again(hand: Hand) -> None:
    hand.say(frame(Kind.SAVE, 5))
    hand.device.write(1, "later")
    for _ in range(3):
        assert unchanged(hand, frame(Kind.SAVE, 5)) == done(Kind.SAVE, 5)
    assert images(hand) == ("later", "live")
    assert hand.counted() == {"accepted": 1, "duplicated": 3}


@pytest.mark.parametrize(("kind", "counter"), [(Kind.SAVE, 4), (Kind.RESTORE, 4), (Kind.SAVE, 0), (Kind.RESTORE, 5)])
def test_a_request_that_is_not_new_is_neither_done_nor_answered(hand: Hand, kind: Kind, counter: int) -> None:
    hand.say(frame(Kind.SAVE, 5))
    hand.device.write(1, "later")
    assert unchanged(hand, frame(kind, counter)) == []
    assert hand.counted() == {"accepted": 1, "replayed": 1}


def test_a_request_may_skip_counters_up_to_the_last_there_is(hand: Hand) -> None:
    for counter in (1, 300, 1 << 40, MOST_COUNTER):
        assert hand.say(frame(Kind.SAVE, counter)) == done(Kind.SAVE, counter)
    assert unchanged(hand, frame(Kind.SAVE, 1)) == []


def test_what_was_accepted_is_known_after_power_was_off(hand: Hand) -> None:
    hand.say(frame(Kind.SAVE, 5))
    hand.device.write(1, "later")
    hand.device.power_cycle()
    assert hand.state() == (0, 5, "")
    assert unchanged(hand, frame(Kind.SAVE, 4)) == []
    assert unchanged(hand, frame(Kind.SAVE, 5)) == done(Kind.SAVE, 5)
    assert hand.counted() == {"replayed": 1, "duplicated": 1}
    assert hand.say(frame(Kind.SAVE, 6)) == done(Kind.SAVE, 6)


@pytest.mark.parametrize(
    "body",
    [
        request_body(b"another key", Request(Kind.SAVE, 9)),
        request_body(KEY, Request(Kind.SAVE, 9))[:-1],
        request_body(KEY, Request(Kind.SAVE, 9))[:-16],
        request_body(KEY, Request(Kind.SAVE, 9))[:-16] + bytes(16),
        request_body(KEY, Request(Kind.SAVE, 9))[:-1] + b"\0",
        bytes([Kind.RESTORE]) + request_body(KEY, Request(Kind.SAVE, 9))[1:],
        request_body(KEY, Request(0x13, 9)),
        answer_body(KEY, Answer(Kind.SAVE, 9, Outcome.DONE)),
        answer_body(KEY, Answer(Kind.SAVE, 9, Outcome.DONE))[:25],
        b"",
    ],
)
def test_a_frame_that_is_no_authentic_request_is_counted_as_forged(hand: Hand, body: bytes) -> None:
    assert unchanged(hand, encode_frame(body)) == []
    assert hand.counted() == {"forged": 1}


def test_a_frame_cut_off_at_any_byte_is_counted_as_malformed_and_costs_nothing_else(hand: Hand) -> None:
    whole = frame(Kind.SAVE, 9)
    cut = [whole[:kept] for kept in range(2, len(whole) - 1)]
    assert unchanged(hand, *cut, b"\0") == []
    assert hand.counted() == {"malformed": len(cut)}
    assert hand.say(whole) == done(Kind.SAVE, 9)


def test_a_frame_in_pieces_with_time_between_them_is_whole(hand: Hand) -> None:
    assert hand.say(*(bytes([byte]) for byte in frame(Kind.SAVE, 1))) == done(Kind.SAVE, 1)


def test_two_commands_that_arrive_together_are_done_in_two_ticks(hand: Hand) -> None:
    hand.line.remote.write(frame(Kind.SAVE, 1)[:-1] + frame(Kind.RESTORE, 2))
    assert [hand.device.controller.tick() for _ in range(4)].count(True) == 2
    assert hand.counted() == {"accepted": 2}


def test_a_tick_judges_one_frame_at_most_and_takes_no_more_while_others_wait(hand: Hand) -> None:
    hand.line.remote.write(encode_frame(b"") * 30)
    judged = []
    for _ in range(5):
        hand.device.controller.tick()
        judged.append(hand.counted().get("forged", 0))
    assert judged == [1, 2, 3, 4, 5]


def test_a_flood_does_not_keep_host_or_switches_waiting_and_the_remote_is_heard_behind_it(
    new_hand: Callable[..., Hand],
) -> None:
    hand = new_hand(switches={"save": SwitchSpec(bounce_us=0)})
    board, tick = hand.device.board, hand.device.controller.tick
    hand.device.write(1, "live")
    saves = 0
    board.switches["save"].press(20 * NS_PER_MS, 50 * NS_PER_MS)
    for ms in range(100):
        hand.line.remote.write(frame(Kind.SAVE, 9, b"another key") * 5 + bytes([1 + ms % 255]) * 400)
        board.clock.advance_ns(NS_PER_MS)
        saves += tick()
        hand.device.write(2, f"during {ms}")
    assert saves == 1
    assert hand.counted()["overruns"] > 10_000
    assert hand.device.read_saved()[1] == "live"
    hand.say(b"\0", ms=20)
    assert hand.say(frame(Kind.SAVE, 9)) == done(Kind.SAVE, 9)


def test_a_remote_that_does_not_listen_to_its_answers_blocks_nothing(hand: Hand) -> None:
    hand.say(frame(Kind.SAVE, 1))
    for _ in range(50):
        hand.line.remote.write(frame(Kind.SAVE, 1))
        hand.device.controller.tick()
    assert hand.counted() == {"accepted": 1, "duplicated": 50}
    assert hand.line.remote.overruns > 0


def test_a_device_that_was_never_paired_takes_no_frame_for_authentic(new_hand: Callable[..., Hand]) -> None:
    hand = new_hand(key=b"")
    hand.device.write(1, "live")
    assert unchanged(hand, frame(Kind.SAVE, 1), frame(Kind.SAVE, 2, b"")) == []
    assert hand.counted() == {"forged": 2}
    assert hand.state() == (1, 0, "not paired: the chip holds no key")


def test_a_refused_device_refuses_and_the_counter_is_as_good_as_before(hand: Hand) -> None:
    hand.device.controller.state = State.REFUSED
    before = hand.device.board.cells.digest
    assert hand.say(frame(Kind.SAVE, 1)) == refused(Kind.SAVE, 1)
    assert hand.say(frame(Kind.SAVE, 1)) == refused(Kind.SAVE, 1)
    assert hand.device.board.cells.digest == before
    assert hand.counted() == {"refused": 2}
    hand.device.power_cycle()
    assert hand.say(frame(Kind.SAVE, 1)) == done(Kind.SAVE, 1)


def test_a_device_that_has_lost_maps_refuses(hand: Hand) -> None:
    hand.device.lose_atom(1)
    hand.device.power_cycle()
    assert hand.device.status().state == State.MAPS_LOST
    assert hand.say(frame(Kind.RESTORE, 1)) == refused(Kind.RESTORE, 1)


def test_a_lost_counter_is_not_guessed_and_the_host_is_served(hand: Hand) -> None:
    hand.say(frame(Kind.SAVE, 5))
    hand.device.lose_atom(atom_count(SCHEMES[hand.device.config.scheme], hand.device.config) - 1)
    hand.device.power_cycle()
    for counter in (4, 5, 6):
        assert unchanged(hand, frame(Kind.SAVE, counter)) == refused(Kind.SAVE, counter)
    assert hand.counted() == {"refused": 3}
    assert hand.state()[0] == 2
    assert "no good copy" in hand.state()[2]
    hand.device.write(1, "by the host")
    hand.device.save()
    hand.device.power_cycle()
    assert images(hand) == ("by the host", "by the host")


def test_while_the_supply_fails_nothing_is_begun(hand: Hand) -> None:
    hand.device.board.rail.failing = True
    assert hand.say(frame(Kind.SAVE, 1)) == []
    hand.device.board.rail.failing = False
    assert hand.say() == []
    assert hand.say(b"") == done(Kind.SAVE, 1)


def test_a_controller_without_a_remote_has_no_remote_status(new_device: Any) -> None:
    device = new_device(store=StoreKind.NVRAM)
    assert device.execute(commands.REMOTE_STATUS).error == Error.ABRT


@pytest.mark.parametrize(("uarts", "known"), [((), "none"), (("radio", "debug"), "radio, debug")])
def test_a_remote_on_a_line_that_is_not_there_is_refused(
    new_board: Callable[..., Board], uarts: tuple[str, ...], known: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        DeltaController(new_board(uarts=uarts), FirmwareConfig(remote="radoi"))
    message = str(caught.value)
    assert message == f"remote = 'radoi': no such serial line; the board has {known}; name it in uarts of [board]"


def test_a_device_without_a_remote_has_the_atoms_that_it_had_before_there_were_remotes() -> None:
    config = FirmwareConfig(units=64)
    for scheme in SCHEMES.values():
        assert atom_count(scheme, config) == 1 + len(scheme.initial_atoms(64, 10, 8))


def test_a_save_includes_what_the_write_cache_holds(new_hand: Callable[..., Hand]) -> None:
    hand = new_hand(cache=CacheMode.WRITE_BACK)
    hand.device.write(1, "cached")
    assert hand.say(frame(Kind.SAVE, 1)) == done(Kind.SAVE, 1)
    assert images(hand) == ("cached", "cached")


def test_a_restore_makes_void_what_the_write_cache_holds(new_hand: Callable[..., Hand]) -> None:
    hand = new_hand(cache=CacheMode.WRITE_BACK)
    hand.device.write(1, "cached")
    assert hand.say(frame(Kind.RESTORE, 1)) == done(Kind.RESTORE, 1)
    assert images(hand) == ("", "")


@pytest.mark.parametrize("cache", CacheMode)
@pytest.mark.parametrize("store", StoreKind)
@pytest.mark.parametrize("scheme", SAFE)
@pytest.mark.parametrize("kind", Kind)
def test_a_command_cut_anywhere_is_done_once_by_boot_or_by_sending_it_again(
    new_hand: Callable[..., Hand], kind: Kind, scheme: str, store: StoreKind, cache: CacheMode
) -> None:
    hand = new_hand(scheme=scheme, store=store, cache=cache, log_records=4)
    device = hand.device
    device.write(1, "saved")
    hand.say(frame(Kind.SAVE, 1))
    device.write(1, "live", fua=True)
    device.write(2, "cached")
    before = ("live", "saved")
    after = ("live", "live") if kind is Kind.SAVE else ("saved", "saved")
    request = frame(kind, 3)

    def check(what: str) -> None:
        recovered = images(hand)
        assert recovered in (before, after), what
        if recovered == after:
            assert kind is Kind.RESTORE or device.read(2, 1) == ["cached"], what
            device.write(1, "next", fua=True)
            assert unchanged(hand, request) == done(kind, 3), what
        else:
            assert hand.say(request) == done(kind, 3), what
            assert images(hand) == after, what
            device.write(1, "next", fua=True)
        assert unchanged(hand, request, frame(Kind.SAVE, 1), frame(kind, 2)) == done(kind, 3), what
        device.power_cycle()
        assert unchanged(hand, request, frame(Kind.SAVE, 1)) == done(kind, 3), what
        assert images(hand) == ("next", after[1]), what
        assert hand.say(frame(Kind.SAVE, 4)) == done(Kind.SAVE, 4), what
        assert images(hand) == ("next", "next"), what

    assert device.cut_everywhere(lambda: hand.say(request), check) > 0
    assert images(hand) == after


def test_a_pending_command_waits_until_the_device_is_ready(new_hand: Callable[..., Hand]) -> None:
    hand = new_hand(scheme="history")
    device, cells = hand.device, hand.device.board.cells
    device.write(1, "live")
    # Power is lost behind the commit point, before anything of the save is done.
    vars(device.controller)["_remote"].accept(Request(Kind.SAVE, 1))
    mark = len(cells.journal)
    device.lose_atom(0)
    device.power_cycle()
    assert device.status().state == State.REFUSED
    assert hand.say(frame(Kind.SAVE, 1), frame(Kind.SAVE, 2)) == refused(Kind.SAVE, 1) + refused(Kind.SAVE, 2)
    cells.rollback(mark)
    device.power_cycle()
    assert images(hand) == ("live", "live")
    device.write(1, "later")
    assert unchanged(hand, frame(Kind.SAVE, 1)) == done(Kind.SAVE, 1)


HOSTILE = st.one_of(
    st.binary(max_size=40),
    st.just(b"\0"),
    st.just(b"\xff" * 300),
    st.binary(max_size=30).map(encode_frame),
    st.builds(
        lambda kind, counter, place, bit: encode_frame(_flipped(request_body(KEY, Request(kind, counter)), place, bit)),
        st.sampled_from(Kind), st.integers(0, MOST_COUNTER), st.integers(0, 24), st.integers(0, 7),
    ),
    st.builds(
        lambda kind, counter, kept: b"\0" + frame(kind, counter)[:kept] + b"\0",
        st.sampled_from(Kind), st.integers(0, MOST_COUNTER), st.integers(0, 29),
    ),
    st.builds(frame, st.sampled_from(Kind), st.integers(0, 7)),
    st.builds(
        lambda kind, counter, outcome: encode_frame(answer_body(KEY, Answer(kind, counter, outcome))),
        st.sampled_from(Kind), st.integers(0, MOST_COUNTER), st.sampled_from(Outcome),
    ),
)  # fmt: skip


def _flipped(body: bytes, place: int, bit: int) -> bytes:
    return body[:place] + bytes([body[place] ^ 1 << bit]) + body[place + 1 :]


@given(st.lists(HOSTILE, max_size=40), st.lists(st.integers(1, 400), max_size=40))
def test_whatever_comes_in_nothing_is_accepted_nothing_stops_and_buffers_stay_small(
    new_hand_once: Callable[[], Hand], hostile: list[bytes], sizes: list[int]
) -> None:
    hand = new_hand_once()
    device, data = hand.device, b"".join(hostile)
    before, digest = images(hand), device.board.cells.digest
    remote = vars(device.controller)["_remote"]
    while data:
        size = sizes.pop() if sizes else len(data)
        hand.line.remote.write(data[:size])
        data = data[size:]
        assert not device.controller.tick()
        assert device.read(1, 1) == ["live"]
        assert len(vars(vars(remote)["_receiver"])["_held"]) <= 32
        assert len(vars(remote)["_bodies"]) <= 32
    for _ in range(300):
        assert not device.controller.tick()
    hand.line.remote.read(1000)
    assert "accepted" not in hand.counted()
    assert device.board.cells.digest == digest
    assert images(hand) == before
    assert hand.say(b"\0" + frame(Kind.RESTORE, 8)) == done(Kind.RESTORE, 8)


@pytest.fixture(scope="module")
def new_hand_once(new_device: Any, new_board: Callable[..., Board]) -> Callable[[], Hand]:
    """As ``new_hand``, for a test that wants many: with counter 7 accepted, and something written since."""

    def new() -> Hand:
        board = new_board(uarts=("radio",))
        board.otp_key = KEY
        hand = Hand(new_device(board, store=StoreKind.NVRAM, units=4, remote="radio"))
        hand.device.write(1, "saved")
        hand.say(frame(Kind.SAVE, 7))
        hand.device.power_cycle()
        hand.device.write(1, "live")
        return hand

    return new
