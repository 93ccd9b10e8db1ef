"""A serial line between a client and a machine, character by character in time; it has no clock and no port of its own.

Both directions carry one character after the other.  While the machine's media are busy it reads nothing, and what it
answers comes after that.  What waits is bounded in both directions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from deltabench.hwsim.clock import NS_PER_S

MOST_ARRIVING: Final = 4_096
MOST_LEAVING: Final = 1 << 16
PIECE_BYTES: Final = 32
"""So many characters are handed on together: a client must see the beginning of a long answer before its end."""


class Machine(Protocol):
    """What is at the other end: it answers what it is fed."""

    def feed(self, data: bytes) -> bytes: ...


class PacedLine:
    """The line to ``machine``, at ``character_s`` a character; 0 is a line that takes no time.

    ``media_ns`` tells the machine's own clock: what it runs on by while it is fed is time that the client waits.
    """

    def __init__(self, machine: Machine, character_s: float, media_ns: Callable[[], int] = lambda: 0) -> None:
        self._machine = machine
        self._character_s = character_s
        self._media_ns = media_ns
        self._arriving: deque[tuple[float, bytes]] = deque()
        self._leaving: deque[tuple[float, bytes]] = deque()
        self._arriving_bytes = self._leaving_bytes = 0
        self._in_free_s = self._out_free_s = self._idle_s = 0.0

    @property
    def room(self) -> int:
        """How many bytes more may be sent towards the machine now."""
        return MOST_ARRIVING - self._arriving_bytes

    @property
    def next_s(self) -> float | None:
        """When something happens on the line next; None if it is at rest."""
        times = [self._leaving[0][0]] if self._leaving else []
        if self._arriving and self._leaving_bytes < MOST_LEAVING:
            times.append(max(self._arriving[0][0], self._idle_s))
        return min(times, default=None)

    def send(self, data: bytes, now_s: float) -> None:
        """The client sends; not more than there is ``room`` for."""
        for at in range(0, len(data), PIECE_BYTES):
            piece = data[at : at + PIECE_BYTES]
            self._in_free_s = max(now_s, self._in_free_s) + len(piece) * self._character_s
            self._arriving.append((self._in_free_s, piece))
        self._arriving_bytes += len(data)

    def receive(self, now_s: float) -> bytes:
        """What has come out at the client's end since it was last asked."""
        while self._arriving and self._leaving_bytes < MOST_LEAVING:
            began_s = max(self._arriving[0][0], self._idle_s)
            if began_s > now_s:
                break
            _, piece = self._arriving.popleft()
            self._arriving_bytes -= len(piece)
            before_ns = self._media_ns()
            answer = self._machine.feed(piece)
            # The machine may have got new parts meanwhile, and a clock that begins anew.
            self._idle_s = began_s + max(self._media_ns() - before_ns, 0) / NS_PER_S
            self._answer(answer)
        received = []
        while self._leaving and self._leaving[0][0] <= now_s:
            received.append(self._leaving.popleft()[1])
            self._leaving_bytes -= len(received[-1])
        return b"".join(received)

    def _answer(self, answer: bytes) -> None:
        for at in range(0, len(answer), PIECE_BYTES):
            piece = answer[at : at + PIECE_BYTES]
            self._out_free_s = max(self._idle_s, self._out_free_s) + len(piece) * self._character_s
            self._leaving.append((self._out_free_s, piece))
        self._leaving_bytes += len(answer)
