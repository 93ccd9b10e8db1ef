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
from typing import NamedTuple

import msgspec

from deltabench.hwsim.clock import NS_PER_US
from deltabench.hwsim.medium import Operation
from deltabench.hwsim.supply import capacitance_nf
from deltabench.scenarios.crash_map import BETWEEN, CutRow
from deltabench.scenarios.documents import HeldUp, HoldUp, HoldUpStep
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.measure import MeasureError, Recorder
from deltabench.scenarios.scenario import Cuts, Variant
from deltabench.scenarios.session import Session
from deltabench.scenarios.workload import Crash

Progress = Callable[[int, int], None]


class Timed(NamedTuple):
    """A media operation of the workload: what it is, and when it ends, from the beginning of its command on."""

    what: str
    ends_ns: int


def needed_holdup(variant: Variant, progress: Progress = lambda _done, _total: None) -> HeldUp:
    """Cut the power of ``variant`` as its scenario says, and find the least hold-up that makes it safe.

    ``progress`` is told actions done and of how many.  Raises ScenarioError if the variant cannot be built or is not
    cut everywhere, loses power by itself, breaks a rule without any cut, or does other operations when time passes.
    """
    _check(variant)
    operations = operations_in_time(variant)
    wrong: dict[int, CutRow] = {}
    generated, least_ns = 0, -1
    hopeless: list[CutRow] = []
    while True:
        session = _explored(variant, operations, least_ns, progress)
        rows = [row for row in session.explorer.cut_rows if row.violated]
        generated = generated or session.explorer.generated
        hopeless += [row for row in rows if row.what == BETWEEN]
        found = {row.operation: row for row in rows if row.what != BETWEEN}
        if not found:
            return _summary(variant, wrong, hopeless, operations, generated)
        # Equal media are judged once, so that one violation may hide another: until there is none, look behind it.
        wrong |= found
        least_ns = max(operations[number].ends_ns for number in wrong)


def operations_in_time(variant: Variant) -> dict[int, Timed]:
    """Each media operation of the workload, by number, in simulated time.

    A write may have to wait for its data: the time that they take on the host's link is added, to be on the safe side.
    """
    recorder = Recorder(variant)
    rail = recorder.session.rig.board.rail
    operations: dict[int, Timed] = {}

    def note(operation: Operation, _began_ns: int, ended_ns: int) -> None:
        operations[rail.operations] = Timed(str(operation), ended_ns - recorder.begun_ns + recorder.link_ns)

    recorder.meter.log = note
    if not recorder.run().complete:
        raise KeyboardInterrupt
    return operations


def _check(variant: Variant) -> None:
    """Whether a hold-up can be found at all; raises ScenarioError."""
    path, cuts = variant.scenario.path, variant.scenario.document.power.cuts
    if cuts is not Cuts.EXHAUSTIVE:
        raise ScenarioError(
            f"{path}: power.cuts = {cuts.value!r}: a hold-up time is known to be safe only if every cut was tried; "
            "allowed here: 'exhaustive'"
        )
    if any(isinstance(action, Crash) for action in Session(variant).actions):
        raise ScenarioError(
            f"{path}: power is lost inside commands of the workload (mix.crash), whatever the supply holds up for; "
            "allowed here: workloads without"
        )


def _explored(variant: Variant, operations: dict[int, Timed], least_ns: int, progress: Progress) -> Session:
    """Power cut in every operation that ends later than ``least_ns``; at first, at -1, between commands as well."""
    first = least_ns < 0
    session = Session(variant, selects=lambda number, _: first or operations[number].ends_ns > least_ns)
    explorer, rail = session.explorer, session.rig.board.rail
    if first:
        session.between = explorer.cut_between
    else:
        session.idle_listener = None

    differs: list[str] = []

    def cut(operation: Operation) -> None:
        timed = operations.get(rail.operations)
        if timed is not None and timed.what == str(operation):
            explorer.on_operation(operation)
        elif not differs:
            differs.append(f"operation {rail.operations} is {operation}, and {timed.what if timed else 'not there'}")

    def report(done: int) -> bool:
        progress(done, len(session.actions))
        return not differs

    session.listener = cut
    session.run(report)
    name = f"{variant.scenario.name}, {variant.name}"
    if differs:
        raise ScenarioError(
            f"{name}: {differs[0]} when time passes: what the firmware does depends on the clock, so that no hold-up "
            "time can be told for it"
        )
    if session.violation is not None:
        raise MeasureError(f"{name}: {session.violation.rule.value} is violated without any cut")
    return session


def _summary(
    variant: Variant,
    wrong: dict[int, CutRow],
    hopeless: Sequence[CutRow],
    operations: dict[int, Timed],
    generated: int,
) -> HeldUp:
    """How many crash states break a rule at each hold-up, from 0 on, and the least with none."""
    by_need: dict[int, int] = {}
    during: dict[str, int] = {}
    for number, row in wrong.items():
        need_us = -(-operations[number].ends_ns // NS_PER_US)
        by_need[need_us] = by_need.get(need_us, 0) + row.violated
        command = row.during.partition(" LBA")[0]
        during[command] = max(during.get(command, 0), need_us)
    left = sum(by_need.values()) + sum(row.violated for row in hopeless)
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
        generated=generated,
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
        for variant in variants:
            _check(variant)
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
