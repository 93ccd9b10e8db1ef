"""Who does the work: this process, or an executor of anybody's (processes.py and cluster.py have two).

This is the one seam for distribution.  Whatever has ``submit`` and returns futures, as ``concurrent.futures`` has it,
can do the work: ``Through(executor, jobs).run(task, arguments)``.  A task is a function that can be pickled; it is
called with ``tell`` and its argument, and tells as it goes how much of itself is done.
"""

from __future__ import annotations

import queue
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

REPORT_S = 0.1

A = TypeVar("A")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
Tell = Callable[[int], bool]
"""A task calls it with how much of itself is done; the answer is whether to go on."""
Task = Callable[[Tell, A], R]


class Interrupted(Exception):
    """Raised by a task that Ctrl-C has reached, with what it has so far."""

    def __init__(self, result: Any) -> None:
        super().__init__(result)
        self.result = result


class Future(Protocol[R_co]):
    """What an executor answers with."""

    def result(self) -> R_co: ...

    def done(self) -> bool: ...

    def cancel(self) -> Any: ...

    def add_done_callback(self, callback: Callable[[Any], object], /) -> None: ...


class Executor(Protocol):
    """Whom tasks are submitted to: any executor of ``concurrent.futures``, or one that behaves like it."""

    def submit(self, function: Callable[..., R], /, *arguments: Any) -> Future[R]: ...


class Done(NamedTuple, Generic[R]):
    """The results in the order of the arguments, None for what was not begun, and whether Ctrl-C ended it."""

    results: list[R | None]
    interrupted: bool


Report = Callable[[int], object]
"""Told how much is done of all tasks together."""
Finished = Callable[[int, R], object]
"""Told of each task that has come to its end: its number, and its result."""


class Crew(Protocol):
    """Does tasks, ``jobs`` at a time.  ``is_far``: on machines that may have other files, and cannot write to ours."""

    @property
    def jobs(self) -> int: ...

    @property
    def is_far(self) -> bool: ...

    def run(
        self,
        task: Task[A, R],
        arguments: Sequence[A],
        report: Report = lambda _: None,
        finished: Finished[R] = lambda _number, _result: None,
    ) -> Done[R]:
        """Do ``task`` with each of the arguments; an exception in one ends all.

        After Ctrl-C, tasks that were begun return what they have, and the others are not begun.
        """


class Alone:
    """This process, one task after the other."""

    is_far = False

    def __init__(self, jobs: int = 1) -> None:
        self.jobs = jobs
        """For how many at a time the work is divided, though there is one."""

    def run(
        self,
        task: Task[A, R],
        arguments: Sequence[A],
        report: Report = lambda _: None,
        finished: Finished[R] = lambda _number, _result: None,
    ) -> Done[R]:
        """See Crew."""
        results: list[R | None] = [None] * len(arguments)
        before = here = 0

        def tell(done: int) -> bool:
            nonlocal here
            here = done
            report(before + here)
            return True

        for number, argument in enumerate(arguments):
            try:
                results[number] = result = task(tell, argument)
                finished(number, result)
            except Interrupted as stopped:
                results[number] = stopped.result
                return Done(results, interrupted=True)
            except KeyboardInterrupt:
                return Done(results, interrupted=True)
            before, here = before + here, 0
        return Done(results, interrupted=False)


class Line(NamedTuple):
    """How tasks far from here are heard and stopped while they run.

    ``teller`` is sent with each task and makes its ``tell``; ``heard``: how much of each task is done, by number;
    ``cancels``: whether ``cancel`` of a future spares the tasks that have begun.
    """

    teller: Callable[[int], Tell]
    heard: Callable[[], Mapping[int, int]] = dict
    stop: Callable[[], object] = lambda: None
    cancels: bool = True


def _tell_nobody(_number: int) -> Tell:
    return lambda _done: True


class Through:
    """An executor, which is given ``jobs`` tasks at a time or more.  It stays open, for who opened it to close."""

    is_far = False

    def __init__(self, executor: Executor, jobs: int, line: Line | None = None, *, is_far: bool = False) -> None:
        self.jobs, self.is_far = jobs, is_far
        self._executor = executor
        self._line = line or Line(_tell_nobody)

    def run(
        self,
        task: Task[A, R],
        arguments: Sequence[A],
        report: Report = lambda _: None,
        finished: Finished[R] = lambda _number, _result: None,
    ) -> Done[R]:
        """See Crew."""
        with _ctrl_c_held_back() as let_through:
            submit = self._executor.submit
            futures = [submit(_do, task, self._line.teller, *one) for one in enumerate(arguments)]
            try:
                return self._gather(futures, report, finished, let_through)
            finally:
                self._line.stop()
                for future in futures:
                    future.cancel()

    def _gather(
        self,
        futures: Sequence[Future[tuple[int, R | None]]],
        report: Report,
        finished: Finished[R],
        let_through: Callable[[], None],
    ) -> Done[R]:
        results: list[R | None] = [None] * len(futures)
        told = [0] * len(futures)
        waiting = dict(enumerate(futures))
        interrupted = False
        ended: queue.SimpleQueue[object] = queue.SimpleQueue()
        for future in futures:
            future.add_done_callback(ended.put)
        while waiting:
            try:
                let_through()
                with suppress(queue.Empty):
                    ended.get(timeout=REPORT_S)
                for number, future in [item for item in waiting.items() if item[1].done()]:
                    try:
                        told[number], results[number] = _returned(future)
                    except CancelledError:
                        interrupted = True  # by us after Ctrl-C, or by an executor that has lost its workers for good
                    if (result := results[number]) is not None:
                        finished(number, result)
                    del waiting[number]
                for number, done in self._line.heard().items():
                    told[number] = max(told[number], done)
                report(sum(told))
            except KeyboardInterrupt:
                interrupted = True
                self._line.stop()
                if self._line.cancels:
                    for future in futures:
                        future.cancel()
        return Done(results, interrupted)


def _do(task: Task[A, R], teller: Callable[[int], Tell], number: int, argument: A) -> tuple[int, R | None]:
    """What is submitted: returns how much was told last, and the result."""
    tell, last = teller(number), 0

    def tell_and_note(done: int) -> bool:
        nonlocal last
        last = done
        return tell(done)

    if not tell(0):
        return 0, None
    result = task(tell_and_note, argument)
    return last, result


def _returned(future: Future[tuple[int, R | None]]) -> tuple[int, R | None]:
    try:
        return future.result()
    except Interrupted as stopped:
        return 0, stopped.result


@contextmanager
def _ctrl_c_held_back() -> Iterator[Callable[[], None]]:
    """Until a new process leaves Ctrl-C to its parent it must not see any: it would die of it, and its work be lost.

    What is yielded lets Ctrl-C through; one that was held back arrives there.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield lambda: (signal.pthread_sigmask(signal.SIG_SETMASK, before), None)[1]
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
