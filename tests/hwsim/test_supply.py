"""Hold-up of the supply, and its capacitor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltabench.hwsim.board import Board, BoardSpec, DeviceSpec
from deltabench.hwsim.clock import MediaTime
from deltabench.hwsim.meter import Meter
from deltabench.hwsim.nor import NorFlash
from deltabench.hwsim.supply import FailingSupply, PowerGone, SupplyError, capacitance_nf


def test_a_capacitor_carries_its_load_for_the_time() -> None:
    # 2.5 W for 10 ms are 25 mJ; from 5 V to 3 V a capacitor gives off 8 V² of its capacitance.
    assert capacitance_nf(10_000, 2_500, 5_000, 3_000) == 3_125_000


@given(st.integers(0, 10**7), st.integers(1, 10**5), st.integers(1, 50_000), st.integers(0, 49_999))
def test_it_is_the_least_capacitance_that_is_enough(time_us: int, load_mw: int, rise_mv: int, to_mv: int) -> None:
    from_mv = to_mv + rise_mv
    needed = capacitance_nf(time_us, load_mw, from_mv, to_mv)

    def energy(nf: int) -> int:
        """In nJ, times two million: nF times mV² is 10⁻¹⁵ J."""
        return nf * (from_mv**2 - to_mv**2)

    assert energy(needed) >= 2_000_000 * load_mw * time_us
    assert not needed or energy(needed - 1) < 2_000_000 * load_mw * time_us


@pytest.mark.parametrize(("load_mw", "from_mv", "to_mv"), [(0, 5, 3), (1, 3, 3), (1, 3, 5), (1, 5, -1)])
def test_what_no_capacitor_can_do_is_refused(load_mw: int, from_mv: int, to_mv: int) -> None:
    with pytest.raises(SupplyError, match=r"allowed|falls"):
        capacitance_nf(1, load_mw, from_mv, to_mv)


@pytest.mark.parametrize(("holdup_us", "done"), [(0, 1), (400, 1), (402, 2), (900, 3)])
def test_operations_go_on_until_the_hold_up_is_used_up(holdup_us: int, done: int) -> None:
    board = Board(BoardSpec(devices={"nor0": DeviceSpec(part="W25Q64JV")}))
    meter = Meter(board, MediaTime.TYPICAL, 1_000_000_000, {})
    meter.attach()
    nor = board.media["nor0"]
    assert isinstance(nor, NorFlash)
    nor.program(0, bytes(1))
    supply = FailingSupply(board, meter, board.clock.now_ns + 500, holdup_us * 1000)
    assert not supply.look()
    for _ in range(1, done):
        nor.program(0, bytes(1))
    with pytest.raises(PowerGone, match="nor0 program"):
        nor.program(0, bytes(1))
    assert board.rail.failing
