"""What a mutant is explored under: the standard, but for what it needs to do harm.

All on one board: two disks, flash and NVRAM for the maps, two switches.  64 units make three map blocks or eight entry
blocks, and the log of a NOR map store is full after seven records, so that a save fills it up in its middle.
"""

from __future__ import annotations

from typing import ClassVar, Final, Literal

import msgspec

from deltabench.firmware_model.config import CacheMode, FirmwareConfig, StoreKind
from deltabench.hwsim.board import BoardSpec, DeviceSpec, SwitchSpec
from deltabench.hwsim.disk import TornSector
from deltabench.scenarios.scenario import (
    By,
    Document,
    Expect,
    Flush,
    Hostile,
    Idle,
    Matrix,
    Mix,
    Power,
    PowerCycle,
    PutBack,
    Radio,
    Random,
    Restore,
    Save,
    Snapshot,
    Step,
    Swap,
    Write,
)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """A workload, and what of the board and of the build differs from the standard.

    ``stuck``: how the save switch is stuck.  ``remote``: the serial line that a remote is heard on.  ``has_spare``:
    there is a third disk, blank, to be put in the place of another.
    """

    STORES: ClassVar[tuple[StoreKind, ...]] = (StoreKind.NVRAM, StoreKind.DISK, StoreKind.NOR)
    """What the maps may lie on."""

    name: str
    steps: tuple[Step, ...]
    cache: CacheMode = CacheMode.WRITE_THROUGH
    depth: int = 1
    torn_sector: TornSector = TornSector.OLD_OR_NEW
    stuck: Literal["open", "closed"] | None = None
    remote: str | None = None
    has_spare: bool = False

    def document(self, title: str, schemes: tuple[str, ...], stores: tuple[StoreKind, ...]) -> Document:
        """A scenario of our firmware under these settings, on each of ``schemes`` and ``stores``."""
        disk = DeviceSpec(part="generic-disk", sectors=512, torn_sector=self.torn_sector)
        return Document(
            title=title,
            board=BoardSpec(
                devices={
                    "disk0": disk,
                    "disk1": disk,
                    **({"spare": disk} if self.has_spare else {}),
                    "nor0": DeviceSpec(part="W25Q64JV"),
                    "fram0": DeviceSpec(part="FM25V10"),
                },
                switches={"save": SwitchSpec(stuck=self.stuck), "restore": SwitchSpec()},
                uarts=() if self.remote is None else (self.remote,),
            ),
            steps=self.steps,
            firmware=FirmwareConfig(
                units=64,
                sectors_per_unit=2,
                cache=self.cache,
                cache_sectors=8,
                log_records=7,
                remote=self.remote,
            ),
            matrix=Matrix(scheme=schemes, store=stores),
            power=Power(depth=self.depth),
            expect=Expect(),
        )


def _random(commands: int) -> Random:
    mix = Mix(write=60, fua=10, read=8, flush=6, save=9, restore=7, crash=5)
    return Random(commands=commands, most_sectors=3, mix=mix)


WORK: Final[tuple[Step, ...]] = (
    Write(lba=3), Write(lba=3, fua=True), Flush(), Write(lba=46, count=4), _random(40), PowerCycle(), _random(40),
)  # fmt: skip

LEFT_ALONE: Final = (0, 16, 32, 127)
"""In units of the first three entry blocks and of the last: the scrub comes to them with different probes."""
STANDARD: Final = Settings(name="standard", steps=WORK)
WRITE_BACK: Final = Settings(name="write-back", steps=WORK, cache=CacheMode.WRITE_BACK)
TWO_CUTS: Final = Settings(name="two cuts", steps=(_random(20),), depth=2)
TORN_SECTORS: Final = Settings(name="torn sectors", steps=WORK, torn_sector=TornSector.UNCORRECTABLE)
WRAP: Final = Settings(
    name="versions come round",
    steps=(
        *(step for lba in LEFT_ALONE for step in (Write(lba=lba), Save())), *((Write(lba=64), Restore()) * 40),
        *((Write(lba=64), Save(), Save()) * 90), *((Save(),) * 80), Write(lba=100),
    ),
)  # fmt: skip
HANDS: Final = Settings(
    name="hands on disks",
    steps=(
        Write(lba=1), Save(), Write(lba=2), Snapshot(device="disk1"), Save(), Write(lba=1),
        Swap(devices=("disk1", "spare")), PowerCycle(refused=True), Swap(devices=("disk1", "spare")), PowerCycle(),
        Swap(devices=("disk0", "disk1")), PowerCycle(refused=True), Swap(devices=("disk0", "disk1")), PowerCycle(),
        PutBack(device="disk1"), PowerCycle(refused=True),
    ),
    has_spare=True,
)  # fmt: skip
SWITCHES: Final = Settings(
    name="switches",
    steps=(Write(lba=1), Save(by=By.SWITCH), Write(lba=1), Restore(by=By.SWITCH), Write(lba=2)),
)
HELD: Final = Settings(
    name="a switch held", steps=(Write(lba=1), Save(), Write(lba=1), PowerCycle(), Idle(ms=50)), stuck="closed"
)
REMOTE: Final = Settings(
    name="remote",
    steps=(
        Write(lba=1, fua=True), Write(lba=5), Save(by=By.REMOTE), Write(lba=1), Restore(by=By.REMOTE),
        Write(lba=2, count=3), *(Radio(frame=frame) for frame in Hostile), Save(by=By.REMOTE), Write(lba=2), Save(),
        Write(lba=1), PowerCycle(), Write(lba=3), Restore(by=By.REMOTE),
    ),
    cache=CacheMode.WRITE_BACK,
    remote="radio",
)  # fmt: skip
