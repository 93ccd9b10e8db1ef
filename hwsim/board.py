"""A board: parts and wiring.  Built from a scenario's ``[board]`` table or from Python.

The board is what survives a power cut: its media, and the hands on its switches.  Everything else begins anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from deltabench.hwsim.aging import Aging
from deltabench.hwsim.clock import Clock
from deltabench.hwsim.core import Core
from deltabench.hwsim.disk import Disk, TornSector
from deltabench.hwsim.errors import HardwareError
from deltabench.hwsim.gpio import DEFAULT_BOUNCE_US, Switch
from deltabench.hwsim.instability import Adversary
from deltabench.hwsim.medium import Cells, Medium, Operation, Outcome
from deltabench.hwsim.nand import Failing, Faults, NandFlash
from deltabench.hwsim.nor import NorFlash
from deltabench.hwsim.nvram import Nvram
from deltabench.hwsim.parts import DiskPart, McuPart, NandPart, NorPart, NvramPart, StoragePart, load_part
from deltabench.hwsim.power import PowerRail
from deltabench.hwsim.tearing import Detail
from deltabench.hwsim.uart import Uart


class BoardError(HardwareError):
    """A board that cannot be built: names the device and what is wrong with it."""


DISK_KEYS: Final = ("sectors", "torn_sector")
NAND_KEYS: Final = ("blocks", "bad_blocks", "failing", "cycles")
KIND_WORDS: Final = {DiskPart: "disks", NandPart: "NAND flash"}


class DeviceSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One storage part on the board.

    ``part``: a name that ``deltabench parts`` lists, or the path of a part file.  ``sectors`` and ``torn_sector`` are
    for disks: how many of the part's sectors are simulated, and what a cut leaves of a sector being written.  The rest
    is for NAND flash: ``blocks``: how many of the part's blocks are simulated; ``bad_blocks``: those that the factory
    has marked; ``failing``: those that wear out; ``cycles``: erases that each block has behind it, and from then on
    bits flip at the part's error rates (None: none do).
    """

    part: str
    sectors: int | None = None
    torn_sector: TornSector | None = None
    blocks: Annotated[int, msgspec.Meta(ge=1)] | None = None
    bad_blocks: tuple[Annotated[int, msgspec.Meta(ge=0)], ...] = ()
    failing: tuple[Failing, ...] = ()
    cycles: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)] | None = None


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
        self.media[name] = self._made(name, part, DeviceSpec(part=part.name, sectors=sectors), Detail.SAMPLED)
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
                f"{key}.part = {spec.part!r}: is a microcontroller; a device is a NOR flash, NAND flash, NVRAM or disk"
            )
        for kinds, keys in ((DiskPart, DISK_KEYS), (NandPart, NAND_KEYS)):
            for wrong in keys:
                if not isinstance(part, kinds) and getattr(spec, wrong) not in (None, ()):
                    raise BoardError(
                        f"{key}.{wrong}: is for {KIND_WORDS[kinds]}; {part.name} is a part of kind {part.kind}"
                    )
        if isinstance(part, NandPart):
            _check_blocks(key, spec, part)
        try:
            return self._made(name, part, spec, detail)
        except HardwareError as error:
            wanted = "" if spec.sectors is None else f".sectors = {spec.sectors}"
            error.args = (f"{key}{wanted}: {error}",)
            raise

    def _made(self, name: str, part: StoragePart, spec: DeviceSpec, detail: Detail) -> Medium:
        match part:
            case DiskPart():
                torn = spec.torn_sector or TornSector.OLD_OR_NEW
                return Disk(name, part, self.cells, self.rail, torn, spec.sectors)
            case NorPart():
                return NorFlash(name, part, self.cells, self.rail, self.adversary, detail)
            case NvramPart():
                return Nvram(name, part, self.cells, self.rail)
            case NandPart():
                part = part.with_blocks(spec.blocks or part.blocks)
                aging = None if spec.cycles is None else Aging(part, self.cells, self.clock, spec.cycles)
                faults = Faults(frozenset(spec.bad_blocks), spec.failing, aging)
                return NandFlash(name, part, self.cells, self.rail, self.adversary, detail, faults)

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


def _check_blocks(key: str, spec: DeviceSpec, part: NandPart) -> None:
    """Raises BoardError for blocks that the part has not."""
    # Of so many blocks at least one is never bad.
    least = -(-2 // part.planes) * part.planes
    if spec.blocks is not None and (not least <= spec.blocks <= part.blocks or spec.blocks % part.planes):
        whole = f" in steps of {part.planes}, its planes" if part.planes > 1 else ""
        raise BoardError(f"{key}.blocks = {spec.blocks}: allowed: {least} to {part.blocks}{whole}")
    blocks = spec.blocks or part.blocks
    most_bad = part.with_blocks(blocks).most_bad_blocks
    if len(spec.bad_blocks) > most_bad:
        raise BoardError(f"{key}.bad_blocks: {len(spec.bad_blocks)} blocks; allowed: at most {most_bad} of {blocks}")
    if len(set(spec.bad_blocks)) < len(spec.bad_blocks):
        raise BoardError(f"{key}.bad_blocks: a block is named twice; name it once")
    named = {f"bad_blocks[{n}]": block for n, block in enumerate(spec.bad_blocks)}
    named |= {f"failing[{n}].block": fault.block for n, fault in enumerate(spec.failing)}
    for what, block in named.items():
        if block >= blocks:
            raise BoardError(f"{key}.{what} = {block}: allowed: 0 to {blocks - 1}, as there are {blocks} blocks")
    for n, fault in enumerate(spec.failing):
        if fault.block in spec.bad_blocks:
            raise BoardError(f"{key}.failing[{n}].block = {fault.block}: is one of bad_blocks, and never used")
        if any((fault.block, fault.on) == (other.block, other.on) for other in spec.failing[:n]):
            raise BoardError(f"{key}.failing[{n}]: block {fault.block} fails on {fault.on} already; name it once")
