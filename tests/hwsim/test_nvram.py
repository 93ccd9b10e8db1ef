"""NVRAM: words are old or new, and a longer copy may stop at any word."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltabench.hwsim.medium import MediaRuleError


def left_by(bench: Any, nvram: Any, address: int, data: bytes) -> list[bytes]:
    """The whole memory after each outcome of a cut write."""
    images = []
    for outcome in bench.outcomes(lambda: nvram.write(address, data)):
        with bench.left(outcome):
            images.append(nvram.read(0, nvram.size))
    return images


@given(
    word=st.sampled_from([1, 2, 4, 8]),
    address=st.integers(0, 200),
    data=st.binary(min_size=1, max_size=90),
    rows=st.data(),
)
def test_a_cut_copy_leaves_a_prefix_of_whole_words(
    new_bench: Any, word: int, address: int, data: bytes, rows: st.DataObject
) -> None:
    bench = new_bench()
    nvram = bench.nvram(size_bytes=320, word_bytes=word)
    before = rows.draw(st.binary(min_size=320, max_size=320))
    nvram.write(0, before)
    edges = [edge for edge in range(0, 321, word) if address < edge < address + len(data)]
    wanted = [before[:address] + data[: end - address] + before[end:] for end in (address, *edges, address + len(data))]
    assert left_by(bench, nvram, address, data) == wanted
    nvram.write(address, data)
    assert nvram.read(0, 320) == wanted[-1]


@pytest.mark.parametrize("address", [0, 4, 64, 252])
def test_a_word_is_old_or_new(bench: Any, address: int) -> None:
    nvram = bench.nvram()
    old, new = bytes(256), bytes(address) + b"word" + bytes(252 - address)
    assert left_by(bench, nvram, address, b"word") == [old, new]


def test_a_copy_inside_a_word_rewrites_that_word_as_a_whole(bench: Any) -> None:
    nvram = bench.nvram()
    nvram.write(8, b"abcd")
    assert len(left_by(bench, nvram, 9, b"XY")) == 2
    nvram.write(9, b"XY")
    assert nvram.read(8, 4) == b"aXYd"


def test_an_unaligned_copy_can_stop_at_the_edges_of_words_and_nowhere_else(bench: Any) -> None:
    nvram = bench.nvram()
    lengths = [len(image.strip(b"\0")) for image in left_by(bench, nvram, 6, b"123456789")]
    assert lengths == [0, 2, 6, 9]


def test_bytes_are_the_words_of_some_parts(bench: Any) -> None:
    images = left_by(bench, bench.nvram(word_bytes=1), 62, b"12345")
    assert [image.strip(b"\0") for image in images] == [b"", b"1", b"12", b"123", b"1234", b"12345"]
    assert all(a != b for a, b in pairwise(images))


def test_a_copy_over_several_rows_is_read_back_whole(bench: Any) -> None:
    nvram = bench.nvram()
    data = bytes(range(1, 201))
    nvram.write(30, data)
    assert nvram.read(0, 256) == bytes(30) + data + bytes(26)


def test_what_is_written_is_durable_at_once(bench: Any) -> None:
    nvram = bench.nvram()
    nvram.write(0, b"kept")
    assert [outcome.changes for outcome in nvram.survivors()] == [()]
    nvram.lose_power()
    assert nvram.read(0, 4) == b"kept"


@pytest.mark.parametrize(("address", "length"), [(253, 4), (256, 1), (-1, 2), (0, 257)])
def test_a_read_or_write_outside_the_part_names_operation_and_address(bench: Any, address: int, length: int) -> None:
    nvram = bench.nvram()
    where = f"of {length} at {address:#x} runs outside the part, which ends at 0x100"
    with pytest.raises(MediaRuleError, match=f"nvram0: read {where}"):
        nvram.read(address, length)
    with pytest.raises(MediaRuleError, match=f"nvram0: write {where}"):
        nvram.write(address, b"x" * length)
    assert nvram.read(0, 256) == bytes(256)
