"""The time that passes while a real board is waited for."""

from __future__ import annotations

import time
from typing import Protocol


class WaitingClock(Protocol):
    """Time, as far as waiting goes."""

    def now_s(self) -> float: ...

    def sleep(self, duration_s: float) -> None: ...


class SystemClock:
    """The time of this machine."""

    def now_s(self) -> float:
        return time.monotonic()

    def sleep(self, duration_s: float) -> None:
        time.sleep(duration_s)
