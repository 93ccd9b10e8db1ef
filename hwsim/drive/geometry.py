"""Where each sector of a drive lies: zones, slipped sectors, spares, and the skews that turn a track's start.

The tracks of a zone are numbered surface by surface and then cylinder by cylinder.  Each ``spare_range_cylinders`` of
a zone end with their spares, and a slipped sector is passed over by the numbering.  From track to track the first
sector is turned by the zone's skew, so that a drive that reads on has time to change heads or cylinders (Ruemmler and
Wilkes, "An introduction to disk drive modeling", IEEE Computer 27(3), 1994, on zoning, track skewing and sparing).
"""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from deltabench.hwsim.clock import NS_PER_S
from deltabench.hwsim.parts import DiskPart, DiskZone


class Place(NamedTuple):
    """Where one sector lies. ``sector`` counts along its track from the track's start."""

    cylinder: int
    surface: int
    sector: int


class Geometry:
    """The sectors as runs: consecutive LBAs that follow each other on one track, which a slipped sector splits.

    All lists have one entry for each run, in the order of the LBAs; ``first_lba`` has one more, the end.
    """

    __slots__ = (
        "angle_ns",
        "cylinder",
        "first_lba",
        "first_sector",
        "revolution_ns",
        "sectors_per_track",
        "surface",
        "zone",
    )

    def __init__(self, part: DiskPart) -> None:
        self.revolution_ns = 60 * NS_PER_S // part.rpm
        self.first_lba: list[int] = []
        self.first_sector: list[int] = []
        self.cylinder: list[int] = []
        self.surface: list[int] = []
        self.zone: list[int] = []
        self.sectors_per_track: list[int] = []
        self.angle_ns: list[int] = []
        """How far the platters have turned since angle zero when a run's first sector comes under the head."""
        lba = 0
        for number, zone in enumerate(part.zones):
            for track, sector, count in _runs(zone, part):
                self._add(part, number, track, sector, lba)
                lba += count
        self.first_lba.append(lba)

    def _add(self, part: DiskPart, number: int, track: int, sector: int, lba: int) -> None:
        zone = part.zones[number]
        cylinder, surface = divmod(track, part.surfaces)
        per_cylinder = (part.surfaces - 1) * zone.track_skew_sectors + zone.cylinder_skew_sectors
        turned = sector + cylinder * per_cylinder + surface * zone.track_skew_sectors
        self.first_lba.append(lba)
        self.first_sector.append(sector)
        self.cylinder.append(zone.first_cylinder + cylinder)
        self.surface.append(surface)
        self.zone.append(number)
        self.sectors_per_track.append(zone.sectors_per_track)
        # Rounded down, here and wherever sectors become time: what follows on then never seems to be past already.
        self.angle_ns.append(turned % zone.sectors_per_track * self.revolution_ns // zone.sectors_per_track)

    def run_of(self, lba: int) -> int:
        """The number of the run that ``lba`` lies in."""
        return bisect_right(self.first_lba, lba) - 1

    def place_of(self, lba: int) -> Place:
        """Where ``lba`` lies."""
        run = self.run_of(lba)
        return Place(self.cylinder[run], self.surface[run], self.first_sector[run] + lba - self.first_lba[run])


def _runs(zone: DiskZone, part: DiskPart) -> Iterator[tuple[int, int, int]]:
    """The runs of a zone: the track, counted from the zone's first, the first sector on it, and how many follow."""
    track_sectors = zone.sectors_per_track
    range_sectors = part.spare_range_cylinders * part.surfaces * track_sectors
    end = zone.sectors(part.surfaces)
    breaks = set(zone.slipped_sectors)
    for start in range(0, end, range_sectors):
        # The last range of a zone may be cut short; then it has no spares.
        if start + range_sectors <= end:
            breaks.update(range(start + range_sectors - zone.spare_sectors, start + range_sectors))
    edges = sorted(breaks | set(range(0, end, track_sectors)) | {each + 1 for each in breaks} | {end})
    for first, after in pairwise(edges):
        if first not in breaks:
            yield first // track_sectors, first % track_sectors, after - first


@functools.lru_cache(maxsize=8)
def geometry_of(part: DiskPart) -> Geometry:
    """The geometry of ``part``, which all drives of that part share: it never changes."""
    return Geometry(part)
