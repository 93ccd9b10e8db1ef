"""Which operations and outcomes of the workload are cut, as the [power] table of a scenario says."""

from __future__ import annotations

import random
from collections.abc import Callable

from deltabench.hwsim.medium import Operation
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.scenario import Cuts, Variant
from deltabench.scenarios.session import Session


def selection(variant: Variant) -> Callable[[int, int], bool] | None:
    """Which operations and outcomes of the workload the scenario's [power] table cuts; None for all."""
    power = variant.scenario.document.power
    path = variant.scenario.path
    if power.cuts in (Cuts.EXHAUSTIVE, Cuts.UNBOUNDED, Cuts.NONE):
        return None
    outcomes = outcome_counts(variant)
    if not outcomes:
        return None  # the device fails before it can be cut, and the run says how
    if power.cuts is Cuts.AT:
        place = power.operation
        if place is None or place not in outcomes:
            raise ScenarioError(
                f"{path}: power.operation = {place}: with cuts = 'at' it must name a place where the "
                f"workload of {variant.name} can be cut; they are numbered 0 to {max(outcomes)}"
            )
        if power.outcome is not None and power.outcome >= outcomes[place]:
            raise ScenarioError(
                f"{path}: power.outcome = {power.outcome}: operation {place} has the outcomes 0 to "
                f"{outcomes[place] - 1} ({variant.name})"
            )
        return lambda operation, outcome: operation == place and power.outcome in (None, outcome)
    draw = random.Random(variant.scenario.document.seed)
    all_of_them = [(place, outcome) for place, count in outcomes.items() for outcome in range(count)]
    chosen = set(draw.sample(all_of_them, min(power.count, len(all_of_them))))
    return lambda operation, outcome: (operation, outcome) in chosen


def outcome_counts(variant: Variant) -> dict[int, int]:
    """How many outcomes a cut has at each place of the workload, by number, found by running it without cuts.

    A place is a media operation, a power cycle (between two operations) or the end.
    """
    counts: dict[int, int] = {}
    session = Session(variant)
    board = session.rig.board

    def count(operation: Operation) -> None:
        counts[board.rail.operations] = len(board.cut_outcomes(operation))

    def count_idle(number: int) -> None:
        counts[number] = len(board.idle_outcomes())

    session.listener, session.idle_listener = count, count_idle
    session.run()
    return counts
