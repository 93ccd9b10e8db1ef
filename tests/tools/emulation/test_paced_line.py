from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltabench.tools.emulation.paced_line import MOST_ARRIVING, MOST_LEAVING, PacedLine


class Echo:
    """Answers what it hears ``times`` over, and takes ``busy_ns`` for each piece."""

    def __init__(self, times: int = 1, busy_ns: int = 0) -> None:
        self.now_ns = 0
        self.heard = b""
        self._times = times
        self._busy_ns = busy_ns

    def feed(self, data: bytes) -> bytes:
        self.heard += data
        self.now_ns += self._busy_ns
        return data * self._times


def times_of(line: PacedLine) -> list[tuple[float, bytes]]:
    """When what comes out, until the line is at rest."""
    seen = []
    while (next_s := line.next_s) is not None:
        data = line.receive(next_s)
        if data:
            seen.append((round(next_s, 6), data))
    return seen


def test_each_character_takes_its_time_in_both_directions_one_after_the_other() -> None:
    line = PacedLine(Echo(), 0.001)
    line.send(b"ab", 1.0)
    line.send(b"c", 1.0)
    assert line.receive(1.0019) == b""
    assert times_of(line) == [(1.004, b"ab"), (1.005, b"c")]


def test_while_the_media_are_busy_nothing_is_read_and_nothing_answered() -> None:
    echo = Echo(busy_ns=500_000_000)
    line = PacedLine(echo, 0.001, lambda: echo.now_ns)
    line.send(b"a", 0.0)
    assert line.receive(0.0011) == b""
    line.send(b"b", 0.1)
    assert times_of(line) == [(0.502, b"a"), (1.002, b"b")]


def test_a_line_that_takes_no_time_answers_at_once() -> None:
    line = PacedLine(Echo(), 0.0)
    line.send(b"x" * 100, 5.0)
    assert line.receive(5.0) == b"x" * 100
    assert line.next_s is None


def test_the_beginning_of_a_long_answer_comes_before_its_end() -> None:
    line = PacedLine(Echo(times=100), 0.001)
    line.send(b"a", 0.0)
    seen = times_of(line)
    assert seen[0][0] == pytest.approx(0.033)
    assert seen[-1][0] == pytest.approx(0.101)
    assert sum(len(data) for _, data in seen) == 100


@given(sends=st.lists(st.integers(0, MOST_ARRIVING), max_size=8))
def test_what_waits_on_the_line_is_bounded_however_much_is_sent_and_however_little_is_read(sends: list[int]) -> None:
    echo = Echo(times=100)
    line = PacedLine(echo, 0.001)
    now_s = 0.0
    for count in sends:
        line.send(bytes(min(count, line.room)), now_s)
        line.receive(now_s)
        assert 0 <= line.room <= MOST_ARRIVING
        assert len(echo.heard) * 100 <= MOST_LEAVING + 32 * 100
