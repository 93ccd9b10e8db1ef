"""The device under test: a board with a firmware on it, to be powered on, used and cut off.

The firmware is a guest: whatever it raises while it boots or executes is a finding, and no error of the bench.
"""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from deltabench.firmware_model import commands
from deltabench.firmware_model.commands import MOST_SECTORS, Command, Response
from deltabench.firmware_model.config import FirmwareConfig
from deltabench.firmware_model.controller import Controller, State
from deltabench.firmware_model.errors import ConfigurationError
from deltabench.firmware_model.translation.geometry import geometry_for
from deltabench.hwsim.board import Board
from deltabench.hwsim.disk import SECTOR_BYTES, ZERO_SECTOR
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.power import Listener, OperationLimitError
from deltabench.scenarios.oracle import UNREADABLE, Image, Rule, Violation

COMMAND_LIMIT = 16
"""A command that takes so many times more media operations than a boot may, and it has sectors, hangs."""


def boot_limit(board: Board, firmware: FirmwareConfig) -> int:
    """The most media operations that a boot may take: 64, 4 a unit, and 4 checkpoints of each NAND flash."""
    limit = 64 + 4 * firmware.units
    for medium in board.media.values():
        if isinstance(medium, NandFlash):
            # A guest may do without a translation layer, on a flash that is too small for one.
            with suppress(ConfigurationError):
                limit += 4 * geometry_for(medium, firmware).checkpoint_operations
    return limit


class ReadOnlyRefusal(Violation):
    """A device that says it is read-only has refused a command."""


class Watch(Protocol):
    """Sees what the device under test is asked to do; None stands for a boot."""

    def powers_on(self) -> None:
        """Power has come back, and what was volatile is gone."""

    def begins(self, command: Command | None) -> None: ...

    def ends(self, command: Command | None) -> None: ...

    def pause(self) -> None:
        """From here on to ``resume`` the bench does something of its own with the device."""

    def resume(self) -> None: ...


class HostSide(ABC):
    """What a host does with the device under test and its volume of ``volume_sectors``, ``most_sectors`` at once."""

    volume_sectors: int
    most_sectors: int = MOST_SECTORS

    @abstractmethod
    def execute(self, controller: Controller, command: Command) -> Response:
        """Execute a command; raises Violation if the firmware stops in it."""

    def read_all(self, controller: Controller) -> Image:
        """The whole live image as the host reads it; sectors whose read ends with UNC are UNREADABLE."""
        image: Image = []
        for lba in range(0, self.volume_sectors, self.most_sectors):
            image += self.read(controller, lba, min(self.most_sectors, self.volume_sectors - lba))
        return image

    def read(self, controller: Controller, lba: int, count: int) -> Image:
        """Some sectors, as ``read_all`` does."""
        response = self.execute(controller, commands.read(lba, count))
        if response.ok:
            data = list(response.data)
            if len(data) != count:
                raise Violation(Rule.HONESTY, f"a read of {count} sectors at LBA {lba} returned {len(data)}")
            return data
        if response.error != commands.Error.UNC:
            raise Violation(Rule.USABILITY, f"a read at LBA {lba} ends with {response}{self.reason(controller)}")
        if count == 1:
            return [UNREADABLE]
        return [sector for one in range(lba, lba + count) for sector in self.read(controller, one, 1)]

    def must(self, controller: Controller, command: Command, why: str) -> Response:
        """Execute a command that has to succeed; raises Violation of usability if it does not."""
        response = self.execute(controller, command)
        if not response.ok:
            kind = ReadOnlyRefusal if self.is_read_only(controller) else Violation
            raise kind(Rule.USABILITY, f"{why}: {command} ends with {response}{self.reason(controller)}")
        return response

    def write_probe(self, controller: Controller, lba: int, text: bytes, *, fua: bool = False) -> bytes:
        """Write one sector to a device that has recovered, past its cache if ``fua``; returns what."""
        probe = text.ljust(SECTOR_BYTES, b"\0")
        self.must(controller, commands.write(lba, [probe], fua=fua), "after recovery")
        return probe

    def is_read_only(self, controller: Controller) -> bool:
        """Whether STATUS says that nothing can be written any more."""
        response = self.execute(controller, commands.STATUS)
        return response.ok and bool(response.data) and response.data[0][4] == State.READ_ONLY

    def reason(self, controller: Controller) -> str:
        """What STATUS says is wrong, in brackets; empty if the firmware has no such command."""
        response = self.execute(controller, commands.STATUS)
        if not response.ok or not response.data:
            return ""
        text = bytes(response.data[0])[20:].split(b"\0")[0].decode("utf-8", "replace")
        return f" ({text})" if text else ""


