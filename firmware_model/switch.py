"""Debouncing of the save and restore switches (figure 3A)."""

from __future__ import annotations

from deltabench.hwsim.gpio import Pin


class Debouncer:
    """Tells a press from bounce, and from a contact that is stuck.

    A level counts once it has been steady for ``steady_ticks`` samples.  A press is a change from open to closed that
    this power session has seen: a switch held, or stuck, at power-on gives none until it has been open.
    """

    def __init__(self, pin: Pin, steady_ticks: int) -> None:
        self._pin = pin
        self._steady_ticks = steady_ticks
        self._level = True
        self._candidate = True
        self._ticks = 0

    def pressed(self) -> bool:
        """Sample the contact, once a tick; true at the one tick that completes a press."""
        level = self._pin.level()
        if level != self._candidate:
            self._candidate, self._ticks = level, 0
        self._ticks += 1
        if self._ticks < self._steady_ticks or level == self._level:
            return False
        self._level = level
        return level
