"""Frames on a serial line: COBS with a zero byte between frames, and a CRC-32 behind each body.

COBS (Cheshire and Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on Networking 7(2), 1999) rewrites
a frame without zero bytes, so that a zero byte ends a frame wherever it stands: whoever has lost the thread waits for
the next one.  A CRC tells noise from frames, and nothing else: who sent a frame is for the layer above to ask.
"""

from __future__ import annotations

from typing import Final

from cobs import cobs

from deltabench.firmware_model.formats import crc32, intact

DELIMITER: Final = b"\0"
CRC_BYTES: Final = 4


def encode_frame(body: bytes) -> bytes:
    """The bytes on the line for ``body``; noise in front of them costs itself only, for they begin with a delimiter."""
    stuffed: bytes = cobs.encode(body + crc32(body))
    return DELIMITER + stuffed + DELIMITER


class FrameReceiver:
    """Finds the frames in whatever arrives, in pieces of any length; ``feed`` raises nothing.

    It holds at most one frame with a body of ``most_bytes``; what is longer is dropped up to the next delimiter.
    ``malformed`` counts what is no frame, ``overlong`` what is too long to be looked at.
    """

    def __init__(self, most_bytes: int) -> None:
        self.malformed = 0
        self.overlong = 0
        self._most_bytes = most_bytes
        self._most_stuffed: int = cobs.max_encoded_length(most_bytes + CRC_BYTES)
        self._held = b""
        self._dropping = False

    def feed(self, data: bytes) -> list[bytes]:
        """Take what has arrived; returns the bodies of the good frames that it completes."""
        *ends, rest = data.split(DELIMITER)
        bodies = []
        for end in ends:
            self._hold(end)
            body = self._ended()
            if body is not None:
                bodies.append(body)
        self._hold(rest)
        return bodies

    def _hold(self, piece: bytes) -> None:
        if self._dropping or len(self._held) + len(piece) > self._most_stuffed:
            self._held, self._dropping = b"", True
        else:
            self._held += piece

    def _ended(self) -> bytes | None:
        """A delimiter has come: the body of the frame in front of it, if there is one and it is good."""
        stuffed, self._held = self._held, b""
        if self._dropping:
            self._dropping = False
            self.overlong += 1
            return None
        if not stuffed:
            # Nothing between two delimiters: the end of one frame and the beginning of the next, or a line at break.
            return None
        try:
            sealed: bytes = cobs.decode(stuffed)
        except cobs.DecodeError:
            sealed = b""
        if len(sealed) < CRC_BYTES or not intact(sealed):
            self.malformed += 1
            return None
        body = sealed[:-CRC_BYTES]
        if len(body) > self._most_bytes:
            self.overlong += 1
            return None
        return body
