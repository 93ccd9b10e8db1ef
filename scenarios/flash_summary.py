"""The figures of a NAND flash behind its translation layer, as measurements and endurance runs have them."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deltabench.scenarios.counters import Counts
from deltabench.scenarios.documents import FlashSummary
from deltabench.scenarios.flash_use import HOST, PAGE_CAUSES, Use


class Blocks(NamedTuple):
    """``factory_bad``: the blocks that the factory has marked; ``bad``: how many are not used, those included.

    ``spare``: how many more may go bad.
    """

    factory_bad: Collection[int]
    bad: int
    spare: int


def count_flash(counts: Counts, device: str, use: Use, blocks: Blocks) -> None:
    """Add the counters of one flash."""
    for cause, pages in use.pages.items():
        counts.add("flash_pages", pages, device, cause)
    counts.add("flash_blocks_collected", use.blocks_collected, device)
    counts.add("flash_mounts_that_wrote", use.mounts, device)
    counts.add("flash_bad_blocks", len(blocks.factory_bad), device, "factory")
    counts.add("flash_bad_blocks", blocks.bad - len(blocks.factory_bad), device, "grown")


def summary_of(
    device: str, part: str, use: Use, data_pages: int, erases: NDArray[np.int64], blocks: Blocks
) -> FlashSummary:
    """``data_pages``: of a block; ``erases``: of each block since the factory."""
    given, programmed = use.pages.get(HOST, 0), sum(use.pages.values())
    won_back = use.blocks_collected * data_pages
    good = np.delete(erases, list(blocks.factory_bad))
    most, erased = int(good.max()), int(good.sum())
    return FlashSummary(
        device=device,
        part=part,
        host_pages=given,
        programmed_pages=programmed,
        pages={cause: use.pages[cause] for cause in PAGE_CAUSES if use.pages.get(cause)},
        write_amplification=programmed / given if given else None,
        blocks_collected=use.blocks_collected,
        collection_efficiency=1 - use.valid / won_back if won_back else None,
        most_erases=most,
        mean_erases=erased / len(good),
        least_erases=int(good.min()),
        spread=most * len(good) / erased if erased else None,
        factory_bad_blocks=len(blocks.factory_bad),
        grown_bad_blocks=blocks.bad - len(blocks.factory_bad),
        spare_blocks_left=blocks.spare,
    )
