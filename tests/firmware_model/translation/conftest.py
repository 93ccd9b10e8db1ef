"""A translation layer on a NAND flash of a board, and what a test does to both."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

import pytest

from deltabench.firmware_model.translation.blocks import BlockTable
from deltabench.firmware_model.translation.geometry import geometry_of
from deltabench.firmware_model.translation.layer import TranslationLayer
from deltabench.firmware_model.translation.mount import Mount
from deltabench.hwsim import nand
from deltabench.hwsim.board import Board, BoardSpec, DeviceSpec
from deltabench.hwsim.disk import SECTOR_BYTES, ZERO_SECTOR
from deltabench.hwsim.medium import Operation, Outcome
from deltabench.hwsim.nand import Failing
from deltabench.hwsim.tearing import Detail


class PowerLost(BaseException):
    """Leaves a firmware whose power is gone."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


class Flash:
    """``layer`` is the one that was powered on last; ``operations`` counts what changed the flash since then.

    At operation ``cut_at`` power is lost, and leaves what ``choose`` picks: PowerLost is raised.
    """

    Lost = PowerLost
    mount_type: type[Mount] = Mount

    def __init__(
        self,
        *,
        over_provisioning: int = 10,
        interval: int = 3,
        detail: Detail = Detail.SAMPLED,
        blocks_type: type[BlockTable] = BlockTable,
        **device: Any,
    ) -> None:
        spec = DeviceSpec(**{"part": "generic-nand", "blocks": 20, **device})
        self.board = Board(BoardSpec(devices={"nand0": spec}, tearing=detail))
        self.nand: Any = self.board.media["nand0"]
        self.geometry = geometry_of(self.nand, over_provisioning)
        self.interval = interval
        mount_type = type("MountOf", (self.mount_type,), {"blocks_type": blocks_type})
        self._layer_type = type("LayerOf", (TranslationLayer,), {"mount_type": mount_type})
        self.operations = 0
        self.cut_at: int | None = None
        self.choose: Callable[[Sequence[Outcome]], Outcome] = lambda outcomes: outcomes[0]
        self.steps: dict[str, int] = {}
        self.board.core.spend = self._spend
        self.board.rail.listeners = (self._listen,)
        self.layer = self._new()
        self.layer.format()
        self.power_cycle()

    @staticmethod
    def sector(text: str) -> bytes:
        return text.encode().ljust(SECTOR_BYTES, b".")

    def write(self, lba: int, *texts: str) -> None:
        self.operations = 0
        self.layer.write(lba, [self.sector(text) for text in texts])

    def read(self, lba: int, count: int = 1) -> list[str]:
        return [sector.rstrip(b".\0").decode() for sector in self.layer.read(lba, count)]

    def power_cycle(self, policy: str = "o") -> None:
        """Off and on again; raises PowerLost if the mount is to be cut."""
        self.board.lose_power()
        self.board.adversary.power_on(policy)
        self.operations = 0
        self.layer = self._new()
        self.layer.mount()

    def leave(self, lost: PowerLost) -> None:
        """What the cut has left."""
        self.board.lose_power()
        for index, value in lost.outcome.changes:
            self.board.cells.put(index, value)

    def page_of(self, logical: int) -> int:
        """The page that holds a logical page."""
        return self.layer.mapping.pages[logical]

    def _new(self) -> TranslationLayer:
        return self._layer_type(self.nand, self.geometry, self.interval, self.board.core)

    def _spend(self, step: Any, amount: int = 0, /) -> None:
        self.steps[step.name] = self.steps.get(step.name, 0) + amount

    def _listen(self, operation: Operation) -> None:
        self.operations += 1
        assert self.operations < 5_000, "a mount or a write comes to an end"
        if self.cut_at is not None and self.operations >= self.cut_at:
            raise PowerLost(self.choose(self.board.cut_outcomes(operation)))


class TakesLowest(BlockTable):
    """Of the free blocks the first."""

    def _least_worn(self) -> int | None:
        return min(self.available(), default=None)


class TakesByLot(BlockTable):
    """Any of the free blocks."""

    def _least_worn(self) -> int | None:
        return min(self.available(), key=lambda block: crc32(bytes((block, self.erases[block] & 0xFF))), default=None)


