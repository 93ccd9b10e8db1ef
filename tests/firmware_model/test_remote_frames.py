"""What remote and controller say to each other: who holds the key can say it, nobody else, and only as who it is."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltabench.firmware_model.link.remote_frames import (
    MOST_COUNTER,
    Answer,
    Kind,
    Outcome,
    Request,
    answer_body,
    read_answer,
    read_request,
    request_body,
)

KEY = bytes(range(16))
KEYS = st.binary(min_size=1, max_size=80)
REQUESTS = st.builds(Request, st.sampled_from(Kind), st.integers(0, MOST_COUNTER))
ANSWERS = st.builds(Answer, st.sampled_from(Kind), st.integers(0, MOST_COUNTER), st.sampled_from(Outcome))


def test_a_request_is_its_fields_and_half_of_their_hmac() -> None:
    fields = bytes.fromhex("11 05 00 00 00 00 00 00 00")
    tag = hmac.new(KEY, b"deltabench remote request\0" + fields, hashlib.sha256).digest()
    assert request_body(KEY, Request(Kind.SAVE, 5)) == fields + tag[:16]


def test_an_answer_is_its_fields_and_half_of_their_hmac() -> None:
    fields = bytes.fromhex("92 05 00 00 00 00 00 00 00 01")
    tag = hmac.new(KEY, b"deltabench remote answer\0" + fields, hashlib.sha256).digest()
    assert answer_body(KEY, Answer(Kind.RESTORE, 5, Outcome.REFUSED)) == fields + tag[:16]


@given(KEYS, REQUESTS, ANSWERS)
def test_what_is_said_is_heard_by_who_holds_the_key(key: bytes, request_: Request, answer: Answer) -> None:
    assert read_request(key, request_body(key, request_)) == request_
    assert read_answer(key, answer_body(key, answer)) == answer


@given(REQUESTS, st.data())
def test_a_request_with_any_byte_wrong_or_of_any_other_length_is_none(request_: Request, data: st.DataObject) -> None:
    body = bytearray(request_body(KEY, request_))
    place, bit = data.draw(st.integers(0, len(body) - 1)), 1 << data.draw(st.integers(0, 7))
    body[place] ^= bit
    assert read_request(KEY, bytes(body)) is None
    body[place] ^= bit
    for wrong in (body[:place], body[place + 1 :], body + b"\0", body + body):
        assert read_request(KEY, bytes(wrong)) is None


@given(REQUESTS, ANSWERS)
def test_neither_passes_for_the_other_nor_does_one_with_its_tag(request_: Request, answer: Answer) -> None:
    asked, answered = request_body(KEY, request_), answer_body(KEY, answer)
    assert read_request(KEY, answered) is None
    assert read_answer(KEY, asked) is None
    # The fields of a request, behind a tag that was given to an answer of the same bytes.
    passed_off = hmac.digest(KEY, b"deltabench remote answer\0" + asked[:9], "sha256")[:16]
    assert read_request(KEY, asked[:9] + passed_off) is None


@given(REQUESTS)
def test_another_key_or_none_makes_no_request(request_: Request) -> None:
    assert read_request(b"another key", request_body(KEY, request_)) is None
    assert read_request(b"", request_body(b"", request_)) is None


@pytest.mark.parametrize("kind", [0x00, 0x01, 0x10, 0x13, 0x21, 0x91])
def test_a_request_of_an_unknown_kind_is_none_even_with_the_key(kind: int) -> None:
    assert read_request(KEY, request_body(KEY, Request(kind, 1))) is None
