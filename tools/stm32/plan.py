"""The steps in which an image gets into a board's memories: one for each erase block, or stretch written in place.

An image decides the bytes that it has.  What lies beside them in a block that has to be erased is lost, unless it was
read before (``kept``).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from deltabench.scenarios.images.memory_image import MemoryImage, Segment
from deltabench.tools.stm32.chip_map import BLANK_MARK, Area, Block, ChipMap
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
    NAND flash takes a page whole, from its first byte on.
    """
    if step.block is None:
        return [piece for segment in step.segments for piece in within(segment, BLOCK_BYTES)]
    if step.block.page_bytes:
        return [piece for page in _whole_pages(step, step.block) for piece in within(page, BLOCK_BYTES)]
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


def _whole_pages(step: Step, block: Block) -> Iterator[Segment]:
    """The pages of a block that are not blank; what nobody says of one is."""
    contents = bytearray(BLANK * block.size_bytes)
    for address, data in step.segments:
        contents[address - block.address : address - block.address + len(data)] = data
    for at in range(0, block.size_bytes, block.page_bytes):
        page = bytes(contents[at : at + block.page_bytes])
        if page.count(BLANK) < len(page):
            yield Segment(block.address + at, page)


def _is_bad(block: Block, part: MemoryImage) -> bool:
    """Whether the image has a block of NAND flash as one that its maker has marked: nothing is to be done to it."""
    mark = part.read(block.address + block.page_bytes - block.spare_bytes, len(BLANK_MARK))
    return block.page_bytes > 0 and mark not in (None, BLANK_MARK)


def _steps(area: Area, part: MemoryImage) -> Iterator[Step]:
    if area.blocks:
        for block in area.blocks:
            segments = part.within(block.address, block.size_bytes).segments
            if segments and not _is_bad(block, part):
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
