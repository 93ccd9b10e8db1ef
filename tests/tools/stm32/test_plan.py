from __future__ import annotations

import pytest

from deltabench.scenarios.images.memory_image import MemoryImage, Segment
from deltabench.tools.stm32.chip_map import Block
from deltabench.tools.stm32.plan import Step, commands_of

BLOCK = Block(1, 0x1000, 0x400, 1)


def step(*segments: tuple[int, bytes], block: Block | None = BLOCK) -> Step:
    return Step("flash", block, tuple(Segment(*segment) for segment in segments))


def test_blank_pages_and_blank_ends_of_pages_are_not_written_after_an_erase_but_whole_words_are() -> None:
    assert commands_of(step((0x1000, b"\xff" * 9 + b"ab" + b"\xff" * 0x200 + b"c"))) == [
        Segment(0x1008, b"\xffab\xff"),
        Segment(0x1208, b"\xff\xff\xff" + b"c"),
    ]
    assert commands_of(step((0x1000, b"\xff" * 0x400))) == []


def test_two_segments_in_a_page_are_one_command() -> None:
    assert commands_of(step((0x1001, b"a"), (0x1005, b"b"))) == [Segment(0x1000, b"\xffa\xff\xff\xffb\xff\xff")]


def test_what_is_written_in_place_is_written_byte_by_byte_as_it_is() -> None:
    assert commands_of(step((0x10FF, b"\xff\xff"), block=None)) == [Segment(0x10FF, b"\xff"), Segment(0x1100, b"\xff")]


def test_what_lies_beside_the_image_in_a_block_is_kept_if_it_is_known() -> None:
    kept = step((0x1001, b"ab")).kept(MemoryImage([(0x1000, b"." * 0x400)]))
    assert kept.segments == (Segment(0x1000, b".ab" + b"." * 0x3FD),)


@pytest.mark.parametrize(
    ("old", "new", "different"),
    [(b"abcd", b"abcd", []), (b"abcd", b"xbcy", [(0, b"x"), (3, b"y")]), (b"abcd", b"axyd", [(1, b"xy")])],
)
def test_in_place_only_what_differs_is_written(old: bytes, new: bytes, different: list[tuple[int, bytes]]) -> None:
    left = step((0x1000, new), block=None).different(MemoryImage([(0x1000, old)]))
    assert left.segments == tuple(Segment(0x1000 + at, data) for at, data in different)
