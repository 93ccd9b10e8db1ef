"""The power rail: every operation that changes a medium announces itself here before it takes effect.

Normally nobody listens.  This one seam serves a planned cut, a replay that tells what happens, and the explorer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from deltabench.hwsim.errors import HardwareError
from deltabench.hwsim.medium import Medium, Operation

Listener = Callable[[Operation], None]


class RailMeter(Protocol):
    """What wants to know of every operation, and of every read, which changes nothing and so is not announced."""

    def changes(self, operation: Operation) -> None:
        """``operation`` begins, and nothing keeps it from being completed."""

    def reads(self, medium: Medium, address: int, length: int) -> None:
        """``length`` of ``medium`` are read from ``address`` on, in its units."""


class OperationLimitError(HardwareError):
    """The firmware did more media operations than it was allowed: it hangs, or its recovery is unbounded."""


class PowerRail:
    """Counts media operations and tells its listeners of each before it takes effect.

    ``operations`` counts since the bench last set it; above ``limit`` operations the rail raises OperationLimitError,
    so that a firmware that never comes to an end becomes a finding and not a time-out.  ``meter`` comes after the
    listeners.  ``failing`` is the early warning: the supply has failed, and what is left comes from the hold-up.
    """

    __slots__ = ("failing", "limit", "listeners", "meter", "operations")
    NO_LIMIT = 1 << 62

    def __init__(self) -> None:
        self.operations = 0
        self.limit = self.NO_LIMIT
        self.listeners: tuple[Listener, ...] = ()
        self.meter: RailMeter | None = None
        self.failing = False

    def announce(self, describe: Callable[..., Operation], *facts: object) -> None:
        """Called by a medium before ``describe(*facts)`` changes it: described only if someone wants to know."""
        if self.operations >= self.limit:
            raise OperationLimitError(
                f"media operation {self.operations + 1} ({describe(*facts)}) exceeds the limit of {self.limit}"
            )
        if self.listeners:
            operation = describe(*facts)
            for listener in self.listeners:
                listener(operation)
        if self.meter is not None:
            self.meter.changes(describe(*facts))
        self.operations += 1
