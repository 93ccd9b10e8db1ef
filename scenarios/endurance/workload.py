"""What the host does all the time: a random mix with a hot and a cold region, or a trace again and again.

Of the commands, every ``save_every``-th is a save and every ``restore_every``-th a restore, which goes first where both
are due; all others are reads and writes.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from deltabench.firmware_model.commands import MOST_SECTORS
from deltabench.scenarios.endurance.kernel import FLUSH, READ, WRITE, WRITE_FUA
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.traces import read_trace

SHARES: Final = 1 << 16
"""Shares are rounded to so many parts."""
NEVER: Final = 1 << 62
US_PER_DAY: Final = 86_400_000_000
DEFAULT_COMMANDS_PER_DAY: Final = 1_000_000.0
DAYS_PER_YEAR: Final = 365.25
MOST_COMMANDS: Final = 1 << 52
MOST_ORDERS: Final = (1 << 32) - 1
"""What the map store's system version can count to."""


class RandomMix(NamedTuple):
    """Transfers of ``sectors`` sectors, aligned to their length, a share of ``reads`` among them.

    The first ``hot_fraction`` of the volume gets ``hot_share`` of the transfers, the rest the others.
    """

    reads: float = 0.3
    sectors: int = 8
    hot_fraction: float = 0.1
    hot_share: float = 0.9


class RepeatedTrace(NamedTuple):
    """The trace in ``path``, over and over, folded into the volume with ``wrap``."""

    path: Path
    format: str
    wrap: bool = False


class Workload(NamedTuple):
    """``years`` of a source of commands; 0 for ``save_every`` or ``restore_every`` is never.

    ``commands_per_day``: None for the pace of a trace's own times, or a million where it has none.
    """

    source: RandomMix | RepeatedTrace = RandomMix()
    save_every: int = 1000
    restore_every: int = 0
    years: float = 10.0
    commands_per_day: float | None = None
    seed: int = 1

    def as_dict(self) -> dict[str, Any]:
        """For JSON: as configured."""
        source = {
            name: str(value) if isinstance(value, Path) else value for name, value in self.source._asdict().items()
        }
        kind = "random" if isinstance(self.source, RandomMix) else "trace"
        return {kind: source, **{key: value for key, value in self._asdict().items() if key != "source"}}


class Schedule(NamedTuple):
    """When saves and restores are due; NEVER stands for never."""

    save_every: int
    restore_every: int


class Mix(NamedTuple):
    """A random mix as the kernel wants it: in slots of a transfer's length, of which ``per_unit`` make a unit.

    ``per_unit`` is 0 where transfers cross from unit to unit.  Shares are of 65,536.
    """

    sectors: int
    slots: int
    hot_slots: int
    per_unit: int
    read_share: int
    hot_share: int


class Requests(NamedTuple):
    """A trace as the kernel wants it: a column each."""

    kinds: Any
    lbas: Any
    counts: Any


class Plan(NamedTuple):
    """A workload made fit for a volume."""

    schedule: Schedule
    source: Mix | Requests
    commands_per_day: float
    commands: int


