"""The translation layer as a device of sectors: reading, writing, space, wear, and blocks and bits that fail."""

from __future__ import annotations

import random
from typing import Any

import pytest

from deltabench.firmware_model.errors import ConfigurationError
from deltabench.firmware_model.translation.spare import SEQUENCES, Kind, by_age, is_newer, opened
from deltabench.hwsim.disk import UNCORRECTABLE
from deltabench.hwsim.medium import UncorrectableError
from deltabench.hwsim.nand import Failing

REAL = {"part": "MT29F1G08ABADA", "blocks": 15}


def fill(flash: Any, writes: int, sectors: int, seed: int = 1) -> dict[int, str]:
    """Random writes of one sector; returns what must be read."""
    draw, content = random.Random(seed), {}
    for number in range(writes):
        lba = draw.randrange(sectors)
        flash.write(lba, f"{number}")
        content[lba] = f"{number}"
    return content


def test_what_was_never_written_reads_as_zeros(new_flash: Any) -> None:
    assert new_flash().read(0, 3) == ["", "", ""]


@pytest.mark.parametrize("device", [{}, {"part": "generic-mlc"}, REAL], ids=["slc", "mlc", "four sectors a page"])
def test_what_was_written_is_read_also_when_its_pages_have_been_moved(new_flash: Any, device: dict[str, Any]) -> None:
    flash = new_flash(**device)
    content = fill(flash, 2_000, flash.geometry.sectors)
    assert flash.steps["pages collected"] > 100
    flash.power_cycle()
    for lba, text in content.items():
        assert flash.read(lba) == [text]


def test_a_part_of_a_page_is_written_and_the_rest_of_it_stays(new_flash: Any) -> None:
    flash = new_flash(**REAL)
    flash.write(0, "a", "b", "c", "d", "e")
    flash.write(2, "x", "y", "z")
    assert flash.read(0, 6) == ["a", "b", "x", "y", "z", ""]


def test_a_write_programs_a_page_for_each_page_that_it_touches(new_flash: Any) -> None:
    flash = new_flash(**REAL)
    flash.write(0, "first")
    flash.operations = 0
    flash.write(3, "a", "b", "c", "d", "e", "f")
    assert flash.operations == 3


def test_the_sequence_wraps_in_every_device_and_is_compared_with_that_in_mind(new_flash: Any) -> None:
    flash = new_flash()
    first = flash.layer.log.sequence
    fill(flash, 100, 8)
    assert first > SEQUENCES - 10 > 10 > flash.layer.log.sequence - 20
    assert is_newer(3, SEQUENCES - 2)
    assert not is_newer(SEQUENCES - 2, 3)
    assert sorted([2, SEQUENCES - 1, 0], key=lambda sequence: by_age(sequence, 2)) == [SEQUENCES - 1, 0, 2]


def test_on_mlc_no_page_is_programmed_that_endangers_another(new_flash: Any) -> None:
    flash = new_flash(part="generic-mlc")
    uppers = set(flash.nand.paired)
    programmed = []
    flash.board.rail.listeners = (
        lambda operation: programmed.append(operation.address % 16) if operation.kind == "program" else None,
    )
    fill(flash, 300, 20)
    assert programmed
    assert not uppers & set(programmed)


def test_a_mount_after_an_idle_time_of_power_writes_nothing(new_flash: Any) -> None:
    flash = new_flash()
    flash.write(0, "a")
    flash.power_cycle()
    assert flash.operations > 0
    flash.power_cycle()
    assert flash.operations == 0
    assert flash.read(0) == ["a"]


def test_a_mount_reads_the_log_only_from_the_checkpoint_on(new_flash: Any) -> None:
    flash = new_flash(interval=2)
    fill(flash, 400, 20)
    flash.steps.clear()
    flash.power_cycle()
    assert flash.steps["pages replayed"] <= (2 + 3) * flash.geometry.data_pages


def test_wear_is_spread_over_blocks_that_are_written_and_those_that_are_not(new_flash: Any) -> None:
    flash = new_flash()
    for lba in range(flash.geometry.sectors):
        flash.write(lba, "cold")
    for number in range(4_000):
        flash.write(number % 3, f"hot {number}")
    erases = flash.layer.blocks.erases
    assert max(erases) - min(erases) <= 12
    assert flash.steps["pages levelled"] > 0


def test_the_factorys_bad_blocks_are_never_touched(new_flash: Any) -> None:
    flash = new_flash(bad_blocks=(3,))
    fill(flash, 500, 20)
    assert 3 in flash.layer.blocks.bad


