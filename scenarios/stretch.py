"""A stretch of a workload: pieces of one variant that follow one another, explored in one go."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from deltabench.scenarios.crew import Interrupted, Tell
from deltabench.scenarios.digest import variant_digest
from deltabench.scenarios.division import Piece
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.portion import Portion
from deltabench.scenarios.record import Record
from deltabench.scenarios.scenario import Variant
from deltabench.scenarios.selection import selection
from deltabench.scenarios.session import Session


class Stretch(NamedTuple):
    """``digest`` of the variant; ``keys`` of the pieces in the ``record``, which gets each when it is finished."""

    variant: Variant
    digest: str
    pieces: tuple[Piece, ...]
    keys: tuple[str, ...]
    record: Record | None

    def for_elsewhere(self) -> Stretch:
        """As it can be sent to another machine: with the whole path of the scenario, and no record, which is here."""
        scenario = self.variant.scenario
        absolute = msgspec.structs.replace(scenario, path=Path(scenario.path).resolve())
        return self._replace(variant=msgspec.structs.replace(self.variant, scenario=absolute), record=None)


def explore_stretch(tell: Tell, stretch: Stretch) -> list[Portion]:
    """A task for a crew: the portions of the pieces as far as it came."""
    record = stretch.record

    def keep(number: int, portion: Portion) -> None:
        if record is not None:
            record.keep(stretch.keys[number], portion)

    edges = (stretch.pieces[0].first, *(piece.last for piece in stretch.pieces))
    return explore(stretch.variant, edges, tell, keep)


def explore_far_away(tell: Tell, stretch: Stretch) -> list[Portion]:
    """The same, where other files may lie in the place of ours; raises ScenarioError if they do."""
    path = stretch.variant.scenario.path
    # Building it is what says properly that a file is missing, or that a class cannot be imported.
    Session(stretch.variant)
    if variant_digest(stretch.variant) != stretch.digest:
        raise ScenarioError(
            f"{path}: a worker has another deltabench or Python, or other files of this scenario (traces, parts, "
            f"modules of classes); all of them must be the same on every worker, and under the same path"
        )
    return explore_stretch(tell, stretch)


def explore(
    variant: Variant,
    edges: Sequence[int],
    tell: Tell,
    keep: Callable[[int, Portion], object] = lambda _number, _portion: None,
) -> list[Portion]:
    """Explore the actions from the first edge to the last, in pieces that meet at the others.

    ``tell`` is told the actions that are done; ``keep``, of each piece that is finished.  Returns the portions of the
    finished pieces and, if it was told to stop, of the piece where it was.  After Ctrl-C it raises Interrupted with
    these.
    """
    started = time.thread_time()
    first, last = edges[0], edges[-1]
    session = Session(variant, (first, last), selection(variant))
    portions: list[Portion] = []

    def actions_of(number: int) -> int:
        return edges[number + 1] - edges[number] if number + 1 < len(edges) else 0

    session.start_afresh(actions_of(0))

    def finish(*, complete: bool = True) -> None:
        nonlocal started
        explorer, now = session.explorer, time.thread_time()
        counts, findings, rows = explorer.counts, tuple(explorer.findings), tuple(explorer.cut_rows)
        covered = explorer.coverage.covered
        portion = Portion(
            session.commands, session.operations, counts, findings, now - started, complete, rows, covered
        )
        portions.append(portion)
        session.start_afresh(actions_of(len(portions)))
        started = now
        if complete:
            keep(len(portions) - 1, portion)

    stopped = interrupted = False
    told = 0

    def progress(done: int) -> bool:
        nonlocal stopped, told
        if done == edges[len(portions) + 1] and done < len(session.actions):
            finish()
        told = min(max(done - first, 0), last - first)
        stopped = not tell(told)
        return not stopped and len(portions) < len(edges) - 1

    try:
        session.run(progress)
    except KeyboardInterrupt:
        interrupted = True
    while len(portions) < len(edges) - 1:
        finish(complete=not stopped and not interrupted)
        if stopped or interrupted:
            break
    if told < last - first and not stopped and not interrupted:
        tell(last - first)  # a violation has ended it before
    if interrupted:
        raise Interrupted(portions)
    return portions
