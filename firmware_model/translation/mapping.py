"""The map of the translation layer: which page holds each logical page, and the other way round."""

from __future__ import annotations

from typing import Final

from deltabench.firmware_model.translation.blocks import BlockTable
from deltabench.firmware_model.translation.geometry import Geometry

NOTHING: Final = -1
"""What a page holds that counts no more."""


class Mapping:
    """``pages[l]`` is where logical page ``l`` is, ``geometry.none`` if nowhere; ``owner[p]`` what page ``p`` holds."""

    def __init__(self, geometry: Geometry, blocks: BlockTable) -> None:
        self.geometry = geometry
        self._none = geometry.none
        self._per_block = geometry.pages_per_block
        self._score = blocks.score
        self._blocks = blocks
        self.pages = [geometry.none] * geometry.logical_pages
        self.owner = [NOTHING] * (geometry.blocks * geometry.pages_per_block)

    def move(self, logical: int, page: int) -> None:
        """``logical`` is at ``page`` from now on; where it was counts no more."""
        old = self.pages[logical]
        self.pages[logical] = page
        self.owner[page] = logical
        self._score[page // self._per_block] += 1
        if old != self._none:
            self.owner[old] = NOTHING
            self._blocks.lose_page(old // self._per_block)

    def forget(self, block: int) -> None:
        """What was in a block before it was erased is there no more."""
        first = block * self._per_block
        for page in range(first, first + self._per_block):
            logical = self.owner[page]
            if logical != NOTHING:
                self.owner[page] = NOTHING
                self.pages[logical] = self._none
                self._blocks.lose_page(block)
