"""Broken twins of the mount that two cuts in a row are not enough for: power lost at random notices them.

The others are in the catalogue of mutants (scenarios/mutants/flash_catalogue.py).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from deltabench.firmware_model.errors import NoSpareBlocksError, RefusedDeviceError
from deltabench.firmware_model.translation.checkpoint import Checkpoint
from deltabench.firmware_model.translation.log import Log
from deltabench.firmware_model.translation.mapping import Mapping
from deltabench.firmware_model.translation.mount import LAST_SEQUENCE, Block, InForce, Mount, Open
from deltabench.hwsim.medium import UncorrectableError


class ForgetsWhatTailReplaces(Mount):
    """The block of the page that the last one replaces counts as free at once, and may be erased for its copy."""

    def _make_firm(
        self, log: Log, mapping: Mapping, opened: Open | None, before: Checkpoint, spared: set[int] | None
    ) -> tuple[int, ...]:
        return super()._make_firm(log, mapping, opened and opened._replace(replaced=None), before, spared)


class ErasesBeforeSettled(Mount):
    """What a checkpoint has made free is erased though it might not count next time."""

    def _in_force(self, found: Sequence[Block]) -> InForce | None:
        in_force = super()._in_force(found)
        return in_force and in_force._replace(settled=True)


class TakesCheckpointWithGaps(Mount):
    """That a block in the middle of a checkpoint is missing is not noticed."""

    def _is_complete(self, group: Sequence[Block], checkpoint: Checkpoint) -> bool:
        first = group[0].first or 0
        gapless = [each._replace(sequence=first + number & LAST_SEQUENCE) for number, each in enumerate(group)]
        return super()._is_complete(gapless, checkpoint)


class IgnoresHeaderAlone(Mount):
    """A block of data with nothing but its header is passed over, though a page behind that may be there next time."""

    def _written_since(self, found: Sequence[Block], group: Sequence[Block]) -> list[Block]:
        return [each for each in super()._written_since(found, group) if self._has_pages(each.block)]


class MovesHalf(Mount):
    """Of a checkpoint that is not settled only what stands beside it is written once more, as if it were."""

    def _make_firm(
        self, log: Log, mapping: Mapping, opened: Open | None, before: Checkpoint, spared: set[int] | None
    ) -> tuple[int, ...]:
        return super()._make_firm(log, mapping, opened, before, None)


class KeepsWhatWasErased(Mount):
    """What the checkpoint has in a block is kept, though the block has been erased since, and written to."""

    def _forget(self, block: int, mapping: Mapping) -> None:
        return


def agrees_after_a_long_log(flash: Any, seed: int) -> bool:
    """Whether the maps of a mount agree, when blocks have been written more than once since the checkpoint."""
    draw = random.Random(seed)
    for _ in range(2):
        flash.power_cycle()
        for number in range(draw.randrange(60, 400)):
            flash.write(draw.randrange(flash.geometry.sectors), str(number))
    flash.power_cycle()
    mapping = flash.layer.mapping
    return all(page == flash.geometry.none or mapping.owner[page] == n for n, page in enumerate(mapping.pages))


@pytest.mark.parametrize("seed", [10, 12])
def test_blocks_may_be_written_more_than_once_in_a_log(new_flash: Any, seed: int) -> None:
    class Broken(new_flash):  # type: ignore[misc]
        mount_type = KeepsWhatWasErased

    assert agrees_after_a_long_log(new_flash(blocks=16, interval=1_000), seed)
    assert not agrees_after_a_long_log(Broken(blocks=16, interval=1_000), seed)


def notices(new_flash: Any, survive: Any, mistake: type[Mount], first: int) -> bool:
    """Whether something goes wrong."""

    class Broken(new_flash):  # type: ignore[misc]
        mount_type = mistake

    for seed in range(first, first + 300):
        try:
            survive(Broken, seed, 60)
        except (AssertionError, UncorrectableError, NoSpareBlocksError, RefusedDeviceError):
            return True
    return False


@pytest.mark.parametrize(
    ("mistake", "first"),
    [
        (ForgetsWhatTailReplaces, 0),
        (ErasesBeforeSettled, 0),
        (MovesHalf, 300),
        (TakesCheckpointWithGaps, 0),
        (IgnoresHeaderAlone, 500),
    ],
)
def test_power_lost_at_random_notices_a_broken_mount(
    new_flash: Any, survive: Any, mistake: type[Mount], first: int
) -> None:
    assert notices(new_flash, survive, mistake, first)