class Rig(HostSide):
    """``make`` builds the controller that a power-on starts, from nothing but the board.

    ``boot_limit`` is the most media operations that a boot may take.
    """

    def __init__(self, board: Board, make: Callable[[], Controller], volume_sectors: int, boot_limit: int) -> None:
        self.board = board
        self.volume_sectors = volume_sectors
        self.boot_limit = boot_limit
        self.make = make
        self.watch: Watch | None = None
        self._in_ticks = False
        """Whether the firmware does in ticks what it has not come to the end of."""
        self.controller: Controller | None = None
        """The controller that was powered on last."""

    def power_on(self, policy: str = "o", listeners: Sequence[Listener] = (), first_operation: int = 0) -> Controller:
        """A fresh controller, booted; raises Violation if its boot fails or does not end.

        Its media operations are counted from ``first_operation`` on.
        """
        board = self.board
        board.adversary.power_on(policy)
        rail = board.rail
        rail.operations = first_operation
        rail.limit = first_operation + self.boot_limit
        rail.listeners = tuple(listeners)
        self._in_ticks = False
        if self.watch is not None:
            self.watch.powers_on()
            self.watch.begins(None)
        try:
            controller = self._booted()
        except (Exception, SystemExit) as error:
            raise _finding("the boot", Rule.BOUNDED_RECOVERY, error) from error
        if self.watch is not None:
            self.watch.ends(None)
        rail.listeners = ()
        rail.limit = rail.NO_LIMIT
        return controller

    def save_point(self) -> Image:
        """The save-point image: what a power cycle and a RESTORE lead to.  Both are undone."""
        board, rail = self.board, self.board.rail
        held, mark = (rail.operations, rail.listeners, board.adversary.suspend()), len(board.cells.journal)
        controller, volatile = self.controller, board.lose_power()
        restored = self.power_on()
        self.must(restored, commands.RESTORE, "after recovery")
        saved = self.read_all(restored)
        board.lose_power()
        board.cells.rollback(mark)
        board.regain(volatile)
        rail.operations, rail.listeners, read_in_boot = held
        board.adversary.resume(read_in_boot)
        self.controller = controller
        return saved

    def execute(self, controller: Controller, command: Command) -> Response:
        """Execute a command; raises Violation if the firmware stops in it, or does not come to an end."""
        self._limit(command.count)
        self._in_ticks = False
        if self.watch is not None:
            self.watch.begins(command)
        try:
            response = controller.execute(command)
        except (Exception, SystemExit) as error:
            raise _finding(command, Rule.USABILITY, error) from error
        if self.watch is not None:
            self.watch.ends(command)
        if not isinstance(response, Response):
            raise Violation(Rule.USABILITY, f"{command} returned {response!r}, which is no Response")
        return response

    def tick(self, controller: Controller) -> bool:
        """Let the firmware sample its switches; raises Violation as ``execute`` does."""
        self._limit(0)
        rail = self.board.rail
        if self.watch is not None and not self._in_ticks:
            # A press that is recognised in this tick begins a command here, which may go on for several.
            self.watch.begins(None)
        operations = rail.operations
        try:
            done = bool(controller.tick())
        except (Exception, SystemExit) as error:
            raise _finding("a tick", Rule.USABILITY, error) from error
        self._in_ticks = not done and (self._in_ticks or rail.operations > operations)
        return done

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What happens in here the bench does to find something out: nobody watches."""
        watch, self.watch = self.watch, None
        if watch is not None:
            watch.pause()
        try:
            yield
        finally:
            self.watch = watch
            if watch is not None:
                watch.resume()

    def _limit(self, sectors: int) -> None:
        rail = self.board.rail
        rail.limit = rail.operations + COMMAND_LIMIT * (self.boot_limit + sectors)

    def _booted(self) -> Controller:
        # A boot that is cut powers on others in between: only the local name is still this one afterwards.
        controller = self.controller = self.make()
        controller.boot()
        return controller


def check_read_only(host: HostSide, controller: Controller) -> None:
    """A controller that says it is read-only must end whatever would change it with ABRT; raises Violation."""
    for command in (commands.write(0, [ZERO_SECTOR]), commands.SAVE, commands.RESTORE):
        response = host.execute(controller, command)
        if response.ok or response.error != commands.Error.ABRT:
            raise Violation(Rule.HONESTY, f"of a device that says it is read-only, {command} ends with {response}")


def check_refused(host: HostSide, controller: Controller) -> None:
    """A controller that refuses a storage device must end each command with ABRT; raises Violation of honesty."""
    for command in (commands.read(0, 1), commands.write(0, [ZERO_SECTOR]), commands.SAVE, commands.RESTORE):
        response = host.execute(controller, command)
        if response.ok or response.error != commands.Error.ABRT:
            raise Violation(Rule.HONESTY, f"of a device that must be refused, {command} ends with {response}")


def _finding(what: str | Command, endless: Rule, error: BaseException) -> Violation:
    """What the firmware raised: it is a guest, and whatever it raises is a finding, even that it wants to exit."""
    if isinstance(error, Violation):
        return Violation(error.rule, str(error))
    if isinstance(error, OperationLimitError):
        return Violation(endless, f"{what} does not end: {error}")
    return stopped(str(what), error)


def stopped(what: str, error: BaseException) -> Violation:
    """The firmware raised an exception: on a real board it would hang or reset.  Says where, in the firmware's code."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_bench(frame.filename)]
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno}, in {frames[-1].name})" if frames else ""
    return Violation(Rule.USABILITY, f"the firmware stopped in {what}: {type(error).__name__}: {error}{place}")


def _is_bench(filename: str) -> bool:
    return (
        Path(filename).parent.name in ("scenarios", "hwsim") and Path(filename).parents[1] == Path(__file__).parents[1]
    )
