"""What a page of NAND flash may hold: the values of its cell."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from deltabench.hwsim.disk import UNCORRECTABLE

Unit = bytes | None
"""A sector, or the spare bytes: None is erased, UNCORRECTABLE neither that nor programmed."""
Units = tuple[Unit, ...]


class Page(NamedTuple):
    """A programmed page of which there is more to say than its sectors and spare bytes.

    ``errors``: bits that have flipped, by codeword; empty: none.  ``programs``: parts in which it was programmed.
    ``day``: when the first of them was, in days of simulated time.
    """

    units: Units
    errors: tuple[int, ...] = ()
    programs: int = 1
    day: int = 0


Stable = Units | Page | None
"""A blank page is None; most pages are just their units."""


class UnstablePage(NamedTuple):
    """A page that may read as ``one`` or as ``other``.

    ``weak``: the erase before was cut, so that whatever is programmed from now on is unstable, too.
    """

    one: Stable
    other: Stable
    weak: bool = False


Cell = Stable | UnstablePage
WEAK_BLANK: Final = UnstablePage(None, None, weak=True)
"""What a cut erase may leave: it reads as a blank page, and may be programmed as one."""


def earlier_of(cell: Cell) -> Stable:
    """The first of two readings, or the only one."""
    return cell.one if isinstance(cell, UnstablePage) else cell


def later_of(cell: Cell) -> Stable:
    """The second of two readings, or the only one."""
    return cell.other if isinstance(cell, UnstablePage) else cell


def settled(one: Stable, other: Stable, *, weak: bool) -> Cell:
    """The cell that holds both readings: a stable one where nothing is left to choose."""
    return one if one == other and not weak else UnstablePage(one, other, weak)


@lru_cache(maxsize=64)
def spoilt(count: int) -> Units:
    """A page that is uncorrectable as a whole."""
    return (UNCORRECTABLE,) * count


def units_of(cell: Stable, count: int) -> Units:
    """The units of a stable page of ``count`` units."""
    if cell is None:
        return (None,) * count
    return cell.units if isinstance(cell, Page) else cell


def mixture(one: Stable, other: Stable, edges: Sequence[int]) -> Stable:
    """Both readings, mixed codeword by codeword: of those that differ the first is torn, the last as in ``other``.

    ``edges``: the first unit of each codeword, and behind the last.
    """
    first, second = units_of(one, edges[-1]), units_of(other, edges[-1])
    differing = [(start, end) for start, end in pairwise(edges) if first[start:end] != second[start:end]]
    mixed = list(second)
    for number, (start, end) in enumerate(differing[:-1] or differing):
        if number % 3 == 0:
            mixed[start:end] = [UNCORRECTABLE] * (end - start)
        elif number % 3 == 2:
            mixed[start:end] = first[start:end]
    held = other if isinstance(other, Page) else one
    return held._replace(units=tuple(mixed)) if isinstance(held, Page) else tuple(mixed)
