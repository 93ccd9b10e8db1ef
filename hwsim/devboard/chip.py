"""The microcontroller of a development board: power, boot pin, and who has the serial line, bootloader or application.

Power can be cut inside any media operation, as the bench does it: what has power again finds the media and the boot
pin, and nothing else.  The bytes on the line come from ``feed``'s caller and go back to it; there are no ports here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from deltabench.hwsim.board import Board, BoardSpec
from deltabench.hwsim.clock import NS_PER_MS, MediaTime
from deltabench.hwsim.devboard.bootloader import Bootloader, Departure, Event, OptionBytes, Told, untold
from deltabench.hwsim.devboard.bus import Bus, Ram
from deltabench.hwsim.devboard.pace import MediaPace
from deltabench.hwsim.devboard.spec import DevBoardFile
from deltabench.hwsim.errors import HardwareError
from deltabench.hwsim.instability import Adversary
from deltabench.hwsim.medium import Operation, Outcome


class ChipError(HardwareError):
    """A use of the chip that makes no sense."""


class Application(Protocol):
    """What runs after Go: one time of power of a firmware that talks over the serial line."""

    def feed(self, data: bytes) -> bytes:
        """Take what has arrived, in pieces of any length; returns what is sent back."""

    def tick(self) -> bool:
        """A millisecond has passed; whether something was done that a switch had asked for."""


class Cut(NamedTuple):
    """A power cut that happened: inside which operation, and which of how many outcomes it left."""

    operation: str
    outcome: int
    outcomes: int
    label: str


Choice = Callable[[int], int]
"""Which of so many outcomes is left."""


def _first(many: int) -> int:
    assert many, "there is always an outcome: that nothing has happened"
    return 0


class _PowerLost(BaseException):
    """Leaves whatever runs on the chip; it is not taken up again."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


