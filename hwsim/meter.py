"""The meter of a board: lets time pass with each operation and step, and counts what wears.

It sees reads and changes of media by the power rail and steps of the firmware by the processor.  A board without one
runs in no time, which is what the exploration of power cuts does.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from deltabench.hwsim.board import Board
from deltabench.hwsim.clock import NS_PER_S, MediaTime
from deltabench.hwsim.core import Step, free_of_charge
from deltabench.hwsim.disk import SECTOR_BYTES, Disk
from deltabench.hwsim.medium import Medium, Operation
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nor import NorFlash
from deltabench.hwsim.nvram import Nvram
from deltabench.hwsim.timing import bytes_per_address, timing_of

FIRMWARE: Final = "firmware"
OTHER: Final = "other"
DRIVER: Final = Step("drivers", 220, 0, "operation", "a command given to a part, its completion handled")
WearKind = Literal["erase", "program", "write"]
Places = Sequence[tuple[int, str]]
"""Ascending first addresses, and what lies from there on."""


class Purposes(Protocol):
    """Says what accesses to NAND flash are for: what lies there moves, so that no address tells."""

    def power_on(self) -> None:
        """Power has come back."""

    def hear(self, step: Step, amount: int, /) -> None:
        """A step of the firmware."""

    def of_read(self, medium: NandFlash, page: int, /) -> str:
        """What a read of ``page`` is put down to."""

    def of_change(self, medium: NandFlash, operation: Operation, /) -> str:
        """What a program or erase is put down to, which nothing keeps from being completed."""


class Wear:
    """How often each cell of a kind was worn; cell ``i`` begins at address ``i * cell_size``.

    ``endurance``: how often the part is rated to stand it; None if nothing is said.
    """

    __slots__ = ("_edges", "cell", "cell_size", "device", "endurance", "part", "what")

    def __init__(
        self, medium: Medium, part: str, what: WearKind, cell: str, cell_size: int, endurance: int | None
    ) -> None:
        self.device = medium.name
        self.part = part
        self.what: WearKind = what
        self.cell = cell
        self.cell_size = cell_size
        self.endurance = endurance
        # What each cell has more than the one before it: a run of cells costs as much as one.
        self._edges = [0] * (-(-medium.size // cell_size) + 1)

    def count(self, address: int, length: int) -> None:
        """Whatever cells ``length`` from ``address`` touches are worn once more."""
        size, edges = self.cell_size, self._edges
        edges[address // size] += 1
        edges[-(-(address + length) // size)] -= 1

    def add(self, first: int, counts: Sequence[int]) -> None:
        """Consecutive cells from number ``first`` on are worn so much more each."""
        before = 0
        for index, count in enumerate(counts, first):
            self._edges[index] += count - before
            before = count
        self._edges[first + len(counts)] -= before

    @property
    def counts(self) -> NDArray[np.int64]:
        """By cell."""
        return np.cumsum(self._edges[:-1], dtype=np.int64)

    @property
    def past_endurance(self) -> int:
        """Cells worn more often than rated."""
        return 0 if self.endurance is None else int((self.counts > self.endurance).sum())


class Tally:
    """Operations of one kind on one device: how many, of what length in all, how long; ``wear`` is what they wear."""

    __slots__ = ("busy_ns", "length", "times", "wear")

    def __init__(self, wear: Wear | None) -> None:
        self.wear = wear
        self.times = self.length = self.busy_ns = 0

    def count(self, length: int, ns: int) -> None:
        """One more."""
        self.times += 1
        self.length += length
        self.busy_ns += ns


class StepTally:
    """How often a step was done, to how much of its unit in all."""

    __slots__ = ("amount", "times")

    def __init__(self) -> None:
        self.times = self.amount = 0


class _StepTallies(dict[Step, StepTally]):
    """A tally for each step, from the first time on."""

    def __missing__(self, step: Step) -> StepTally:
        self[step] = tally = StepTally()
        return tally


class Gauge:
    """One device: its timing, what lies where on it, and what was done to it."""

    __slots__ = (
        "_firsts",
        "_media_time",
        "_medium",
        "_purposes",
        "_whats",
        "address_bytes",
        "cached",
        "tallies",
        "timing",
        "wear",
    )

    def __init__(self, medium: Medium, media_time: MediaTime, places: Places, purposes: Purposes | None = None) -> None:
        self._medium = medium
        self._purposes = (purposes, medium) if purposes is not None and isinstance(medium, NandFlash) else None
        self._media_time = media_time
        self.timing = timing_of(medium, media_time)
        self.address_bytes = bytes_per_address(medium)
        self.cached = OTHER
        """What lies where the drive's cache was last written to: a flush is put down to that."""
        self._firsts = [first for first, _ in places]
        self._whats = [what for _, what in places]
        worn = wear_of(medium)
        self.wear = [wear for _, wear in worn]
        self.tallies = {kind: Tally(wear) for kinds, wear in worn for kind in kinds}
        self.tallies["read"] = Tally(None)
        if isinstance(medium, Disk):
            self.tallies["flush cache"] = Tally(None)

    def power_on(self) -> None:
        """A drive's buffer is empty again; that its spindle has to come up to speed first takes no time here."""
        self.timing = timing_of(self._medium, self._media_time)

    def place(self, address: int) -> str:
        """What lies at an address that is read."""
        if self._purposes is not None:
            purposes, nand = self._purposes
            return purposes.of_read(nand, address)
        index = bisect_right(self._firsts, address)
        return self._whats[index - 1] if index else OTHER

    def place_of(self, operation: Operation) -> str:
        """What an operation changes."""
        if self._purposes is not None:
            purposes, nand = self._purposes
            return purposes.of_change(nand, operation)
        return self.place(operation.address)


