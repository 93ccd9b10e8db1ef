"""The messages of the board link, byte by byte: the one table that code and docs/boards.md use.

A message is the body of a frame (framing.py): a head, and behind it what the table says.  Each request is answered by
one answer of the same sequence number.  All integers are little-endian and unsigned.
"""

from __future__ import annotations

import enum
import struct
from hashlib import sha256
from typing import Final, NamedTuple

PROTOCOL_VERSION: Final = 1
HEAD: Final = struct.Struct("<BH")
ANSWER_HEAD: Final = struct.Struct("<BHB")
ANSWER_BIT: Final = 0x80
"""Set in the type of an answer."""
MOST_PAYLOAD: Final = 16_384
MOST_BODY: Final = ANSWER_HEAD.size + MOST_PAYLOAD


class Result(enum.IntEnum):
    """How a request ended."""

    DONE = 0
    UNKNOWN_MESSAGE = 1
    WRONG_PAYLOAD = 2
    NOT_NOW = 3
    NO_CONFIGURATION = 4
    MEDIUM_ERROR = 5
    STOPPED = 6


MEANING_OF_RESULT: Final = {
    Result.DONE: "the payload is what the table says",
    Result.UNKNOWN_MESSAGE: "whoever is at the end of the line does not know this message",
    Result.WRONG_PAYLOAD: "the payload is of the wrong length, or says what cannot be",
    Result.NOT_NOW: "LOAD, SPOIL and FORMAT are for a controller that is not booted, COMMAND for one that is",
    Result.NO_CONFIGURATION: "no sound configuration block is there, or none that fits the board; the payload says why",
    Result.MEDIUM_ERROR: "there is nothing at this address, or it cannot be read; the payload says what",
    Result.STOPPED: "the firmware stopped; the payload says where",
}


class Message(enum.IntEnum):
    """Types of requests: below 0x40 for the firmware, from 0x40 on for the fixture that an emulated board is in."""

    HELLO = 0x01
    DUMP = 0x02
    DIGEST = 0x03
    LOAD = 0x04
    SPOIL = 0x05
    FORMAT = 0x06
    BOOT = 0x07
    COMMAND = 0x08
    PUT = 0x09
    GET = 0x0A
    LEAVE = 0x0B
    FIT = 0x40
    POWER = 0x41
    CUT = 0x42
    READINGS = 0x43
    PRESS = 0x44
    ELAPSE = 0x45
    RADIO = 0x46
    POWER_LOST = 0x7F


NEVER: Final = 0xFFFFFFFF
"""The operation of a CUT that takes back the one before."""
FIXTURE: Final = 0x40
"""The first type that is not for the firmware."""

HELLO_ANSWER: Final = struct.Struct("<BBHIII")
DUMP_REQUEST: Final = struct.Struct("<II")
DIGEST_REQUEST: Final = struct.Struct("<III")
DIGEST_ENTRY: Final = struct.Struct("<B8s")
LOAD_REQUEST: Final = struct.Struct("<I")
BOOT_ANSWER: Final = struct.Struct("<I")
COMMAND_REQUEST: Final = struct.Struct("<BQI")
COMMAND_ANSWER: Final = struct.Struct("<BBQII")
BUFFER_REQUEST: Final = struct.Struct("<II")
PUT_REQUEST: Final = struct.Struct("<I")
POWER_REQUEST: Final = struct.Struct("<BBI")
CUT_REQUEST: Final = struct.Struct("<IBI")
PRESS_REQUEST: Final = struct.Struct("<II")
FIT_REQUEST: Final = struct.Struct("<I")
ELAPSE_REQUEST: Final = struct.Struct("<I")
ELAPSE_ANSWER: Final = struct.Struct("<I")
LOST_EVENT: Final = struct.Struct("<III")


class Described(NamedTuple):
    """A row of the table: the message, what its request and its answer carry, and what it is for."""

    message: Message
    request: str
    answer: str
    meaning: str


