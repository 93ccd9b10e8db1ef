"""The crash map of a variant: for each media operation and each kind of outcome of a cut in it, what came of it.

An outcome names places (``a prefix of 3 bytes``) that differ from operation to operation; its kind (``a prefix``) does
not, so that operations can stand in one table.  Only first cuts are in it: a cut in a recovery counts for the cut that
led there.  Where states that are alike are judged once, it counts for the first of the cuts that lead there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from deltabench.scenarios.documents import CrashMap, CutOperation

HELD: Final = "h"
VIOLATED: Final = "v"
DUPLICATE: Final = "d"
"""The media were as in a crash state that had been judged already, and held."""
ABSENT: Final = "."
"""No such outcome: it is not possible there, or the scenario does not cut there."""
_WORST_FIRST: Final = VIOLATED + HELD + DUPLICATE

_KINDS: Final = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"all, but byte \d+ half", "all but half a byte"),
        (r"all, byte \d+ unstable", "all, one byte unstable"),
        (r"all but bit \d+ of byte \d+", "all but one bit"),
        (r"\d+ bytes and half a byte", "a prefix and half a byte"),
        (r"\d+ pages and half a page blank", "a prefix and half a page blank"),
        (r"a prefix of \d+ bytes", "a prefix"),
        (r"all, but codeword \d+ half", "all but half a codeword"),
        (r"all, codeword \d+ unstable", "all, one codeword unstable"),
        (r"all but a bit of codeword \d+", "all but one bit"),
        (r"\d+ codewords and half a codeword", "a prefix and half a codeword"),
        (r"a prefix of \d+ codewords", "a prefix"),
        (r"only the codewords from \d+ on", "only the end"),
        (r"only codeword \d+", "only one codeword"),
        (r"all but codeword \d+", "all but one codeword"),
        (r"paired page \d+", "paired page"),
        (r"only the bytes from \d+ on", "only the end"),
        (r"\d+ of \d+ sectors \([^)]*\)", "some sectors"),
        (r"sector \d+(, \d+)*…? uncorrectable", "one or more uncorrectable"),
    )
)


BETWEEN: Final = "between two operations"
"""The ``what`` of a cut with no operation under way."""


@dataclass(slots=True)
class CutRow:
    """One media operation that was cut, or the place between two.

    ``verdicts`` by kind of outcome; ``violated`` outcomes led to a violation.
    """

    operation: int
    during: str
    what: str
    verdicts: dict[str, str] = field(default_factory=dict)
    violated: int = 0

    def add(self, label: str, verdict: str) -> None:
        """One more outcome; of several of a kind, the worst verdict counts."""
        self.violated += verdict == VIOLATED
        kind = kind_of(label)
        self.verdicts[kind] = min(verdict, self.verdicts.get(kind, verdict), key=_WORST_FIRST.index)


@lru_cache(maxsize=4096)
def kind_of(label: str) -> str:
    """The kind of an outcome: its label without places and numbers; those of several devices stay apart."""
    kinds = dict.fromkeys(_kind_of_part(part) for part in label.split("; "))
    return "; ".join(kinds)


def _kind_of_part(part: str) -> str:
    for pattern, kind in _KINDS:
        part = pattern.sub(kind, part)
    return part or "nothing"


def table_of(rows: Sequence[CutRow]) -> CrashMap:
    """For a document: the kinds in order of first appearance, and for each row a character for each kind."""
    outcomes = list(dict.fromkeys(kind for row in rows for kind in row.verdicts))
    operations = [
        CutOperation(
            operation=row.operation,
            during=row.during,
            what=row.what,
            verdicts="".join(row.verdicts.get(kind, ABSENT) for kind in outcomes),
        )
        for row in rows
        if row.verdicts
    ]
    return CrashMap(outcomes=tuple(outcomes), operations=tuple(operations))