class Meter:
    """Measures ``board`` from ``attach`` on.

    ``places`` says for a device what lies where, and ``purposes`` what NAND flash is accessed for; time and bytes are
    told apart by that.  ``spent_ns`` is the time since somebody last cleared it, by those names and FIRMWARE.  ``log``,
    if set, is called with each operation that changes a medium, and when it began and ended.
    """

    def __init__(
        self,
        board: Board,
        media_time: MediaTime,
        core_hz: int,
        places: Mapping[str, Places],
        purposes: Purposes | None = None,
    ) -> None:
        self._board = board
        self._clock = board.clock
        common = math.gcd(NS_PER_S, core_hz)
        # A cycle takes _ns_parts / _cycle_parts nanoseconds.
        self._ns_parts, self._cycle_parts = NS_PER_S // common, core_hz // common
        self._rest = 0
        self._purposes = purposes
        self.gauges = {
            name: Gauge(medium, media_time, places.get(name, ()), purposes) for name, medium in board.media.items()
        }
        self.written_bytes: dict[str, int] = {}
        self._steps = _StepTallies()
        self._cycles = 0
        self.spent_ns: dict[str, int] = {}
        self.log: Callable[[Operation, int, int], None] | None = None

    def attach(self) -> None:
        """Begin to measure, or go on."""
        self._board.rail.meter = self
        self._board.core.spend = self.spend if self._purposes is None else self._spend_for

    def detach(self) -> None:
        """What happens from here on takes no time and is not counted."""
        self._board.rail.meter = None
        self._board.core.spend = free_of_charge

    def power_on(self) -> None:
        """Power has come back: what the parts did in the background is forgotten."""
        for gauge in self.gauges.values():
            gauge.power_on()
        if self._purposes is not None:
            self._purposes.power_on()

    def spend(self, step: Step, amount: int = 0, /) -> None:
        """A step of the firmware."""
        tally = self._steps[step]
        tally.times += 1
        tally.amount += amount
        self._cycles += step.base_cycles + step.each_cycles * amount

    def _spend_for(self, step: Step, amount: int = 0, /) -> None:
        self.spend(step, amount)
        if self._purposes is not None:
            self._purposes.hear(step, amount)

    @property
    def steps(self) -> Mapping[Step, StepTally]:
        """What the firmware has done, the calls of drivers included; 0 of what it has not."""
        tallies = [tally for gauge in self.gauges.values() for tally in gauge.tallies.values()]
        self._steps[DRIVER].times = sum(tally.times for tally in tallies)
        return self._steps

    @property
    def change_count(self) -> int:
        """Operations so far that changed a medium."""
        return sum(
            tally.times for gauge in self.gauges.values() for kind, tally in gauge.tallies.items() if kind != "read"
        )

    def settle(self) -> int:
        """Let the time pass that the cycles so far have taken; returns what time it is then, in nanoseconds."""
        if self._cycles:
            self._pass(self._firmware_ns(), 0, FIRMWARE)
        return self._clock.now_ns

    def reads(self, medium: Medium, address: int, length: int) -> None:
        """A read of a medium."""
        gauge = self.gauges[medium.name]
        self._cycles += DRIVER.base_cycles
        firmware_ns = self._firmware_ns()
        at_ns = self._clock.now_ns + firmware_ns
        ns = gauge.timing.read(address, length, at_ns) - at_ns
        gauge.tallies["read"].count(length, ns)
        self._pass(firmware_ns, ns, gauge.place(address))

    def changes(self, operation: Operation) -> None:
        """An operation that changes a medium."""
        gauge, kind = self.gauges[operation.device], operation.kind
        tally, address, length = gauge.tallies[kind], operation.address, operation.length
        self._cycles += DRIVER.base_cycles
        firmware_ns = self._firmware_ns()
        at_ns = self._clock.now_ns + firmware_ns
        ns = gauge.timing.change(operation, at_ns) - at_ns
        wear = tally.wear
        if wear is None:
            tally.count(0, ns)
            place = gauge.cached
        else:
            tally.count(length, ns)
            wear.count(address, length)
            place = gauge.place_of(operation)
            if kind != "erase":
                gauge.cached = place
                self.written_bytes[place] = self.written_bytes.get(place, 0) + length * gauge.address_bytes
        self._pass(firmware_ns, ns, place)
        if self.log is not None:
            self.log(operation, at_ns, at_ns + ns)

    def _firmware_ns(self) -> int:
        """What the cycles take that were spent since it was last asked; a part of 1 ns is kept for the next time."""
        ns, self._rest = divmod(self._cycles * self._ns_parts + self._rest, self._cycle_parts)
        self._cycles = 0
        return ns

    def _pass(self, firmware_ns: int, ns: int, place: str) -> None:
        """Let the firmware's time pass, and then ``ns``, which went into ``place``."""
        self._clock.advance_ns(firmware_ns + ns)
        spent = self.spent_ns
        spent[FIRMWARE] = spent.get(FIRMWARE, 0) + firmware_ns
        if ns:
            spent[place] = spent.get(place, 0) + ns


