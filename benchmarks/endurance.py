"""How many host commands a second the endurance kernel goes through on one core, random numbers included.

All times are CPU seconds of this one process.  Every figure is measured several times: the best is reported, and the
slowest beside it says how noisy the machine is.  What the kernel counts is the same in every run and on every machine.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from deltabench.firmware_model.config import FirmwareConfig
from deltabench.scenarios.endurance.compiled import Kernel, load_kernel
from deltabench.scenarios.endurance.kernel import READ, WRITE
from deltabench.scenarios.endurance.state import SCHEME_NUMBERS, Shape, new_state, shape_of
from deltabench.scenarios.endurance.workload import Mix, RandomMix, Requests, Schedule, mix_of

UNITS: Final = 16_384
SECTORS_PER_UNIT: Final = 8
SAVE_INTERVALS: Final = (100, 300, 1000, 10_000)
SAVES_PER_RESTORE: Final = 10
WANTED_PER_SECOND: Final = 100_000_000
TRACE_REQUESTS: Final = 1_000_000

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
    pure = load_kernel(jit=False)
    show("flagged, pure Python", seconds(pure, shape("flagged"), schedule_of(1000), mix(), 200_000, repeats), 200_000)
    print(
        f"30 % reads, transfers of 8 sectors, 90 % of them in 10 % of the volume, a restore in place of every "
        f"{SAVES_PER_RESTORE}th save: {slowest / 1e6:.0f} million commands a second or more "
        f"(wanted: {WANTED_PER_SECOND / 1e6:.0f})"
    )
    return int(slowest < WANTED_PER_SECOND)


if __name__ == "__main__":
    sys.exit(main())
