"""The supply behind the power rail: how long it holds up after it has failed, and the capacitor that this takes.

When the supply fails it says so at once (an early-warning interrupt: PowerRail.failing), and the rail stays up for the
hold-up time, on what a capacitor has stored.
"""

from __future__ import annotations

from deltabench.hwsim.board import Board
from deltabench.hwsim.errors import HardwareError
from deltabench.hwsim.medium import Operation
from deltabench.hwsim.meter import Meter


class SupplyError(HardwareError):
    """Voltages or a load that no capacitor can be found for."""


class PowerGone(BaseException):
    """The rail is down: ``operation`` did not come to its end.  No firmware can handle it."""

    def __init__(self, operation: Operation) -> None:
        super().__init__(f"power is gone inside {operation}")
        self.operation = operation


class FailingSupply:
    """Fails at ``fails_at_ns`` of the board's clock and holds up for ``holdup_ns``; time passes by ``meter``.

    Raises PowerGone out of the operation that is under way when the rail goes down.
    """

    def __init__(self, board: Board, meter: Meter, fails_at_ns: int, holdup_ns: int) -> None:
        self._board = board
        self._fails_at_ns = fails_at_ns
        self._gone_at_ns = fails_at_ns + holdup_ns
        meter.log = self._passes

    def look(self) -> bool:
        """Whether the supply has failed by now; the early warning says so to the firmware from then on."""
        self._board.rail.failing = self._board.clock.now_ns >= self._fails_at_ns
        return self._board.rail.failing

    def _passes(self, operation: Operation, _began_ns: int, ended_ns: int) -> None:
        self.look()
        if ended_ns > self._gone_at_ns:
            raise PowerGone(operation)


def capacitance_nf(holdup_us: int, load_mw: int, from_mv: int, to_mv: int) -> int:
    """The least capacitance, in nF, that carries a constant load of ``load_mw`` for ``holdup_us``.

    It is discharged from ``from_mv`` to ``to_mv``, below which the board's regulators give up:
    E = P t = C (U1² - U2²) / 2.  Losses of a converter are to be added to the load.  Raises SupplyError for voltages
    that do not fall, or a load that is none.
    """
    if not 0 <= to_mv < from_mv:
        raise SupplyError(f"from {from_mv} mV to {to_mv} mV: a capacitor gives off energy only while its voltage falls")
    if load_mw < 1:
        raise SupplyError(f"a load of {load_mw} mW: allowed: 1 mW or more")
    # 1 mW for 1 µs is 1 nJ, and 1 nJ / 1 mV² is 1 mF, that is 10⁶ nF.
    return -(-2 * load_mw * holdup_us * 1_000_000 // (from_mv**2 - to_mv**2))
