"""Seeks, rotation and transfers, held against times worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from deltabench.hwsim.drive.mechanics import Mechanics, seek_table_ns
from deltabench.hwsim.parts import DiskPart, load_part


def disk(name: str) -> DiskPart:
    part = load_part(name)
    assert isinstance(part, DiskPart)
    return part


# 6,000 turns a minute and 100 sectors a track: a turn takes 10 ms and a sector 100 µs.
GENERIC = disk("generic-disk")
ROUND = replace(
    GENERIC,
    rpm=6_000,
    sectors=100 * 4 * 64,
    zones=(replace(GENERIC.zones[0], sectors_per_track=100, track_skew_sectors=10, cylinder_skew_sectors=30),),
    seek_curve=((1, 2_000), (3, 3_000), (63, 9_000)),
    head_switch_us=500,
    track_settle_us=0,
    write_settle_us=300,
    bus_sector_ns=25_000,
)
MS = 1_000_000
SECTOR = 100_000


def test_seeks_are_read_off_straight_lines_between_the_measured_points() -> None:
    table = seek_table_ns(ROUND)
    assert table[:5] == (0, 2 * MS, 2_500_000, 3 * MS, 3_100_000)
    assert table[63] == 9 * MS
    assert len(table) == ROUND.cylinders


def test_beyond_the_last_point_the_last_line_goes_on() -> None:
    table = seek_table_ns(replace(ROUND, seek_curve=((1, 2_000), (3, 3_000))))
    assert table[63] == 3 * MS + 60 * 500_000


def test_every_seek_of_the_barracuda_is_a_measured_or_a_neighbouring_time() -> None:
    barracuda = disk("ST32171W")
    table = seek_table_ns(barracuda)
    assert all(table[cylinders] == 1000 * us for cylinders, us in barracuda.seek_curve)
    assert len(table) == barracuda.cylinders


def test_a_sector_under_the_head_is_read_as_it_passes() -> None:
    assert Mechanics(ROUND).read(0, 0, 1) == SECTOR


def test_a_sector_that_has_just_passed_costs_a_turn() -> None:
    assert Mechanics(ROUND).read(1, 0, 1) == 10 * MS + SECTOR


def test_a_seek_and_its_rotation_by_hand() -> None:
    """From cylinder 0 to sector 7 of surface 1 on cylinder 3: 3.0 ms of seek, then to its angle.

    Skew: each cylinder turns by 3 × 10 + 30 sectors, and surface 1 by 10 more: 3 × 60 + 10 + 7 = 197, so 97 on a track.
    The seek ends at angle 30, so the sector begins at 9.7 ms and ends at 9.8 ms.
    """
    lba = (3 * 4 + 1) * 100 + 7
    assert Mechanics(ROUND).read(0, lba, 1) == 9_800_000


def test_a_change_of_head_by_hand() -> None:
    """Surface 1 begins at angle 10; the head is switched at 0.5 ms and the sector comes at 1.0 ms."""
    assert Mechanics(ROUND).read(0, 100, 2) == 1 * MS + 2 * SECTOR


def test_a_whole_cylinder_is_read_without_losing_a_turn() -> None:
    """Four tracks of 10 ms; between them, three times, 10 sectors of skew."""
    assert Mechanics(ROUND).read(0, 0, 400) == 40 * MS + 3 * 10 * SECTOR


def test_reading_on_to_the_next_cylinder_takes_the_cylinder_skew() -> None:
    mechanics = Mechanics(ROUND)
    assert mechanics.read(0, 0, 401) == 40 * MS + 3 * 10 * SECTOR + 30 * SECTOR + SECTOR
    assert mechanics.geometry.cylinder[mechanics.run] == 1


def test_a_skew_that_is_too_small_costs_a_turn_on_every_track() -> None:
    unskewed = replace(ROUND, zones=(replace(ROUND.zones[0], track_skew_sectors=0),))
    assert Mechanics(unskewed).read(0, 0, 400) == 40 * MS + 3 * 10 * MS


def test_a_slipped_sector_costs_its_own_time_and_no_turn() -> None:
    slipped = replace(ROUND, sectors=1000, zones=(replace(ROUND.zones[0], slipped_sectors=(5,)),))
    assert Mechanics(slipped).read(0, 0, 10) == 11 * SECTOR


def test_the_arm_takes_its_least_time_for_the_track_that_it_is_on() -> None:
    settling = Mechanics(replace(ROUND, track_settle_us=1_400))
    assert settling.read(0, 20, 1) == 2_000_000 + SECTOR, "there at 1.4 ms, in time for the sector at 2.0 ms"
    assert settling.read(21 * SECTOR, 30, 1) == 10 * MS + 30 * SECTOR + SECTOR, "there at 3.5 ms: a turn later"


def test_a_write_settles_longer_and_waits_for_its_data() -> None:
    assert Mechanics(ROUND).write(0, 2, 1) == 10 * MS + 2 * SECTOR + SECTOR, "it settled until 0.3 ms"
    assert Mechanics(ROUND).write(0, 5, 1) == 5 * SECTOR + SECTOR
    assert Mechanics(ROUND).write(0, 5, 1, 600_000) == 10 * MS + 5 * SECTOR + SECTOR


def test_a_slow_bus_is_done_when_it_has_carried_all_since_the_first_sector() -> None:
    slow = Mechanics(replace(ROUND, bus_sector_ns=250_000))
    assert slow.read(0, 0, 4) == 4 * SECTOR
    assert slow.sent_ns == SECTOR + 4 * 250_000


@given(st.lists(st.tuples(st.integers(0, ROUND.sectors - 1), st.integers(1, 300), st.integers(0, 50 * MS)), max_size=8))
def test_a_transfer_takes_its_media_time_and_at_most_a_seek_and_two_turns_more(
    requests: list[tuple[int, int, int]],
) -> None:
    mechanics, now_ns = Mechanics(ROUND), 0
    for lba, wanted, pause_ns in requests:
        count = min(wanted, ROUND.sectors - lba)
        now_ns += pause_ns
        done_ns = mechanics.read(now_ns, lba, count)
        crossings = count // 100 + 1
        assert count * SECTOR <= done_ns - now_ns <= count * SECTOR + 9 * MS + 10 * MS + crossings * 3 * MS
        now_ns = done_ns


@pytest.mark.parametrize("part", [disk("ST32171W"), GENERIC], ids=lambda part: part.name)
def test_reading_on_is_never_late_by_rounding(part: DiskPart) -> None:
    """Sector by sector without a pause, a track's sectors take one turn and not one turn each."""
    mechanics = Mechanics(replace(part, track_settle_us=0))
    now_ns = mechanics.read(0, 0, 1)
    start_ns = now_ns
    for lba in range(1, 100):
        now_ns = mechanics.read(now_ns, lba, 1)
    assert now_ns - start_ns < mechanics.geometry.revolution_ns
