"""Shrinks a crash to the smallest scenario that still violates the same rule.

Commands first (delta debugging), then how many cuts in a row it takes, then sectors and addresses, storage units and
what is on the board; at last, of all cuts that are left, the one with the smallest tear.  Whatever is made smaller, the
cut is looked for anew: it need not fall where it fell before.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from deltabench.firmware_model.config import FirmwareConfig
from deltabench.scenarios import scenario as steps
from deltabench.scenarios.counterexamples.ddmin import ddmin
from deltabench.scenarios.counterexamples.explicit import (
    ALWAYS,
    changed,
    spelled_out,
    without_device,
)
from deltabench.scenarios.counterexamples.hunting import Hunt
from deltabench.scenarios.crash_id import CrashId, CrashIdError
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.oracle import Rule
from deltabench.scenarios.replay import Story, tell
from deltabench.scenarios.scenario import By, Step, Variant
from deltabench.scenarios.session import Session

MOST_RUNS: Final = 2000
MOST_ROUNDS: Final = 4
SIZES: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048, 4096)


class Shrunk(NamedTuple):
    """The smallest scenario that was found: its ``variant``, alone in it, with the ``story`` of the crash in it.

    ``actions`` are those of the original; ``runs`` is what it took; ``complete``: nothing more can be made smaller.
    """

    original: CrashId
    variant: Variant
    story: Story
    actions: int
    runs: int
    complete: bool

    @property
    def rule(self) -> Rule:
        """What is violated."""
        assert self.story.violation is not None, "a counterexample violates a rule"
        return self.story.violation.rule


def shrink(variant: Variant, crash: CrashId, most_runs: int = MOST_RUNS) -> Shrunk:
    """The smallest scenario that violates the rule that ``crash`` violates, within ``most_runs`` runs.

    Raises CrashIdError if the crash is none of the variant, or violates no rule; ScenarioError if it does not happen
    any more once the data of a trace is made up.
    """
    story = tell(variant, crash)
    if story.violation is None:
        raise CrashIdError(f"{crash}: all rules hold after this crash; there is nothing to shrink")
    hunt = Hunt(story.violation.rule, most_runs)
    actions = Session(variant).actions
    smallest = _Smallest(hunt, spelled_out(variant, actions[: story.number + 1]), len(crash.path))
    if not smallest.lower_depth():
        raise ScenarioError(
            f"{crash}: the violation does not happen any more when the requests of the trace are spelled out as steps, "
            "which write data of their own"
            if not hunt.is_over
            else f"--most-runs {most_runs}: too few to find the violation again"
        )
    for _ in range(MOST_ROUNDS):
        before = smallest.variant, smallest.depth
        smallest.drop_steps()
        smallest.lower_depth()
        smallest.simplify_steps()
        smallest.lessen_units()
        smallest.take_defaults()
        smallest.clear_board()
        if (smallest.variant, smallest.depth) == before:
            break
    complete = not hunt.is_over
    # The last search, for the tear, must come to its end, or there is nothing to show; it has one.
    hunt.most_runs = sys.maxsize
    path = hunt.smallest_path(smallest.variant, smallest.depth)
    found = tell(smallest.variant, CrashId(crash.scenario, smallest.variant.name, path))
    return Shrunk(crash, smallest.variant, found, len(actions), hunt.runs, complete)


class _Smallest:
    """The smallest variant so far, and the least number of cuts with which it violates the rule."""

    def __init__(self, hunt: Hunt, variant: Variant, depth: int) -> None:
        self.hunt = hunt
        self.variant = variant
        self.depth = depth

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.variant.scenario.document.steps

    def lower_depth(self) -> bool:
        """Find out with how few cuts it happens; False if it does not happen at all."""
        for depth in range(self.depth + 1):
            if self.hunt.find(self.variant, depth) is not None:
                self.depth = depth
                return True
        return False

    def drop_steps(self) -> None:
        """No step is left without which it would still happen."""
        kept = ddmin(self.steps, lambda some: self._violates(changed(self.variant, steps=tuple(some))))
        self.variant = changed(self.variant, steps=tuple(kept))

    def simplify_steps(self) -> None:
        """Each step as simple as it can be: fewer sectors, lower addresses, shorter times, the host in charge."""
        for lba in sorted({step.lba for step in self.steps if isinstance(step, steps.Write | steps.Read)}):
            # What is written twice to one place must often stay so.
            any(self._take(self._with_lba(lba, lower)) for lower in _lower(lba))
        for number in range(len(self.steps)):
            again = True
            while again:
                again = any(self._take(self._with_step(number, simpler)) for simpler in _simpler(self.steps[number]))

    def lessen_units(self) -> None:
        """Fewer storage units, of fewer sectors."""
        firmware = self.variant.firmware
        for sectors in (size for size in SIZES if size < firmware.sectors_per_unit):
            folded = tuple(_folded(step, firmware.sectors_per_unit, sectors) for step in self.steps)
            smaller = msgspec.structs.replace(firmware, sectors_per_unit=sectors)
            if self._take(changed(self.variant, firmware=smaller, steps=folded)):
                break
        firmware = self.variant.firmware
        for units in (size for size in SIZES if size < firmware.units):
            if self._take(changed(self.variant, firmware=msgspec.structs.replace(firmware, units=units))):
                break

    def take_defaults(self) -> None:
        """Settings of the firmware as they are by default, those apart that a scenario always gives; and the seed."""
        if self.variant.scenario.document.seed != 1:
            self._take(changed(self.variant, seed=1))
        for field in msgspec.structs.fields(FirmwareConfig):
            firmware = self.variant.firmware
            if field.name not in ALWAYS and getattr(firmware, field.name) != field.default:
                default = msgspec.structs.replace(firmware, **{field.name: field.default})
                self._take(changed(self.variant, firmware=default))

    def clear_board(self) -> None:
        """Only what is needed is on the board."""
        board = self.variant.scenario.document.board
        for name in (*board.devices, *board.switches, *board.uarts):
            self._take(changed(self.variant, board=without_device(self.variant.scenario.document.board, name)))

    def _with_step(self, number: int, step: Step) -> Variant:
        return changed(self.variant, steps=(*self.steps[:number], step, *self.steps[number + 1 :]))

    def _with_lba(self, lba: int, lower: int) -> Variant:
        """All that begins at an address begins at another."""
        return changed(
            self.variant,
            steps=tuple(
                msgspec.structs.replace(step, lba=lower)
                if isinstance(step, steps.Write | steps.Read) and step.lba == lba
                else step
                for step in self.steps
            ),
        )

    def _take(self, smaller: Variant) -> bool:
        if self._violates(smaller):
            self.variant = smaller
            return True
        return False

    def _violates(self, smaller: Variant) -> bool:
        return self.hunt.find(smaller, self.depth) is not None


def _lower(lba: int) -> list[int]:
    return sorted(lower for lower in {0, 1, 2, 3, lba // 2, lba - 1} if 0 <= lower < lba)


def _simpler(step: Step) -> Iterator[Step]:
    """Steps that are simpler than this one, the simplest first."""
    replace = msgspec.structs.replace
    match step:
        case steps.Write(lba=lba, count=count) | steps.Read(lba=lba, count=count):
            for fewer in sorted({1, count // 2, count - 1}):
                if 0 < fewer < count:
                    yield replace(step, count=fewer)
            yield from (replace(step, lba=lower) for lower in _lower(lba))
            if isinstance(step, steps.Write) and step.fua:
                yield replace(step, fua=False)
        case steps.Save(by=by) | steps.Restore(by=by):
            if by is not By.HOST:
                yield type(step)()
        case steps.Crash(command=command, operations=operations):
            for simpler in _simpler(command):
                if isinstance(simpler, steps.Write | steps.Save | steps.Restore):
                    yield replace(step, command=simpler)
            yield from (replace(step, operations=fewer) for fewer in range(operations))
        case steps.Idle(ms=ms):
            yield from (replace(step, ms=less) for less in sorted({1, ms // 2}) if 0 < less < ms)


def _folded(step: Step, old: int, new: int) -> Step:
    """A write or read of the same units when a unit has ``new`` sectors, and not ``old`` any more."""
    if not isinstance(step, steps.Write | steps.Read):
        return step
    first, last = step.lba, step.lba + step.count - 1
    lba, end = (at // old * new + min(at % old, new - 1) for at in (first, last))
    return msgspec.structs.replace(step, lba=lba, count=end - lba + 1)
