from __future__ import annotations

from deltabench.hwsim.devboard.bootloader import Event
from deltabench.tools.emulation.log import BoardLog


def test_writes_that_continue_one_another_and_are_read_back_are_two_lines() -> None:
    lines: list[str] = []
    log = BoardLog(lines.append, lambda: 0.0)
    log.told(Event("synchronised"))
    for address in range(0, 0x400, 0x100):
        log.told(Event("write", address, 0x100))
        log.told(Event("read", address, 0x100))
    assert lines == ["synchronised"]
    log.told(Event("erase", 0x4000, 0x4000))
    assert lines[1:] == ["write 0x00000000 + 0x400", "read 0x00000000 + 0x400", "erase 0x00004000 + 0x4000"]
    log.told(Event("write", 0, 4))
    log.told(Event("write", 8, 4))
    log.flush()
    assert lines[4:] == ["write 0x00000000 + 0x4", "write 0x00000008 + 0x4"]


def test_a_run_that_grows_no_more_is_told_after_a_while() -> None:
    lines: list[str] = []
    now_s = 0.0
    log = BoardLog(lines.append, lambda: now_s)
    log.told(Event("write", 0, 4))
    log.look()
    assert not lines
    now_s = 1.0
    log.look()
    assert lines == ["write 0x00000000 + 0x4"]
