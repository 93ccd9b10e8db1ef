"""The handheld remote itself (figure 3B): what somebody holds in the hand, and presses.

It has a key and a battery, and so a counter that outlives every power cut of the device.  It says each thing until it
is answered, and believes only answers that are authentic.
"""

from __future__ import annotations

from typing import Final

from deltabench.firmware_model.commands import Command, Opcode
from deltabench.firmware_model.formats import REMOTE_ANSWER
from deltabench.firmware_model.link.framing import FrameReceiver, encode_frame
from deltabench.firmware_model.link.remote_frames import Answer, Kind, Request, read_answer, request_body

KIND_OF: Final = {int(Opcode.SAVE): Kind.SAVE, int(Opcode.RESTORE): Kind.RESTORE}


class Handheld:
    """``counter`` is that of the last thing said."""

    def __init__(self, key: bytes, counter: int = 0) -> None:
        self.key = key
        self.counter = counter
        self._receiver = FrameReceiver(REMOTE_ANSWER.fixed_bytes)

    def press(self, command: Command) -> Request:
        """A button is pressed: what is to be said from now on, until it is answered."""
        self.counter += 1
        return Request(KIND_OF[command.opcode], self.counter)

    def frame(self, request: Request) -> bytes:
        """What goes out for a request, the first time and each time again."""
        return encode_frame(request_body(self.key, request))

    def hear(self, data: bytes) -> list[Answer]:
        """The authentic answers in what comes in."""
        answers = [read_answer(self.key, body) for body in self._receiver.feed(data)]
        return [answer for answer in answers if answer is not None]

    def twin(self) -> Handheld:
        """One that goes on from here by itself, for what is undone again."""
        return Handheld(self.key, self.counter)
