"""Where sectors lie, held against what any layout must keep."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from deltabench.hwsim.drive.geometry import Geometry, Place, geometry_of
from deltabench.hwsim.parts import DiskPart, DiskZone, load_part


def disk(name: str) -> DiskPart:
    part = load_part(name)
    assert isinstance(part, DiskPart)
    return part


BARRACUDA, GENERIC = disk("ST32171W"), disk("generic-disk")


def zone(first: int, last: int, per_track: int, **figures: object) -> DiskZone:
    skews = {"track_skew_sectors": 2, "cylinder_skew_sectors": 3, "spare_sectors": 0}
    return DiskZone(first_cylinder=first, last_cylinder=last, sectors_per_track=per_track, **{**skews, **figures})


def small(*zones: DiskZone, sectors: int, surfaces: int = 2, spare_range: int = 2) -> DiskPart:
    cylinders = zones[-1].last_cylinder + 1
    return replace(
        GENERIC,
        zones=zones,
        sectors=sectors,
        cylinders=cylinders,
        surfaces=surfaces,
        spare_range_cylinders=spare_range,
        seek_curve=((1, 1000),) if cylinders > 1 else (),
    )


@st.composite
def parts(draw: st.DrawFn) -> DiskPart:
    """Small disks with one to three zones, spares and slipped sectors."""
    surfaces, spare_range = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    zones, cylinder, capacity = [], 0, 0
    for _ in range(draw(st.integers(1, 3))):
        cylinder += draw(st.integers(0, 1))
        cylinders, per_track = draw(st.integers(1, 5)), draw(st.integers(4, 9))
        total = cylinders * surfaces * per_track
        slipped = tuple(sorted(draw(st.sets(st.integers(0, total - 1), max_size=2))))
        spares = draw(st.integers(0, spare_range * surfaces * per_track // 2))
        new = zone(cylinder, cylinder + cylinders - 1, per_track, spare_sectors=spares, slipped_sectors=slipped)
        zones.append(new)
        capacity += total - cylinders // spare_range * spares - len(slipped)
        cylinder += cylinders
    return small(*zones, sectors=max(1, capacity), surfaces=surfaces, spare_range=spare_range)


@given(parts())
def test_every_lba_has_a_place_of_its_own_on_the_disk_in_rising_order(part: DiskPart) -> None:
    geometry = Geometry(part)
    places = [geometry.place_of(lba) for lba in range(part.sectors)]
    assert all(earlier < later for earlier, later in pairwise(places))
    for place in places:
        (zone,) = (zone for zone in part.zones if zone.first_cylinder <= place.cylinder <= zone.last_cylinder)
        assert place.surface < part.surfaces
        assert place.sector < zone.sectors_per_track
        in_zone = ((place.cylinder - zone.first_cylinder) * part.surfaces + place.surface) * zone.sectors_per_track
        assert in_zone + place.sector not in zone.slipped_sectors


@given(parts())
def test_the_layout_has_room_for_at_least_what_the_part_promises(part: DiskPart) -> None:
    assert Geometry(part).first_lba[-1] >= part.sectors


@given(parts())
def test_on_a_track_only_slipped_sectors_come_between_two_neighbours(part: DiskPart) -> None:
    geometry = Geometry(part)
    for here, after in pairwise(geometry.place_of(lba) for lba in range(part.sectors)):
        if after[:2] == here[:2]:
            (zone,) = (zone for zone in part.zones if zone.first_cylinder <= here.cylinder <= zone.last_cylinder)
            track = (here.cylinder - zone.first_cylinder) * part.surfaces + here.surface
            between = range(here.sector + 1, after.sector)
            assert all(track * zone.sectors_per_track + sector in zone.slipped_sectors for sector in between)


def test_a_layout_drawn_by_hand() -> None:
    """Two surfaces, five sectors a track, three spares in each two cylinders, sectors 1 and 7 bad."""
    part = small(zone(0, 2, 5, spare_sectors=3, slipped_sectors=(1, 7)), sectors=25)
    geometry = Geometry(part)
    assert [geometry.place_of(lba) for lba in range(8)] == [
        *(Place(0, 0, sector) for sector in (0, 2, 3, 4)),
        *(Place(0, 1, sector) for sector in (0, 1, 3, 4)),
    ]
    assert geometry.place_of(14) == Place(1, 1, 1), "the range ends with its three spares"
    assert geometry.place_of(15) == Place(2, 0, 0)
    assert geometry.first_lba[-1] == 25, "a range that the zone cuts short has no spares"


def test_the_first_sector_turns_by_the_skews_from_track_to_track() -> None:
    geometry = Geometry(small(zone(0, 1, 8), sectors=32))
    eighth = geometry.revolution_ns // 8
    assert [round(angle / eighth) for angle in geometry.angle_ns] == [0, 2, 5, 7]


def test_the_skew_of_a_zone_begins_anew() -> None:
    geometry = Geometry(small(zone(0, 0, 8), zone(1, 1, 4), sectors=24))
    assert geometry.angle_ns[2] == 0
    assert geometry.sectors_per_track == [8, 8, 4, 4]


@pytest.mark.parametrize("part", [BARRACUDA, GENERIC], ids=lambda part: part.name)
def test_skews_leave_time_for_the_change_and_lose_less_than_half_a_turn(part: DiskPart) -> None:
    """Reading on from track to track: wait for the first sector after the end of the one before."""
    geometry = geometry_of(part)
    seek_ns, revolution = 1000 * part.seek_curve[0][1], geometry.revolution_ns
    for run in range(1, 200):
        end_ns = (
            geometry.angle_ns[run - 1]
            + revolution
            * (geometry.first_lba[run] - geometry.first_lba[run - 1])
            // geometry.sectors_per_track[run - 1]
        )
        gap_ns = (geometry.angle_ns[run] - end_ns) % revolution
        if geometry.cylinder[run] != geometry.cylinder[run - 1]:
            assert seek_ns < gap_ns < revolution
        elif geometry.surface[run] != geometry.surface[run - 1]:
            assert 1000 * part.head_switch_us < gap_ns < revolution // 2


def test_the_barracuda_ends_beyond_its_block_count_and_its_slips_are_passed_over() -> None:
    geometry = geometry_of(BARRACUDA)
    assert geometry.first_lba[-1] == 4_217_638
    assert geometry.place_of(4_109_999).cylinder == 4_986, "the seek curve reaches from cylinder 0 to here"
    # The zone's sector 112,508 is bad.  Before it lie twenty ranges of 6 cylinders, 5 surfaces and 186 sectors, each
    # with 88 spares.
    lba = 112_508 - 20 * 88
    assert geometry.place_of(lba).sector == geometry.place_of(lba - 1).sector + 2


def test_drives_of_one_part_share_their_geometry() -> None:
    assert geometry_of(GENERIC) is geometry_of(replace(GENERIC))
