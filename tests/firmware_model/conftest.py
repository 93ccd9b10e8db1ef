"""A device of real size for the firmware: a board with a controller on it, its power, and a host that talks to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple, TypeVar

import pytest

from deltabench.firmware_model import commands
from deltabench.firmware_model.atoms.twin import slot_bytes
from deltabench.firmware_model.commands import Command, Response
from deltabench.firmware_model.config import FirmwareConfig
from deltabench.firmware_model.controller import DeltaController
from deltabench.firmware_model.formats import STATUS_SECTOR
from deltabench.hwsim.board import Board, BoardSpec, DeviceSpec, SwitchSpec
from deltabench.hwsim.disk import SECTOR_BYTES, TornSector
from deltabench.hwsim.medium import Operation, Outcome
from deltabench.hwsim.nvram import Nvram
from deltabench.hwsim.tearing import Detail

NOTHING = Outcome("nothing", ())
Booted = TypeVar("Booted")


class StatusReport(NamedTuple):
    """What STATUS says."""

    state: int
    dirty: int
    system_version: int
    units: int
    delta_units: int
    reason: str


def new_board(
    *,
    disks: int = 1,
    disk_sectors: int = 8192,
    torn_sector: TornSector | None = None,
    switches: dict[str, SwitchSpec] | None = None,
    uarts: tuple[str, ...] = (),
    tearing: Detail = Detail.SAMPLED,
    seed: int = 1,
) -> Board:
    """Disks named disk0, disk1, …, one NOR flash, nor0, one NVRAM, nvram0, and one NAND flash, nand0."""
    disk = DeviceSpec(part="generic-disk", sectors=disk_sectors, torn_sector=torn_sector)
    devices = {f"disk{number}": disk for number in range(disks)}
    devices |= {"nor0": DeviceSpec(part="AT25SF041"), "nvram0": DeviceSpec(part="generic-nvram")}
    devices |= {"nand0": DeviceSpec(part="generic-nand")}
    return Board(BoardSpec(devices=devices, switches=switches or {}, uarts=uarts, tearing=tearing), seed=seed)


class Device:
    """A device that has been initialised and powered on. ``settings`` are those of FirmwareConfig."""

    def __init__(self, board: Board | None = None, **settings: Any) -> None:
        self.board = new_board() if board is None else board
        self.config = FirmwareConfig(**settings)
        self.controller = DeltaController(self.board, self.config)
        self.controller.initialise()
        self.power_cycle()

    @staticmethod
    def sector(text: str) -> bytes:
        return text.encode().ljust(SECTOR_BYTES, b"\0")

    @property
    def rail(self) -> Any:
        return self.board.rail

    def power_cycle(self, policy: str = "o") -> None:
        """Off, with all that is volatile lost, and on again: a new controller that knows the board and nothing else."""
        self.board.lose_power()
        self.board.adversary.power_on(policy)
        self.controller = DeltaController(self.board, self.config)
        self.controller.boot()

    def execute(self, command: Command) -> Response:
        return self.controller.execute(command)

    def must(self, command: Command) -> Response:
        response = self.execute(command)
        assert response.ok, f"{command} ends with {response}; STATUS: {self.status()}"
        return response

    def write(self, lba: int, *texts: str, fua: bool = False) -> None:
        self.must(commands.write(lba, [self.sector(text) for text in texts], fua=fua))

    def read(self, lba: int = 0, count: int | None = None) -> list[str]:
        """Sectors of the live image, each as the text that it holds."""
        count = self.config.volume_sectors - lba if count is None else count
        return [sector.rstrip(b"\0").decode() for sector in self.must(commands.read(lba, count)).data]

    def read_saved(self) -> list[str]:
        """The save-point image: what a power cycle and a RESTORE lead to. Both are undone."""
        adversary = self.board.adversary.suspend()
        with self.cut():
            self.restore()
            image = self.read()
        self.board.adversary.resume(adversary)
        return image

    def save(self) -> None:
        self.must(commands.SAVE)

    def restore(self) -> None:
        self.must(commands.RESTORE)

    def flush(self) -> None:
        self.must(commands.FLUSH)

    def status(self) -> StatusReport:
        (sector,) = self.execute(commands.STATUS).data
        magic, state, dirty, reserved, version, units, delta = STATUS_SECTOR.unpack(sector)
        assert (magic, reserved, len(sector)) == (b"DBST", 0, SECTOR_BYTES)
        return StatusReport(state, dirty, version, units, delta, sector[20:].rstrip(b"\0").decode())

    def lose_atom(self, atom: int) -> None:
        """Spoil both copies of an atom of a map store that begins at address 0 of the NVRAM."""
        nvram = self.board.media["nvram0"]
        assert isinstance(nvram, Nvram)
        size = slot_bytes(self.config.atom_bytes)
        for slot in (2 * atom, 2 * atom + 1):
            nvram.write(slot * size + 4, bytes([nvram.read(slot * size + 4, 1)[0] ^ 1]))

    def operations(self, act: Callable[[], object]) -> list[str]:
        """The media operations of ``act``, as text."""
        heard: list[str] = []
        with listening(self.board, lambda operation: heard.append(str(operation))):
            act()
        return heard

    @contextmanager
    def cut(self, outcome: Outcome = NOTHING, policy: str = "o") -> Iterator[None]:
        """Power is lost now, leaving ``outcome``, and comes back. Afterwards it is as if that had not happened."""
        controller = self.controller
        with power_lost(self.board, outcome):
            self.power_cycle(policy)
            yield
        self.controller = controller

    def cut_everywhere(self, act: Callable[[], object], check: Callable[[str], None]) -> int:
        """As the fixture, with the device booted when ``check`` is called."""
        controller = self.controller

        def check_and_go_back(_: None, what: str) -> None:
            check(what)
            self.controller = controller

        return cut_everywhere(self.board, act, self.power_cycle, check_and_go_back)


@contextmanager
def listening(board: Board, listener: Callable[[Operation], None]) -> Iterator[None]:
    before, board.rail.listeners = board.rail.listeners, (listener,)
    try:
        yield
    finally:
        board.rail.listeners = before


@contextmanager
def power_lost(board: Board, outcome: Outcome = NOTHING) -> Iterator[None]:
    """Power was lost, and left ``outcome``. Afterwards it is as if that had not happened."""
    listeners, board.rail.listeners = board.rail.listeners, ()
    volatile, mark = board.lose_power(), len(board.cells.journal)
    for index, value in outcome.changes:
        board.cells.put(index, value)
    try:
        yield
    finally:
        board.lose_power()
        board.cells.rollback(mark)
        board.regain(volatile)
        board.rail.listeners = listeners


def cut_everywhere(
    board: Board, act: Callable[[], object], boot: Callable[[str], Booted], check: Callable[[Booted, str], None]
) -> int:
    """Cut the power inside each operation of ``act``, with each outcome and under each policy for unstable cells.

    ``boot`` powers on under a policy; ``check`` gets what it returns and a description of the cut. What they do is
    undone, and in the end ``act`` has happened. Returns the number of cuts.
    """
    adversary, cuts = board.adversary, 0

    def cut_in(operation: Operation) -> None:
        nonlocal cuts
        held = adversary.suspend()
        for outcome in board.cut_outcomes(operation):
            for policy in adversary.policies():
                cuts += 1
                with power_lost(board, outcome):
                    booted = boot(policy)
                    read_in_boot = adversary.suspend()
                    check(booted, f"{operation}, cut with policy {policy} and left: {outcome.label}")
                    adversary.resume(read_in_boot)
        adversary.resume(held)

    with listening(board, cut_in):
        act()
    return cuts


@pytest.fixture(scope="session")
def new_device() -> type[Device]:
    """Makes devices."""
    return Device


@pytest.fixture(scope="session", name="new_board")
def new_board_fixture() -> Callable[..., Board]:
    """Makes boards."""
    return new_board


@pytest.fixture(scope="session", name="power_lost")
def power_lost_fixture() -> Callable[..., AbstractContextManager[None]]:
    """Loses power, and undoes what happens after it."""
    return power_lost


@pytest.fixture(scope="session", name="cut_everywhere")
def cut_everywhere_fixture() -> Callable[..., int]:
    """Cuts everything that an act does."""
    return cut_everywhere
