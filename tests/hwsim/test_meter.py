"""Time and wear, as a board's meter measures them."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from deltabench.hwsim.board import Board, BoardSpec, DeviceSpec
from deltabench.hwsim.clock import MediaTime
from deltabench.hwsim.core import Step
from deltabench.hwsim.disk import ZERO_SECTOR, Disk
from deltabench.hwsim.instability import Adversary
from deltabench.hwsim.medium import Cells, Operation, Outcome
from deltabench.hwsim.meter import DRIVER, FIRMWARE, OTHER, Meter, wear_of
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nor import NorFlash
from deltabench.hwsim.nvram import Nvram
from deltabench.hwsim.parts import NandPart, load_part
from deltabench.hwsim.power import PowerRail
from deltabench.hwsim.tearing import Detail
from deltabench.hwsim.timing import NandTiming, NorTiming, bytes_per_address, timing_of

HZ = 168_000_000
DRIVER_NS = DRIVER.base_cycles * 1_000_000_000 // HZ
WORK = Step("work", 10, 3, "thing", "a step for this test")


class Metered:
    """A board with one part of each kind, and its meter."""

    def __init__(self, media_time: MediaTime = MediaTime.TYPICAL, hz: int = HZ) -> None:
        devices = {"disk0": "generic-disk", "nor0": "W25Q64JV", "fram0": "FM25V10"}
        self.board = Board(BoardSpec(devices={name: DeviceSpec(part=part) for name, part in devices.items()}))
        places = {"nor0": [(0x1000, "maps"), (0x2000, OTHER)], "disk0": [(0, "labels"), (2, "data")]}
        self.meter = Meter(self.board, media_time, hz, places)
        self.meter.attach()

    @property
    def nor(self) -> NorFlash:
        medium = self.board.media["nor0"]
        assert isinstance(medium, NorFlash)
        return medium

    @property
    def fram(self) -> Nvram:
        medium = self.board.media["fram0"]
        assert isinstance(medium, Nvram)
        return medium

    @property
    def disk(self) -> Disk:
        medium = self.board.media["disk0"]
        assert isinstance(medium, Disk)
        return medium

    def ns(self, act: Callable[[], object]) -> int:
        """How long ``act`` takes."""
        before = self.meter.settle()
        act()
        return self.meter.settle() - before

    def counts(self, device: str, what: str) -> list[int]:
        """The cells that were worn, up to the last."""
        (wear,) = (wear for wear in self.meter.gauges[device].wear if wear.what == what)
        return [int(count) for count in np.trim_zeros(wear.counts, "b")]


def test_a_page_program_takes_the_bus_and_the_datasheets_time() -> None:
    typical, longest = Metered(), Metered(MediaTime.MAXIMUM)
    clocks = 8 + 8 + 24 + 16 + 8 * 10
    bus_ns = clocks * 1_000_000_000 // 133_000_000
    assert typical.ns(lambda: typical.nor.program(0, bytes(10))) in (
        DRIVER_NS + bus_ns + 400_000,
        DRIVER_NS + bus_ns + 400_001,
    )
    assert longest.ns(lambda: longest.nor.program(0, bytes(10))) - DRIVER_NS - bus_ns in (3_000_000, 3_000_001)


def test_an_erase_takes_a_hundred_times_as_long_as_a_program() -> None:
    metered = Metered()
    assert metered.ns(lambda: metered.nor.erase(0)) // 1_000_000 == 45


def test_an_nvram_takes_the_same_time_for_each_word() -> None:
    metered = Metered()
    one, ten = (metered.ns(lambda n=n: metered.fram.write(0, bytes(n))) for n in (1, 10))
    assert ten - one in range(9 * 200 - 1, 9 * 200 + 2)


def test_reads_take_time_and_change_nothing() -> None:
    metered = Metered()
    before = metered.board.cells.digest
    assert metered.ns(lambda: metered.nor.read(0, 1000)) > 8 * 1000 * 1_000_000_000 // 133_000_000
    assert metered.ns(lambda: metered.disk.read(100, 8)) > 100_000
    assert metered.board.cells.digest == before
    assert not any(metered.counts(device, what) for device, what in (("nor0", "program"), ("disk0", "write")))


def test_cycles_become_time_and_no_part_of_a_nanosecond_is_lost() -> None:
    metered = Metered(hz=3_000_000)
    for _ in range(3):
        metered.board.core.spend(WORK, 7)
        metered.meter.settle()
    assert metered.board.clock.now_ns == 3 * 31 * 1000 // 3
    assert (metered.meter.steps[WORK].times, metered.meter.steps[WORK].amount) == (3, 21)


def test_time_and_bytes_are_told_apart_by_what_lies_there() -> None:
    metered = Metered()
    metered.nor.program(0x1000, bytes(4))
    metered.nor.program(0x3000, bytes(5))
    metered.disk.write(0, [ZERO_SECTOR], fua=True)
    metered.disk.write(7, [ZERO_SECTOR] * 2, fua=True)
    assert metered.meter.written_bytes == {"maps": 4, OTHER: 5, "labels": 512, "data": 1024}
    spent = metered.meter.spent_ns
    assert spent["maps"] > 400_000
    assert spent[FIRMWARE] == 4 * DRIVER.base_cycles * 1_000_000_000 // HZ
    assert sum(spent.values()) == metered.board.clock.now_ns


def test_a_flush_is_put_down_to_what_was_cached_before_it() -> None:
    metered = Metered()
    metered.disk.write(7, [ZERO_SECTOR], fua=False)
    metered.meter.spent_ns.clear()
    metered.disk.flush()
    assert set(metered.meter.spent_ns) == {FIRMWARE, "data"}
    assert metered.meter.spent_ns["data"] > 1_000_000


def test_a_disk_that_is_powered_on_again_has_nothing_left_to_write_out() -> None:
    busy, fresh = Metered(), Metered()
    for metered in (busy, fresh):
        for lba in (5000, 9000, 20_000):
            metered.disk.write(lba, [ZERO_SECTOR], fua=False)
        metered.board.lose_power()
        if metered is fresh:
            metered.meter.power_on()
        metered.disk.write(2, [ZERO_SECTOR], fua=False)
    assert fresh.ns(fresh.disk.flush) < busy.ns(busy.disk.flush)


def test_every_cell_that_an_operation_touches_is_worn_once() -> None:
    metered = Metered()
    metered.nor.erase(0x1000)
    metered.nor.erase(0x1000)
    metered.nor.program(0x1F0, bytes(16))
    metered.fram.write(3, bytes(2))
    metered.fram.write(4, bytes(3))
    metered.disk.write(2, [ZERO_SECTOR] * 3, fua=True)
    metered.disk.write(4, [ZERO_SECTOR], fua=False)
    assert metered.counts("nor0", "erase") == [0, 2]
    assert metered.counts("nor0", "program") == [0, 1]
    assert metered.counts("fram0", "write") == [0, 0, 0, 1, 2, 1, 1]
    assert metered.counts("disk0", "write") == [0, 0, 1, 1, 2]


def test_counts_of_many_cells_can_be_added_at_once() -> None:
    metered = Metered()
    wear = metered.meter.gauges["nor0"].wear[0]
    wear.count(0x2000, 0x1000)
    wear.add(1, [3, 0, 5])
    assert [int(count) for count in wear.counts[:6]] == [0, 3, 1, 5, 0, 0]


def test_cells_past_their_endurance_are_counted() -> None:
    metered = Metered()
    wear = metered.meter.gauges["nor0"].wear[0]
    assert wear.endurance == 100_000
    wear.add(0, [100_000, 100_001, 3])
    assert wear.past_endurance == 1


def test_a_detached_meter_lets_no_time_pass() -> None:
    metered = Metered()
    metered.meter.detach()
    metered.nor.program(0, bytes(4))
    metered.board.core.spend(WORK, 100)
    assert metered.board.clock.now_ns == 0
    metered.meter.attach()
    metered.nor.program(4, bytes(4))
    assert metered.counts("nor0", "program") == [1]


def test_the_log_hears_of_each_operation_when_it_began_and_ended() -> None:
    metered = Metered()
    heard: list[tuple[str, int, int]] = []

    def hear(operation: Operation, began_ns: int, ended_ns: int) -> None:
        heard.append((str(operation), began_ns, ended_ns))

    metered.meter.log = hear
    metered.nor.program(0, bytes(4))
    metered.nor.erase(0)
    assert [text for text, _, _ in heard] == ["nor0 program 0x0+4", "nor0 erase 0x0+4096"]
    assert heard[1][1] >= heard[0][2] > heard[0][1]
    assert heard[1][2] == metered.board.clock.now_ns


def test_a_read_of_nothing_takes_the_driver_only() -> None:
    metered = Metered()
    for medium in (metered.disk, metered.nor, metered.fram):
        assert metered.ns(lambda medium=medium: medium.read(0, 0)) < DRIVER_NS + 400


def test_words_that_are_touched_in_part_take_their_time() -> None:
    board = Board(BoardSpec(devices={"ram": DeviceSpec(part="generic-nvram")}))
    ram = board.media["ram"]
    timing = timing_of(ram, MediaTime.TYPICAL)
    assert timing.read(3, 2, 0) == 2 * timing.read(0, 4, 0) == timing.read(0, 8, 0)


def test_a_disk_at_its_worst_takes_longer_than_it_ever_does() -> None:
    usual, worst = Metered(), Metered(MediaTime.MAXIMUM)
    draw = random.Random(1)
    for _ in range(300):
        lba, count = draw.randrange(60_000), draw.choice((1, 8, 300))
        kind = draw.choice(("fua", "cached", "read", "flush"))

        def act(metered: Metered, lba: int = lba, count: int = count, kind: str = kind) -> int:
            disk = metered.disk
            if kind == "read":
                return metered.ns(lambda: disk.read(lba, count))
            if kind == "flush":
                return metered.ns(disk.flush)
            return metered.ns(lambda: disk.write(lba, [ZERO_SECTOR] * count, fua=kind == "fua"))

        assert act(worst) >= act(usual)


@pytest.mark.parametrize("media_time", MediaTime)
def test_times_are_whole_nanoseconds(media_time: MediaTime) -> None:
    metered = Metered(media_time)
    timing = NorTiming(metered.nor.part, media_time)
    assert all(isinstance(timing.read(0, length, 5), int) for length in (0, 1, 7))


PAGE_NS = 20 * (2 + 4 + 2_112)
"""Commands, address, a page and its spare bytes on the bus of the NAND flash."""


class Change(Operation):
    """An operation of which only the kind and the place matter."""

    def __init__(self, kind: str, address: int, length: int) -> None:
        super().__init__("nand0", address, length)
        self.kind = kind

    def outcomes(self) -> list[Outcome]:
        return [Outcome("nothing", ())]


def nand_flash(name: str) -> NandFlash:
    part = load_part(name)
    assert isinstance(part, NandPart)
    return NandFlash("nand0", part, Cells(), PowerRail(), Adversary(), Detail.EVERY)


def test_a_page_of_nand_flash_is_read_and_goes_over_the_bus() -> None:
    nand = nand_flash("MT29F1G08ABADA")
    for media_time in MediaTime:
        timing = timing_of(nand, media_time)
        assert isinstance(timing, NandTiming)
        assert timing.read(7, 3, 5) == 5 + 3 * (25_000 + PAGE_NS)
        assert timing.read(7, 0, 5) == 5


@pytest.mark.parametrize(
    ("media_time", "program_us", "erase_us"), [(MediaTime.TYPICAL, 200, 700), (MediaTime.MAXIMUM, 600, 3_000)]
)
def test_programs_and_erases_of_nand_flash_take_the_datasheets_time(
    media_time: MediaTime, program_us: int, erase_us: int
) -> None:
    timing = timing_of(nand_flash("MT29F1G08ABADA"), media_time)
    assert timing.change(Change("program", 70, 1), 5) == 5 + 1_000 * program_us + PAGE_NS + 20 * 2
    assert timing.change(Change("erase", 64, 64), 5) == 5 + 1_000 * erase_us + 20 * (2 + 2 + 2)


def test_a_nand_flash_wears_by_block_and_counts_programs_by_page() -> None:
    nand = nand_flash("generic-mlc")
    (erases, erase), (programs, program) = wear_of(nand)
    assert (erases, programs) == (("erase",), ("program",))
    erase.count(32, 16)
    program.count(33, 1)
    assert (len(erase.counts), np.flatnonzero(erase.counts).tolist()) == (64, [2])
    assert (len(program.counts), np.flatnonzero(program.counts).tolist()) == (64 * 16, [33])
    assert (erase.endurance, program.endurance) == (3_000, None)
    assert (erase.cell, program.cell) == ("block of 16 pages", "page of 512 bytes")
    assert bytes_per_address(nand) == 512
