"""Devices in the middle of what they do: the images of library scenarios at many points, crash states included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from deltabench.firmware_model.controller import DeltaController
from deltabench.hwsim.board import Board
from deltabench.hwsim.devboard.spec import DevBoardFile, load_board
from deltabench.hwsim.medium import Operation, Outcome
from deltabench.scenarios.images.build import build_image
from deltabench.scenarios.images.device import Device
from deltabench.scenarios.images.memory_image import MemoryImage
from deltabench.scenarios.scenario import Variant
from deltabench.scenarios.session import Session

Look = Callable[[Device, str], None]


@contextmanager
def power_lost(board: Board, outcome: Outcome, policy: str) -> Iterator[None]:
    """Power was lost, and left ``outcome``. Afterwards it is as if that had not happened."""
    rail = board.rail
    kept = rail.listeners, rail.operations, rail.limit
    rail.listeners, rail.limit = (), rail.NO_LIMIT
    adversary, volatile, mark = board.adversary.suspend(), board.lose_power(), len(board.cells.journal)
    for index, value in outcome.changes:
        board.cells.put(index, value)
    board.adversary.power_on(policy)
    try:
        yield
    finally:
        board.lose_power()
        board.cells.rollback(mark)
        board.regain(volatile)
        board.adversary.resume(adversary)
        rail.listeners, rail.operations, rail.limit = kept


def visit_crashes(variant: Variant, look: Look, places: int, outcomes: int) -> None:
    """Cut about so many media operations of the workload, each with about so many outcomes, and look at each."""
    session = Session(variant)
    session.listener = session.idle_listener = None
    session.run()
    stride = max(session.operations // places, 1)
    session = Session(variant)
    board, document = session.rig.board, variant.scenario.document
    device = Device(board, document.board, DeltaController(board, variant.firmware).layout, variant.firmware, "")

    def on_operation(operation: Operation) -> None:
        number = board.rail.operations
        if number % stride:
            return
        left = board.cut_outcomes(operation)
        for index in range(0, len(left), max(len(left) // outcomes, 1)):
            policy = "onm"[(number // stride + index) % 3]
            with power_lost(board, left[index], policy):
                look(device, f"{variant.scenario.name}:{variant.name}:{number}.{index}{policy}")

    session.listener, session.idle_listener = on_operation, None
    session.run()
    assert session.violation is None, session.violation  # what look raises is taken for a fault of the firmware


@pytest.fixture(scope="session")
def dev_board() -> DevBoardFile:
    """The board that images are for."""
    return load_board()


@pytest.fixture(scope="session")
def visit() -> Callable[[Variant, Look, int, int], None]:
    """Looks at crash states of a variant."""
    return visit_crashes


@pytest.fixture(scope="session")
def image_of(dev_board: DevBoardFile) -> Callable[..., MemoryImage]:
    """The image of a device, or of some of its regions."""

    def build(device: Device, *only: str) -> MemoryImage:
        return build_image(dev_board, device, only=only).image

    return build