CHOICES = (BlockTable, BlockTable, TakesLowest, TakesByLot)
"""Which of the free blocks is taken must not matter to what is safe."""
PARTS = (("generic-nand", (16, 17, 20)), ("generic-mlc", (16, 17, 20)), ("MT29F1G08ABADA", (15,)))


def _failing(draw: random.Random, blocks: int) -> Failing:
    """A block that fails sooner or later: each of the parts has one to spare."""
    return Failing(block=draw.randrange(blocks), on=draw.choice(("erase", "program")), after=draw.randrange(40))


class Ordeal:
    """One flash, and what its sectors must read."""

    def __init__(self, new_flash: Any, seed: int) -> None:
        self.draw = draw = random.Random(seed)
        part, counts = draw.choice(PARTS)
        blocks = draw.choice(counts)
        self.flash = new_flash(
            part=part,
            blocks=blocks,
            failing=() if draw.random() < 0.6 else (_failing(draw, blocks),),
            over_provisioning=draw.choice((10, 30)),
            interval=draw.choice((1, 2, 4, 40)),
            detail=draw.choice(tuple(Detail)),
            blocks_type=draw.choice(CHOICES),
        )
        self.flash.choose = draw.choice
        self.size = min(self.flash.geometry.sectors, draw.choice((6, 20, self.flash.geometry.sectors)))
        self.content = [ZERO_SECTOR] * self.size
        self.persistence = draw.choice((0.5, 0.85, 0.95))
        """How likely a mount is cut."""
        self.cuts = 0

    def power_up(self) -> None:
        """Power on, which may be cut again any number of times."""
        flash, draw = self.flash, self.draw
        while True:
            flash.cut_at = draw.randrange(1, 14) if draw.random() < self.persistence else None
            try:
                flash.power_cycle(draw.choice("onfgm"))
            except flash.Lost as lost:
                self.cuts += 1
                flash.leave(lost)
            else:
                flash.cut_at = None
                return

    def write(self, number: int) -> None:
        """Write some sectors, in which power may be lost."""
        flash, draw = self.flash, self.draw
        count = draw.randint(1, min(5, self.size))
        lba = draw.randrange(self.size - count + 1)
        if draw.random() < 0.5:
            lba = min(lba, self.size // 4)
        data = [flash.sector(f"{number} {index}") for index in range(count)]
        flash.operations = 0
        flash.cut_at = draw.randrange(1, draw.choice((4, 12, 40))) if draw.random() < draw.choice((0.1, 0.6)) else None
        try:
            flash.layer.write(lba, data)
        except flash.Lost as lost:
            self.cuts += 1
            flash.leave(lost)
            self.power_up()
            self.settle(dict(enumerate(data, lba)))
        else:
            self.content[lba : lba + count] = data
        flash.cut_at = None
        flash.board.cells.journal.clear()

    def settle(self, written: dict[int, bytes]) -> None:
        """After a cut each sector reads as it was, or as it was being written; and from then on as it has been read."""
        now = [self.flash.layer.read(lba, 1)[0] for lba in range(self.size)]
        for lba, sector in enumerate(now):
            assert sector in (self.content[lba], written.get(lba)), f"sector {lba}"
        self.content = now
        for _ in range(self.draw.randrange(3)):
            self.flash.board.lose_power()
            self.power_up()
        assert self.flash.layer.read(0, self.size) == self.content, "stability"


def survive(new_flash: Any, seed: int, writes: int) -> int:
    """Returns how often power was lost."""
    ordeal = Ordeal(new_flash, seed)
    for number in range(writes):
        ordeal.write(number)
    assert ordeal.flash.layer.read(0, ordeal.size) == ordeal.content
    return ordeal.cuts


@pytest.fixture(name="survive")
def survive_fixture(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, int, int], int]:
    """Lets a flash live through writes in which power is lost at random; raises AssertionError.

    However often power is lost before a failure could be noted, the block is tried once more: the part has to bear it.
    """
    monkeypatch.setattr(nand, "MOST_FAILURES", 1_000)
    return survive


@pytest.fixture
def new_flash() -> type[Flash]:
    """Makes a formatted flash that is powered on; the arguments are those of Flash."""
    return Flash
