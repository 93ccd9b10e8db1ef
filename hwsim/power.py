"""The power rail: every operation that changes a medium announces itself here before it takes effect.

Normally nobody listens.  This one seam serves a planned cut, a replay that tells what happens, and the explorer.
"""

from __future__ import annotations

from collections.abc import Callable

from deltabench.hwsim.errors import HardwareError
from deltabench.hwsim.medium import Operation

Listener = Callable[[Operation], None]


class OperationLimitError(HardwareError):
    """The firmware did more media operations than it was allowed: it hangs, or its recovery is unbounded."""


class PowerRail:
    """Counts media operations and tells its listeners of each before it takes effect.

    ``operations`` counts since the bench last set it; above ``limit`` operations the rail raises OperationLimitError,
    so that a firmware that never comes to an end becomes a finding and not a time-out.
    """

    __slots__ = ("limit", "listeners", "operations")
    NO_LIMIT = 1 << 62

    def __init__(self) -> None:
        self.operations = 0
        self.limit = self.NO_LIMIT
        self.listeners: tuple[Listener, ...] = ()

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
        self.operations += 1
