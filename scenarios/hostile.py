"""What somebody without the key may send to a device that listens to a remote, and what the device must count it as."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final, NamedTuple

from deltabench.firmware_model.commands import RESTORE, SAVE
from deltabench.firmware_model.link.framing import DELIMITER, encode_frame
from deltabench.firmware_model.link.remote_frames import (
    ANSWER,
    TAG_BYTES,
    Answer,
    Kind,
    Outcome,
    Request,
    answer_body,
    request_body,
    tag_of,
)
from deltabench.scenarios.handheld import Handheld
from deltabench.scenarios.scenario import Hostile

LINE_BYTES_A_MS: Final = 11
"""What a line of 115,200 baud carries in a millisecond: ten bits a byte."""
FLOOD_BYTES_A_MS: Final = 400
FLOOD_MS: Final = 100


class Attack(NamedTuple):
    """``stream`` comes in at so many bytes a millisecond.

    ``counted``: by exactly how much each count goes up; of ``others`` any may, and one must if there is nothing exact.
    ``answered`` is what the device must answer.
    """

    stream: bytes
    counted: dict[str, int]
    others: tuple[str, ...] = ()
    answered: tuple[Answer, ...] = ()
    bytes_a_ms: int = LINE_BYTES_A_MS


class Recorded(NamedTuple):
    """What somebody has recorded on the line: requests that were accepted, and ones that were never delivered."""

    accepted: Sequence[Request]
    held_back: Sequence[Request]


def attack(kind: Hostile, remote: Handheld, recorded: Recorded, draw: random.Random) -> Attack:
    """One attack of a kind; ``remote`` is a twin of the one whose frames are recorded, altered or cut."""
    match kind:
        case Hostile.REPLAYED:
            old = recorded.accepted[:-1]
            return Attack(b"".join(map(remote.frame, old)), {"replayed": len(old)})
        case Hostile.DUPLICATED:
            last = recorded.accepted[-1]
            return Attack(remote.frame(last), {"duplicated": 1}, answered=(Answer(*last, Outcome.DONE),))
        case Hostile.OUT_OF_ORDER:
            late = recorded.held_back
            return Attack(b"".join(map(remote.frame, late)), {"replayed": len(late)})
        case Hostile.REFLECTED:
            answers = [answer_body(remote.key, Answer(*request, Outcome.DONE)) for request in recorded.accepted]
            return Attack(b"".join(map(encode_frame, answers)), {"forged": len(answers)})
        case Hostile.FORGED:
            bodies = list(dict.fromkeys(_forgeries(remote, draw)))
            return Attack(b"".join(map(encode_frame, bodies)), {"forged": len(bodies)})
        case Hostile.TRUNCATED:
            whole = remote.frame(remote.press(draw.choice((SAVE, RESTORE))))
            cut = [whole[:kept] for kept in range(2, len(whole) - 1)]
            return Attack(b"".join(cut) + DELIMITER, {"malformed": len(cut)})
        case Hostile.NOISE:
            return Attack(_noise(remote, draw), {}, ("malformed", "overlong"))
        case Hostile.FLOOD:
            others = ("overruns", "malformed", "overlong", "forged")
            return Attack(_flood(remote, draw), {}, others, bytes_a_ms=FLOOD_BYTES_A_MS)


def _forgeries(remote: Handheld, draw: random.Random) -> list[bytes]:
    """Bodies that look like requests, each wrong in another way; the tags that they are made from are of new ones."""
    bodies = []
    for command in (SAVE, RESTORE):
        right = request_body(remote.key, remote.press(command))
        fields, tag = right[:-TAG_BYTES], right[-TAG_BYTES:]
        kind, counter = fields[0], remote.counter
        bodies.append(request_body(draw.randbytes(32), Request(kind, counter)))
        bodies += [fields + _flipped(tag, byte, draw.randrange(8)) for byte in range(TAG_BYTES)]
        bodies += [fields + tag[:kept] for kept in range(TAG_BYTES)]
        bodies += [right + b"\0", fields + bytes(TAG_BYTES), fields + tag_of(b"", b"", fields)]
        bodies.append(bytes([kind ^ Kind.SAVE ^ Kind.RESTORE]) + right[1:])
        bodies.append(bytes([kind]) + (counter + 1).to_bytes(8, "little") + tag)
        bodies.append(fields + tag_of(remote.key, ANSWER, fields))
    return bodies


def _flipped(tag: bytes, byte: int, bit: int) -> bytes:
    return tag[:byte] + bytes([tag[byte] ^ 1 << bit]) + tag[byte + 1 :]


def _noise(remote: Handheld, draw: random.Random) -> bytes:
    """Random bytes, breaks, bytes without an end, and beginnings and ends of frames that are good."""
    pieces = []
    for _ in range(20):
        whole = remote.frame(remote.press(SAVE))
        pieces += [
            draw.randbytes(draw.randrange(60)),
            DELIMITER * draw.randrange(12),
            bytes(draw.randrange(1, 256) for _ in range(draw.randrange(90))),
            whole[: draw.randrange(2, len(whole) - 2)],
            b"\x02",
            whole[draw.randrange(2, len(whole)) :],
        ]
    return b"".join(pieces)


def _flood(remote: Handheld, draw: random.Random) -> bytes:
    """More than the line carries, frame after frame and with no end in sight by turns."""
    pieces, length = [], 0
    while length < FLOOD_MS * FLOOD_BYTES_A_MS:
        forged = encode_frame(request_body(draw.randbytes(32), Request(Kind.SAVE, remote.counter + 1)))
        pieces += [forged * draw.randrange(20), bytes([draw.randrange(1, 256)]) * draw.randrange(1500)]
        length += len(pieces[-1]) + len(pieces[-2])
    return b"".join(pieces)
