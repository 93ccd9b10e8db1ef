"""How long the supply must hold up for a scheme to be safe.

A supply that fails warns the firmware at once and holds up for a while.  The firmware takes no new command from then
on, and finishes the one that it has begun.  So power is lost inside an operation only if that operation ends later
after the beginning of its command than the hold-up lasts: had the supply failed before the command began, the command
would have been refused.  Each crash state that breaks a rule asks for a hold-up, therefore: the time from the beginning
of its command to the end of the cut operation.

A crash state that can be left between two commands, when nothing is asked of the device, can't be helped by any.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from deltabench.hwsim.medium import Operation
from deltabench.hwsim.supply import capacitance_nf
from deltabench.scenarios.crash_map import VIOLATED
from deltabench.scenarios.documents import HeldUp, HoldUp, HoldUpStep
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.explorer import Explorer
from deltabench.scenarios.measure import MeasureError, Recorder
from deltabench.scenarios.scenario import Cuts, Variant
from deltabench.scenarios.session import Session

Progress = Callable[[int, int], None]
NS_PER_US: Final = 1000
BETWEEN: Final = "between two operations"
"""What the explorer calls a cut with no operation under way."""


def needed_holdup(variant: Variant, progress: Progress = lambda _done, _total: None) -> HeldUp:
    """Cut the power of ``variant`` as its scenario says, and find the least hold-up that makes it safe.

    ``progress`` is told actions done and of how many.  Raises ScenarioError if the variant cannot be built, is not cut
    everywhere, or breaks a rule without any cut.
    """
    cuts = variant.scenario.document.power.cuts
    if cuts is not Cuts.EXHAUSTIVE:
        raise ScenarioError(
            f"{variant.scenario.path}: power.cuts = {cuts.value!r}: a hold-up time is known to be safe only if every "
            f"cut was tried; allowed here: 'exhaustive'"
        )
    ends_ns = ends_of_operations(variant)
    session = Session(variant)
    session.between = session.explorer.cut_between
    actions = len(session.actions)

    def report(done: int) -> bool:
        progress(done, actions)
        return True

    complete = session.run(report)
    if session.violation is not None:
        raise MeasureError(
            f"{variant.scenario.name}, {variant.name}: {session.violation.rule.value} is violated without any cut"
        )
    return _summary(variant, session.explorer, ends_ns, complete=complete)


def ends_of_operations(variant: Variant) -> dict[int, int]:
    """When each operation of the workload ends, by number: nanoseconds since the beginning of its command."""
    recorder = Recorder(variant)
    rail = recorder.session.rig.board.rail
    ends_ns: dict[int, int] = {}

    def note(_operation: Operation, _began_ns: int, ended_ns: int) -> None:
        ends_ns[rail.operations] = ended_ns - recorder.begun_ns

    recorder.meter.log = note
    recorder.run()
    return ends_ns


def _summary(variant: Variant, explorer: Explorer, ends_ns: dict[int, int], *, complete: bool) -> HeldUp:
    """How many crash states break a rule at each hold-up, from 0 on, and the least with none."""
    by_need: dict[int, int] = {}
    hopeless = 0
    during: dict[str, int] = {}
    for row in explorer.cut_rows:
        wrong = sum(verdict == VIOLATED for verdict in row.verdicts.values())
        if not wrong:
            continue
        if row.what == BETWEEN:
            hopeless += wrong
            continue
        need_us = -(-ends_ns[row.operation] // NS_PER_US)
        by_need[need_us] = by_need.get(need_us, 0) + wrong
        command = row.during.partition(" LBA")[0]
        during[command] = max(during.get(command, 0), need_us)
    left = sum(by_need.values()) + hopeless
    steps = [HoldUpStep(holdup_us=0, violations=left)]
    for need_us in sorted(by_need):
        left -= by_need[need_us]
        steps.append(HoldUpStep(holdup_us=need_us, violations=left))
    return HeldUp(
        run=f"{variant.scenario.name}:{variant.name}",
        scenario=variant.scenario.name,
        title=variant.scenario.document.title,
        scheme=variant.scheme,
        atom_store=variant.firmware.store.value,
        media_time=variant.scenario.document.time.media.value,
        least_us=None if hopeless else steps[-1].holdup_us,
        needed_during=during,
        steps=tuple(steps),
        generated=explorer.generated,
        complete=complete,
    )


def needed_for_all(
    variants: Sequence[Variant],
    progress: Progress = lambda _done, _total: None,
    *,
    from_mv: int,
    to_mv: int,
    load_mw: int,
) -> HoldUp:
    """Every variant, with the capacitor for a load between two voltages; after Ctrl-C those that were finished.

    Raises ScenarioError as ``needed_holdup``, SupplyError for a capacitor that cannot be.
    """
    runs: list[HeldUp] = []
    interrupted = False
    try:
        for number, variant in enumerate(variants):

            def report(done: int, total: int, number: int = number) -> None:
                progress(number * total + done, len(variants) * total)

            held = needed_holdup(variant, report)
            if held.least_us is not None:
                needed_nf = capacitance_nf(held.least_us, load_mw, from_mv, to_mv)
                held = msgspec.structs.replace(held, capacitance_nf=needed_nf)
            runs.append(held)
    except KeyboardInterrupt:
        interrupted = True
    return HoldUp(interrupted=interrupted, from_mv=from_mv, to_mv=to_mv, load_mw=load_mw, runs=tuple(runs))
