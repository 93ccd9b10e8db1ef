"""Boards at the end of a line in simulated time: a client's waiting costs nothing, and is counted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deltabench.hwsim.board import BoardSpec, DeviceSpec
from deltabench.hwsim.clock import MediaTime
from deltabench.hwsim.devboard.chip import Chip
from deltabench.hwsim.devboard.spec import load_board
from deltabench.tools.emulation.paced_line import Machine, PacedLine
from deltabench.tools.stm32.errors import PortError
from deltabench.tools.stm32.line_rate import character_s
from deltabench.tools.stm32.session import Session

BAUD = 115_200


class Time:
    """A clock that runs on by what is waited for."""

    def __init__(self) -> None:
        self.s = 0.0

    def now_s(self) -> float:
        return self.s

    def sleep(self, duration_s: float) -> None:
        self.s += duration_s


class Port:
    """The client's end of a line."""

    def __init__(self, line: PacedLine, time: Time) -> None:
        self._line = line
        self._time = time
        self._arrived = b""

    def write(self, data: bytes) -> None:
        # A line that is full is waited for, as a driver does.
        while self._line.room < len(data):
            self._arrived += self._pass(self._line.next_s or self._time.s)
        self._line.send(data, self._time.s)

    def read(self, count: int, timeout_s: float) -> bytes:
        deadline_s = self._time.s + timeout_s
        while len(self._arrived) < count:
            next_s = self._line.next_s
            if next_s is None or next_s > deadline_s:
                self._time.s = deadline_s
                break
            self._arrived += self._pass(next_s)
        taken, self._arrived = self._arrived[:count], self._arrived[count:]
        return taken

    def receive(self, timeout_s: float) -> bytes:
        first = self.read(1, timeout_s)
        rest, self._arrived = self._arrived, b""
        return first + rest

    def discard_input(self) -> None:
        self._pass(self._time.s)
        self._arrived = b""

    def close(self) -> None:
        return

    def _pass(self, until_s: float) -> bytes:
        self._time.s = max(self._time.s, until_s)
        return self._line.receive(self._time.s)


class Desk:
    """A board on a desk: its chip, the line to it, and sessions of clients with it."""

    def __init__(
        self, board: str = "stm32f405", machine: Machine | None = None, timed: MediaTime | None = None
    ) -> None:
        self.file = load_board(board)
        devices = {"disk0": DeviceSpec(part="generic-disk", sectors=64), "fram0": DeviceSpec(part="FM25V10")}
        if "nor" in self.file.spec.sockets:
            devices["nor0"] = DeviceSpec(part="AT25SF041")
        self.spec = BoardSpec(devices=devices)
        self.chip = Chip(self.file, self.spec, timed=timed)
        self.chip.power_on()
        self.time = Time()
        self.told: list[str] = []
        self.unplugged = 0
        """So many attempts to open the port fail from now on."""
        self.put_on_line(machine or self.chip)

    def put_on_line(self, machine: Machine) -> None:
        self.line = PacedLine(machine, character_s(BAUD, "even"), lambda: self.chip.board.clock.now_ns)

    def connect(self) -> Port:
        if self.unplugged:
            self.unplugged -= 1
            raise PortError("port desk: went away")
        return Port(self.line, self.time)

    def session(self, retries: int = 3, board: str | None = None) -> Session:
        return Session(
            self.connect,
            load_board(board) if board else self.file,
            self.time,
            character_s=character_s(BAUD, "even"),
            retries=retries,
            where="the desk",
            told=self.told.append,
        )


MakeDesk = Callable[..., Desk]


@pytest.fixture(scope="session")
def make_desk() -> type[Desk]:
    return Desk