@pytest.mark.parametrize("on", ["program", "erase"])
def test_a_block_that_fails_is_left_and_not_used_again(new_flash: Any, on: str) -> None:
    flash = new_flash(failing=(Failing(block=6, on=on, after=2),))
    content = fill(flash, 600, 20)
    assert flash.layer.blocks.bad == {6}
    flash.power_cycle()
    assert flash.layer.blocks.bad == {6}
    assert all(flash.read(lba) == [text] for lba, text in content.items())
    assert not flash.layer.blocks.valid_pages(6)


def test_a_flash_with_no_spare_block_left_says_so_and_can_still_be_read(new_flash: Any) -> None:
    flash = new_flash(failing=tuple(Failing(block=block, on="erase") for block in (4, 6, 9)))
    assert flash.layer.spare_blocks == 1
    number = 0
    while not flash.layer.read_only:
        flash.write(number % 8, f"{number}")
        number += 1
    assert flash.layer.spare_blocks == 0
    kept = flash.read(0, min(number, 8))
    flash.power_cycle()
    assert flash.layer.read_only
    assert flash.read(0, min(number, 8)) == kept


def test_a_sector_beyond_correction_is_an_error_and_nothing_else_is(new_flash: Any) -> None:
    flash = new_flash(**REAL)
    flash.write(0, "a", "b", "c", "d")
    flash.nand.add_errors(flash.page_of(0), 1, flash.nand.part.ecc_bits + 1)
    with pytest.raises(UncorrectableError) as caught:
        flash.layer.read(0, 4)
    assert caught.value.address == 1
    assert [flash.read(lba) for lba in (0, 2, 3)] == [["a"], ["c"], ["d"]]


def test_a_sector_beyond_correction_stays_so_when_its_page_is_moved_until_it_is_written(new_flash: Any) -> None:
    flash = new_flash(**REAL)
    flash.write(0, "a", "b", "c", "d")
    flash.nand.add_errors(flash.page_of(0), 1, flash.nand.part.ecc_bits + 1)
    flash.write(2, "x")
    with pytest.raises(UncorrectableError):
        flash.layer.read(1, 1)
    flash.power_cycle()
    with pytest.raises(UncorrectableError):
        flash.layer.read(1, 1)
    flash.write(1, "new")
    assert flash.read(0, 4) == ["a", "new", "x", "d"]


def test_a_sector_can_be_made_uncorrectable(new_flash: Any) -> None:
    flash = new_flash(**REAL)
    flash.layer.write(0, [flash.sector("a"), UNCORRECTABLE, flash.sector("c")])
    with pytest.raises(UncorrectableError):
        flash.layer.read(1, 1)
    assert [flash.read(0), flash.read(2)] == [["a"], ["c"]]


def test_a_page_that_needs_much_correction_is_written_anew_when_it_is_read(new_flash: Any) -> None:
    flash = new_flash()
    flash.write(0, "a")
    before = flash.page_of(0)
    flash.nand.add_errors(before, 0, flash.geometry.scrub_bits - 1)
    assert flash.read(0) == ["a"]
    assert flash.page_of(0) == before
    flash.nand.add_errors(before, 0, 1)
    assert flash.read(0) == ["a"]
    assert flash.page_of(0) != before


def test_the_patrol_finds_what_fades_without_being_read(new_flash: Any) -> None:
    flash = new_flash()
    flash.write(0, "a", "b", "c")
    before = flash.page_of(2)
    flash.nand.add_errors(before, 0, flash.geometry.scrub_bits)
    for _ in range(3):
        flash.layer.patrol()
    assert flash.page_of(2) != before
    assert flash.read(0, 3) == ["a", "b", "c"]


def test_one_copy_of_the_checkpoint_is_enough_and_is_written_anew(new_flash: Any) -> None:
    flash = new_flash()
    flash.write(0, "a")
    flash.power_cycle()
    (block,) = flash.layer.checkpoint
    pages = range(block * 8, block * 8 + 8)
    kinds = {page: spare.kind for page in pages if (spare := opened(page, flash.nand.read(page).units))}
    first = next(page for page, kind in kinds.items() if kind == Kind.CHECKPOINT)
    flash.nand.add_errors(first, 0, flash.nand.part.ecc_bits + 1)
    flash.power_cycle()
    assert flash.read(0) == ["a"]
    assert flash.layer.checkpoint != (block,)


def test_a_page_of_the_log_that_has_lost_its_spare_bytes_is_not_taken_for_its_old_version(new_flash: Any) -> None:
    flash = new_flash()
    flash.write(0, "old")
    flash.power_cycle()
    flash.write(0, "new")
    flash.nand.add_errors(flash.page_of(0), 1, flash.nand.part.ecc_bits + 1)
    flash.write(1, "later")
    flash.power_cycle()
    assert flash.read(0, 2) == ["new", "later"]


def test_a_part_that_is_too_small_is_refused_with_what_it_needs(new_flash: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"nand0: generic-nand with 9 blocks is too small .* it needs 1[0-9]"):
        new_flash(blocks=9)