def wear_of(medium: Medium) -> list[tuple[tuple[str, ...], Wear]]:
    """What wears on a medium, each with the kinds of operation that wear it."""
    if isinstance(medium, NorFlash):
        part = medium.part
        sector, page = part.sector_bytes, part.page_bytes
        return [
            (
                ("erase",),
                Wear(medium, part.name, "erase", f"sector of {sector:,} bytes", sector, part.endurance_cycles),
            ),
            (("program",), Wear(medium, part.name, "program", f"page of {page:,} bytes", page, None)),
        ]
    if isinstance(medium, NandFlash):
        nand = medium.part
        pages, cycles = nand.pages_per_block, nand.endurance_cycles
        return [
            (("erase",), Wear(medium, nand.name, "erase", f"block of {pages:,} pages", pages, cycles)),
            (("program",), Wear(medium, nand.name, "program", f"page of {nand.page_bytes:,} bytes", 1, None)),
        ]
    if isinstance(medium, Nvram):
        part_name, word = medium.part.name, medium.word_bytes
        cell = f"word of {word} byte{'s' * (word > 1)}"
        return [(("write",), Wear(medium, part_name, "write", cell, word, medium.part.endurance_cycles))]
    assert isinstance(medium, Disk), "there are no other media"
    name = medium.part.name
    return [(("write", "write FUA"), Wear(medium, name, "write", f"sector of {SECTOR_BYTES} bytes", 1, None))]
