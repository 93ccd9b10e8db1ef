"""The serial line as a pipe of bytes."""

from __future__ import annotations

import pytest

from deltabench.hwsim.uart import Uart, UartError


def test_bytes_arrive_at_the_other_end_in_order_and_at_no_other() -> None:
    uart = Uart()
    uart.device.write(b"ab")
    uart.device.write(b"c")
    assert (uart.remote.waiting, uart.device.waiting) == (3, 0)
    assert uart.remote.read(2) == b"ab"
    assert uart.remote.read(2) == b"c"
    assert uart.remote.read(2) == b""


def test_both_directions_work_at_the_same_time() -> None:
    uart = Uart()
    uart.device.write(b"down")
    uart.remote.write(b"up")
    assert uart.device.read(9) == b"up"
    assert uart.remote.read(9) == b"down"


def test_a_full_fifo_loses_the_newest_bytes_and_counts_them() -> None:
    uart = Uart(fifo_bytes=4)
    uart.remote.write(b"abc")
    uart.remote.write(b"defg")
    assert uart.device.overruns == 3
    assert uart.remote.overruns == 0
    assert uart.device.read(9) == b"abcd"
    uart.remote.write(b"hi")
    assert uart.device.read(9) == b"hi"
    assert uart.device.overruns == 3


def test_power_loss_empties_both_fifos_and_keeps_the_count_of_overruns() -> None:
    uart = Uart(fifo_bytes=2)
    uart.remote.write(b"abc")
    uart.device.write(b"d")
    uart.lose_power()
    assert (uart.device.waiting, uart.remote.waiting) == (0, 0)
    assert uart.device.overruns == 1


def test_what_a_cut_emptied_comes_back_when_the_cut_is_undone() -> None:
    uart = Uart(fifo_bytes=4)
    uart.remote.write(b"up")
    uart.device.write(b"down")
    contents = uart.lose_power()
    uart.remote.write(b"noise of the branch")
    uart.regain(contents)
    assert uart.device.overruns == 0
    assert uart.device.read(9) == b"up"
    assert uart.remote.read(9) == b"down"


def test_a_negative_count_and_a_fifo_without_room_are_refused() -> None:
    with pytest.raises(UartError, match="-1 bytes"):
        Uart().device.read(-1)
    with pytest.raises(UartError, match="0 bytes"):
        Uart(fifo_bytes=0)
