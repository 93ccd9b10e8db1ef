"""Broken twins of the mount that it takes three cuts in a row to notice: power lost at random notices each of them.

Those that one or two cuts are enough for are in the catalogue of mutants (scenarios/mutants/flash_catalogue.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from deltabench.firmware_model.errors import NoSpareBlocksError
from deltabench.firmware_model.translation.blocks import BlockTable
from deltabench.firmware_model.translation.checkpoint import Checkpoint, Checkpoints
from deltabench.firmware_model.translation.geometry import Geometry
from deltabench.firmware_model.translation.layer import TranslationLayer
from deltabench.firmware_model.translation.log import Log
from deltabench.firmware_model.translation.mapping import Mapping
from deltabench.firmware_model.translation.mount import Block, Mount, Open
from deltabench.hwsim.medium import UncorrectableError
from deltabench.hwsim.nand import NandFlash


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


class UnsettledFreesAll(Mount):
    """A checkpoint that might not count next time is written anew over any block that it does not refer to."""

    blocks_type = TakesLowest

    def _take_over(
        self, checkpoint: Checkpoint, found: Sequence[Block], mapping: Mapping, blocks: BlockTable
    ) -> set[int]:
        super()._take_over(checkpoint, found, mapping, blocks)
        return set(range(self._geometry.blocks))


class NeedsNoProofs(Checkpoints):
    """A checkpoint counts for good once all its pages read well, though its last may be unstable."""

    def read(self, nand: NandFlash, geometry: Geometry, blocks: Sequence[int]) -> Checkpoint:
        found = super().read(nand, geometry, blocks)
        return found if found.content is None else found._replace(proofs=frozenset((0, 1)))


class NeedsNoProof(Mount):
    """The same, as a mount has it."""

    blocks_type = TakesLowest
    checkpoints_type = NeedsNoProofs


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


@pytest.mark.parametrize("mistake", [ForgetsWhatTailReplaces, UnsettledFreesAll, NeedsNoProof])
def test_power_lost_at_random_notices_a_broken_mount(new_flash: Any, survive: Any, mistake: type[Mount]) -> None:
    assert notices(new_flash, survive, mistake, 4_000)
