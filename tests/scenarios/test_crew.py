"""Tasks given to a crew: results in order, progress, Ctrl-C, and executors that are not of the standard library."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from deltabench.scenarios.crew import Alone, Crew, Interrupted, Line, Tell, Through


class LaterExecutor:
    """Does what is submitted when it is asked for, and is no class of concurrent.futures."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> LaterFuture:
        return LaterFuture(function, arguments)


class LaterFuture:
    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self._call = (function, arguments)

    def result(self) -> Any:
        function, arguments = self._call
        return function(*arguments)

    def done(self) -> bool:
        return True

    def cancel(self) -> bool:
        return False

    def add_done_callback(self, callback: Callable[[Any], object], /) -> None:
        callback(self)


def double(tell: Tell, number: int) -> int:
    for done in range(1, number + 1):
        if not tell(done):
            return -done
    return 2 * number


def fail(tell: Tell, number: int) -> int:
    raise ZeroDivisionError(number)


@pytest.fixture(params=["alone", "threads", "an executor of its own"])
def crew(request: pytest.FixtureRequest) -> Any:
    if request.param == "threads":
        with ThreadPoolExecutor(2) as pool:
            yield Through(pool, 2)
    else:
        yield Alone() if request.param == "alone" else Through(LaterExecutor(), 2)


def test_results_come_in_the_order_of_the_arguments_and_progress_ends_at_the_sum(crew: Crew) -> None:
    told: list[int] = []
    finished: dict[int, int] = {}
    done = crew.run(double, [3, 1, 2], told.append, finished.__setitem__)
    assert done == ([6, 2, 4], False)
    assert finished == {0: 6, 1: 2, 2: 4}
    assert told == sorted(told)
    assert told[-1] == 6


def test_an_error_in_a_task_is_raised(crew: Crew) -> None:
    with pytest.raises(ZeroDivisionError):
        crew.run(fail, [1, 2])


def test_nothing_to_do_is_done_at_once(crew: Crew) -> None:
    assert crew.run(double, []) == ([], False)


def test_ctrl_c_stops_tasks_that_have_begun_and_begins_no_other() -> None:
    stop, begun = threading.Event(), threading.Event()

    def until_stopped(tell: Tell, number: int) -> str:
        begun.set()
        done = 0
        while tell(done):
            done += 1
        return f"stopped {number}"

    def interrupt(done: int) -> None:
        if begun.is_set() and not stop.is_set():
            raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as pool:
        line = Line(lambda number: lambda done: not stop.is_set(), dict, stop.set)
        assert Through(pool, 1, line).run(until_stopped, [1, 2], interrupt) == (["stopped 1", None], True)


def test_a_task_that_ctrl_c_reached_gives_what_it_had() -> None:
    def interrupted(tell: Tell, number: int) -> str:
        raise Interrupted(f"as far as {number}")

    assert Alone().run(interrupted, [1, 2]) == (["as far as 1", None], True)
    assert Through(LaterExecutor(), 1).run(interrupted, [1]).results == ["as far as 1"]


def test_ctrl_c_between_two_tasks_is_an_interruption_too() -> None:
    def interrupted(tell: Tell, number: int) -> str:
        raise KeyboardInterrupt

    assert Alone().run(interrupted, [1]) == ([None], True)


def test_progress_is_what_tasks_told_last_and_what_is_heard_on_the_line() -> None:
    told: list[int] = []
    line = Line(lambda _: lambda done: True, lambda: {0: 2, 1: 5}, bool)
    Through(LaterExecutor(), 1, line).run(double, [3, 4], told.append)
    assert told == [3 + 5]