class Chip:
    """The chip and its ``board``; without power at first, with the boot pin on the bootloader.

    ``launch(chip, address)`` makes the application that flash holds, or None if it holds none that could run: then the
    chip hangs, as a real one would.  Go into flash moves the boot pin as well, as if somebody had taken out the jumper:
    from then on each power-on and reset starts the application.  ``seed`` is of how switches bounce.  With ``timed``
    the board's clock runs on by what the media take.  ``told`` hears of what happens.
    """

    def __init__(
        self,
        file: DevBoardFile,
        spec: BoardSpec,
        launch: Callable[[Chip, int], Application | None] | None = None,
        *,
        seed: int = 1,
        timed: MediaTime | None = None,
        told: Told = untold,
    ) -> None:
        """Raises BoardError, DevBoardError or another HardwareError for devices that cannot be on this board."""
        self.file = file
        self.spec = spec
        self.board = Board(spec, near=file.near, seed=seed)
        # A board on a bench is never gone back in.
        self.board.cells.recording = False
        self.bus = Bus(file, self.board, spec)
        self.options = OptionBytes()
        self.on = False
        self.boots_application = False
        """Where the boot pin is."""
        self.last_cut: Cut | None = None
        self._launch = launch
        self._timed = timed
        self._told = told
        self._pace: MediaPace | None = None
        self._runs: Bootloader | Application | None = None
        self._operations_to_cut = 0
        self._choose: Choice = _first

    @property
    def application(self) -> Application | None:
        """What runs from flash; None without power, in the bootloader, and if the chip hangs."""
        return None if isinstance(self._runs, Bootloader) else self._runs

    @property
    def media_ns(self) -> int:
        """How long the media have been busy since power-on; 0 if they take no time."""
        return 0 if self._pace is None else self._pace.passed_ns

    @property
    def in_bootloader(self) -> bool:
        """Whether the line belongs to the system bootloader."""
        return isinstance(self._runs, Bootloader)

    @property
    def hangs(self) -> bool:
        """Whether there is power, and nothing that answers."""
        return self.on and self._runs is None

    def feed(self, data: bytes) -> bytes:
        """What is sent back for what arrives; nothing without power, and nothing at all if power fails in it.

        Raises nothing, unless the application does.
        """
        answer = b""
        with self._as_long_as_power_lasts():
            answer = self._serve(data)
        return answer if self.on else b""

    def elapse(self, milliseconds: int) -> int:
        """Let time go by; returns in how many milliseconds the application did what a switch had asked for."""
        done = 0
        with self._as_long_as_power_lasts():
            for _ in range(milliseconds):
                self.board.clock.advance_ns(NS_PER_MS)
                done += self.application is not None and self.application.tick()
        return done

    def power_on(self, policy: str = Adversary.FIRST_POLICY) -> None:
        """Start what the boot pin says; unstable cells read by ``policy``.  Nothing happens if there is power."""
        if self.on:
            return
        self.on = True
        self.board.adversary.power_on(policy)
        if self._timed is not None:
            media = [window.device for window in self.bus.windows if not isinstance(window.device, Ram)]
            self._pace = MediaPace(media, self.board.clock, self._timed)
            self.board.rail.meter = self._pace
        self._told(Event("power on"))
        with self._as_long_as_power_lasts():
            self._start(self.file.chip.flash_address)

    def power_off(self, choose: Choice | None = None) -> Cut:
        """Power is lost between two operations: of what drives still had to write, nothing is written.

        Or what ``choose`` says; returns what that was.
        """
        cut = Cut("between two operations", 0, 1, "nothing")
        if self.on:
            outcomes = self.board.idle_outcomes()
            number = (choose or _first)(len(outcomes))
            cut = Cut(cut.operation, number, len(outcomes), outcomes[number].label)
            self._lose_power(outcomes[number])
            self._told(Event("power off"))
        return cut

    def enter_bootloader(self) -> None:
        """Put the boot pin on the bootloader and press reset."""
        self.boots_application = False
        if self.on:
            self._start(self.file.chip.flash_address)

    def cut_at(self, operation: int, outcome: int | Choice) -> None:
        """Power fails inside the ``operation``-th media operation from now on, 1 being the next.

        ``outcome`` says which of its outcomes is left, modulo their number, or chooses one of so many.  One armed
        before is forgotten.
        """
        if operation < 1:
            raise ChipError(f"power cannot fail at operation {operation}: the next one is 1")
        self.cut_never()
        self._operations_to_cut = operation
        self._choose = (lambda many: outcome % many) if isinstance(outcome, int) else outcome
        self.board.rail.listeners = (*self.board.rail.listeners, self._count_down)

    def cut_never(self) -> None:
        """A cut that was armed, and has not come, is forgotten."""
        rail = self.board.rail
        rail.listeners = tuple(listener for listener in rail.listeners if listener != self._count_down)

    def refitted(self, spec: BoardSpec, seed: int) -> Chip:
        """The chip with other parts in the sockets, new from the factory; it keeps its flash, and is off."""
        other = Chip(self.file, spec, self._launch, seed=seed, timed=self._timed, told=self._told)
        other.options, other.boots_application = self.options, self.boots_application
        for window, mine in zip(other.bus.flash, self.bus.flash, strict=True):
            cells = self.board.cells.values[mine.first : mine.first + mine.size // mine.page_bytes]
            other.board.cells.put_all(window.first, cells)
        return other

    def _serve(self, data: bytes) -> bytes:
        """What a bootloader that departs has not read is for whatever comes after it."""
        answer = b""
        while self._runs is not None:
            bootloader = self._runs
            answer += bootloader.feed(data)
            if not isinstance(bootloader, Bootloader) or bootloader.departure is None:
                break
            self._depart(bootloader.departure)
            data = bootloader.unread
        return answer

    def _depart(self, departure: Departure) -> None:
        """Code in RAM is taken for what clients put there: something that resets the chip."""
        address = departure.address
        if address is None or self._in_ram(address):
            self._start(self.file.chip.flash_address)
        else:
            self.boots_application = True
            self._start(address)

    def _in_ram(self, address: int) -> bool:
        window = self.bus.window_at(address)
        return window is not None and isinstance(window.device, Ram)

    def _start(self, address: int) -> None:
        """What the boot pin says, after power-on, reset or Go."""
        self._runs = None
        if not self.boots_application:
            self._runs = Bootloader(self.file.chip, self.bus, self.options, self._told)
            return
        self._runs = self._launch(self, address) if self._launch is not None else None
        if self._runs is None:
            self._told(Event("hangs: there is no firmware to start at", address))

    @contextmanager
    def _as_long_as_power_lasts(self) -> Iterator[None]:
        try:
            yield
        except _PowerLost as lost:
            self._lose_power(lost.outcome)

    def _lose_power(self, left: Outcome) -> None:
        self.board.lose_power()
        self.bus.lose_power()
        for cell, value in left.changes:
            self.board.cells.put(cell, value)
        self._runs = None
        self.on = False

    def _count_down(self, operation: Operation) -> None:
        self._operations_to_cut -= 1
        if self._operations_to_cut:
            return
        self.cut_never()
        outcomes = self.board.cut_outcomes(operation)
        number = self._choose(len(outcomes))
        self.last_cut = Cut(str(operation), number, len(outcomes), outcomes[number].label)
        self._told(Event(f"power lost during {operation}; it leaves: {outcomes[number].label}"))
        raise _PowerLost(outcomes[number])