MESSAGES: Final = (
    Described(
        Message.HELLO, "", "version 1, state 1 (0 not booted, 1 booted), reserved 2, most payload 4, transfer "
        "buffer 4, CRC of the configuration block 4", "who is there",
    ),
    Described(Message.DUMP, "address 4, length 4", "the bytes", "read the bus"),
    Described(
        Message.DIGEST, "address 4, block size 4, blocks 4", "for each block: readable 1, digest 8",
        "find out what has changed, without reading it",
    ),
    Described(Message.LOAD, "address 4, bytes", "", "write to the bus, erasing what has to be erased"),
    Described(Message.SPOIL, "address 4", "", "make the disk sector there uncorrectable (WRITE UNCORRECTABLE EXT)"),
    Described(Message.FORMAT, "", "", "make the device as it leaves the factory"),
    Described(Message.BOOT, "", "media operations 4", "boot the controller, which recovers and then serves commands"),
    Described(
        Message.COMMAND, "opcode 1, LBA 8, count 4, sectors, if they are not in the transfer buffer",
        "status 1, error 1, LBA 8, count 4, media operations since BOOT 4, sectors, if they fit",
        "one host command",
    ),
    Described(Message.PUT, "offset 4, bytes", "", "fill the transfer buffer for a write too long for one message"),
    Described(Message.GET, "offset 4, length 4", "the bytes", "fetch what a read left in the transfer buffer"),
    Described(Message.LEAVE, "", "", "leave the firmware for the system bootloader"),
    Described(
        Message.FIT, "seed 4, the `[board]` table as JSON", "",
        "put these parts into the sockets, new from the factory; power is off afterwards",
    ),
    Described(
        Message.POWER, "on 1 (0 off, 1 on), chosen 1, outcome 4", "outcome 4, outcomes there were 4, operation 4",
        "switch the power; off: what drives' caches still write, chosen as in CUT",
    ),
    Described(
        Message.CUT, "operation 4, chosen 1 (0 by number, 1 by seed), outcome 4", "",
        "cut the power in the media operation that comes after so many others from now on; the outcome by its number, "
        "modulo how many there are, or drawn; operation FFFFFFFFh: not at all",
    ),
    Described(Message.READINGS, "policy 1", "", "how unstable cells read from the next power-on on (onfgm)"),
    Described(Message.PRESS, "milliseconds 4, reserved 4, name of the switch", "", "press a switch from now on"),
    Described(
        Message.ELAPSE, "milliseconds 4", "saves and restores done by switches 4", "let simulated time go by"
    ),
    Described(
        Message.RADIO, "name of the serial line, a zero byte, bytes", "the bytes that the device has said",
        "say something on another serial line, as the handheld remote does",
    ),
    Described(
        Message.POWER_LOST, "", "outcome 4, outcomes there were 4, operation 4, in words",
        "no request: the fixture's answer, with its number, to any in which the power was cut as asked, and to all for "
        "the chip from then on, until POWER or FIT",
    ),
)  # fmt: skip


def digest(block: bytes) -> bytes:
    """The first eight bytes of SHA-256, for DIGEST.

    A CRC would not do: what ends in its own CRC, as all our structures do, has the same one whatever it says.
    """
    return sha256(block).digest()[:8]


def as_markdown() -> str:
    """The tables of the link in docs/boards.md."""
    lines = ["| type | message | request | answer | what for |", "| --- | --- | --- | --- | --- |"]
    for message, request, answer, meaning in MESSAGES:
        lines.append(f"| 0x{message:02X} | {message.name} | {request or '-'} | {answer or '-'} | {meaning} |")
    lines += ["", "| result | name | meaning |", "| --- | --- | --- |"]
    lines += [f"| {result.value} | {result.name} | {meaning} |" for result, meaning in MEANING_OF_RESULT.items()]
    return "\n".join(lines) + "\n"


def request(message: int, sequence: int, payload: bytes = b"") -> bytes:
    """The body of a request."""
    return HEAD.pack(message, sequence) + payload


def answer(message: int, sequence: int, result: Result, payload: bytes = b"") -> bytes:
    """The body of an answer."""
    return ANSWER_HEAD.pack(message | ANSWER_BIT, sequence, result) + payload
