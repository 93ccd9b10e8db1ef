"""Pictures of a controller's RAM: by them and the media, two machines are known to be in the same state.

Two machines with equal media and equal RAM behave alike from here on, so they need to be judged once.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from enum import Enum
from typing import Any

from deltabench.firmware_model.config import FirmwareConfig
from deltabench.firmware_model.controller import Controller
from deltabench.firmware_model.rom import Rom
from deltabench.hwsim.board import Board
from deltabench.hwsim.clock import Clock
from deltabench.hwsim.gpio import Pin, Switch
from deltabench.hwsim.instability import Adversary
from deltabench.hwsim.medium import Cells, Medium
from deltabench.hwsim.power import PowerRail
from deltabench.hwsim.uart import Uart, UartEnd

NOT_RAM = (Rom, Medium, FirmwareConfig, Board, Cells, Clock, PowerRail, Adversary, Switch, Pin, Uart, UartEnd, Enum)

Reducer = Callable[[Any], str | tuple[Any, ...]]


class RamCamera:
    """Takes pictures of the controllers of one rig, which can be compared with each other.

    A picture is a pickle that is never read back.  What is not RAM stands in it as a name or a number: the board and its
    parts, and what is fixed at build time, which are the same at every power-on.
    """

    def __init__(self) -> None:
        self._known: pickle.PicklerMemoProxy | None = None

    def picture(self, controller: Controller) -> bytes | None:
        """The controller's whole RAM as bytes; None if it can't be taken."""
        try:
            if self._known is None:
                self._known = self._meet(controller)
            return self._dump(controller, _Pickler, self._known)
        except (pickle.PicklingError, TypeError, AttributeError):
            return None
