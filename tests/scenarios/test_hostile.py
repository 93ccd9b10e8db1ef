"""What is sent to a device by somebody without the key is what it says, and the same each time."""

from __future__ import annotations

import random

import pytest

from deltabench.firmware_model.commands import RESTORE, SAVE
from deltabench.firmware_model.link.framing import FrameReceiver
from deltabench.firmware_model.link.remote_frames import Request, read_answer, read_request
from deltabench.scenarios.handheld import Handheld
from deltabench.scenarios.hostile import FLOOD_BYTES_A_MS, LINE_BYTES_A_MS, Attack, Recorded, attack
from deltabench.scenarios.scenario import Hostile

KEY = bytes(range(32))


def recorded() -> tuple[Handheld, Recorded]:
    """A remote whose buttons were pressed six times; every second time what it said arrived."""
    remote = Handheld(KEY)
    said = [remote.press(command) for command in (SAVE, SAVE, RESTORE, RESTORE, SAVE, SAVE)]
    return remote, Recorded(said[1::2], said[::2])


def attacked(kind: Hostile, seed: int = 1) -> Attack:
    remote, known = recorded()
    return attack(kind, remote, known, random.Random(seed))


def requests(stream: bytes) -> tuple[list[Request], int, int]:
    """The authentic requests in a stream, how many frames are none, and what is no frame at all."""
    receiver = FrameReceiver(64)
    read = [read_request(KEY, body) for body in receiver.feed(stream)]
    return [request for request in read if request is not None], read.count(None), receiver.malformed


@pytest.mark.parametrize("kind", Hostile)
def test_an_attack_is_the_same_each_time(kind: Hostile) -> None:
    assert attacked(kind) == attacked(kind)


@pytest.mark.parametrize("kind", Hostile)
def test_no_attack_has_a_request_that_a_device_would_have_to_accept(kind: Hostile) -> None:
    _, known = recorded()
    for seed in range(20):
        found, _, _ = requests(attacked(kind, seed).stream)
        assert set(found) <= {*known.accepted, *known.held_back}


def test_recorded_requests_are_sent_again_as_they_were() -> None:
    _, known = recorded()
    assert requests(attacked(Hostile.REPLAYED).stream) == (list(known.accepted[:-1]), 0, 0)
    assert requests(attacked(Hostile.DUPLICATED).stream) == (list(known.accepted[-1:]), 0, 0)
    assert requests(attacked(Hostile.OUT_OF_ORDER).stream) == (list(known.held_back), 0, 0)


def test_forged_and_reflected_frames_are_good_frames_and_no_requests() -> None:
    for kind in (Hostile.FORGED, Hostile.REFLECTED):
        hostile = attacked(kind)
        assert requests(hostile.stream) == ([], hostile.counted["forged"], 0)
    answers = FrameReceiver(64).feed(attacked(Hostile.REFLECTED).stream)
    assert None not in [read_answer(KEY, body) for body in answers]


def test_forgeries_have_every_byte_of_the_tag_wrong_alone_and_every_length_of_it() -> None:
    remote, _ = recorded()
    new = remote.press(SAVE)
    (right,) = FrameReceiver(64).feed(remote.frame(new))
    bodies = FrameReceiver(64).feed(attacked(Hostile.FORGED).stream)
    near = [body for body in bodies if len(body) == len(right) and body[:9] == right[:9]]
    wrong = [[place for place in range(9, 25) if body[place] != right[place]] for body in near]
    assert [places for places in wrong if len(places) == 1] == [[place] for place in range(9, 25)]
    assert {len(body) for body in bodies if body[:9] == right[:9]} == set(range(9, 27))


def test_a_truncated_frame_is_cut_at_every_byte() -> None:
    hostile = attacked(Hostile.TRUNCATED)
    assert requests(hostile.stream) == ([], 0, hostile.counted["malformed"])
    assert hostile.counted["malformed"] == 29


def test_only_a_flood_comes_faster_than_the_line_carries() -> None:
    for kind in Hostile:
        wanted = FLOOD_BYTES_A_MS if kind is Hostile.FLOOD else LINE_BYTES_A_MS
        assert attacked(kind).bytes_a_ms == wanted
