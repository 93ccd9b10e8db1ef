"""Who switches a board's power: the fixture of an emulated one, a relay on a serial port, or a fake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from deltabench.firmware_model.link.messages import POWER_REQUEST, Message
from deltabench.scenarios.boards.link import Link, LinkError, RefusedError
from deltabench.scenarios.boards.transport import Transport


class PowerSwitch(Protocol):
    """Power on and off.  When ``off`` returns the board has none, and when ``on`` returns it has come up."""

    def off(self) -> None: ...

    def on(self) -> None: ...


class FixturePower:
    """The power of an emulated board, which its fixture switches on request."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def off(self) -> None:
        self._switch(0)

    def on(self) -> None:
        self._switch(1)

    def _switch(self, on: int) -> None:
        try:
            self._link.ask(Message.POWER, POWER_REQUEST.pack(on, 0, 0))
        except RefusedError as error:
            raise LinkError(
                "the board is in no fixture that switches its power; name what does: --power relay:PORT"
            ) from error


class SerialRelay:
    """A relay module of the LCUS kind: a CH340 serial port whose microcontroller takes four bytes at 9,600 baud.

    The bytes are A0h, the relay's number, 1 (closed) or 0 (open), and the sum of these three; the module gives no
    answer.  ``closed_is_on``: the board is fed through the contact that is normally open.  ``wait`` is given the
    seconds that the supply takes to fall, and the board to start.
    """

    BAUD: Final = 9600
    START: Final = 0xA0

    def __init__(
        self,
        port: Transport,
        wait: Callable[[float], None],
        *,
        relay: int = 1,
        closed_is_on: bool = True,
        off_s: float = 0.5,
        on_s: float = 0.5,
    ) -> None:
        self._port = port
        self._wait = wait
        self._relay = relay
        self._closed_is_on = closed_is_on
        self._off_s = off_s
        self._on_s = on_s

    def off(self) -> None:
        self._switch(closed=not self._closed_is_on)
        self._wait(self._off_s)

    def on(self) -> None:
        self._switch(closed=self._closed_is_on)
        self._wait(self._on_s)

    def _switch(self, *, closed: bool) -> None:
        self._port.write(bytes([self.START, self._relay, closed, (self.START + self._relay + closed) & 0xFF]))


class FakePower:
    """Remembers what it was asked, and does it to whatever it was given."""

    def __init__(self, off: Callable[[], None] = lambda: None, on: Callable[[], None] = lambda: None) -> None:
        self.asked: list[str] = []
        self._off = off
        self._on = on

    def off(self) -> None:
        self.asked.append("off")
        self._off()

    def on(self) -> None:
        self.asked.append("on")
        self._on()
