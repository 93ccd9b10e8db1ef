"""Arm and platters: how long a drive takes to reach sectors, and to pass over them.

Seek times are interpolated between the measured points of the part; a change of head on the same cylinder takes the
head switch time; then the drive waits until the first sector comes round.  Time is a count of ns, and the platters are
at angle zero at time zero (Ruemmler and Wilkes, "An introduction to disk drive modeling", IEEE Computer 27(3), 1994).
"""

from __future__ import annotations

import functools
from itertools import pairwise

from deltabench.hwsim.clock import NS_PER_US
from deltabench.hwsim.drive.geometry import Geometry, geometry_of
from deltabench.hwsim.parts import DiskPart


@functools.lru_cache(maxsize=8)
def seek_table_ns(part: DiskPart) -> tuple[int, ...]:
    """The time of a seek over each number of cylinders: straight lines through the points of the seek curve."""
    points = [(0, 0), *((cylinders, us * NS_PER_US) for cylinders, us in part.seek_curve)]
    table = [0]
    for (near, near_ns), (far, far_ns) in pairwise(points):
        table += [near_ns + (far_ns - near_ns) * (d - near) // (far - near) for d in range(near + 1, far + 1)]
    # Beyond the last point the arm moves at its full speed: the last line goes on.
    slope_ns = table[-1] - table[-2]
    table += [table[-1] + slope_ns * d for d in range(1, part.cylinders - len(table) + 1)]
    return tuple(table)


class Mechanics:
    """The arm, over one run of sectors, and the platters that turn under it.

    ``run`` is where the arm is. ``sent_ns`` is when the last sector of the last transfer is over the bus, if the bus
    is slower than the media and each sector begins to go over it once it has been read.
    """

    __slots__ = (
        "_angle",
        "_bus",
        "_cylinder",
        "_first",
        "_found_lba",
        "_found_run",
        "_head_switch",
        "_per_track",
        "_revolution",
        "_seek",
        "_surface",
        "_track_settle",
        "_write_settle",
        "_zone",
        "geometry",
        "run",
        "sent_ns",
    )

    def __init__(self, part: DiskPart) -> None:
        self.geometry: Geometry = geometry_of(part)
        self.run = 0
        self.sent_ns = 0
        self._found_lba, self._found_run = -1, 0
        # Bound here because each request reads them.
        self._first = self.geometry.first_lba
        self._cylinder = self.geometry.cylinder
        self._surface = self.geometry.surface
        self._angle = self.geometry.angle_ns
        self._per_track = self.geometry.sectors_per_track
        self._revolution = self.geometry.revolution_ns
        self._seek = seek_table_ns(part)
        self._head_switch = part.head_switch_us * NS_PER_US
        self._track_settle = part.track_settle_us * NS_PER_US
        self._write_settle = part.write_settle_us * NS_PER_US
        self._zone = self.geometry.zone
        self._bus = part.bus_sector_ns

    def read(self, at_ns: int, lba: int, count: int) -> int:
        """Move to ``lba`` and read ``count`` sectors, across tracks and cylinders; when the last one has been read."""
        run = self._run_of(lba)
        revolution = self._revolution
        per_track = self._per_track[run]
        at_ns += max(self._move_ns(run), self._track_settle)
        left = lba - self._first[run]
        at_ns += (self._angle[run] + left * revolution // per_track - at_ns) % revolution
        left = self._first[run + 1] - lba
        sector_ns = revolution // per_track
        self.sent_ns = at_ns + sector_ns + count * self._bus
        while count > left:
            run += 1
            count -= left
            at_ns = self.next_run(at_ns + left * revolution // per_track, run)
            per_track = self._per_track[run]
            left = self._first[run + 1] - self._first[run]
            self.sent_ns = max(self.sent_ns, at_ns + sector_ns + count * self._bus)
        return at_ns + count * revolution // per_track

    def write(self, at_ns: int, lba: int, count: int, data_ns: int = 0) -> int:
        """Move to ``lba`` and write ``count`` sectors, which are all there at ``data_ns``; when the last is written."""
        run = self._run_of(lba)
        revolution = self._revolution
        per_track = self._per_track[run]
        moved_ns = self._move_ns(run)
        at_ns += (moved_ns if moved_ns > self._track_settle else self._track_settle) + self._write_settle
        if at_ns < data_ns:
            at_ns = data_ns
        left = lba - self._first[run]
        at_ns += (self._angle[run] + left * revolution // per_track - at_ns) % revolution
        left = self._first[run + 1] - lba
        while count > left:
            run += 1
            count -= left
            at_ns = self.next_run(at_ns + left * revolution // per_track, run, self._write_settle)
            per_track = self._per_track[run]
            left = self._first[run + 1] - self._first[run]
        return at_ns + count * revolution // per_track

    def reach(self, at_ns: int, lba: int) -> int:
        """Move to ``lba``; when it comes under the head."""
        return self.read(at_ns, lba, 0)

    def next_run(self, at_ns: int, run: int, settle_ns: int = 0) -> int:
        """Move from the end of the run before to the start of ``run``; when its first sector comes under the head."""
        moved_ns = self._move_ns(run)
        at_ns += moved_ns + settle_ns if moved_ns else 0
        return at_ns + (self._angle[run] - at_ns) % self._revolution

    def distance(self, lba: int) -> tuple[bool, bool]:
        """Whether ``lba`` is on another cylinder than the arm, and whether it is in another zone."""
        run, here = self._run_of(lba), self.run
        return self._cylinder[run] != self._cylinder[here], self._zone[run] != self._zone[here]

    def _run_of(self, lba: int) -> int:
        """The run that holds ``lba``; the same is as a rule asked for twice."""
        if lba != self._found_lba:
            self._found_lba, self._found_run = lba, self.geometry.run_of(lba)
        return self._found_run

    def _move_ns(self, run: int) -> int:
        """Put the arm over ``run``; what that takes: a seek, a change of head, or nothing."""
        here, self.run = self.run, run
        distance = self._cylinder[run] - self._cylinder[here]
        if distance:
            return self._seek[distance if distance > 0 else -distance]
        return self._head_switch if self._surface[run] != self._surface[here] else 0
