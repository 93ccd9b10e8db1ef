"""Exit codes, as pytest's."""

from __future__ import annotations

import enum


class Exit(enum.IntEnum):
    """What ``deltabench`` ends with."""

    OK = 0
    VIOLATED = 1
    """A rule was violated, or an expected violation was not found."""
    INTERRUPTED = 2
    INTERNAL = 3
    USAGE = 4
    """Wrong usage or bad input."""
    NOTHING = 5
    """Nothing was selected."""
