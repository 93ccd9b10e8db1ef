"""The controller's processor, as far as time goes: steps of the firmware cost cycles, and a meter may count them.

The firmware says at each step what it does, and how much of it.  Normally nobody listens, as on the power rail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

CORTEX_M4_HZ = 168_000_000
"""A common processor of such a board: STM32F407, Cortex-M4 at 168 MHz (DocID022152, 2.2)."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A step of the firmware: ``base_cycles`` each time it is done, and ``each_cycles`` for each ``unit`` of it."""

    name: str
    base_cycles: int
    each_cycles: int
    unit: str
    meaning: str


class Spend(Protocol):
    """What is told of every step."""

    def __call__(self, step: Step, amount: int = 0, /) -> None: ...


class Branch(NamedTuple):
    """A way that the firmware can take at boot: ``name``, and what has to be so for it, in words."""

    name: str
    meaning: str


class Pass(Protocol):
    """What is told of every branch that is taken, with what the firmware knows there (the status of a save, say)."""

    def __call__(self, branch: Branch, status: str = "", /) -> None: ...


class Core:
    """The processor.  ``spend(step, amount)``: the firmware does ``step``, to ``amount`` of its unit.

    ``takes(branch, status)``: it takes a branch, as a trace port would show.
    """

    __slots__ = ("spend", "takes")

    def __init__(self) -> None:
        self.spend: Spend = free_of_charge
        self.takes: Pass = unseen


def free_of_charge(_step: Step, _amount: int = 0) -> None:
    """A step when nobody counts."""


def unseen(_branch: Branch, _status: str = "") -> None:
    """A branch when nobody looks."""


IDLE_CORE = Core()
"""Stands in for a processor where nobody will ever count."""
