"""Many variants, by however many hands.

The work is divided into pieces (division.py), explored by a crew (crew.py), recorded where that is wanted (record.py),
and put together again.  None of it changes a count or an id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from deltabench.scenarios.coverage import added
from deltabench.scenarios.crew import Crew
from deltabench.scenarios.digest import variant_digest
from deltabench.scenarios.division import WHOLE, Piece, Share, divide, stretches
from deltabench.scenarios.explorer import Counts, most_telling
from deltabench.scenarios.portion import NOTHING, Portion
from deltabench.scenarios.processes import crew_of
from deltabench.scenarios.record import Record, piece_key
from deltabench.scenarios.scenario import Variant
from deltabench.scenarios.selection import selection
from deltabench.scenarios.session import Session
from deltabench.scenarios.stretch import Stretch, explore_far_away, explore_stretch
from deltabench.scenarios.verdict import InShare, Result
from deltabench.scenarios.workload import Action


class Progress(NamedTuple):
    """How far a campaign is: ``done`` of ``total`` actions explored."""

    done: int
    total: int


Report = Callable[[Progress], None]


def run_campaign(
    variants: Sequence[Variant],
    jobs: int = 1,
    report: Report = lambda _: None,
    *,
    crew: Crew | None = None,
    share: Share = WHOLE,
    record: Record | None = None,
) -> tuple[list[Result], bool]:
    """Run all variants on ``jobs`` processes, or by a ``crew``; returns their results in order, and if interrupted.

    Of a ``share`` only the pieces are explored that are in it.  Finished pieces are kept in the ``record``, and those
    that it holds already are taken from it.

    Raises ScenarioError before anything is run if one of the variants cannot be built.  After Ctrl-C the results hold
    what was found so far.
    """
    crew = crew or crew_of(jobs)
    try:
        lengths = [len(_checked(variant)) for variant in variants]
        needed = record is not None or share != WHOLE or crew.is_far
        digests = [variant_digest(variant) if needed else "" for variant in variants]
    except KeyboardInterrupt:
        return [_merged(variant, [NOTHING]) for variant in variants], True
    pieces = divide(lengths, share, _stops_at_first(variants))
    keys = {piece: piece_key(digests[piece.variant], piece) for piece in pieces}
    portions = {piece: portion for piece in pieces if record and (portion := record.find(keys[piece]))}
    total, before = (sum(piece.actions for piece in some) for some in (pieces, portions))
    work = [
        Stretch(variants[run[0].variant], digests[run[0].variant], run, tuple(keys[piece] for piece in run), record)
        for run in stretches([piece for piece in pieces if piece not in portions], crew.jobs)
    ]

    def keep(number: int, found: list[Portion]) -> None:
        for key, portion in zip(work[number].keys, found, strict=False):
            if record and portion.complete:
                record.keep(key, portion)

    if crew.is_far:
        sent = [stretch.for_elsewhere() for stretch in work]
        done = crew.run(explore_far_away, sent, lambda here: report(Progress(before + here, total)), keep)
    else:
        done = crew.run(explore_stretch, work, lambda here: report(Progress(before + here, total)))
    for stretch, found in zip(work, done.results, strict=True):
        portions |= dict(zip(stretch.pieces, found or (), strict=False))
    results = []
    for index, variant in enumerate(variants):
        of_variant = [piece for piece in pieces if piece.variant == index]
        in_share = None if share == WHOLE else _in_share(share, digests[index], of_variant)
        results.append(_merged(variant, [portions.get(piece, NOTHING) for piece in of_variant], in_share))
    return results, done.interrupted


def _checked(variant: Variant) -> list[Action]:
    """Build the variant once, so that what is wrong with it is found before any work is done."""
    session = Session(variant)
    selection(variant)
    return session.actions


def _stops_at_first(variants: Sequence[Variant]) -> Callable[[int], bool]:
    """Which variants stop at their first violation: in two pieces each would have a first one of its own."""
    return lambda number: variants[number].scenario.document.power.stop_at_first


def _in_share(share: Share, digest: str, pieces: Sequence[Piece]) -> InShare:
    first, last = (pieces[0].first, pieces[-1].last) if pieces else (0, 0)
    return InShare(share.number, share.of, (first, last), digest)


def _merged(variant: Variant, portions: list[Portion], share: InShare | None = None) -> Result:
    counts = Counts(*(sum(column) for column in zip(*(portion.counts for portion in portions), strict=True)))
    findings = [finding for portion in portions for finding in portion.findings]
    return Result(
        variant,
        max((portion.commands for portion in portions), default=0),
        max((portion.operations for portion in portions), default=0),
        counts,
        tuple(most_telling(findings)),
        sum(portion.elapsed_s for portion in portions),
        all(portion.complete for portion in portions),
        tuple(row for portion in portions for row in portion.cut_rows),
        added(portion.covered for portion in portions),
        share=share,
    )
