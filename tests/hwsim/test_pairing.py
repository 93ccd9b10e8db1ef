"""Which pages of an MLC block share cells."""

from __future__ import annotations

import pytest

from deltabench.hwsim.pairing import lower_pages, paired_with


def linux_dist3(pair: int, group: int, pages: int) -> int:
    """Linux, nand_pairing_dist3_get_wunit: the page of a pair that is in group 0 or 1."""
    if pair == 0:
        return 2 if group else 0
    if not group:
        return 2 * pair - 1
    return 2 * pair + (1 if pair == (pages - 1) // 2 else 2)


@pytest.mark.parametrize("pages", [4, 8, 16, 128, 256])
def test_pages_are_paired_as_linux_pairs_them(pages: int) -> None:
    expected = {linux_dist3(pair, 1, pages): linux_dist3(pair, 0, pages) for pair in range(pages // 2)}
    assert paired_with("dist3", pages) == expected


@pytest.mark.parametrize("pages", [4, 6, 8, 16, 256])
def test_each_page_is_in_one_pair_and_the_later_one_endangers_the_earlier(pages: int) -> None:
    pairs = paired_with("dist3", pages)
    assert sorted([*pairs, *pairs.values()]) == list(range(pages))
    assert all(earlier < later for later, earlier in pairs.items())


def test_the_pairs_of_a_block_of_sixteen_pages() -> None:
    assert paired_with("dist3", 16) == {2: 0, 4: 1, 6: 3, 8: 5, 10: 7, 12: 9, 14: 11, 15: 13}
    assert lower_pages("dist3", 16) == (0, 1, 3, 5, 7, 9, 11, 13)


def test_pages_of_cells_with_one_bit_endanger_none() -> None:
    assert paired_with("none", 8) == {}
    assert lower_pages("none", 8) == tuple(range(8))
