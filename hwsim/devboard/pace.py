"""Lets a board's clock run on by what its media take, those of the chip's own flash included.

For whoever waits in front of the board: unlike the meter (hwsim/meter.py) it counts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from deltabench.hwsim.clock import Clock, MediaTime
from deltabench.hwsim.medium import Medium, Operation
from deltabench.hwsim.timing import timing_of


class MediaPace:
    """Hears of every operation and read by the power rail; made anew at each power-on, as the drives' buffers are."""

    def __init__(self, media: Iterable[Medium], clock: Clock, media_time: MediaTime) -> None:
        self._timings = {medium.name: timing_of(medium, media_time) for medium in media}
        self._clock = clock
        self.passed_ns = 0
        """How long the media have been busy since power-on."""

    def changes(self, operation: Operation) -> None:
        now_ns = self._clock.now_ns
        self._pass(self._timings[operation.device].change(operation, now_ns) - now_ns)

    def reads(self, medium: Medium, address: int, length: int) -> None:
        now_ns = self._clock.now_ns
        self._pass(self._timings[medium.name].read(address, length, now_ns) - now_ns)

    def _pass(self, duration_ns: int) -> None:
        self.passed_ns += duration_ns
        self._clock.advance_ns(duration_ns)
