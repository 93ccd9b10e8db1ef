"""How many crash states a second the explorer goes through on one core, and how its time grows with the workload.

All times are CPU seconds of this one process.  Every figure is measured several times: the best is reported, and the
slowest beside it says how noisy the machine is.  The counts are the same in every run and on every machine.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from deltabench.firmware_model import commands
from deltabench.firmware_model.commands import Command
from deltabench.firmware_model.config import FirmwareConfig, StoreKind
from deltabench.firmware_model.controller import DeltaController
from deltabench.hwsim.board import Board, BoardSpec, DeviceSpec
from deltabench.hwsim.disk import SECTOR_BYTES, ZERO_SECTOR
from deltabench.scenarios.closure import Closure
from deltabench.scenarios.equivalence import Equivalence
from deltabench.scenarios.explorer import Counts, Explorer
from deltabench.scenarios.oracle import Oracle
from deltabench.scenarios.rig import Rig

BOARD = BoardSpec(
    devices={
        "disk0": DeviceSpec(part="generic-disk", sectors=4096),
        "nor0": DeviceSpec(part="W25Q64JV"),
    }
)
FIRMWARE = FirmwareConfig(scheme="flagged", store=StoreKind.NOR, units=64, sectors_per_unit=1, log_records=12)
BOOT_LIMIT = 1000
"""Media operations that a boot may take; it needs a few dozen."""
WANTED_EXPONENT = 1.15


class Run(NamedTuple):
    """One workload, explored: what was counted, and the CPU seconds that it took in each repetition."""

    counts: Counts
    seconds: tuple[float, ...]

    @property
    def best(self) -> float:
        return min(self.seconds)


def workload(count: int) -> Iterator[Command]:
    """``count`` random commands: of a hundred, 80 write, 10 read, 5 save and 5 restore."""
    choice = random.Random(1)
    for number in range(count):
        lba = choice.randrange(FIRMWARE.volume_sectors)
        kind = choice.random()
        if kind < 0.80:
            yield commands.write(lba, [f"write {number}".encode().ljust(SECTOR_BYTES, b"\0")])
        elif kind < 0.90:
            yield commands.read(lba, 1)
        else:
            yield commands.SAVE if kind < 0.95 else commands.RESTORE


def explore(count: int, depth: int, *, classes: bool = False) -> tuple[Counts, float]:
    """Cut the power everywhere in ``count`` commands, ``depth`` times in a row; returns counts and CPU seconds.

    ``classes``: of equivalent states in recoveries, one is judged (docs/exploration.md).
    """
    board = Board(BOARD)
    DeltaController(board, FIRMWARE).initialise()
    board.lose_power()
    rig = Rig(board, lambda: DeltaController(board, FIRMWARE), FIRMWARE.volume_sectors, BOOT_LIMIT)
    oracle = Oracle(FIRMWARE.volume_sectors, write_back=False, may_break=False, blank=ZERO_SECTOR)
    explorer = Explorer(rig, oracle, depth)
    if classes:
        like = rig.make()
        assert isinstance(like, DeltaController), "the benchmark's own"
        explorer = Closure(rig, oracle, Equivalence(board, FIRMWARE, like.layout, like.maps.store.count), depth=depth)
    controller = rig.power_on()
    board.rail.listeners = (explorer.on_operation,)
    before = time.process_time()
    for number, command in enumerate(workload(count)):
        oracle.begin(command)
        explorer.begin(str(command), number)
        rig.must(controller, command, "in the workload")
        oracle.acknowledge()
        board.cells.journal.clear()
    seconds = time.process_time() - before
    if explorer.unlike:
        raise SystemExit("states taken for equivalent are not, and the speed is of no interest")
    if explorer.findings:
        raise SystemExit(f"the firmware is wrong, and its speed of no interest: {explorer.findings[0]}")
    return explorer.counts, seconds


def measure(sizes: Sequence[int], depth: int, repeats: int, *, classes: bool = False) -> dict[int, Run]:
    """Each workload ``repeats`` times, in turns, so that a slow minute of the machine does not fall on one of them."""
    results: dict[int, list[tuple[Counts, float]]] = {size: [] for size in sizes}
    for _ in range(repeats):
        for size in sizes:
            results[size].append(explore(size, depth, classes=classes))
    return {size: Run(runs[0][0], tuple(seconds for _, seconds in runs)) for size, runs in results.items()}


def exponent(runs: dict[int, Run]) -> float:
    """The slope of log(time) against log(commands): 1 for time that grows linearly."""
    return statistics.linear_regression(
        [math.log(size) for size in runs], [math.log(run.best) for run in runs.values()]
    ).slope


def show(runs: dict[int, Run], depth: int) -> None:
    firmware = f"{FIRMWARE.scheme} on {FIRMWARE.store.value}, U = {FIRMWARE.units}, S = {FIRMWARE.sectors_per_unit}"
    print(f"{firmware}, depth {depth}; CPU seconds on one core, best of {len(next(iter(runs.values())).seconds)}")
    print("commands  generated   distinct   verified    best s   worst s   generated/s   ms/command")
    for size, (counts, seconds) in runs.items():
        best = min(seconds)
        print(
            f"{size:8} {counts.generated:10} {counts.distinct:10} {counts.verified:10} {best:9.2f} {max(seconds):9.2f}"
            f" {counts.generated / best:13,.0f} {1000 * best / size:12.1f}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the explorer.")
    parser.add_argument("--quick", action="store_true", help="smaller workloads, in seconds instead of minutes")
    quick: bool = parser.parse_args().quick
    show(measure([20 if quick else 200], depth=2, repeats=2 if quick else 3), depth=2)
    print("\nThe same, equivalent states in recoveries judged once:")
    show(measure([20 if quick else 200], depth=2, repeats=2 if quick else 3, classes=True), depth=2)
    print()
    # At depth 2 the largest of these would take many minutes, and show the same.
    growth = measure([25, 50, 100, 200] if quick else [200, 400, 800, 1600], depth=1, repeats=3)
    show(growth, depth=1)
    slope = exponent(growth)
    print(f"time grows with the commands to the power of {slope:.2f} (wanted: at most {WANTED_EXPONENT})")
    return int(slope > WANTED_EXPONENT)


if __name__ == "__main__":
    sys.exit(main())
