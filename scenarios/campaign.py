"""Many variants, on many processes.

A variant is split into windows of its actions, which are explored independently of one another: what was seen is
forgotten from command to command, so counts and ids are the same however the work is split.
"""

from __future__ import annotations

import math
import multiprocessing
import signal
import time
from collections.abc import Callable, MutableSequence, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from multiprocessing.synchronize import Event
from typing import ClassVar, NamedTuple

from deltabench.scenarios.crash_map import CutRow
from deltabench.scenarios.explorer import Counts, Explorer, Finding, most_telling
from deltabench.scenarios.scenario import Variant
from deltabench.scenarios.selection import selection
from deltabench.scenarios.session import Session
from deltabench.scenarios.verdict import Result
from deltabench.scenarios.workload import Action

WINDOWS_PER_JOB = 4
"""So many times more windows than processes, so that none of these waits long for another at the end."""
LEAST_WINDOW = 25
REPORT_S = 0.1


class Share(NamedTuple):
    """What one process explored of a variant."""

    commands: int
    operations: int
    counts: Counts
    findings: tuple[Finding, ...]
    elapsed_s: float
    complete: bool
    cut_rows: tuple[CutRow, ...] = ()


class Progress(NamedTuple):
    """How far a campaign is: ``done`` of ``total`` actions explored."""

    done: int
    total: int


Report = Callable[[Progress], None]


def run_campaign(
    variants: Sequence[Variant], jobs: int = 1, report: Report = lambda _: None
) -> tuple[list[Result], bool]:
    """Run all variants on ``jobs`` processes; returns their results in order, and whether it was interrupted.

    Raises ScenarioError before anything is run if one of them cannot be built.  After Ctrl-C the results hold what was
    found so far.
    """
    try:
        lengths = [len(_checked(variant)) for variant in variants]
    except KeyboardInterrupt:
        return [_merged(variant, [_nothing()]) for variant in variants], True
    windows = _windows(variants, lengths, jobs)
    total = sum(last - first for _, first, last in windows)
    if jobs == 1:
        shares, interrupted = _run_here(variants, windows, total, report)
    else:
        shares, interrupted = _run_apart(variants, windows, total, jobs, report)
    return [
        _merged(variant, [share for (v, _, _), share in zip(windows, shares, strict=True) if v == index])
        for index, variant in enumerate(variants)
    ], interrupted


def _checked(variant: Variant) -> list[Action]:
    """Build the variant once, so that what is wrong with it is found before any work is done."""
    session = Session(variant)
    selection(variant)
    return session.actions


def _windows(variants: Sequence[Variant], lengths: list[int], jobs: int) -> list[tuple[int, int, int]]:
    """(variant, first action, last action + 1) for each piece of work."""
    windows = []
    for index in range(len(variants)):
        length = lengths[index]
        pieces = 1
        # What stops at the first violation is not split, for then each piece would have a first one of its own.
        if jobs > 1 and not variants[index].scenario.document.power.stop_at_first:
            pieces = max(1, min(math.ceil(WINDOWS_PER_JOB * jobs / len(variants)), length // LEAST_WINDOW))
        edges = [length * piece // pieces for piece in range(pieces + 1)]
        windows += [(index, edges[piece], edges[piece + 1]) for piece in range(pieces)]
    return windows


def explore(variant: Variant, first: int, last: int, progress: Callable[[int], bool]) -> Share:
    """Explore one window; ``progress`` is told the actions of the window that are done, and says whether to go on."""
    started = time.process_time()
    session = Session(variant, (first, last), selection(variant))

    def count(done: int) -> bool:
        return progress(min(max(done - first, 0), last - first))

    try:
        complete = session.run(count)
    except KeyboardInterrupt:
        complete = False
    explorer: Explorer = session.explorer
    if explorer.has_enough:
        progress(last - first)
    return Share(
        session.commands,
        session.operations,
        explorer.counts,
        tuple(explorer.findings),
        time.process_time() - started,
        complete,
        tuple(explorer.cut_rows),
    )


def _run_here(
    variants: Sequence[Variant], windows: list[tuple[int, int, int]], total: int, report: Report
) -> tuple[list[Share], bool]:
    shares: list[Share] = []
    done = 0
    for index, first, last in windows:
        if shares and not shares[-1].complete:
            shares.append(_nothing())
            continue
        before = done

        def progress(here: int, before: int = before) -> bool:
            report(Progress(before + here, total))
            return True

        try:
            shares.append(explore(variants[index], first, last, progress))
        except KeyboardInterrupt:
            shares.append(_nothing())
        done += last - first
    return shares, not all(share.complete for share in shares)


def _nothing() -> Share:
    return Share(0, 0, Counts(), (), 0.0, False)


class _Worker:
    """What a worker process shares with its parent, given to it when it starts."""

    done: ClassVar[MutableSequence[int]]
    stop: ClassVar[Event]

    @classmethod
    def start(cls, done: MutableSequence[int], stop: Event) -> None:
        """Workers leave Ctrl-C to the parent, which tells them by ``stop`` to return what they have."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        cls.done, cls.stop = done, stop


def _work(number: int, variant: Variant, first: int, last: int) -> Share:
    def progress(here: int) -> bool:
        _Worker.done[number] = here
        return not _Worker.stop.is_set()

    return explore(variant, first, last, progress)


def _run_apart(
    variants: Sequence[Variant], windows: list[tuple[int, int, int]], total: int, jobs: int, report: Report
) -> tuple[list[Share], bool]:
    context = multiprocessing.get_context("spawn")
    done = context.Array("q", len(windows), lock=False)
    stop = context.Event()
    with ProcessPoolExecutor(jobs, context, _Worker.start, (done, stop)) as pool:
        # Until a worker leaves Ctrl-C to its parent it must not see any: it would die of it, and its work be lost.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        futures = [
            pool.submit(_work, number, variants[index], first, last)
            for number, (index, first, last) in enumerate(windows)
        ]
        waiting = set(futures)
        interrupted = False
        try:
            while waiting:
                try:
                    signal.pthread_sigmask(signal.SIG_SETMASK, before)  # one that was held back arrives here
                    waiting = wait(waiting, timeout=REPORT_S).not_done
                    report(Progress(sum(done), total))
                except KeyboardInterrupt:
                    interrupted = True
                    stop.set()
                    for future in futures:
                        future.cancel()
            return [_nothing() if future.cancelled() else future.result() for future in futures], interrupted
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)


def _merged(variant: Variant, shares: list[Share]) -> Result:
    counts = Counts(*(sum(column) for column in zip(*(share.counts for share in shares), strict=True)))
    findings = [finding for share in shares for finding in share.findings]
    return Result(
        variant,
        max(share.commands for share in shares),
        max(share.operations for share in shares),
        counts,
        tuple(most_telling(findings)),
        sum(share.elapsed_s for share in shares),
        all(share.complete for share in shares),
        tuple(row for share in shares for row in share.cut_rows),
    )
