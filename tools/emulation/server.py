"""Carries bytes between a client's end of the line and the emulated board, for as long as it is asked to."""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Final

from deltabench.tools.emulation.endpoints import Endpoint
from deltabench.tools.emulation.paced_line import PacedLine

IDLE_S: Final = 0.2
"""How often the loop looks about when nothing happens."""
PATIENCE_S: Final = 1.0
"""A client that takes nothing for so long loses what was for it, as it would on a line that waits for nobody."""
READ_BYTES: Final = 1024


class Server:
    """Serves one line at one endpoint; ``between`` is called again and again, IDLE_S apart at most."""

    def __init__(
        self,
        line: PacedLine,
        endpoint: Endpoint,
        now_s: Callable[[], float],
        between: Callable[[], None] = lambda: None,
    ) -> None:
        self.lost_bytes = 0
        """What no client took in time."""
        self._line = line
        self._endpoint = endpoint
        self._now_s = now_s
        self._between = between
        self._unsent = b""
        self._stuck_since_s = 0.0

    def run(self, going: Callable[[], bool] = lambda: True) -> None:
        """Until ``going`` says no."""
        while going():
            self._turn()
            self._between()

    def _turn(self) -> None:
        """Wait for something to happen, and see to it."""
        readable = self._endpoint.readable if self._line.room >= READ_BYTES else []
        writable = [self._endpoint.writable] if self._unsent and self._endpoint.writable is not None else []
        came, _, _ = select.select(readable, writable, [], self._pause_s())
        if came:
            data = self._endpoint.receive(READ_BYTES)
            self._line.send(data, self._now_s())
        if not self._unsent:
            self._unsent = self._line.receive(self._now_s())
            self._stuck_since_s = self._now_s()
        self._send()

    def _pause_s(self) -> float:
        if self._unsent:
            return IDLE_S
        next_s = self._line.next_s
        return IDLE_S if next_s is None else min(max(next_s - self._now_s(), 0), IDLE_S)

    def _send(self) -> None:
        if not self._unsent:
            return
        taken = self._endpoint.send(self._unsent)
        self._unsent = self._unsent[taken:]
        now_s = self._now_s()
        if taken:
            self._stuck_since_s = now_s
        elif now_s - self._stuck_since_s > PATIENCE_S:
            self.lost_bytes += len(self._unsent)
            self._unsent = b""
