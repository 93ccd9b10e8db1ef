"""A disk: its volatile cache, its barriers, and what a cut leaves of both."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from deltabench.hwsim.disk import SECTOR_BYTES, UNCORRECTABLE, ZERO_SECTOR, Disk, DiskOutOfRangeError, TornSector
from deltabench.hwsim.medium import MediaRuleError, Outcome, UncorrectableError

UNREADABLE = "uncorrectable"
Sectors = tuple[str, ...]


def sector(text: str) -> bytes:
    return text.encode().ljust(SECTOR_BYTES, b"\0")


def shown(disk: Disk, lba: int) -> str:
    try:
        return disk.read(lba, 1)[0].rstrip(b"\0").decode()
    except UncorrectableError:
        return UNREADABLE


def left(bench: Any, disk: Disk, outcomes: list[Outcome], count: int) -> list[Sectors]:
    """What the platters hold of the first ``count`` sectors after each outcome; the cache is gone with the power."""
    cache = disk.lose_power()
    results = []
    for outcome in outcomes:
        with bench.left(outcome):
            results.append(tuple(shown(disk, lba) for lba in range(count)))
    disk.regain(cache)
    return results


def filled(bench: Any, count: int, **settings: Any) -> Disk:
    disk: Disk = bench.disk(**settings)
    disk.write(0, [sector("old")] * count, fua=True)
    return disk


def test_a_write_goes_to_the_cache_and_is_read_from_there(bench: Any) -> None:
    disk = filled(bench, 4)
    disk.write(1, [sector("a"), sector("b")], fua=False)
    assert [shown(disk, lba) for lba in range(4)] == ["old", "a", "b", "old"]
    disk.lose_power()
    assert [shown(disk, lba) for lba in range(4)] == ["old"] * 4


def test_a_write_with_fua_survives_power_loss_and_so_does_what_was_flushed(bench: Any) -> None:
    disk = filled(bench, 3)
    disk.write(0, [sector("a")], fua=True)
    disk.write(1, [sector("b")], fua=False)
    disk.flush()
    disk.write(2, [sector("c")], fua=False)
    disk.lose_power()
    assert [shown(disk, lba) for lba in range(3)] == ["a", "b", "old"]


def test_fua_is_a_barrier_for_its_own_sectors_only(bench: Any) -> None:
    disk = filled(bench, 2)
    disk.write(0, [sector("a1"), sector("b1")], fua=False)
    disk.write(0, [sector("a2")], fua=True)
    assert set(left(bench, disk, disk.survivors(), 2)) == {("a2", "old"), ("a2", "b1")}


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_any_subset_of_the_unflushed_writes_may_survive(bench: Any, count: int) -> None:
    disk = filled(bench, count + 1)
    for lba in range(count):
        disk.write(lba, [sector("new")], fua=False)
    states = left(bench, disk, disk.survivors(), count + 1)
    assert states[0] == ("old",) * (count + 1), "the first outcome is that nothing survives"
    assert sorted(states) == sorted((*some, "old") for some in product(("old", "new"), repeat=count))


def test_each_version_of_a_sector_written_twice_may_survive(bench: Any) -> None:
    disk = filled(bench, 2)
    disk.write(0, [sector("first"), sector("x")], fua=False)
    disk.write(0, [sector("second")], fua=False)
    assert shown(disk, 0) == "second"
    states = left(bench, disk, disk.survivors(), 2)
    assert sorted(states) == sorted(product(("old", "first", "second"), ("old", "x")))


def test_a_cut_in_a_write_leaves_any_subset_of_it_and_of_the_cache(bench: Any) -> None:
    for fua in (False, True):
        disk = filled(bench, 3)
        disk.write(2, [sector("cached")], fua=False)
        outcomes = bench.outcomes(lambda fua=fua, disk=disk: disk.write(0, [sector("new")] * 2, fua=fua))
        states = left(bench, disk, outcomes, 3)
        assert states[0] == ("old", "old", "old")
        assert set(states) == set(product(("old", "new"), ("old", "new"), ("old", "cached")))


def test_a_cut_in_a_write_over_a_cached_sector_leaves_old_cached_or_new(bench: Any) -> None:
    disk = filled(bench, 1)
    disk.write(0, [sector("cached")], fua=False)
    outcomes = bench.outcomes(lambda: disk.write(0, [sector("new")], fua=True))
    assert left(bench, disk, outcomes, 1) == [("old",), ("cached",), ("new",)]


def test_a_cut_in_a_flush_leaves_any_subset_of_the_cache(bench: Any) -> None:
    disk = filled(bench, 3)
    disk.write(0, [sector("new")] * 3, fua=False)
    states = left(bench, disk, bench.outcomes(disk.flush), 3)
    assert set(states) == set(product(("old", "new"), repeat=3))


def test_a_flush_of_an_empty_cache_is_no_operation(bench: Any) -> None:
    disk = filled(bench, 1)
    operations = bench.rail.operations
    disk.flush()
    disk.write(0, [sector("a")], fua=False)
    disk.flush()
    disk.flush()
    assert bench.rail.operations == operations + 2


@pytest.mark.parametrize("count", [5, 16, 31, 60])
def test_of_many_unflushed_writes_none_all_each_alone_and_all_but_each_may_survive(bench: Any, count: int) -> None:
    disk = filled(bench, count)
    disk.write(0, [sector("new")] * count, fua=False)
    states = left(bench, disk, disk.survivors(), count)
    found = set(states)
    assert states[0] == ("old",) * count
    assert ("new",) * count in found
    step = -(-count // Disk.SUBSET_LIMIT)
    for lba in range(0, count, step):
        before, after = lba, count - lba - 1
        assert ("old",) * before + ("new",) + ("old",) * after in found
        assert ("new",) * before + ("old",) + ("new",) * after in found
        assert ("new",) * before + ("old",) * (after + 1) in found
    assert len(states) == len(found), "no state twice"
    assert len(states) <= 4 * Disk.SUBSET_LIMIT


def test_of_many_unflushed_writes_a_version_that_was_replaced_may_survive(bench: Any) -> None:
    disk = filled(bench, 8)
    disk.write(0, [sector("first")] * 8, fua=False)
    disk.write(3, [sector("second")], fua=False)
    states = left(bench, disk, disk.survivors(), 8)
    assert {state[3] for state in states} == {"old", "first", "second"}


def test_a_sector_that_was_being_written_may_be_uncorrectable(bench: Any) -> None:
    disk = filled(bench, 3, torn_sector=TornSector.UNCORRECTABLE)
    outcomes = bench.outcomes(lambda: disk.write(0, [sector("new")] * 2, fua=True))
    states = left(bench, disk, outcomes, 3)
    choice = ("old", "new", UNREADABLE)
    assert states[0] == ("old", "old", "old")
    assert sorted(states) == sorted(product(choice, choice, ("old",)))


def test_a_drive_that_finishes_its_sector_leaves_none_uncorrectable(bench: Any) -> None:
    disk = filled(bench, 2)
    disk.write(0, [sector("cached")], fua=False)
    outcomes = bench.outcomes(lambda: disk.write(0, [sector("new")] * 2, fua=True))
    assert not any(UNREADABLE in state for state in left(bench, disk, outcomes, 2))


def broken(bench: Any) -> Disk:
    """Sectors 2 and 5 are uncorrectable."""
    disk = filled(bench, 8, torn_sector=TornSector.UNCORRECTABLE)
    for lba in (2, 5):
        outcomes = bench.outcomes(lambda lba=lba: disk.write(lba, [sector("new")], fua=True))
        bench.leave(next(outcome for outcome in outcomes if "uncorrectable" in outcome.label))
    return disk


def test_a_read_over_uncorrectable_sectors_names_the_first(bench: Any) -> None:
    disk = broken(bench)
    for first, found in ((0, 2), (2, 2), (3, 5), (5, 5)):
        with pytest.raises(UncorrectableError, match=f"disk0: sector {found} is uncorrectable") as caught:
            disk.read(first, 8 - first)
        assert (caught.value.device, caught.value.address) == ("disk0", found)
    assert disk.read(3, 2) == [sector("old")] * 2


def test_a_sector_is_uncorrectable_until_it_is_rewritten(bench: Any) -> None:
    disk = broken(bench)
    disk.lose_power()
    assert shown(disk, 2) == UNREADABLE
    disk.write(2, [sector("healed")], fua=True)
    assert shown(disk, 2) == "healed"


def test_a_rewrite_in_the_cache_hides_an_uncorrectable_sector_for_as_long_as_it_is_there(bench: Any) -> None:
    disk = broken(bench)
    disk.write(5, [sector("cached")], fua=False)
    assert shown(disk, 5) == "cached"
    cache = disk.lose_power()
    assert shown(disk, 5) == UNREADABLE
    disk.regain(cache)
    disk.flush()
    disk.lose_power()
    assert shown(disk, 5) == "cached"


def test_the_explorer_gets_back_the_cache_that_it_took_away(bench: Any) -> None:
    disk = filled(bench, 2)
    disk.write(0, [sector("new")], fua=False)
    contents = disk.lose_power()
    disk.write(1, [sector("other life")], fua=False)
    disk.lose_power()
    disk.regain(contents)
    assert [shown(disk, lba) for lba in range(2)] == ["new", "old"]


@pytest.mark.parametrize(("lba", "count"), [(64, 1), (63, 2), (-1, 1), (0, 65)])
def test_sectors_beyond_the_disk_are_refused_with_operation_and_address(bench: Any, lba: int, count: int) -> None:
    disk = bench.disk()
    where = f"of {count} at {lba:#x} runs outside the part, which ends at 0x40"
    with pytest.raises(MediaRuleError, match=f"disk0: read {where}"):
        disk.read(lba, count)
    for fua in (False, True):
        with pytest.raises(MediaRuleError, match=f"disk0: write {where}"):
            disk.write(lba, [bytes(SECTOR_BYTES)] * count, fua=fua)


@pytest.mark.parametrize("length", [0, 511, 513])
def test_a_sector_of_another_length_is_refused(bench: Any, length: int) -> None:
    disk = filled(bench, 4)
    with pytest.raises(MediaRuleError, match="disk0: write at 0x2 of a sector that is not 512 bytes long"):
        disk.write(2, [sector("good"), bytes(length)], fua=False)
    assert shown(disk, 2) == "old"


@pytest.mark.parametrize("sectors", [0, -1, 65])
def test_a_disk_has_no_more_sectors_than_its_part(bench: Any, sectors: int) -> None:
    with pytest.raises(DiskOutOfRangeError, match=f"disk0: {sectors} sectors asked of small disk, which has 64"):
        bench.disk(sectors=sectors)


def test_no_sector_but_the_mark_may_be_of_another_length(bench: Any) -> None:
    disk = bench.disk()
    disk.write(0, [ZERO_SECTOR, UNCORRECTABLE], fua=True)
    for wrong in (b"x" * len(UNCORRECTABLE), b"", bytes(511), bytes(513)):
        with pytest.raises(MediaRuleError, match="not 512 bytes long"):
            disk.write(4, [ZERO_SECTOR, wrong], fua=True)
    assert disk.read(4, 1) == [ZERO_SECTOR]
