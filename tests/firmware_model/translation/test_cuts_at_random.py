"""Power is lost at random, also in mounts, and in mounts after mounts: each sector is old or new, and then as it is.

What the explorer does exhaustively for one or two cuts in a row this does at random for any number: the mistakes that
were found so in our own mount needed three and more.
"""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_sectors_are_old_or_new_and_then_stable_however_often_power_is_lost(
    new_flash: Any, survive: Any, first: int
) -> None:
    assert sum(survive(new_flash, seed, 60) for seed in range(first, first + 20)) > 100


@pytest.mark.soak
@pytest.mark.parametrize("first", range(1_000, 9_000, 500))
def test_hundreds_of_thousands_of_cuts_leave_sectors_old_or_new(new_flash: Any, survive: Any, first: int) -> None:
    assert sum(survive(new_flash, seed, 120) for seed in range(first, first + 500)) > 10_000
