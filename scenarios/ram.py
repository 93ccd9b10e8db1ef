"""Pictures of a controller's RAM.

Two machines with equal media and equal RAM behave alike from here on, so that they need to be judged only once.
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
from deltabench.hwsim.core import Core
from deltabench.hwsim.gpio import Pin, Switch
from deltabench.hwsim.instability import Adversary
from deltabench.hwsim.medium import Cells, Medium
from deltabench.hwsim.power import PowerRail
from deltabench.hwsim.uart import Uart, UartEnd

NOT_RAM = (
    Rom, Medium, FirmwareConfig, Board, Cells, Clock, Core, PowerRail, Adversary, Switch, Pin, Uart, UartEnd, Enum,
)  # fmt: skip
"""What is the same at every power-on: the board and its parts, and what is fixed at build time."""

Reducer = Callable[[Any], str | tuple[Any, ...]]


class RamCamera:
    """Takes pictures of the controllers of one rig.  Its pictures can be compared with each other, and only with those.

    A picture is a pickle, never to be read back, in which what is not RAM stands as its name, or as a number.
    """

    def __init__(self) -> None:
        self._known: pickle.Pickler | None = None

    def picture(self, controller: Controller) -> bytes | None:
        """The controller's whole RAM as bytes; None if it can't be taken."""
        try:
            if self._known is None:
                self._known = _numbering_of_what_is_no_ram(controller)
            film = io.BytesIO()
            pickler = _Pickler(film, pickle.HIGHEST_PROTOCOL)
            pickler.memo = self._known.memo
            pickler.dump(controller)
        except (pickle.PicklingError, TypeError, AttributeError):
            return None
        return film.getvalue()


def _numbering_of_what_is_no_ram(controller: Controller) -> pickle.Pickler:
    """Has met the names of attributes and what is not RAM, so that no picture has to spell them out."""
    everything = _Pickler(io.BytesIO(), pickle.HIGHEST_PROTOCOL)
    everything.dump(controller)
    fixed = _Pickler(io.BytesIO(), pickle.HIGHEST_PROTOCOL)
    fixed.dump([thing for _, thing in everything.memo.copy().values() if isinstance(thing, (str, *NOT_RAM))])
    return fixed


class _Reducers(dict[type, Reducer]):
    """How objects of each type are shown, found out when the first one is met."""

    def __missing__(self, kind: type) -> Reducer:
        self[kind] = reducer = _by_name if issubclass(kind, NOT_RAM) else _by_attributes(kind) or _by_pickle
        return reducer


class _Pickler(pickle.Pickler):
    dispatch_table = _Reducers()


def _by_name(thing: Any) -> tuple[Any, ...]:
    return str, (str(getattr(thing, "name", "")),)


def _by_pickle(thing: Any) -> str | tuple[Any, ...]:
    return thing.__reduce_ex__(pickle.HIGHEST_PROTOCOL)  # type: ignore[no-any-return]


def _by_attributes(kind: type) -> Reducer | None:
    """Shows an object as the name of its class and its attributes; None if there is more to it than those."""
    ways_of_its_own = any(
        getattr(kind, name) is not getattr(object, name)
        for name in ("__new__", "__reduce__", "__reduce_ex__", "__getstate__")
    )
    if ways_of_its_own or not kind.__dictoffset__ or any(vars(base).get("__slots__") for base in kind.__mro__):
        return None
    name = (f"{kind.__module__}.{kind.__qualname__}",)
    return lambda thing: (str, name, thing.__dict__)
