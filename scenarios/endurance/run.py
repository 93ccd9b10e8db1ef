"""Endurance runs: a workload over simulated years on each variant, sampled on the way, and when what wears out.

A run ends before its years are over when all that has a rated endurance is worn past it.  What is not worn out by then
is told by extrapolation: it goes on wearing as it did in the second half of the run, if that was enough to tell.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from deltabench.hwsim.meter import Wear as CellWear
from deltabench.hwsim.meter import WearKind, wear_of
from deltabench.scenarios.documents import MOST_YEARS, Day, EnduredRun, WearOut
from deltabench.scenarios.endurance import kernel
from deltabench.scenarios.endurance.causes import cause_of
from deltabench.scenarios.endurance.compiled import Kernel
from deltabench.scenarios.endurance.device import device_of
from deltabench.scenarios.endurance.flash import block_erases, given_pages, new_flash
from deltabench.scenarios.endurance.state import new_state
from deltabench.scenarios.endurance.wear import (
    atom_writes,
    cell_wear,
    counters,
    flash_summaries,
    map_wear,
    most_ddm,
    unit_moves,
)
from deltabench.scenarios.endurance.workload import DAYS_PER_YEAR, Mix, Workload, plan
from deltabench.scenarios.measure import worn_cells
from deltabench.scenarios.scenario import Variant

Progress = Callable[[int, int], None]
MOST_SAMPLES: Final = 256
FIRST_STEPS: Final = 1 << 10
"""So many times closer than the years want it are the first samples: a part may be worn out in days."""
WEARING: Final[tuple[WearKind, ...]] = ("erase", "write")
"""Programs of NOR pages are no wear of their own: each is between two erases, which are rated."""
LEAST_WEAR: Final = 20
"""With less wear of the most worn cell in the second half of a run, its pace is not told, but only that it is lower."""
Ended = Literal["all done", "worn out", "interrupted"]


class Run:
    """One variant under a workload."""

    def __init__(self, variant: Variant, workload: Workload, model: Kernel) -> None:
        """Raises ScenarioError if the variant cannot be built, or the workload does not fit it."""
        self._variant = variant
        self._workload = workload
        self._model = model
        self._device = device_of(variant)
        shape = self._device.shape
        self._plan = plan(workload, shape.units, shape.sectors_per_unit, compiled=model.compiled)
        layers, layout = self._device.layers, self._device.layout
        self._state = new_state(shape, workload.seed % (1 << 64), compiled=model.compiled)
        self._flash = new_flash(layers, layout, compiled=model.compiled)
        self._done = 0
        self._timeline: list[Day] = []
        self._given: list[dict[str, int]] = []
        """Atoms given to the map store and pages to each NAND flash so far, at the times of the timeline."""
        watched = dict.fromkeys((layout.maps.device, *(layer.device for layer in layers)))
        self._rated = {
            name: wear.endurance
            for name in watched
            for _, wear in wear_of(self._device.board.media[name])
            if wear.what in WEARING and wear.endurance is not None
        }
        """What may wear out: the map store, unless it is on a disk, and NAND flash."""

    @property
    def commands(self) -> int:
        """How many the years have."""
        return self._plan.commands

    def run(self, progress: Callable[[int], None], interrupted: Callable[[], bool]) -> EnduredRun:
        """Do them, or as many as wear everything out; ``progress`` is told how many are done."""
        total = self.commands
        step = max(1, total // (MOST_SAMPLES * FIRST_STEPS))
        self._sample()
        while self._done < total and not self._worn_out and not interrupted():
            last = min(total, self._done + step)
            while self._done < last and not interrupted():
                self._advance(min(last, self._done + self._model.chunk))
                progress(self._done)
            self._sample()
            if len(self._timeline) > MOST_SAMPLES:
                self._timeline, self._given = self._timeline[::2], self._given[::2]
                step *= 2
        if self._done == total:
            return self._result("all done")
        return self._result("worn out" if self._worn_out else "interrupted")

    def _advance(self, last: int) -> None:
        source, device = self._plan.source, self._device
        self._model.run(self._state, self._flash, device.shape, self._plan.schedule, source, self._done, last)
        self._done = last

    @property
    def _worn_out(self) -> bool:
        """Whether all is that has a rated endurance."""
        most_worn = self._timeline[-1].most_worn
        return bool(self._rated) and all(most_worn[name] > rated for name, rated in self._rated.items())

    def _days(self, commands: int) -> float:
        return commands / self._plan.commands_per_day

    def _sample(self) -> None:
        device, state = self._device, self._state
        writes = atom_writes(device.shape, state).all
        cells = map_wear(device, writes).cells
        maps = device.layout.maps.device
        erased = block_erases(device.layers, self._flash)
        worn = dict(erased)
        for kind, (_, counts) in cells.items():
            if kind in WEARING:
                worn[maps] = counts
            if kind == "erase":
                erased[maps] = counts
        self._given.append({maps: int(writes.sum())} | given_pages(device.layers, self._flash))
        self._timeline.append(
            Day(
                command=self._done,
                day=self._days(self._done),
                erases={name: int(counts.sum()) for name, counts in erased.items()},
                most_worn={name: int(counts.max()) for name, counts in worn.items()},
                ddm=int(state.totals[kernel.DELTA]),
                moved=int(unit_moves(device.shape, state).sum()),
            )
        )

    def _wears(self) -> list[CellWear]:
        return cell_wear(self._device, self._state, self._flash)

    def _result(self, ended: Ended) -> EnduredRun:
        variant, state, shape = self._variant, self._state, self._device.shape
        wears = [(wear, counts) for wear in self._wears() if (counts := wear.counts).any()]
        return EnduredRun(
            run=f"{variant.scenario.name}:{variant.name}",
            scheme=variant.scheme,
            atom_store=variant.firmware.store.value,
            units=shape.units,
            sectors_per_unit=shape.sectors_per_unit,
            seed=self._workload.seed,
            workload=self._workload.as_dict() | self._as_planned(),
            commands=self._done,
            simulated_days=self._days(self._done),
            ended=ended,
            counters=counters(self._device, state, self._flash, [wear for wear, _ in wears]).as_series(),
            wear=tuple(worn_cells(wear, counts) for wear, counts in wears),
            flash=tuple(flash_summaries(self._device, self._flash)),
            most_ddm=most_ddm(state),
            unit_moves=tuple(unit_moves(shape, state).tolist()),
            timeline=tuple(self._timeline),
            wear_out=tuple(self._wear_out(wear, counts) for wear, counts in wears if wear.what in WEARING),
        )

    def _as_planned(self) -> dict[str, float]:
        """What came of the workload on this volume: the pace, and the share that the hot region really has."""
        source = self._plan.source
        hot = {"hot_part": source.hot_slots / source.slots} if isinstance(source, Mix) else {}
        return {"commands_per_day": self._plan.commands_per_day, **hot}

    def _wear_out(self, wear: CellWear, counts: NDArray[np.int64]) -> WearOut:
        worst = int(counts.argmax())
        most = int(counts[worst])
        years, too_little = (None, False) if wear.endurance is None else self._life(wear.device, wear.endurance, most)
        return WearOut(
            device=wear.device,
            part=wear.part,
            what=wear.what,
            endurance=wear.endurance,
            most=most,
            years=years,
            reached=wear.endurance is not None and most > wear.endurance,
            too_little=too_little,
            driven_by=cause_of(self._device, self._state, self._flash, wear.device, worst * wear.cell_size),
        )

    def _life(self, device: str, endurance: int, most: int) -> tuple[float | None, bool]:
        """The years until the most worn cell had that wear or will have it, and whether it was worn too little to tell.

        None and False: it wears no more, as nothing was written to it in the second half of the run.
        """
        for before, after in pairwise(self._timeline):
            low, high = before.most_worn[device], after.most_worn[device]
            if high > endurance:
                return (before.day + (after.day - before.day) * (endurance - low) / (high - low)) / DAYS_PER_YEAR, False
        half = max(number for number, day in enumerate(self._timeline) if 2 * day.day <= self._timeline[-1].day)
        if self._given[half][device] == self._given[-1][device]:
            return None, False
        begin, end = self._timeline[half], self._timeline[-1]
        worn = most - begin.most_worn[device]
        # Fewer, and perhaps another that is nearly due, are no more than LEAST_WEAR.
        years = (end.day + (endurance - most) * (end.day - begin.day) / max(worn, LEAST_WEAR)) / DAYS_PER_YEAR
        too_little = worn < LEAST_WEAR and years <= MOST_YEARS
        return None if too_little else years, too_little


def endure(
    variants: Sequence[Variant], workload: Workload, model: Kernel, progress: Progress = lambda _done, _total: None
) -> tuple[list[EnduredRun], bool]:
    """Run the workload on one variant after the other; returns what there is, and whether Ctrl-C ended it.

    ``progress`` is told commands done, and of how many as far as is known.  Raises ScenarioError before anything is
    run if a variant cannot be built, or the workload does not fit it.
    """
    with noted_interrupt() as interrupted:
        # Built twice: all are checked before the first is run, and a board with large disks is not kept for long.
        commands = [Run(variant, workload, model).commands for variant in variants]
        results: list[EnduredRun] = []
        for number, variant in enumerate(variants):
            if interrupted():
                break
            before = sum(run.commands for run in results)
            total = before + sum(commands[number:])

            def report(done: int, before: int = before, total: int = total) -> None:
                progress(before + done, total)

            results.append(Run(variant, workload, model).run(report, interrupted))
        complete = len(results) == len(variants) and all(run.ended != "interrupted" for run in results)
        return results, not complete


@contextmanager
def noted_interrupt() -> Iterator[Callable[[], bool]]:
    """Ctrl-C is noted, and no command left half done; yields whether it came.  Only the main thread hears of it."""
    noted: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, lambda number, _frame: noted.append(number))
    try:
        yield lambda: bool(noted)
    finally:
        signal.signal(signal.SIGINT, before)
