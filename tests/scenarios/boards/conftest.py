"""An emulated board at the end of a line within this process."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deltabench.hwsim.devboard.spec import load_board
from deltabench.scenarios.boards.emulated import EmulatedBoard
from deltabench.scenarios.boards.link import Link
from deltabench.scenarios.boards.power_switch import FixturePower
from deltabench.scenarios.boards.target import BoardTarget
from deltabench.scenarios.boards.transport import Loopback
from deltabench.scenarios.scenario import Variant

MakeTarget = Callable[[Variant], BoardTarget]


@pytest.fixture(scope="session")
def emulated() -> Callable[[Variant], EmulatedBoard]:
    """A board with the parts of a variant, on which a firmware runs that waits to be configured."""

    def make(variant: Variant) -> EmulatedBoard:
        board = EmulatedBoard(load_board(), variant.scenario.document.board)
        board.start_without_firmware()
        return board

    return make


@pytest.fixture(scope="session")
def make_target(emulated: Callable[[Variant], EmulatedBoard]) -> MakeTarget:
    """The bench's view of such a board."""

    def make(variant: Variant) -> BoardTarget:
        link = Link(Loopback(emulated(variant)))
        return BoardTarget(variant, link, FixturePower(link), load_board())

    return make