def plan(workload: Workload, units: int, sectors_per_unit: int, *, compiled: bool) -> Plan:
    """Fit a workload to a volume; raises ScenarioError for a figure that does not, TraceError for a wrong trace."""
    for name in ("save_every", "restore_every"):
        if not 0 <= getattr(workload, name) <= NEVER:
            raise _wrong(name, getattr(workload, name), f"0 for never, or a number of commands up to {NEVER:,}")
    schedule = Schedule(workload.save_every or NEVER, workload.restore_every or NEVER)
    _check_positive("years", workload.years)
    pace = workload.commands_per_day
    if pace is not None:
        _check_positive("commands_per_day", pace)
    source: Mix | Requests
    if isinstance(workload.source, RandomMix):
        source = mix_of(workload.source, units, sectors_per_unit)
    else:
        source, span_us = requests_of(workload.source, units * sectors_per_unit, compiled=compiled)
        share = order_share(schedule)
        if pace is None and span_us and share < 1:
            # The orders come on top of the trace's own requests.
            pace = len(source.kinds) * US_PER_DAY / span_us / (1 - share)
    pace = pace or DEFAULT_COMMANDS_PER_DAY
    wanted = workload.years * DAYS_PER_YEAR * pace
    commands = round(wanted) if math.isfinite(wanted) else MOST_COMMANDS
    if not 0 < commands < MOST_COMMANDS:
        raise ScenarioError(
            f"endurance: {workload.years:g} years of {pace:,.6g} commands a day are {wanted:,.6g} commands; "
            f"allowed: 1 to {MOST_COMMANDS:,}; choose other years or commands_per_day"
        )
    if commands * order_share(schedule) > MOST_ORDERS:
        raise ScenarioError(
            f"endurance: {commands:,} commands with a save_every of {workload.save_every} and a restore_every of "
            f"{workload.restore_every} are more than {MOST_ORDERS:,} saves and restores, which is as far as the map "
            "store counts versions; choose fewer years or a longer interval"
        )
    return Plan(schedule, source, pace, commands)


def order_share(schedule: Schedule) -> float:
    """The share of saves and restores among the commands."""
    both = math.lcm(schedule.save_every, schedule.restore_every)
    return 1 / schedule.save_every + 1 / schedule.restore_every - 1 / both


def mix_of(mix: RandomMix, units: int, sectors_per_unit: int) -> Mix:
    """A random mix in slots; the hot region is rounded to slots, and to whole units where slots divide them."""
    volume = units * sectors_per_unit
    for name in ("reads", "hot_fraction", "hot_share"):
        if not 0 <= getattr(mix, name) <= 1:
            raise _wrong(name, getattr(mix, name), "a share from 0 to 1")
    if not 1 <= mix.sectors <= min(volume, MOST_SECTORS):
        raise _wrong("sectors", mix.sectors, f"1 to {min(volume, MOST_SECTORS):,}, for this volume of {volume:,}")
    per_unit, rest = divmod(sectors_per_unit, mix.sectors)
    if rest:
        per_unit = 0
    slots = volume // mix.sectors
    hot = round(mix.hot_fraction * units) * per_unit if per_unit else round(mix.hot_fraction * slots)
    share = SHARES if hot == slots else 0 if hot == 0 else round(mix.hot_share * SHARES)
    return Mix(mix.sectors, slots, hot, per_unit, round(mix.reads * SHARES), share)


@lru_cache(maxsize=1)
def requests_of(trace: RepeatedTrace, volume_sectors: int, *, compiled: bool) -> tuple[Requests, int]:
    """The columns of a trace, and how long it lasts in microseconds; 0 if it has no times."""
    rows: list[tuple[int, int, int]] = []
    found = read_trace(trace.path, format=trace.format, volume_sectors=volume_sectors, wrap=trace.wrap)
    for request in found:
        if request.kind == "flush":
            rows.append((FLUSH, 0, 0))
            continue
        kind = READ if request.kind == "read" else WRITE_FUA if request.fua else WRITE
        rows += [
            (kind, request.lba + at, min(MOST_SECTORS, request.count - at))
            for at in range(0, request.count, MOST_SECTORS)
        ]
    # The next round begins a mean gap behind the last request.
    span_us = found[-1].time_us * len(found) // max(1, len(found) - 1)
    columns = [list(column) for column in zip(*rows, strict=True)]
    return Requests(*(np.array(column, np.int64) if compiled else column for column in columns)), span_us


def _check_positive(name: str, value: float) -> None:
    if not 0 < value < math.inf:
        raise _wrong(name, value, "more than 0")


def _wrong(name: str, value: float, allowed: str) -> ScenarioError:
    return ScenarioError(f"endurance: {name} = {value}: allowed: {allowed}")
