"""How a campaign is divided: into pieces, which are the same in every run, and these among shares and processes.

A piece is a window of a variant's actions.  What was seen is forgotten from command to command, so counts and ids are
the same however the pieces are dealt out; and since the pieces depend on nothing but the workloads, what was explored
in one run can be put together with what was explored in another.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

MOST_PIECES: Final = 64
"""Of one variant: enough for nothing to be lost that took long, and few enough to keep a file for each."""
STRETCHES_PER_JOB = 4
"""So many times more stretches than jobs, so that none of these waits long for another at the end."""
LEAST_STRETCH = 25
"""In actions: a shorter one costs more to send to another process than is won."""


class Share(NamedTuple):
    """The ``number``-th, from 1, of ``of`` shares of a campaign."""

    number: int = 1
    of: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


WHOLE: Final = Share()


class Piece(NamedTuple):
    """The actions from ``first`` to before ``last`` of a variant, which is given by its place in the campaign."""

    variant: int
    first: int
    last: int

    @property
    def actions(self) -> int:
        """How many it has."""
        return self.last - self.first


def divide(
    lengths: Sequence[int], share: Share = WHOLE, in_one: Callable[[int], bool] = lambda _: False
) -> list[Piece]:
    """The pieces of a share, of variants with workloads of these ``lengths``; those ``in_one`` are a piece each.

    A variant with fewer pieces than there are shares goes to some of them, the next variant to those after them; of one
    with more, each share gets pieces that follow one another.
    """
    pieces, dealt = [], 0
    for variant, length in enumerate(lengths):
        count = 1 if in_one(variant) else max(1, min(length, MOST_PIECES))
        edges = [length * number // count for number in range(count + 1)]
        blocks = min(count, share.of)
        for number, (first, last) in enumerate(itertools.pairwise(edges)):
            if (dealt + number * blocks // count) % share.of == share.number - 1:
                pieces.append(Piece(variant, first, last))
        dealt += blocks
    return pieces


def stretches(pieces: Sequence[Piece], jobs: int) -> list[tuple[Piece, ...]]:
    """The pieces, those together that are best explored in one go: adjacent ones, as many as keeps all jobs busy."""
    found: list[tuple[Piece, ...]] = []
    variants = len({piece.variant for piece in pieces})
    for _, group in itertools.groupby(pieces, lambda piece: piece.variant):
        of_variant = list(group)
        actions = sum(piece.actions for piece in of_variant)
        wanted = math.ceil(STRETCHES_PER_JOB * jobs / variants) if jobs > 1 else 1
        most = math.ceil(actions / max(1, min(wanted, actions // LEAST_STRETCH)))
        stretch: tuple[Piece, ...] = ()
        for piece in of_variant:
            if stretch and (stretch[-1].last != piece.first or piece.last - stretch[0].first > most):
                found.append(stretch)
                stretch = ()
            stretch += (piece,)
        found.append(stretch)
    return found
