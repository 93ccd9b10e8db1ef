"""A serial line as a pipe of bytes with two ends: no framing, no baud rate, no parity.

What a frame looks like, and what garbles it, is for whoever talks over the line.
"""

from __future__ import annotations

from deltabench.hwsim.errors import HardwareError


class UartError(HardwareError):
    """A use of the serial line that makes no sense."""


class UartEnd:
    """One end: what is written here waits at the other end, in a FIFO of limited depth, to be read.

    ``overruns`` counts the bytes that reached this end while its FIFO was full and so were lost.
    """

    __slots__ = ("_fifo", "_peer", "fifo_bytes", "overruns")

    def __init__(self, fifo_bytes: int) -> None:
        self.fifo_bytes = fifo_bytes
        self.overruns = 0
        self._fifo = b""
        self._peer = self

    @property
    def waiting(self) -> int:
        """Bytes that can be read here now."""
        return len(self._fifo)

    def write(self, data: bytes) -> None:
        """Send ``data`` to the other end. The sender does not learn of overruns there."""
        self._peer._receive(data)

    def read(self, max_bytes: int) -> bytes:
        """Take up to ``max_bytes`` of what waits here, oldest first; b"" if nothing does.

        Raises UartError if ``max_bytes`` is negative.
        """
        if max_bytes < 0:
            raise UartError(f"cannot read {max_bytes} bytes: a count is 0 or more")
        taken, self._fifo = self._fifo[:max_bytes], self._fifo[max_bytes:]
        return taken

    def _receive(self, data: bytes) -> None:
        kept = data[: self.fifo_bytes - len(self._fifo)]
        self._fifo += kept
        self.overruns += len(data) - len(kept)


class Uart:
    """A line between the ``device`` and the ``remote`` that it talks to.

    ``fifo_bytes`` is the depth of each end's receive FIFO, the driver's ring buffer included.
    """

    __slots__ = ("device", "remote")

    def __init__(self, *, fifo_bytes: int = 256) -> None:
        if fifo_bytes < 1:
            raise UartError(f"a FIFO of {fifo_bytes} bytes cannot carry anything: 1 or more")
        self.device = UartEnd(fifo_bytes)
        self.remote = UartEnd(fifo_bytes)
        self.device._peer, self.remote._peer = self.remote, self.device

    def lose_power(self) -> tuple[bytes, bytes, int, int]:
        """Empty both FIFOs: bytes under way are gone, whichever way they went.

        Returns what was in them, for ``regain``.  The counts of overruns stay.
        """
        contents = (self.device._fifo, self.remote._fifo, self.device.overruns, self.remote.overruns)
        self.device._fifo = self.remote._fifo = b""
        return contents

    def regain(self, contents: tuple[bytes, bytes, int, int]) -> None:
        """Put back what ``lose_power`` found, overruns included: for a bench that undoes the cut."""
        self.device._fifo, self.remote._fifo, self.device.overruns, self.remote.overruns = contents
