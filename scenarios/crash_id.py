"""Short names for crashes: the scenario, the variant, and the path of cuts.  The id alone replays it.

``save-by-host:plain-nor:41.3`` is outcome 3 of media operation 41 of the workload; ``41.3n/5.2`` goes on with outcome 2
of operation 5 of the recovery.  A letter behind an outcome says what unstable cells read as in the boot after that cut
(see Adversary; without one, as before the cut operation).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from deltabench.hwsim.instability import Adversary
from deltabench.scenarios.errors import ScenarioError


class Cut(NamedTuple):
    """One loss of power: at which operation, with which of its outcomes, and how unstable cells read afterwards."""

    operation: int
    outcome: int
    policy: str = "o"


Path = tuple[Cut, ...]


class CrashId(NamedTuple):
    """``scenario`` is a library name or a path, ``variant`` scheme and store; no cuts: the run without any."""

    scenario: str
    variant: str
    path: Path

    def __str__(self) -> str:
        return f"{self.scenario}:{self.variant}:{format_path(self.path)}"


class CrashIdError(ScenarioError):
    """Something that is not a crash id."""


def format_path(path: Path) -> str:
    """The path of an id; ``-`` where nothing was cut."""
    return "/".join(f"{cut.operation}.{cut.outcome}{cut.policy.replace('o', '')}" for cut in path) or "-"


def parse_crash_id(text: str) -> CrashId:
    """The parts of an id; raises CrashIdError that says what one looks like."""
    scenario, _, rest = text.rpartition(":")
    scenario, _, variant = scenario.rpartition(":")
    cuts = [re.fullmatch(rf"([0-9]+)\.([0-9]+)([{Adversary.POLICIES}]?)", step) for step in rest.split("/")]
    if not scenario or not variant or (rest != "-" and not all(cuts)):
        raise CrashIdError(
            f"{text!r} is not a crash id; one looks like save-by-host:plain-nor:41.3 or NAME:VARIANT:41.3n/5.2"
        )
    path = () if rest == "-" else tuple(Cut(int(m[1]), int(m[2]), m[3] or "o") for m in cuts if m)
    return CrashId(scenario, variant, path)
