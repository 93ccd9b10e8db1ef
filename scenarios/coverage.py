"""Which ways the recoveries went: by what the save flag said and what was cut, and branch by branch of the boot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from deltabench.firmware_model.branches import FLAGS
from deltabench.hwsim.core import Branch
from deltabench.scenarios.documents import BranchTaken, RecoveryCoverage, RecoveryWay

Taken = list[tuple[Branch, str]]
NO_FLAG: Final = "no flag"
FLAG_NAMES: Final = frozenset(flag.name for flag in FLAGS)


class Way(NamedTuple):
    """What the save flag said at power-on, its status data, and the kind of operation that was cut."""

    flag: str
    status: str
    cut: str


class Covered(NamedTuple):
    """How many recoveries met each combination, and took each branch; can be added up."""

    ways: tuple[tuple[Way, int], ...] = ()
    branches: tuple[tuple[str, int], ...] = ()


class Coverage:
    """Counts the recoveries of an exploration."""

    def __init__(self) -> None:
        self._ways: Counter[Way] = Counter()
        self._branches: Counter[str] = Counter()

    def add(self, taken: Taken, cut: str) -> None:
        """A boot that followed a ``cut`` of this kind of operation took these branches."""
        flag, status = NO_FLAG, ""
        for name, said in {branch.name: said for branch, said in taken}.items():
            self._branches[name] += 1
            if name in FLAG_NAMES:
                flag, status = name, said
        self._ways[Way(flag, status, cut)] += 1

    @property
    def covered(self) -> Covered:
        return Covered(tuple(sorted(self._ways.items())), tuple(sorted(self._branches.items())))


def added(parts: Iterable[Covered]) -> Covered:
    """What several explorations covered together."""
    ways: Counter[Way] = Counter()
    branches: Counter[str] = Counter()
    for part in parts:
        ways.update({Way(*way): count for way, count in part.ways})
        branches.update(dict(part.branches))
    return Covered(tuple(sorted(ways.items())), tuple(sorted(branches.items())))


def as_document(covered: Covered, known: Iterable[str]) -> RecoveryCoverage:
    """For a result; ``known`` are the names of all branches that there are."""
    taken = dict(covered.branches)
    return RecoveryCoverage(
        ways=tuple(
            RecoveryWay(flag=flag, status=status, cut=cut, recoveries=count)
            for (flag, status, cut), count in covered.ways
        ),
        branches=tuple(BranchTaken(branch=branch, recoveries=count) for branch, count in covered.branches),
        unreached=tuple(sorted(name for name in known if name not in taken)),
    )


def from_document(document: RecoveryCoverage) -> Covered:
    """What ``as_document`` was made of."""
    return Covered(
        tuple((Way(way.flag, way.status, way.cut), way.recoveries) for way in document.ways),
        tuple((taken.branch, taken.recoveries) for taken in document.branches),
    )
