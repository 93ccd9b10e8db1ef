"""A serial line as the bench sees it, and one that leads to a board in this very process."""

from __future__ import annotations

from typing import Protocol


class Transport(Protocol):
    """Bytes out and bytes in; ``serial.Serial`` behind a thin layer, a socket, or a board in this process."""

    def write(self, data: bytes) -> None:
        """Send all of ``data``; raises LinkError if the line is gone."""

    def receive(self, timeout_s: float) -> bytes:
        """What has arrived; waits so long for the first byte; b"" if none came, or LinkError."""


class Machine(Protocol):
    """What is at the other end of a line: it answers what it is fed."""

    def feed(self, data: bytes) -> bytes: ...


class Loopback:
    """A line to a ``machine`` in this process, which answers at once or not at all."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._waiting = b""

    def write(self, data: bytes) -> None:
        self._waiting += self._machine.feed(data)

    def receive(self, timeout_s: float) -> bytes:
        """What waits; nobody else could bring more in the meantime, so that there is nothing to wait for."""
        taken, self._waiting = self._waiting, b""
        return taken
