"""What was explored of a variant, in one piece of it."""

from __future__ import annotations

from typing import NamedTuple

from deltabench.scenarios.coverage import Covered
from deltabench.scenarios.crash_map import CutRow
from deltabench.scenarios.explorer import Counts, Finding


class Portion(NamedTuple):
    """What came out of a piece.

    ``commands`` and ``operations`` are those of the workload up to its end; ``elapsed_s`` is CPU time.
    """

    commands: int
    operations: int
    counts: Counts
    findings: tuple[Finding, ...]
    elapsed_s: float
    complete: bool
    cut_rows: tuple[CutRow, ...] = ()
    covered: Covered = Covered()


NOTHING = Portion(0, 0, Counts(), (), 0.0, complete=False)
"""Of a piece that was not begun."""
