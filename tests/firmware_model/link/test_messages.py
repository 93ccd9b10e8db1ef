from __future__ import annotations

from deltabench.firmware_model.formats import crc32
from deltabench.firmware_model.link.messages import (
    ANSWER_BIT,
    FIXTURE,
    MEANING_OF_RESULT,
    MESSAGES,
    Message,
    Result,
    digest,
)


def test_every_message_and_every_result_stands_in_the_table() -> None:
    assert [row.message for row in MESSAGES] == list(Message)
    assert list(MEANING_OF_RESULT) == list(Result)


def test_a_type_is_for_the_firmware_or_for_the_fixture_and_never_looks_like_an_answer() -> None:
    assert all(message < ANSWER_BIT for message in Message)
    assert Message.LEAVE < FIXTURE <= Message.FIT


def test_blocks_that_end_in_their_own_crc_have_different_digests() -> None:
    one, other = (body + crc32(body) + bytes(100) for body in (b"one slot", b"other on"))
    assert crc32(one) == crc32(other)
    assert digest(one) != digest(other)
