"""What the host sees of a drive: hits, read-ahead, the write cache, FUA and flushes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from deltabench.hwsim.drive.drive import BeyondDriveError, Drive
from deltabench.hwsim.parts import DiskPart, load_part


def disk(name: str) -> DiskPart:
    part = load_part(name)
    assert isinstance(part, DiskPart)
    return part


GENERIC, BARRACUDA = disk("generic-disk"), disk("ST32171W")
UNCACHED = replace(GENERIC, write_cache=False)
MS, US = 1_000_000, 1_000
IDLE = 200 * MS
HIT_NS = US * GENERIC.read_hit_overhead_us
BUS_NS = GENERIC.bus_sector_ns
ACK_NS = US * GENERIC.write_overhead_us


def hit_ns(count: int) -> int:
    """How long a read takes that the buffer serves."""
    return HIT_NS + count * BUS_NS


def test_a_read_that_misses_waits_for_overhead_and_media() -> None:
    """300 µs of overhead, a turn of 256 sectors that sector 40 comes round in at 1.302 ms, and its eight sectors."""
    drive = Drive(GENERIC)
    turn_ns = 8_333_333
    assert drive.read(40, 8, 0) == turn_ns * 40 // 256 + 8 * turn_ns // 256 + BUS_NS


def test_what_was_read_ahead_is_a_hit_when_the_drive_has_had_time() -> None:
    drive = Drive(GENERIC)
    done_ns = drive.read(0, 8, 0)
    assert drive.read(8, 8, done_ns + IDLE) == done_ns + IDLE + hit_ns(8)


def test_read_ahead_ends_with_the_segment() -> None:
    drive = Drive(replace(GENERIC, read_ahead_sectors=64))
    now_ns = drive.read(0, 8, 0) + IDLE
    assert drive.read(64, 8, now_ns) - now_ns > hit_ns(8)


def test_without_read_ahead_the_next_sectors_are_no_hit() -> None:
    drive = Drive(replace(GENERIC, read_ahead_sectors=0))
    now_ns = drive.read(0, 8, 0) + IDLE
    assert drive.read(8, 8, now_ns) - now_ns > hit_ns(8)


def test_sectors_that_come_soon_are_waited_for_and_cost_no_turn() -> None:
    drive = Drive(GENERIC)
    done_ns = drive.read(0, 8, 0)
    took_ns = drive.read(100, 8, done_ns) - done_ns
    assert hit_ns(8) < took_ns < 8_333_333 * 108 // 256 + MS


def test_reading_through_the_disk_runs_at_the_speed_of_the_media() -> None:
    """A megabyte and more, 16 sectors at a time without a pause: bounded by the media and their skews, not by turns."""
    drive, now_ns = Drive(GENERIC), 0
    for lba in range(0, 2560, 16):
        now_ns = drive.read(lba, 16, now_ns)
    tracks = 2560 // 256
    assert now_ns < 8_333_333 * (tracks + tracks * 64 / 256 + 2)


def test_sectors_that_the_host_has_had_are_given_up() -> None:
    drive = Drive(GENERIC)
    now_ns = drive.read(0, 8, 0) + IDLE
    assert drive.read(0, 8, now_ns) - now_ns > hit_ns(8)


def test_a_read_elsewhere_stops_the_read_ahead_and_leaves_what_it_had() -> None:
    drive = Drive(GENERIC)
    now_ns = drive.read(0, 8, 0)
    now_ns = drive.read(60_000, 8, now_ns + 2 * MS) + IDLE
    assert drive.read(8, 8, now_ns) == now_ns + hit_ns(8), "2 ms were enough for these"
    now_ns += IDLE
    assert drive.read(60_008, 8, now_ns) == now_ns + hit_ns(8)


def test_the_segment_used_longest_ago_is_replaced() -> None:
    drive, now_ns = Drive(replace(GENERIC, cache_segments=2)), 0
    for lba in (0, 20_000, 40_000):
        now_ns = drive.read(lba, 8, now_ns) + IDLE
    assert drive.read(8, 8, now_ns) - now_ns > hit_ns(8)
    now_ns += 2 * IDLE
    assert drive.read(40_008, 8, now_ns) == now_ns + hit_ns(8)


def test_a_write_is_acknowledged_from_the_buffer() -> None:
    assert Drive(GENERIC).write(5_000, 8, 0, fua=False) == ACK_NS + 8 * BUS_NS


def test_what_was_written_is_read_from_the_buffer() -> None:
    drive = Drive(GENERIC)
    now_ns = drive.write(5_000, 8, 0, fua=False)
    assert drive.read(5_000, 8, now_ns) == now_ns + hit_ns(8)


def test_a_write_into_what_was_read_ahead_makes_the_segment_useless() -> None:
    drive = Drive(GENERIC)
    now_ns = drive.read(0, 8, 0) + IDLE
    now_ns = drive.write(16, 8, now_ns, fua=False) + IDLE
    assert drive.read(8, 16, now_ns) - now_ns > hit_ns(16)


def test_the_drive_works_out_more_for_another_cylinder_and_another_zone() -> None:
    # Cylinder 0; its neighbour in the same zone, 5 × 186 sectors on; the innermost zone.
    times = [Drive(BARRACUDA).write(lba, 4, 0, fua=False) for lba in (0, 930, 4_000_000)]
    here, cylinder = times[0], US * BARRACUDA.cylinder_overhead_us
    assert times == [here, here + cylinder, here + cylinder + US * BARRACUDA.zone_overhead_us]


def test_fua_and_a_drive_without_cache_wait_for_the_media() -> None:
    media_ns = Drive(UNCACHED).write(5_000, 8, 0, fua=False)
    assert media_ns > ACK_NS + 8 * BUS_NS
    assert Drive(GENERIC).write(5_000, 8, 0, fua=True) == media_ns
    assert Drive(UNCACHED).write(5_000, 8, 0, fua=True) == media_ns


def test_a_fua_write_over_pending_sectors_comes_after_them() -> None:
    pending, fresh = Drive(GENERIC), Drive(GENERIC)
    now_ns = pending.write(5_000, 8, 0, fua=False)
    assert pending.write(5_004, 8, now_ns, fua=True) > fresh.write(5_004, 8, now_ns, fua=True)


def test_a_flush_ends_when_the_writes_are_on_the_media() -> None:
    drive, now_ns = Drive(GENERIC), 0
    for lba in (50_000, 100, 30_000):
        now_ns = drive.write(lba, 8, now_ns, fua=False)
    flushed_ns = drive.flush(now_ns)
    assert flushed_ns - now_ns > 3 * 8 * 8_333_333 // 256
    assert drive.flush(flushed_ns) == flushed_ns + ACK_NS, "there is nothing left"


def test_the_drive_writes_out_while_the_host_is_quiet() -> None:
    drive = Drive(GENERIC)
    now_ns = drive.write(50_000, 8, 0, fua=False) + IDLE
    assert drive.flush(now_ns) == now_ns + ACK_NS


def test_a_flush_of_two_writes_in_a_row_costs_no_second_turn() -> None:
    joined, apart = Drive(GENERIC), Drive(GENERIC)
    for drive, second in ((joined, 5_008), (apart, 5_100)):
        # Both writes come while the arm is on its way to a first one.
        drive.write(60_000, 8, 0, fua=False)
        drive.write(5_000, 8, 0, fua=False)
        drive.write(second, 8, 0, fua=False)
    assert joined.flush(0) < apart.flush(0)


def test_a_sector_written_again_before_it_is_on_the_media_is_written_once() -> None:
    again, once = Drive(GENERIC), Drive(GENERIC)
    for drive, times in ((again, 5), (once, 1)):
        drive.write(60_000, 8, 0, fua=False)
        for _ in range(times):
            drive.write(5_000, 8, 0, fua=False)
    assert again.flush(10 * MS) == once.flush(10 * MS)


def test_a_full_buffer_makes_a_write_wait_for_the_media() -> None:
    drive, now_ns, longest_ns = Drive(GENERIC), 0, 0
    for number in range(200):
        done_ns = drive.write(number * 7919 % 65_000, 8, now_ns, fua=False)
        longest_ns, now_ns = max(longest_ns, done_ns - now_ns), done_ns
    assert longest_ns > 2 * MS
    assert now_ns > 200 * MS, "in the long run no faster than the arm"


def test_a_write_larger_than_the_buffer_waits_for_the_media() -> None:
    drive = Drive(GENERIC)
    assert drive.write(0, 512, 0, fua=False) > 2 * 8_333_333
    assert drive.flush(drive.ready_ns) == drive.ready_ns


def test_a_command_waits_for_the_one_before_it() -> None:
    drive = Drive(GENERIC)
    first_ns = drive.read(40_000, 8, 0)
    assert drive.read(40_008, 8, 0) >= first_ns + HIT_NS


@pytest.mark.parametrize(("lba", "count"), [(-1, 1), (0, 0), (65_535, 2), (65_536, 1), (1 << 40, 8)])
def test_sectors_that_the_drive_does_not_have_are_refused(lba: int, count: int) -> None:
    drive = Drive(GENERIC)
    with pytest.raises(BeyondDriveError, match=rf"generic-disk: read of {count} sectors from {lba}; .* 0 to 65535"):
        drive.read(lba, count, 0)
    with pytest.raises(BeyondDriveError, match="write of"):
        drive.write(lba, count, 0, fua=True)


Commands = st.lists(
    st.tuples(
        st.sampled_from(["read", "write", "fua", "flush"]),
        st.integers(0, 500) | st.integers(0, GENERIC.sectors - 400),
        st.integers(1, 400),
        st.integers(0, 30 * MS),
    ),
    max_size=40,
)


def served(part: DiskPart, commands: list[tuple[str, int, int, int]]) -> list[tuple[int, int]]:
    """When each command came and when it was done."""
    drive, now_ns, times = Drive(part), 0, []
    for kind, lba, count, pause_ns in commands:
        now_ns += pause_ns
        if kind == "flush":
            done_ns = drive.flush(now_ns)
        elif kind == "read":
            done_ns = drive.read(lba, count, now_ns)
        else:
            done_ns = drive.write(lba, count, now_ns, fua=kind == "fua")
        times.append((now_ns, done_ns))
        now_ns = done_ns
    return times


PARTS = [
    GENERIC,
    UNCACHED,
    BARRACUDA,
    replace(GENERIC, cache_segments=1, cache_segment_sectors=32, read_ahead_sectors=0),
]


@given(st.sampled_from(PARTS), Commands)
def test_time_goes_on_by_no_less_than_the_bus_and_no_more_than_the_worst(
    part: DiskPart, commands: list[tuple[str, int, int, int]]
) -> None:
    for (kind, _, count, _), (came_ns, done_ns) in zip(commands, served(part, commands), strict=True):
        least_ns = US * part.write_overhead_us if kind == "flush" else count * part.bus_sector_ns
        assert least_ns <= done_ns - came_ns
        if kind != "flush":
            # Everything pending may have to go first: 281 sectors, each alone, of a seek and a turn.
            assert done_ns - came_ns < 20_000 * MS


@given(st.sampled_from(PARTS), Commands)
def test_the_same_commands_take_the_same_time(part: DiskPart, commands: list[tuple[str, int, int, int]]) -> None:
    assert served(part, commands) == served(part, commands)


@given(st.sampled_from(PARTS), Commands)
def test_a_second_flush_finds_nothing_to_do(part: DiskPart, commands: list[tuple[str, int, int, int]]) -> None:
    times = served(part, [*commands, ("flush", 0, 1, 0), ("flush", 0, 1, 0)])
    came_ns, done_ns = times[-1]
    assert done_ns == came_ns + US * part.write_overhead_us


@given(Commands)
def test_a_drive_without_cache_has_nothing_to_flush(commands: list[tuple[str, int, int, int]]) -> None:
    for (kind, *_), (came_ns, done_ns) in zip(commands, served(UNCACHED, commands), strict=True):
        if kind == "flush":
            assert done_ns == came_ns + ACK_NS
