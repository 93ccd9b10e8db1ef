"""A broken twin of the mount that two cuts in a row are not enough for: power lost at random notices it.

The others are in the catalogue of mutants (scenarios/mutants/flash_catalogue.py).
"""

from __future__ import annotations

from typing import Any

import pytest

from deltabench.firmware_model.errors import NoSpareBlocksError
from deltabench.firmware_model.translation.blocks import BlockTable
from deltabench.firmware_model.translation.checkpoint import Checkpoint
from deltabench.firmware_model.translation.layer import TranslationLayer
from deltabench.firmware_model.translation.log import Log
from deltabench.firmware_model.translation.mapping import Mapping
from deltabench.firmware_model.translation.mount import Mount, Open
from deltabench.hwsim.medium import UncorrectableError


class TakesLowest(BlockTable):
    """Of the free blocks the first, which is as good as any, and soon one that should not have been free."""

    def take(self, *, most_worn: bool = False) -> int | None:
        erases, self.erases = self.erases, [0] * len(self.erases)
        block = super().take()
        self.erases = erases
        return block


class ForgetsWhatTailReplaces(Mount):
    """The block of the page that the last one replaces counts as free at once, and may be erased for its copy."""

    blocks_type = TakesLowest

    def _make_firm(
        self, log: Log, mapping: Mapping, opened: Open | None, before: Checkpoint, spared: set[int] | None
    ) -> tuple[int, ...]:
        return super()._make_firm(log, mapping, opened and opened._replace(replaced=None), before, spared)


def notices(new_flash: Any, survive: Any, mistake: type[Mount], seeds: int) -> bool:
    """Whether something goes wrong."""

    class Layer(TranslationLayer):
        mount_type = mistake

    class Broken(new_flash):  # type: ignore[misc]
        layer_type = Layer

    for seed in range(seeds):
        try:
            survive(Broken, seed, 60)
        except (AssertionError, UncorrectableError, NoSpareBlocksError):
            return True
    return False


@pytest.mark.parametrize("mistake", [ForgetsWhatTailReplaces])
def test_power_lost_at_random_notices_a_broken_mount(new_flash: Any, survive: Any, mistake: type[Mount]) -> None:
    assert notices(new_flash, survive, mistake, 400)
