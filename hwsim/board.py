"""A board: parts and wiring.  Built from a scenario's ``[board]`` table or from Python.

The board is what survives a power cut: its media, and the hands on its switches.  Everything else begins anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from deltabench.hwsim.clock import Clock
from deltabench.hwsim.core import Core
from deltabench.hwsim.disk import Disk, TornSector
from deltabench.hwsim.errors import HardwareError
from deltabench.hwsim.gpio import DEFAULT_BOUNCE_US, Switch
from deltabench.hwsim.instability import Adversary
from deltabench.hwsim.medium import Cells, Medium, Operation, Outcome
from deltabench.hwsim.nor import NorFlash
from deltabench.hwsim.nvram import Nvram
from deltabench.hwsim.parts import DiskPart, McuPart, NorPart, NvramPart, StoragePart, load_part
from deltabench.hwsim.power import PowerRail
from deltabench.hwsim.tearing import Detail
from deltabench.hwsim.uart import Uart


class BoardError(HardwareError):
    """A board that cannot be built: names the device and what is wrong with it."""


class DeviceSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One storage part on the board.

    ``part``: a name that ``deltabench parts`` lists, or the path of a part file.  ``sectors`` and ``torn_sector`` are
    for disks: how many of the part's sectors are simulated, and what a cut leaves of a sector being written.
    """

    part: str
    sectors: int | None = None
    torn_sector: TornSector | None = None


class SwitchSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A push-button: contact bounce in microseconds after each edge, or a contact that is stuck."""

    bounce_us: Annotated[int, msgspec.Meta(ge=0)] = DEFAULT_BOUNCE_US
    stuck: Literal["open", "closed"] | None = None


class BoardSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is on the board, by name; ``tearing`` says how many representatives of each torn outcome there are."""

    devices: dict[str, DeviceSpec]
    switches: dict[str, SwitchSpec] = {}
    uarts: tuple[str, ...] = ()
    tearing: Detail = Detail.SAMPLED


class Board:
    """Media, rail, processor, clock, switches and serial lines of one device under test."""

    def __init__(self, spec: BoardSpec, *, near: Path | None = None, seed: int = 1) -> None:
        """``near`` is the folder that part files are relative to.

        Raises BoardError, UnknownPart, PartError or DiskOutOfRangeError, each naming what is wrong.
        """
        self.cells = Cells()
        self.rail = PowerRail()
        self.clock = Clock()
        self.core = Core()
        self.adversary = Adversary()
        self.media: dict[str, Medium] = {}
        for name, device in spec.devices.items():
            self.media[name] = self._medium(name, device, spec.tearing, near)
        self.switches = {
            name: Switch(self.clock, bounce_us=switch.bounce_us, stuck=switch.stuck, seed=seed + number)
            for number, (name, switch) in enumerate(sorted(spec.switches.items()))
        }
        self.uarts = {name: Uart() for name in spec.uarts}
        self.otp_key = b""
        """One-time programmable fuses of the chip, blown when the device is paired; empty: it never was."""
        self._take_stock()

    def attach(self, name: str, part: StoragePart, *, sectors: int | None = None) -> None:
        """Put one more part on the board, behind those that are there; ``sectors`` is for disks, as in DeviceSpec.

        Raises DiskOutOfRangeError for more sectors than the part has.
        """
        self.media[name] = self._made(name, part, sectors, TornSector.OLD_OR_NEW, Detail.SAMPLED)
        self._take_stock()

    def _take_stock(self) -> None:
        self._parts: tuple[Medium | Uart, ...] = (*self.media.values(), *self.uarts.values())
        self._disks = [medium for medium in self.media.values() if isinstance(medium, Disk)]

    def _medium(self, name: str, spec: DeviceSpec, detail: Detail, near: Path | None) -> Medium:
        key = f"board.devices.{name}"
        try:
            part = load_part(spec.part, near=near)
        except HardwareError as error:
            error.args = (f"{key}.part = {spec.part!r}: {error}",)
            raise
        if isinstance(part, McuPart):
            raise BoardError(
                f"{key}.part = {spec.part!r}: is a microcontroller; a device is a NOR flash, NVRAM or disk"
            )
        if not isinstance(part, DiskPart) and (spec.sectors is not None or spec.torn_sector is not None):
            wrong = "sectors" if spec.sectors is not None else "torn_sector"
            raise BoardError(f"{key}.{wrong}: is for disks; {part.name} is a part of kind {part.kind}")
        try:
            return self._made(name, part, spec.sectors, spec.torn_sector or TornSector.OLD_OR_NEW, detail)
        except HardwareError as error:
            error.args = (f"{key}.sectors = {spec.sectors}: {error}",)
            raise

    def _made(self, name: str, part: StoragePart, sectors: int | None, torn: TornSector, detail: Detail) -> Medium:
        match part:
            case DiskPart():
                return Disk(name, part, self.cells, self.rail, torn, sectors)
            case NorPart():
                return NorFlash(name, part, self.cells, self.rail, self.adversary, detail)
            case NvramPart():
                return Nvram(name, part, self.cells, self.rail)

    def cut_outcomes(self, operation: Operation) -> list[Outcome]:
        """Everything that losing power inside ``operation`` may leave on the whole board.

        Each outcome of the operation meets what other parts' volatile caches may still write: nothing, all, and, with
        the operation's first and last outcome, each other selection.
        """
        outcomes = operation.outcomes()
        for name, medium in self.media.items():
            if name == operation.device:
                continue
            others = medium.survivors()
            if len(others) > 1:
                outcomes = _combined(outcomes, others, name)
        return outcomes

    def possible_outcomes(self, operation: Operation | None) -> int:
        """How many states losing power inside ``operation`` (None: between two) may leave, were none left to samples.

        Every position of a tear that detail ``every`` generates, with every subset of what all caches may still write.
        """
        count = 1 if operation is None else operation.possible()
        for name, medium in self.media.items():
            if operation is None or name != operation.device:
                count *= medium.possible_survivors()
        return count

    def idle_outcomes(self) -> list[Outcome]:
        """What losing power between two operations may leave."""
        outcomes = [Outcome("nothing", ())]
        for name, medium in self.media.items():
            others = medium.survivors()
            if len(others) > 1:
                outcomes = _combined(outcomes, others, name)
        return outcomes

    @property
    def holds_volatile(self) -> bool:
        """Whether a drive's cache holds writes that power loss may undo."""
        return any(disk.cache for disk in self._disks)

    def lose_power(self) -> list[Any]:
        """Power is gone: caches and serial buffers are empty.  Returns what they held, for ``regain``."""
        return [part.lose_power() for part in self._parts]

    def regain(self, volatile: list[Any]) -> None:
        """Back to before ``lose_power``: only the explorer can do this."""
        for part, contents in zip(self._parts, volatile, strict=True):
            part.regain(contents)


def _combined(outcomes: list[Outcome], others: list[Outcome], device: str) -> list[Outcome]:
    ends = (outcomes[0], outcomes[-1])
    results = []
    for number, other in enumerate(others):
        kept = outcomes if number in (0, len(others) - 1) else ends
        for outcome in kept:
            label = f"{outcome.label}; {device} cache: {other.label}" if number else outcome.label
            results.append(Outcome(label, (*outcome.changes, *other.changes)))
    return results
