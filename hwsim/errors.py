"""The root of this floor's exceptions.

Each module of ``hwsim`` raises classes of its own below this one, so that a caller can tell what
the simulated hardware refuses from a mistake in the simulator.
"""

from __future__ import annotations


class HardwareError(Exception):
    """Something was asked of the simulated hardware that real hardware could not do, or lacks."""
