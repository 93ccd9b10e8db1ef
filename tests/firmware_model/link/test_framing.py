"""Frames: what goes in comes out, in pieces of any length, and out of any noise comes nothing, or what was sent."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltabench.firmware_model.formats import crc32
from deltabench.firmware_model.link.framing import DELIMITER, FrameReceiver, encode_frame

MOST = 40
BODIES = st.binary(max_size=MOST)
NOISE = st.lists(
    st.one_of(
        st.binary(max_size=30),
        BODIES.map(encode_frame),
        st.just(DELIMITER),
        st.binary(min_size=MOST, max_size=3 * MOST).map(encode_frame),
    )
).map(b"".join)


def received(*pieces: bytes) -> tuple[list[bytes], int, int]:
    """The bodies found in what arrives in these pieces, and what was counted as malformed and overlong."""
    receiver = FrameReceiver(MOST)
    bodies = [body for piece in pieces for body in receiver.feed(piece)]
    return bodies, receiver.malformed, receiver.overlong


@given(st.lists(BODIES))
def test_bodies_arrive_as_they_were_sent(bodies: list[bytes]) -> None:
    assert received(b"".join(map(encode_frame, bodies))) == (bodies, 0, 0)


@given(st.binary(max_size=600))
def test_a_frame_has_no_zero_byte_but_at_its_two_ends(body: bytes) -> None:
    frame = encode_frame(body)
    assert (frame[0], frame[-1], frame.count(DELIMITER)) == (0, 0, 2)
    assert FrameReceiver(600).feed(frame) == [body]


@given(NOISE, st.lists(st.integers(0, 200)))
def test_it_makes_no_difference_in_which_pieces_the_bytes_arrive(data: bytes, places: list[int]) -> None:
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    pieces = [data[begin:end] for begin, end in itertools.pairwise(edges)]
    assert received(*pieces) == received(data)
    assert received(*(bytes([byte]) for byte in data)) == received(data)


@given(NOISE, BODIES)
def test_a_good_frame_is_received_after_any_noise(noise: bytes, body: bytes) -> None:
    receiver = FrameReceiver(MOST)
    # The frame's own first delimiter ends the noise, whatever it was.
    *_, last = receiver.feed(noise + encode_frame(body))
    assert last == body


@given(BODIES, st.data())
def test_a_frame_cut_off_anywhere_costs_itself_only(body: bytes, data: st.DataObject) -> None:
    frame = encode_frame(body)
    kept = data.draw(st.integers(0, len(frame) - 2))
    bodies, malformed, overlong = received(frame[:kept] + encode_frame(b"next"))
    assert (bodies, malformed, overlong) == ([b"next"], int(kept > 1), 0)


@given(BODIES, st.data())
def test_a_frame_with_a_wrong_byte_is_no_frame(body: bytes, data: st.DataObject) -> None:
    frame = bytearray(encode_frame(body))
    place = data.draw(st.integers(1, len(frame) - 2))
    frame[place] = data.draw(st.integers(1, 255).filter(lambda byte: byte != frame[place]))
    assert received(bytes(frame)) == ([], 1, 0)


@pytest.mark.parametrize("length", [MOST + 1, MOST + 2, 3 * MOST, 10_000])
def test_a_frame_that_is_too_long_is_dropped_up_to_its_end_and_counted_once(length: int) -> None:
    # Zeros, which COBS packs without any overhead, and other bytes, which it does not.
    for body in (bytes(length), b"\x01" * length):
        assert received(encode_frame(body) + encode_frame(b"next")) == ([b"next"], 0, 1)


@pytest.mark.parametrize("length", [0, 1, MOST])
def test_a_frame_of_the_longest_body_is_received(length: int) -> None:
    for body in (bytes(length), b"\x01" * length):
        assert received(encode_frame(body)) == ([body], 0, 0)


def test_a_flood_without_any_delimiter_is_held_to_no_more_than_a_frame() -> None:
    receiver = FrameReceiver(MOST)
    most = 0
    for _ in range(1000):
        receiver.feed(b"\x55" * 7)
        most = max(most, len(vars(receiver)["_held"]))
    assert most <= len(encode_frame(bytes(MOST)))
    assert receiver.feed(encode_frame(b"next")) == [b"next"]
    assert (receiver.malformed, receiver.overlong) == (0, 1)


@pytest.mark.parametrize("delimiters", [1, 2, 50])
def test_nothing_between_delimiters_is_no_error(delimiters: int) -> None:
    assert received(DELIMITER * delimiters + encode_frame(b"body") + DELIMITER * delimiters) == ([b"body"], 0, 0)


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01\x02\x03", crc32(b"another body")])
def test_what_is_shorter_than_its_crc_or_fails_it_is_malformed(sealed: bytes) -> None:
    stuffed = bytes([len(sealed) + 1]) + sealed
    assert received(DELIMITER + stuffed + DELIMITER) == ([], 1, 0)
