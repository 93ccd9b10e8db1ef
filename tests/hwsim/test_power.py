"""The power rail: who hears of an operation, when, and how many there may be."""

from __future__ import annotations

from typing import Any

import pytest

from deltabench.hwsim.medium import MediaRuleError
from deltabench.hwsim.power import OperationLimitError


def test_an_operation_is_announced_before_it_takes_effect(bench: Any) -> None:
    nor, nvram, disk = bench.nor(), bench.nvram(), bench.disk()
    digests: list[int] = []
    names: list[str] = []

    def listener(operation: object) -> None:
        digests.append(bench.cells.digest)
        names.append(str(operation))

    acts = [
        lambda: nor.program(0x20, b"data"),
        lambda: nor.erase(0x80),
        lambda: nvram.write(0x10, b"word"),
        lambda: disk.write(5, [bytes([1]) * 512] * 2, fua=True),
        lambda: disk.write(5, [bytes([2]) * 512], fua=False),
        disk.flush,
    ]
    with bench.listening(listener):
        for act in acts:
            before = bench.cells.digest
            act()
            assert digests[-1] == before
    assert names == [
        "nor0 program 0x20+4",
        "nor0 erase 0x80+128",
        "nvram0 write 0x10+4",
        "disk0 write FUA 0x5+2",
        "disk0 write 0x5+1",
        "disk0 flush cache 0x0+1",
    ]
    assert bench.rail.operations == len(acts)


def test_reads_and_refused_operations_are_not_announced(bench: Any) -> None:
    nor, nvram, disk = bench.nor(), bench.nvram(), bench.disk()
    nor.read(0, 8)
    nvram.read(0, 8)
    disk.read(0, 8)
    for refused in (
        lambda: nor.program(nor.size, b"x"),
        lambda: nor.erase(1),
        lambda: nvram.write(nvram.size, b"x"),
        lambda: disk.write(disk.size, [bytes(512)], fua=True),
        lambda: disk.write(0, [b"short"], fua=True),
    ):
        with pytest.raises(MediaRuleError):
            refused()
    assert bench.rail.operations == 0


def test_every_listener_hears_of_every_operation(bench: Any) -> None:
    nvram = bench.nvram()
    heard: list[str] = []
    bench.rail.listeners = (lambda operation: heard.append("first"), lambda operation: heard.append("second"))
    nvram.write(0, b"word")
    nvram.write(4, b"word")
    assert heard == ["first", "second"] * 2


def test_an_operation_beyond_the_limit_is_stopped_before_it_changes_anything(bench: Any) -> None:
    nvram = bench.nvram()
    bench.rail.limit = 2
    nvram.write(0, b"one.")
    nvram.write(4, b"two.")
    with pytest.raises(OperationLimitError, match=r"media operation 3 \(nvram0 write 0x8\+4\) exceeds the limit of 2"):
        nvram.write(8, b"too.")
    assert nvram.read(8, 4) == bytes(4)
