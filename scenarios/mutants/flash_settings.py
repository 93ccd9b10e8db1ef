"""What mutants of the translation layer are explored under: maps and volumes on one small NAND flash.

Its blocks are so few, and so full, that garbage is collected all the time.
"""

from __future__ import annotations

from typing import ClassVar, Final

from deltabench.firmware_model.config import FirmwareConfig, StoreKind
from deltabench.hwsim.board import BoardSpec, DeviceSpec
from deltabench.hwsim.nand import Failing
from deltabench.scenarios.mutants.settings import Settings
from deltabench.scenarios.scenario import (
    Age,
    BitErrors,
    Document,
    Expect,
    Idle,
    Matrix,
    Mix,
    Power,
    PowerCycle,
    Random,
    Read,
    WearOut,
    Write,
)

SMALL: Final = DeviceSpec(part="generic-nand", blocks=20)


class FlashSettings(Settings, frozen=True, kw_only=True):
    """A workload on a ``device`` of NAND flash, with ``units`` of ``sectors_per_unit`` sectors."""

    STORES: ClassVar[tuple[StoreKind, ...]] = (StoreKind.NAND,)

    device: DeviceSpec = SMALL
    units: int = 16
    sectors_per_unit: int = 1
    checkpoint_blocks: int = 2

    def document(self, title: str, schemes: tuple[str, ...], stores: tuple[StoreKind, ...]) -> Document:
        return Document(
            title=title,
            board=BoardSpec(devices={"nand0": self.device}),
            steps=self.steps,
            firmware=FirmwareConfig(
                units=self.units,
                sectors_per_unit=self.sectors_per_unit,
                atom_bytes=16,
                checkpoint_blocks=self.checkpoint_blocks,
            ),
            matrix=Matrix(scheme=schemes, store=stores),
            power=Power(depth=self.depth, boot_limit=256),
            expect=Expect(),
        )


def _random(commands: int, most_sectors: int = 3, *, crash: int = 5) -> Random:
    return Random(
        commands=commands, most_sectors=most_sectors, mix=Mix(write=70, read=5, save=7, restore=5, crash=crash)
    )


FILL: Final = Write(lba=0, count=16)
FLASH: Final = FlashSettings(name="on flash", steps=(FILL, _random(40), PowerCycle(), _random(30)))
LONG_LOG: Final = FlashSettings(name="on flash a long log", steps=(FILL, _random(40)), checkpoint_blocks=5)
FLASH_TWO_CUTS: Final = FlashSettings(
    name="on flash two cuts",
    steps=(Write(lba=0), Write(lba=1)),
    device=DeviceSpec(part="generic-nand", blocks=16),
    units=2,
    checkpoint_blocks=1,
    depth=2,
)
MLC: Final = FlashSettings(
    name="on mlc", steps=(FILL, _random(40), PowerCycle()), device=DeviceSpec(part="generic-mlc", blocks=20)
)
LARGE_PAGES: Final = FlashSettings(
    name="on large pages",
    steps=(Write(lba=0, count=24), _random(40, 5)),
    device=DeviceSpec(part="MT29F1G08ABADA", blocks=15),
    units=8,
    sectors_per_unit=3,
)
PROGRAM_FAILS: Final = FlashSettings(
    name="a program fails",
    steps=(FILL, _random(30), PowerCycle(), _random(30)),
    device=DeviceSpec(part="generic-nand", blocks=20, failing=(Failing(block=4, on="program", after=5),)),
)
ERASE_FAILS: Final = FlashSettings(
    name="an erase fails",
    steps=(FILL, _random(20), *((_random(4), PowerCycle()) * 18)),
    device=DeviceSpec(part="generic-nand", blocks=20, failing=(Failing(block=4, on="erase", after=1),)),
)
FLIPPED: Final = FlashSettings(
    name="bits flip",
    steps=(
        FILL, _random(12, crash=0), BitErrors(lba=3, bits=5), Read(lba=2, count=3), _random(12, crash=0),
        Write(lba=5), Write(lba=6), BitErrors(lba=5, bits=9, of="spare"), Write(lba=7), PowerCycle(),
        Write(lba=9), BitErrors(lba=9, bits=9, of="checkpoint"), PowerCycle(), _random(12, crash=0),
        Write(lba=2), BitErrors(lba=2, bits=4), Write(lba=1), Read(lba=0, count=4), _random(8, crash=0),
    ),
)  # fmt: skip
LARGE_FLIPPED: Final = FlashSettings(
    name="bits flip in large pages",
    steps=(Write(lba=0, count=24), BitErrors(lba=5, bits=9), Write(lba=6), Read(lba=3, count=5), _random(10, crash=0)),
    device=DeviceSpec(part="MT29F1G08ABADA", blocks=15),
    units=24,
)
AGED: Final = FlashSettings(
    name="on old flash",
    steps=(FILL, Write(lba=3), *((Age(years=1, reads=1_000), Idle(ms=60)) * 20), _random(10, crash=0)),
    device=DeviceSpec(part="generic-mlc", blocks=20, cycles=6_000),
)
WORN_OUT: Final = FlashSettings(
    name="flash worn out",
    steps=(FILL, WearOut(writes=60), PowerCycle(), Read(lba=0, count=16)),
    device=DeviceSpec(
        part="generic-nand",
        blocks=20,
        failing=(Failing(block=9, on="erase"), Failing(block=11, on="erase")),
    ),
)
