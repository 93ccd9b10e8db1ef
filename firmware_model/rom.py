"""What is fixed at build time: part of the program image, and not of the RAM that a power-on fills anew."""

from __future__ import annotations


class Rom:
    """Base of immutable objects that are made once for a board and a configuration, and shared by every power-on."""

    __slots__ = ()
