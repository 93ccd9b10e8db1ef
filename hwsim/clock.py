"""The simulated clock: whole nanoseconds since power was first applied to the bench.

No wall time comes in anywhere, so the same scenario always happens at the same instants.
"""

from __future__ import annotations

import enum

from deltabench.hwsim.errors import HardwareError

NS_PER_US = 1_000
NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000


class MediaTime(enum.Enum):
    """Which of a datasheet's times count."""

    TYPICAL = "typical"
    MAXIMUM = "maximum"


class ClockError(HardwareError):
    """An instant or a duration that the clock cannot go to."""


class Clock:
    """Simulated time. It runs on while the device has no power."""

    __slots__ = ("_now_ns",)

    def __init__(self) -> None:
        self._now_ns = 0

    @property
    def now_ns(self) -> int:
        """Nanoseconds since the start."""
        return self._now_ns

    @property
    def now_us(self) -> int:
        """Whole microseconds since the start, rounded down."""
        return self._now_ns // NS_PER_US

    def advance_ns(self, duration_ns: int) -> None:
        """Let ``duration_ns`` nanoseconds pass. Raises ClockError if it is negative."""
        if duration_ns < 0:
            raise ClockError(
                f"time cannot advance by {duration_ns} ns: a duration is 0 ns or more;"
                " to undo simulated time, rewind to an earlier instant"
            )
        self._now_ns += duration_ns

    def rewind(self, instant_ns: int) -> None:
        """Go back to ``instant_ns``, read from ``now_ns`` before: the time of an undone branch.

        Raises ClockError if that instant is before the start or has not come yet.
        """
        if not 0 <= instant_ns <= self._now_ns:
            raise ClockError(
                f"cannot rewind to {instant_ns} ns: it is {self._now_ns} ns now,"
                " and only instants from 0 ns to now have been"
            )
        self._now_ns = instant_ns
