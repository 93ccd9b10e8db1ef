"""Processes of this machine as a crew.  They end with the process that started them, however it ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import MutableSequence, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait
from multiprocessing.synchronize import Event
from typing import ClassVar, Final

from deltabench.scenarios.crew import A, Alone, Crew, Done, Finished, Line, R, Report, Task, Tell, Through

ORPHANED: Final = 1


class Processes:
    """``jobs`` processes, started for each run."""

    is_far = False

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def run(
        self,
        task: Task[A, R],
        arguments: Sequence[A],
        report: Report = lambda _: None,
        finished: Finished[R] = lambda _number, _result: None,
    ) -> Done[R]:
        """See Crew."""
        context = multiprocessing.get_context("spawn")
        done = context.Array("q", max(len(arguments), 1), lock=False)
        stop = context.Event()
        line = Line(_Worker.teller, lambda: dict(enumerate(done[: len(arguments)])), stop.set)
        with ProcessPoolExecutor(self.jobs, context, _Worker.start, (done, stop)) as pool:
            return Through(pool, self.jobs, line).run(task, arguments, report, finished)


class _Worker:
    """What a worker process shares with its parent, given to it when it starts."""

    done: ClassVar[MutableSequence[int]]
    stop: ClassVar[Event]

    @classmethod
    def start(cls, done: MutableSequence[int], stop: Event) -> None:
        """Workers leave Ctrl-C to the parent, which tells them by ``stop`` to return what they have."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        cls.done, cls.stop = done, stop
        threading.Thread(target=_end_with_parent, daemon=True).start()

    @classmethod
    def teller(cls, number: int) -> Tell:
        """``tell`` of the task of this number."""

        def tell(done: int) -> bool:
            cls.done[number] = done
            return not cls.stop.is_set()

        return tell


def _end_with_parent() -> None:
    """A parent that is killed cannot stop its workers, and nobody would ever ask for what they find."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker has one"
    wait([parent.sentinel])
    os._exit(ORPHANED)


def crew_of(jobs: int) -> Crew:
    """This process by itself for one job, and so many beside it for more."""
    return Alone() if jobs == 1 else Processes(jobs)
