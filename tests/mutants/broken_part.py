"""How a broken part gets into our controller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from deltabench.firmware_model.config import FirmwareConfig
from deltabench.firmware_model.controller import DeltaController
from deltabench.hwsim.board import Board


def broken(part: str) -> Callable[[type], type[DeltaController]]:
    """Class decorator: our controller, with the decorated class in the place of its ``part``.

    The class is a subclass of what it replaces, and takes over the state that its predecessor was constructed with.
    """

    def controller_with(mistake: type) -> type[DeltaController]:
        class Broken(DeltaController):
            Part = mistake

            def __init__(self, board: Board, config: FirmwareConfig) -> None:
                super().__init__(board, config)
                old, new = getattr(self, part), object.__new__(mistake)
                for name, value in _attributes(old):
                    setattr(new, name, value)
                for holder in (self, self.maps, self._labels, self._volume, self._remote):
                    for name, value in _attributes(holder):
                        if value is old:
                            setattr(holder, name, new)

        # Named so that the picture of its RAM can name it, too.
        Broken.__module__, Broken.__doc__ = mistake.__module__, mistake.__doc__
        Broken.__name__ = Broken.__qualname__ = mistake.__name__
        mistake.__qualname__ = f"{Broken.__qualname__}.Part"
        return Broken

    return controller_with


def _attributes(thing: Any) -> Iterator[tuple[str, Any]]:
    for kind in type(thing).__mro__:
        for name in vars(kind).get("__slots__", ()):
            if hasattr(thing, name):
                yield name, getattr(thing, name)
    yield from dict(getattr(thing, "__dict__", {})).items()
