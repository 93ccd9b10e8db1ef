"""The steps in which an image gets into a board's memories: one for each erase block, or stretch written in place.

An image decides the bytes that it has.  What lies beside them in a block that has to be erased is lost, unless it was
read before (``kept``).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from deltabench.scenarios.images.memory_image import MemoryImage, Segment
from deltabench.tools.stm32.chip_map import Area, Block, ChipMap
from deltabench.tools.stm32.line_rate import BLOCK_BYTES

STRETCH_BYTES: Final = 0x1000
"""As much as is written in place before it is read back."""
WORD_BYTES: Final = 4
BLANK: Final = b"\xff"


class Step(NamedTuple):
    """``segments`` are to be at their addresses; in flash, ``block`` is what has to be erased for it."""

    area: str
    block: Block | None
    segments: tuple[Segment, ...]

    @property
    def size_bytes(self) -> int:
        """The bytes that are to be there."""
        return sum(len(segment.data) for segment in self.segments)

    def kept(self, old: MemoryImage) -> Step:
        """The same step if what ``old`` holds of the block besides is to stay."""
        assert self.block is not None, "what is written in place loses nothing"
        contents = bytearray(old.read(self.block.address, self.block.size_bytes) or b"")
        for address, data in self.segments:
            start = address - self.block.address
            contents[start : start + len(data)] = data
        return self._replace(segments=(Segment(self.block.address, bytes(contents)),))

    def different(self, old: MemoryImage) -> Step:
        """The part of a step in place that ``old`` does not hold already."""
        runs = []
        for address, data in self.segments:
            was = old.read(address, len(data)) or b""
            edges = [0, *(n for n in range(1, len(data)) if (data[n] == was[n]) != (data[n - 1] == was[n - 1]))]
            for start, end in pairwise([*edges, len(data)]):
                if data[start] != was[start]:
                    runs.append(Segment(address + start, data[start:end]))
        return self._replace(segments=tuple(runs))


def plan(chip_map: ChipMap, image: MemoryImage) -> list[Step]:
    """The steps in rising order; raises FlashError for bytes that have no place on the board."""
    return [step for area, part in chip_map.pieces(image) for step in _steps(area, part)]


def commands_of(step: Step) -> list[Segment]:
    """What the Write Memory commands of a step carry, none across a multiple of 256.

    In an erased block what is blank need not be written, and each command begins and ends with a word (AN3155 3.6).
    """
    if step.block is None:
        return [piece for segment in step.segments for piece in within(segment, BLOCK_BYTES)]
    pages: dict[int, bytearray] = {}
    for segment in step.segments:
        for address, data in within(segment, BLOCK_BYTES):
            page = address // BLOCK_BYTES * BLOCK_BYTES
            contents = pages.setdefault(page, bytearray(BLANK * BLOCK_BYTES))
            contents[address - page : address - page + len(data)] = data
    carried = []
    for page, contents in pages.items():
        end = -(-len(contents.rstrip(BLANK)) // WORD_BYTES) * WORD_BYTES
        start = (BLOCK_BYTES - len(contents.lstrip(BLANK))) // WORD_BYTES * WORD_BYTES
        if start < end:
            carried.append(Segment(page + start, bytes(contents[start:end])))
    return carried


def _steps(area: Area, part: MemoryImage) -> Iterator[Step]:
    if area.blocks:
        for block in area.blocks:
            segments = part.within(block.address, block.size_bytes).segments
            if segments:
                yield Step(area.name, block, segments)
        return
    for segment in part.segments:
        for piece in within(segment, STRETCH_BYTES):
            yield Step(area.name, None, (piece,))


def within(segment: Segment, grain: int) -> Iterator[Segment]:
    """The segment cut where a multiple of ``grain`` lies inside it."""
    address, data = segment
    edges = [address, *range((address // grain + 1) * grain, segment.end, grain), segment.end]
    for start, end in pairwise(edges):
        yield Segment(start, data[start - address : end - address])
