"""How many host commands a second the endurance kernel goes through on one core, random numbers included.

All times are CPU seconds of this one process.  Every figure is measured several times: the best is reported, and the
slowest beside it says how noisy the machine is.  What the kernel counts is the same in every run and on every machine.

On NAND flash each command is a write of one logical page, and both volumes together fill the capacity.  What is
measured begins when every block has been collected several times; so do the pages programmed for each.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from deltabench.firmware_model.config import FirmwareConfig, Placement, StoreKind
from deltabench.hwsim.board import BoardSpec, DeviceSpec
from deltabench.scenarios.endurance.compiled import Kernel, load_kernel
from deltabench.scenarios.endurance.device import Device, device_of
from deltabench.scenarios.endurance.flash import block_erases, new_flash, totals_of
from deltabench.scenarios.endurance.kernel import READ, WRITE
from deltabench.scenarios.endurance.state import SCHEME_NUMBERS, Shape, new_state, shape_of
from deltabench.scenarios.endurance.workload import Mix, RandomMix, Requests, Schedule, mix_of
from deltabench.scenarios.scenario import Document, Scenario, Variant

UNITS: Final = 16_384
SECTORS_PER_UNIT: Final = 8
SAVE_INTERVALS: Final = (100, 300, 1000, 10_000)
SAVES_PER_RESTORE: Final = 10
WANTED_PER_SECOND: Final = 100_000_000
TRACE_REQUESTS: Final = 1_000_000
NAND_PART: Final = "MT29F1G08ABADA"
"""1 Gbit of SLC: 1,024 blocks of 64 pages of four sectors."""
PAGE_SECTORS: Final = 4
NAND_UNITS: Final = {StoreKind.NVRAM: 28_090, StoreKind.NAND: 27_400}
"""Units of a page each: as many as twice find room, without maps and with them."""
NAND_LOADS: Final = {"uniform": RandomMix(0, PAGE_SECTORS, 1, 1), "90/10": RandomMix(0, PAGE_SECTORS, 0.1, 0.9)}
NAND_WRITES_WANTED: Final = 5_000_000

Source = Mix | Requests


def seconds(
    model: Kernel, shape: Shape, schedule: Schedule, source: Source, commands: int, repeats: int
) -> list[float]:
    """CPU seconds of so many commands, each time from the factory on."""
    run: Callable[..., None] = model.run_mix if isinstance(source, Mix) else model.run_requests
    taken = []
    for _ in range(repeats):
        state = new_state(shape, 1, compiled=model.compiled)
        run(state, shape, schedule, source, 0, 0)
        before = time.process_time()
        run(state, shape, schedule, source, 0, commands)
        taken.append(time.process_time() - before)
    return taken


def schedule_of(save_every: int) -> Schedule:
    return Schedule(save_every, SAVES_PER_RESTORE * save_every)


def shape(scheme: str) -> Shape:
    return shape_of(FirmwareConfig(scheme=scheme, units=UNITS, sectors_per_unit=SECTORS_PER_UNIT))


def compile_time() -> tuple[Kernel, float]:
    """The compiled kernel, and the CPU seconds until it is ready: compiled, or loaded from where Numba keeps it."""
    before = time.process_time()
    model = load_kernel(jit=True)
    for source in (mix(), some_trace(10)):
        seconds(model, shape("flagged"), schedule_of(5), source, 100, 1)
    return model, time.process_time() - before


def mix(sectors: int = 8, reads: float = 0.3) -> Mix:
    return mix_of(RandomMix(reads=reads, sectors=sectors), UNITS, SECTORS_PER_UNIT)


def some_trace(count: int) -> Requests:
    """Transfers of 1 to 32 sectors anywhere, 30 % reads."""
    draw = np.random.default_rng(1)
    counts = draw.integers(1, 33, count)
    lbas = draw.integers(0, UNITS * SECTORS_PER_UNIT - 32, count)
    kinds = np.where(draw.random(count) < 0.3, READ, WRITE)
    return Requests(kinds, lbas, counts)


def show(what: str, taken: list[float], commands: int) -> float:
    """Print one line; returns the best commands a second."""
    best, worst = commands / min(taken) / 1e6, commands / max(taken) / 1e6
    print(f"{what:<44} {best:10.1f} {worst:10.1f} {1e3 / best:10.2f}")
    return best * 1e6


class OnNand(NamedTuple):
    """CPU seconds, and what became of the flash: pages programmed a write, wear of the most worn block to the mean."""

    taken: list[float]
    amplification: float
    spread: float


def with_nand(store: StoreKind) -> Device:
    """A device with both volumes on one NAND flash, and its maps there or in NVRAM."""
    firmware = FirmwareConfig(
        store=store,
        units=NAND_UNITS[store],
        sectors_per_unit=PAGE_SECTORS,
        atom_bytes=64,
        volume_a=Placement(start=PAGE_SECTORS),
        volume_b=Placement(start=PAGE_SECTORS + NAND_UNITS[store] * PAGE_SECTORS),
        maps=Placement(start=(2 * NAND_UNITS[store] + 1) * PAGE_SECTORS if store is StoreKind.NAND else 0),
    )
    board = BoardSpec(devices={"nand0": DeviceSpec(part=NAND_PART), "fram0": DeviceSpec(part="FM25V10")})
    document = Document(title="NAND flash", board=board, steps=(), firmware=firmware)
    return device_of(Variant(Scenario("nand", Path("nand.scenario.toml"), "", document), firmware))


def on_nand(model: Kernel, device: Device, load: RandomMix, commands: int, repeats: int) -> OnNand:
    """So many writes, and again, after eight for each page of the part."""
    mix, schedule = mix_of(load, device.shape.units, PAGE_SECTORS), schedule_of(1000)
    state = new_state(device.shape, 1, compiled=True)
    flash = new_flash(device.layers, device.layout, compiled=True)
    done = 8 * device.layers[0].geometry.blocks * device.layers[0].geometry.pages_per_block
    model.run(state, flash, device.shape, schedule, mix, 0, done)
    earlier, taken = totals_of(device.layers, flash, 0), []
    for _ in range(repeats):
        before = time.process_time()
        model.run(state, flash, device.shape, schedule, mix, done, done + commands)
        taken.append(time.process_time() - before)
        done += commands
    totals = totals_of(device.layers, flash, 0)
    erases = block_erases(device.layers, flash)["nand0"]
    programmed, given = totals.programmed - earlier.programmed, totals.given - earlier.given
    return OnNand(taken, programmed / given, float(erases.max() / erases.mean()))


def show_nand(model: Kernel, commands: int, repeats: int) -> float:
    """The lines on NAND flash; returns the fewest writes a second."""
    slowest = float("inf")
    for store in NAND_UNITS:
        device = with_nand(store)
        for what, load in NAND_LOADS.items():
            done = on_nand(model, device, load, commands, repeats)
            title = f"NAND, {what}, maps in {store.value.upper()}"
            slowest = min(slowest, show(title, done.taken, commands))
            print(
                f"    {done.amplification:.2f} pages programmed for each given, "
                f"most erases {done.spread:.3f} of the mean"
            )
    return slowest


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the endurance kernel.")
    parser.add_argument("--quick", action="store_true", help="fewer commands, in seconds instead of a minute")
    quick: bool = parser.parse_args().quick
    commands, repeats = (2_000_000, 3) if quick else (20_000_000, 5)
    model, ready_s = compile_time()
    print(f"U = {UNITS:,}, S = {SECTORS_PER_UNIT}; CPU seconds on one core, {commands:,} commands, best of {repeats}")
    print(f"compiled, or loaded from where Numba keeps it, in {ready_s:.1f} s; not in the figures below")
    print(f"{'million commands a second':<44} {'best':>10} {'worst':>10} {'ns each':>10}")
    slowest = float("inf")
    for scheme in SCHEME_NUMBERS:
        for save_every in SAVE_INTERVALS:
            taken = seconds(model, shape(scheme), schedule_of(save_every), mix(), commands, repeats)
            slowest = min(slowest, show(f"{scheme}, a save every {save_every:,}", taken, commands))
    others: dict[str, Source] = {
        "flagged, transfers of 12 sectors": mix(12),
        "flagged, a trace of 1 to 32 sectors": some_trace(TRACE_REQUESTS),
    }
    for what, source in others.items():
        show(what, seconds(model, shape("flagged"), schedule_of(1000), source, commands // 10, repeats), commands // 10)
    slowest_on_nand = show_nand(model, commands // 10, repeats)
    pure = load_kernel(jit=False)
    show("flagged, pure Python", seconds(pure, shape("flagged"), schedule_of(1000), mix(), 200_000, repeats), 200_000)
    print(
        f"30 % reads, transfers of 8 sectors, 90 % of them in 10 % of the volume, a restore in place of every "
        f"{SAVES_PER_RESTORE}th save: {slowest / 1e6:.0f} million commands a second or more "
        f"(wanted: {WANTED_PER_SECOND / 1e6:.0f})"
    )
    print(
        f"{NAND_PART}, filled by both volumes, 10 % more for its layer, a write of a page a command: "
        f"{slowest_on_nand / 1e6:.1f} million commands a second or more (wanted: {NAND_WRITES_WANTED / 1e6:.0f})"
    )
    return int(slowest < WANTED_PER_SECOND or slowest_on_nand < NAND_WRITES_WANTED)


if __name__ == "__main__":
    sys.exit(main())
