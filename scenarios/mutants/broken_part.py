"""How a broken part gets into our controller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from deltabench.firmware_model.config import FirmwareConfig
from deltabench.firmware_model.controller import DeltaController
from deltabench.firmware_model.schemes.scheme import MapScheme
from deltabench.firmware_model.translation.blocks import BlockTable
from deltabench.firmware_model.translation.checkpoint import Checkpoints
from deltabench.firmware_model.translation.collection import Collector
from deltabench.firmware_model.translation.layer import TranslationLayer
from deltabench.firmware_model.translation.log import Log
from deltabench.firmware_model.translation.mount import Mount
from deltabench.hwsim.board import Board


def broken(part: str) -> Callable[[type], type[DeltaController]]:
    """Class decorator: our controller, with the decorated class in the place of its ``part``.

    The class is a subclass of what it replaces, or of a base of that, and takes over the state that its predecessor
    was constructed with.
    """

    def controller_with(mistake: type) -> type[DeltaController]:
        class Broken(DeltaController):
            def __init__(self, board: Board, config: FirmwareConfig) -> None:
                super().__init__(board, config)
                old = getattr(self, part)
                new: Any = object.__new__(_in_place_of(type(old), mistake))
                for name, value in _attributes(old):
                    setattr(new, name, value)
                for holder in (self, self.maps, self._labels, self._volume, self._remote):
                    for name, value in _attributes(holder):
                        if value is old:
                            setattr(holder, name, new)

        return _named_for(Broken, mistake)

    return controller_with


def broken_scheme(mistake: type[MapScheme]) -> type[DeltaController]:
    """Class decorator: our controller, with the decorated map scheme."""

    class Broken(DeltaController):
        def __init__(self, board: Board, config: FirmwareConfig) -> None:
            super().__init__(board, config, mistake)

    return _named_for(Broken, mistake)


def broken_flash(mistake: type) -> type[DeltaController]:
    """Class decorator: our controller, with the decorated class as a part of its translation layer, or as that."""

    def with_part(whole: type, place: str, part: type) -> type:
        return type(mistake.__name__, (whole,), {place: part})

    layer = mistake
    if issubclass(mistake, Collector):
        layer = with_part(TranslationLayer, "collector_type", mistake)
    for place, kind in (("log_type", Log), ("blocks_type", BlockTable), ("checkpoints_type", Checkpoints)):
        if issubclass(mistake, kind):
            layer = with_part(TranslationLayer, "mount_type", with_part(Mount, place, mistake))
    if issubclass(mistake, Mount):
        layer = with_part(TranslationLayer, "mount_type", mistake)

    class Broken(DeltaController):
        layer_type = layer

    return _named_for(Broken, mistake)


_MIXED: dict[tuple[type, type], type] = {}


def _in_place_of(whole: type, mistake: type) -> type:
    """The class of a part that is as ``whole``, but for the mistake; the same one at each power-on."""
    if issubclass(mistake, whole):
        return mistake
    if (whole, mistake) not in _MIXED:
        _MIXED[whole, mistake] = type(mistake.__name__, (mistake, whole), {})
    return _MIXED[whole, mistake]


def _named_for(controller: type[DeltaController], mistake: type) -> type[DeltaController]:
    """A controller that is found, and spoken of, as the class of the mistake is."""
    controller.__module__, controller.__doc__ = mistake.__module__, mistake.__doc__
    controller.__name__ = controller.__qualname__ = mistake.__name__
    return controller


def _attributes(thing: Any) -> Iterator[tuple[str, Any]]:
    for kind in type(thing).__mro__:
        for name in vars(kind).get("__slots__", ()):
            if hasattr(thing, name):
                yield name, getattr(thing, name)
    yield from dict(getattr(thing, "__dict__", {})).items()
