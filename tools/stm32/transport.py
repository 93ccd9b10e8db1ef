"""The serial line as the client sees it; it can be simulated."""

from __future__ import annotations

import os
from typing import Final, Literal, Protocol

import serial

from deltabench.tools.stm32.errors import PortError

Parity = Literal["even", "none"]
PARITIES: Final[dict[Parity, str]] = {"even": serial.PARITY_EVEN, "none": serial.PARITY_NONE}
WRITE_TIMEOUT_S: Final = 10
"""A port that takes nothing for so long will never take anything."""
MOST_RECEIVED: Final = 1 << 16
PSEUDO_TERMINALS: Final = ("/dev/pts/", "/dev/ttys")
"""Where Linux and macOS have them.  They carry bytes and no parity bits, and setting one is an error."""


class Transport(Protocol):
    """A line with a board at its other end; every method raises PortError if the port goes away."""

    def write(self, data: bytes) -> None:
        """Send all of ``data``."""

    def read(self, count: int, timeout_s: float) -> bytes:
        """``count`` bytes, or fewer if they have not come after ``timeout_s``."""

    def receive(self, timeout_s: float) -> bytes:
        """What has arrived; waits so long for the first byte, and returns b"" if none came."""

    def discard_input(self) -> None:
        """Forget what has arrived."""

    def close(self) -> None:
        """Give the port back."""


class SerialPort:
    """Any port that pyserial has a URL for: /dev/ttyUSB0, socket://host:port, rfc2217://host:port, …"""

    def __init__(self, url: str, baud: int, parity: Parity, option: str = "--port") -> None:
        """``option`` is what has named the port on the command line.  Raises PortError."""
        self._url = url
        try:
            self._port = serial.serial_for_url(
                url,
                baudrate=baud,
                parity=PARITIES["none" if os.path.realpath(url).startswith(PSEUDO_TERMINALS) else parity],
                timeout=0,
                write_timeout=WRITE_TIMEOUT_S,
                exclusive=True,
            )
        except Exception as error:
            # pyserial lets through whatever a driver, a socket or a URL's parts come to: ValueError, termios.error, …
            # Its own text says twice over what the operating system does, and names the port once more.
            known = isinstance(error, OSError) and error.errno
            reason = os.strerror(known) if known else str(error)
            raise PortError(
                f"port {url}: cannot be opened: {reason}; {option} takes a device (/dev/ttyUSB0) or a pyserial URL "
                f"(socket://localhost:3155), and the device must be yours to use (group dialout on Debian)"
            ) from error

    def write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except OSError as error:
            raise self._gone(error) from error

    def read(self, count: int, timeout_s: float) -> bytes:
        try:
            self._port.timeout = timeout_s
            return bytes(self._port.read(count))
        except OSError as error:
            raise self._gone(error) from error

    def receive(self, timeout_s: float) -> bytes:
        first = self.read(1, timeout_s)
        return first + self.read(MOST_RECEIVED, 0) if first else b""

    def discard_input(self) -> None:
        try:
            self._port.reset_input_buffer()
        except OSError as error:
            raise self._gone(error) from error

    def close(self) -> None:
        try:
            self._port.close()
        except OSError as error:
            raise self._gone(error) from error

    def _gone(self, error: OSError) -> PortError:
        return PortError(f"port {self._url}: went away: {error}")
