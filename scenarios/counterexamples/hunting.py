"""Looks for a violation of one rule in a small scenario: is it there, with how few cuts, and with which tear."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from deltabench.firmware_model.errors import FirmwareError
from deltabench.hwsim.errors import HardwareError
from deltabench.hwsim.instability import Adversary
from deltabench.hwsim.medium import Operation
from deltabench.scenarios.counterexamples.explicit import changed
from deltabench.scenarios.crash_id import CrashId, Cut, Path
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.explorer import Finding
from deltabench.scenarios.oracle import Rule
from deltabench.scenarios.replay import outcomes_after, tell
from deltabench.scenarios.scenario import Cuts, Power, Variant
from deltabench.scenarios.session import Session

MOST_STATES: Final = 20_000
"""A candidate in which so many crash states hold counts as one that holds."""
MOST_SEARCHED: Final = 8
"""Of more actions only the last is cut: what comes before it is its past."""


class _Enough(BaseException):
    """Leaves a run in which nothing more is to be found out."""


class Hunt:
    """Hunts a violation of ``rule``; ``runs`` counts what that took, ``most_runs`` bounds it."""

    def __init__(self, rule: Rule, most_runs: int) -> None:
        self.rule = rule
        self.runs = 0
        self.most_runs = most_runs

    @property
    def is_over(self) -> bool:
        """Whether no run is left; then nothing is found any more."""
        return self.runs >= self.most_runs

    def find(self, variant: Variant, depth: int, selects: Callable[[int, int], bool] | None = None) -> Finding | None:
        """The first violation of the rule with at most ``depth`` cuts in a row; None if there is none.

        A scenario that cannot be built or run has none either.
        """
        if self.is_over:
            return None
        self.runs += 1
        cuts = Cuts.EXHAUSTIVE if depth else Cuts.NONE
        power = Power(cuts=cuts, depth=max(depth, 1), boot_limit=variant.scenario.document.power.boot_limit)
        try:
            session = Session(changed(variant, power=power), selects=selects)
        except (ScenarioError, HardwareError, FirmwareError):
            return None
        count = len(session.actions)
        if count > MOST_SEARCHED:
            session = Session(changed(variant, power=power), (count - 1, count), selects)
        found: list[Finding] = []
        explorer, listener, idle_listener = session.explorer, session.listener, session.idle_listener

        def look() -> None:
            found.extend(finding for finding in explorer.findings if finding.rule is self.rule)
            if found or explorer.generated > MOST_STATES:
                raise _Enough

        if listener is not None and idle_listener is not None:

            def on_operation(operation: Operation, cut: Callable[[Operation], None] = listener) -> None:
                cut(operation)
                look()

            def on_idle(number: int, cut: Callable[[int], None] = idle_listener) -> None:
                cut(number)
                look()

            session.listener, session.idle_listener = on_operation, on_idle
        try:
            session.run()
            look()
        except _Enough:
            pass
        return found[0] if found else None

    def smallest_path(self, variant: Variant, depth: int) -> Path:
        """The cuts of a violation with ``depth`` cuts, which there must be, with the smallest tears that there are."""
        if not depth:
            return ()
        if depth == 1:
            return self._smallest_last(variant, ()) or ()
        for number, outcome in _by_tear(variant, ()):
            finding = self.find(variant, depth, _only(number, outcome))
            if finding is not None:
                return self._smallest_last(variant, finding.path[:-1]) or finding.path
        return ()

    def _smallest_last(self, variant: Variant, path: Path) -> Path | None:
        """``path`` with one more cut, that with the smallest tear of those that violate the rule."""
        for number, outcome in _by_tear(variant, path):
            for policy in Adversary.POLICIES:
                if self.is_over:
                    return None
                self.runs += 1
                longer = (*path, Cut(number, outcome, policy))
                story = tell(variant, CrashId(variant.scenario.name, variant.name, longer))
                if story.violation is not None and story.violation.rule is self.rule:
                    return longer
                if not story.unstable:
                    break
        return None


def _only(number: int, outcome: int) -> Callable[[int, int], bool]:
    """Selects one outcome of one operation."""
    return lambda a_number, an_outcome: (a_number, an_outcome) == (number, outcome)


def _by_tear(variant: Variant, path: Path) -> list[tuple[int, int]]:
    """Operation and outcome of each further cut, the cleanest first."""
    ranked = sorted(
        (tear_rank(label), number, outcome)
        for number, labels in outcomes_after(variant, path).items()
        for outcome, label in enumerate(labels)
    )
    return [(number, outcome) for _, number, outcome in ranked]


def tear_rank(label: str) -> tuple[int, int]:
    """How far from a clean cut an outcome is: nothing, all, the shorter prefix, other tears, what is unstable."""
    places = [int(number) for number in re.findall(r"\d+", label)]
    size = places[0] if places else 0
    if label in ("", "nothing"):
        return 0, 0
    if label == "all":
        return 1, 0
    if re.search("unstable|uncorrectable|weak|random", label):
        return 4, size
    return (2, size) if label.startswith("a prefix") else (3, size)
