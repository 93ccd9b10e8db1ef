"""What a handheld remote and its controller say to each other: the bodies of frames, and what proves who sent them.

A tag is HMAC-SHA-256 (RFC 2104, FIPS 180-4) by a key that both share, cut to its first 16 bytes: the least that RFC
2104, section 5, advises, half of the hash.  To guess one takes 2^128 tries on a line that carries 400 a second.  What
is tagged begins with who is speaking, so that no answer can ever pass for a request, whatever its bytes are.
"""

from __future__ import annotations

import enum
import hmac
from typing import Final, NamedTuple

from deltabench.firmware_model.formats import REMOTE_ANSWER, REMOTE_REQUEST

REQUEST: Final = b"deltabench remote request\0"
ANSWER: Final = b"deltabench remote answer\0"
TAG_BYTES: Final = 16
ANSWER_BIT: Final = 0x80
MOST_COUNTER: Final = (1 << 64) - 1


class Kind(enum.IntEnum):
    """What is asked for."""

    SAVE = 0x11
    RESTORE = 0x12


KINDS: Final = frozenset(map(int, Kind))


class Outcome(enum.IntEnum):
    """What came of it."""

    DONE = 0
    REFUSED = 1


class Request(NamedTuple):
    """``kind`` as in Kind."""

    kind: int
    counter: int


class Answer(NamedTuple):
    """To the request of this ``kind`` and ``counter``; ``outcome`` as in Outcome."""

    kind: int
    counter: int
    outcome: int


def request_body(key: bytes, request: Request) -> bytes:
    """The body of the frame that asks for something."""
    return _tagged(key, REQUEST, REMOTE_REQUEST.pack(*request, b"")[:-TAG_BYTES])


def answer_body(key: bytes, answer: Answer) -> bytes:
    """The body of the frame that answers."""
    kind, counter, outcome = answer
    return _tagged(key, ANSWER, REMOTE_ANSWER.pack(kind | ANSWER_BIT, counter, outcome, b"")[:-TAG_BYTES])


def read_request(key: bytes, body: bytes) -> Request | None:
    """What a body asks for; None if whoever holds ``key`` did not send it."""
    if len(body) != REMOTE_REQUEST.fixed_bytes or not _is_authentic(key, REQUEST, body):
        return None
    kind, counter, _ = REMOTE_REQUEST.unpack(body)
    return Request(kind, counter) if kind in KINDS else None


def read_answer(key: bytes, body: bytes) -> Answer | None:
    """What a body answers; None if whoever holds ``key`` did not send it."""
    if len(body) != REMOTE_ANSWER.fixed_bytes or not _is_authentic(key, ANSWER, body):
        return None
    kind, counter, outcome, _ = REMOTE_ANSWER.unpack(body)
    return Answer(kind & ~ANSWER_BIT, counter, outcome)


def tag_of(key: bytes, speaker: bytes, fields: bytes) -> bytes:
    """What proves that whoever holds ``key`` said ``fields``, as ``speaker``."""
    return hmac.digest(key, speaker + fields, "sha256")[:TAG_BYTES]


def _tagged(key: bytes, speaker: bytes, fields: bytes) -> bytes:
    return fields + tag_of(key, speaker, fields)


def _is_authentic(key: bytes, speaker: bytes, body: bytes) -> bool:
    # Compared in a time that does not tell how many bytes are right.
    return bool(key) and hmac.compare_digest(tag_of(key, speaker, body[:-TAG_BYTES]), body[-TAG_BYTES:])
