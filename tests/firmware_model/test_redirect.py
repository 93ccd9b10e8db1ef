"""Redirection: where data goes, what a partial first write copies, and what stays untouched."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from deltabench.firmware_model import commands
from deltabench.firmware_model.commands import Error
from deltabench.firmware_model.config import CacheMode, Placement, StoreKind
from deltabench.hwsim.board import Board
from deltabench.hwsim.disk import UNCORRECTABLE, Disk

NewBoard = Callable[..., Board]


def on_disk(device: Any, name: str, lba: int, count: int = 1) -> list[str]:
    """Sectors of a disk itself."""
    disk = device.board.media[name]
    assert isinstance(disk, Disk)
    return [sector.rstrip(b"\0").decode() for sector in disk.read(lba, count)]


@pytest.fixture
def two(new_device: Any, new_board: NewBoard) -> Any:
    """Volume A on disk0, volume B on disk1, both behind the label."""
    device = new_device(new_board(disks=2, disk_sectors=22), store=StoreKind.NVRAM, units=20)
    device.write(0, *(f"old {lba}" for lba in range(20)))
    device.save()
    return device


def test_with_two_disks_each_carries_one_volume(two: Any) -> None:
    assert on_disk(two, "disk1", 2, 20) == [f"old {lba}" for lba in range(20)]
    assert on_disk(two, "disk0", 2, 20) == [""] * 20
    two.write(4, "new")
    assert on_disk(two, "disk0", 2 + 4) == ["new"]
    assert on_disk(two, "disk1", 2 + 4) == ["old 4"]


def test_each_save_moves_the_writes_of_a_unit_to_the_other_disk(two: Any) -> None:
    for number, name in enumerate(("disk0", "disk1", "disk0", "disk1")):
        written = {text.split()[0] for text in two.operations(lambda n=number: two.write(4, f"{n}"))}
        assert name in written
        assert on_disk(two, name, 2 + 4) == [f"{number}"]
        two.write(4, f"{number}, again")
        two.save()
    assert two.read(4, 1) == ["3, again"]


def test_a_restore_leaves_a_unit_on_its_disk(two: Any) -> None:
    for number in range(3):
        two.write(4, f"{number}")
        assert on_disk(two, "disk0", 2 + 4) == [f"{number}"]
        two.restore()
    assert two.read(4, 1) == ["old 4"]


def test_a_read_over_many_units_gathers_them_from_both_disks(two: Any) -> None:
    for lba in (0, 1, 5, 7, 8, 9, 19):
        two.write(lba, f"new {lba}")
    wanted = [f"{'new' if lba in (0, 1, 5, 7, 8, 9, 19) else 'old'} {lba}" for lba in range(20)]
    for first in range(20):
        for count in range(1, 21 - first):
            assert two.read(first, count) == wanted[first : first + count]


def test_the_save_point_is_never_written_to(two: Any) -> None:
    saved = on_disk(two, "disk1", 2, 20)
    for number in range(60):
        two.write(number * 7 % 20, f"{number}")
        assert on_disk(two, "disk1", 2, 20) == saved


def test_data_is_durable_before_the_map_entry_that_points_at_it(two: Any) -> None:
    two.write(0, "the labels are of this version")
    heard = two.operations(lambda: two.write(3, "a", "b", "c"))
    assert [line.split(" 0x")[0] for line in heard] == ["disk0 write FUA", "nvram0 write"]


def test_a_write_to_both_disks_is_flushed_on_both_before_the_maps_change(two: Any) -> None:
    two.write(4, "label is written")
    two.save()
    two.write(1, "and again")
    heard = two.operations(lambda: two.write(3, "a", "b", "c"))
    kinds = [line.split(" 0x")[0] for line in heard]
    assert sorted(kinds[:3]) == ["disk0 write", "disk0 write", "disk1 write"]
    assert sorted(kinds[3:5]) == ["disk0 flush cache", "disk1 flush cache"]
    assert set(kinds[5:]) == {"nvram0 write"}


@pytest.fixture
def large(new_device: Any) -> Any:
    """Units of 8 sectors, of which some have been saved."""
    device = new_device(store=StoreKind.NVRAM, units=4, sectors_per_unit=8)
    device.write(0, *(f"old {lba}" for lba in range(32)))
    device.save()
    return device


@pytest.mark.parametrize(("lba", "count"), [(8, 1), (15, 1), (11, 3), (9, 7), (8, 8), (6, 4), (3, 20)])
def test_a_partial_first_write_copies_the_rest_of_its_units(large: Any, lba: int, count: int) -> None:
    wanted = [f"old {at}" for at in range(32)]
    wanted[lba : lba + count] = [f"new {at}" for at in range(count)]
    large.write(lba, *wanted[lba : lba + count])
    assert large.read() == wanted
    large.power_cycle()
    assert large.read() == wanted
    large.save()
    large.write(0, "later")
    large.restore()
    assert large.read() == wanted


def test_the_rest_is_copied_once_and_then_no_more(large: Any) -> None:
    large.write(0, "label is written")
    first = large.operations(lambda: large.write(11, "a"))
    assert [line.split(" 0x")[0] for line in first] == ["disk0 write FUA", "nvram0 write"]
    assert first[0].endswith("+8")
    (second,) = large.operations(lambda: large.write(12, "b"))
    assert second.endswith("+1")
    assert large.read(8, 8) == ["old 8", "old 9", "old 10", "a", "b", "old 13", "old 14", "old 15"]


def test_a_whole_first_write_copies_nothing(large: Any) -> None:
    disk = large.board.media["disk0"]
    assert isinstance(disk, Disk)
    for lba in range(8, 16):
        assert on_disk(large, "disk0", 2 + 32 + lba) == [f"old {lba}"]
        large.board.cells.put(disk.first + 2 + 32 + lba, UNCORRECTABLE)
    large.write(8, *"abcdefgh")
    assert large.read(8, 8) == list("abcdefgh")


def test_a_sector_that_cannot_be_read_stays_so_when_its_unit_is_copied(large: Any) -> None:
    disk = large.board.media["disk0"]
    assert isinstance(disk, Disk)
    large.board.cells.put(disk.first + 2 + 32 + 13, UNCORRECTABLE)
    large.write(8, "x")
    assert large.read(8, 5) == ["x", *(f"old {lba}" for lba in range(9, 13))]
    response = large.execute(commands.read(8, 8))
    assert (response.error, response.lba) == (Error.UNC, 13)
    large.write(13, "the sector itself may be written")
    assert large.read(12, 3) == ["old 12", "the sector itself may be written", "old 14"]


@pytest.mark.parametrize("cache", CacheMode)
def test_a_cut_in_a_partial_first_write_leaves_each_sector_old_or_new_and_never_a_stale_one(
    new_device: Any, cache: CacheMode
) -> None:
    device = new_device(store=StoreKind.NVRAM, units=3, sectors_per_unit=8, cache=cache)
    device.write(0, *(f"older {lba}" for lba in range(24)))
    device.save()
    device.write(0, *(f"old {lba}" for lba in range(24)))
    device.save()
    old = [f"old {lba}" for lba in range(24)]
    allowed = [old[:10] + list(some) + old[12:] for some in product(("old 10", "new"), ("old 11", "new"))]

    def act() -> None:
        device.write(10, "new", "new")
        device.flush()

    def check(what: str) -> None:
        assert device.read() in allowed, what
        assert device.read_saved() == old, what
        device.write(12, "probe")
        device.flush()
        device.power_cycle()
        assert device.read(12, 4) == ["probe", *old[13:16]], what

    assert device.cut_everywhere(act, check) > 4


def test_units_of_256_sectors_work_alike(new_device: Any) -> None:
    device = new_device(store=StoreKind.NVRAM, units=2, sectors_per_unit=256)
    device.write(300, "a")
    device.save()
    device.write(301, "b")
    device.write(0, "c")
    device.power_cycle()
    assert {lba: text for lba, text in enumerate(device.read()) if text} == {0: "c", 300: "a", 301: "b"}
    assert {lba: text for lba, text in enumerate(device.read_saved()) if text} == {300: "a"}


def test_volumes_lie_where_the_configuration_puts_them(new_device: Any, new_board: NewBoard) -> None:
    device = new_device(
        new_board(disks=2, disk_sectors=500),
        store=StoreKind.NVRAM,
        units=10,
        volume_a=Placement(device="disk1", start=300),
        volume_b=Placement(device="disk1", start=100),
        maps=Placement(start=0x4000),
    )
    device.write(3, "on B")
    assert on_disk(device, "disk1", 103) == ["on B"]
    device.save()
    device.write(3, "on A")
    assert on_disk(device, "disk1", 303) == ["on A"]
    assert not any(on_disk(device, "disk0", 0, 500)), "a disk that carries nothing carries no label"
    assert not any(device.board.media["nvram0"].read(0, 0x4000))
    device.power_cycle()
    assert device.read(3, 1) == ["on A"]


def test_a_new_controller_knows_nothing_but_the_board(two: Any) -> None:
    two.write(3, "a")
    old = two.controller
    two.power_cycle()
    assert two.controller is not old
    two.write(3, "b")
    two.save()
    assert old.maps.vsm != two.controller.maps.vsm, "no state is shared between the two"
    assert old.maps.ddm == 1 << 3
