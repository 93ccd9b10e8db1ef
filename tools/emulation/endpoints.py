"""Where a client finds the emulated board: a pseudo-terminal, as a serial device would be, or a TCP port."""

from __future__ import annotations

import os
import socket
import tty
from pathlib import Path
from typing import Protocol

from deltabench.tools.stm32.errors import FlashError
from deltabench.tools.stm32.transport import PSEUDO_TERMINALS


class EndpointError(FlashError):
    """A place that the board cannot be offered at."""


class Endpoint(Protocol):
    """One client at a time, which may go and come back.  ``url`` is what it gives as its port."""

    url: str

    @property
    def readable(self) -> list[int]:
        """The file descriptors on which to wait for a client and for what it sends."""

    @property
    def writable(self) -> int | None:
        """The one on which to wait for room to send; None if there is no client."""

    def receive(self, most_bytes: int) -> bytes:
        """What has arrived; does not wait."""

    def send(self, data: bytes) -> int:
        """How many of these bytes were taken; all of them if nobody is there to hear."""

    def close(self) -> None: ...


class PseudoTerminal:
    """A pty; ``link``, if given, is a symbolic link to it as long as it is there."""

    def __init__(self, link: Path | None = None) -> None:
        """Raises EndpointError if the link cannot be made, or something else has its name."""
        # The device stays open at this end: a pty whose last client has gone would report an error until the next.
        self._master, self._device = os.openpty()
        tty.setraw(self._device)
        os.set_blocking(self._master, False)
        self.url = os.ttyname(self._device)
        self._link = link
        if link is not None:
            try:
                # Left behind by a board that was killed; whatever else has the name is somebody's own.
                if link.is_symlink() and str(link.readlink()).startswith(PSEUDO_TERMINALS):
                    link.unlink()
                link.symlink_to(self.url)
            except OSError as error:
                self._link = None
                self.close()
                raise EndpointError(f"--link {link}: cannot be made: {error.strerror}; choose another name") from error

    @property
    def readable(self) -> list[int]:
        return [self._master]

    @property
    def writable(self) -> int | None:
        return self._master

    def receive(self, most_bytes: int) -> bytes:
        try:
            return os.read(self._master, most_bytes)
        except BlockingIOError:
            return b""

    def send(self, data: bytes) -> int:
        try:
            return os.write(self._master, data)
        except BlockingIOError:
            return 0

    def close(self) -> None:
        if self._link is not None and self._link.is_symlink() and self._link.readlink() == Path(self.url):
            self._link.unlink()
        os.close(self._master)
        os.close(self._device)


class TcpPort:
    """A listening TCP port; who comes while a client is there is sent away."""

    def __init__(self, host: str, port: int) -> None:
        """Port 0 is any that is free.  Raises EndpointError."""
        try:
            self._listener = socket.create_server((host, port))
        except OSError as error:
            raise EndpointError(f"--listen {host}:{port}: cannot listen there: {error.strerror or error}") from error
        self._listener.setblocking(False)
        self._client: socket.socket | None = None
        self.url = f"socket://{host}:{self._listener.getsockname()[1]}"

    @property
    def readable(self) -> list[int]:
        return [self._listener.fileno(), *([self._client.fileno()] if self._client is not None else [])]

    @property
    def writable(self) -> int | None:
        return self._client.fileno() if self._client is not None else None

    def receive(self, most_bytes: int) -> bytes:
        self._accept()
        if self._client is None:
            return b""
        try:
            data = self._client.recv(most_bytes)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._lose_client()
        return data

    def send(self, data: bytes) -> int:
        if self._client is None:
            return len(data)
        try:
            return self._client.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self._lose_client()
            return len(data)

    def close(self) -> None:
        self._lose_client()
        self._listener.close()

    def _accept(self) -> None:
        try:
            caller, _ = self._listener.accept()
        except OSError:
            # Nobody is there, or no longer.
            return
        if self._client is not None:
            caller.close()
            return
        caller.setblocking(False)
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = caller

    def _lose_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
