from __future__ import annotations

from typing import Any

import pytest

from deltabench.firmware_model.config import FirmwareConfig, StoreKind
from deltabench.firmware_model.configuration import DeviceEntry, encode
from deltabench.firmware_model.controller import DeltaController
from deltabench.hwsim.board import Board
from deltabench.hwsim.devboard.spec import CONFIGURATION
from deltabench.scenarios.boards.emulated import EmulatedBoard
from deltabench.tools.stm32.errors import NoAnswerError
from deltabench.tools.stm32.waking import leave_application


@pytest.fixture
def desk(make_desk: Any) -> Any:
    """A desk with an emulated board that has a firmware in its flash, and runs it."""
    desk = make_desk()
    emulated = EmulatedBoard(desk.file, desk.spec)
    desk.chip = emulated.chip
    desk.put_on_line(emulated)
    config = FirmwareConfig(store=StoreKind.NVRAM, units=2)
    devices = (
        DeviceEntry("disk0", StoreKind.DISK, 0xA000_0000, 64 * 512, 512),
        DeviceEntry("fram0", StoreKind.NVRAM, 0x6000_0000, 1 << 17, 1),
    )
    block = encode(config, DeltaController(Board(desk.spec), config).layout, devices)
    desk.chip.bus.write(desk.file.regions[CONFIGURATION].address, block)
    desk.chip.boots_application = True
    desk.chip.power_off()
    desk.chip.power_on()
    assert desk.chip.application is not None
    return desk


def test_a_firmware_that_has_the_line_leaves_it_to_the_bootloader_when_asked(desk: Any) -> None:
    session = desk.session()
    session._wake = leave_application
    assert session.open().product_id == 0x413
    assert desk.chip.in_bootloader


def test_whatever_does_not_answer_is_not_waited_for_long(desk: Any) -> None:
    desk.chip.power_off()
    session = desk.session()
    session._wake = leave_application
    with pytest.raises(NoAnswerError, match="no bootloader answers"):
        session.open()
    assert desk.time.s < 10
