"""A disk drive in time: one command after the other, while the arm works on behind them.

A command is taken up when the one before it is done.  What the drive does meanwhile (it reads on after a read, and
writes out what it acknowledged from its buffer) is worked out when the next command comes: up to its arrival, no
further.  The order is Ruemmler and Wilkes', "An introduction to disk drive modeling", IEEE Computer 27(3), 1994:
overhead, then seek or head switch, then rotation, then transfer, over a bus that is busy while the media are read.

Time is a count of ns.  There is no chance in it: the same commands at the same times take the same time.
"""

from __future__ import annotations

from deltabench.hwsim.clock import NS_PER_US
from deltabench.hwsim.drive.buffer import PendingWrites, Segment, Segments
from deltabench.hwsim.drive.mechanics import Mechanics
from deltabench.hwsim.errors import HardwareError
from deltabench.hwsim.parts import DiskPart


class BeyondDriveError(HardwareError):
    """A command names sectors that the drive does not have."""


class Drive:
    """The time that one disk drive takes. ``ready_ns`` is when it takes up the next command."""

    __slots__ = (
        "_arm_free",
        "_bus",
        "_cylinder_overhead",
        "_filling",
        "_hit_overhead",
        "_mechanics",
        "_miss_overhead",
        "_next_lba",
        "_next_ns",
        "_pending",
        "_read_ahead",
        "_read_to",
        "_segments",
        "_write_overhead",
        "_zone_overhead",
        "part",
        "ready_ns",
    )

    def __init__(self, part: DiskPart) -> None:
        self.part = part
        self.ready_ns = 0
        self._mechanics = Mechanics(part)
        self._segments = Segments(part)
        self._pending = PendingWrites(part)
        self._arm_free = 0
        # The segment that is being read ahead, its next sector, when that comes under the head, and where to stop.
        self._filling: Segment | None = None
        self._next_lba = self._next_ns = self._read_to = 0
        self._read_ahead = part.read_ahead_sectors
        self._bus = part.bus_sector_ns
        self._hit_overhead = part.read_hit_overhead_us * NS_PER_US
        self._miss_overhead = part.read_miss_overhead_us * NS_PER_US
        self._write_overhead = part.write_overhead_us * NS_PER_US
        self._cylinder_overhead = part.cylinder_overhead_us * NS_PER_US
        self._zone_overhead = part.zone_overhead_us * NS_PER_US

    def read(self, lba: int, count: int, at_ns: int) -> int:
        """When the last of ``count`` sectors is with the host, if the command arrives at ``at_ns``."""
        end = lba + count
        if lba < 0 or count < 1 or end > self.part.sectors:
            self._refuse("read", lba, count)
        start_ns = self._take_up(at_ns)
        segment = self._segments.holding(lba, end)
        if segment is not None:
            self.ready_ns = start_ns + self._hit_overhead + count * self._bus
            self._read_on(segment, lba, end, start_ns)
            return self.ready_ns
        filling = self._filling
        if filling is not None and filling.first <= lba < self._read_to:
            # What it is about to read ahead: the arm stays on its way.
            if filling.end == self._read_to:
                self._next_ns = self._mechanics.reach(start_ns, filling.end)
            self._read_to = max(self._read_to, end)
            self._fill(None, end)
            sent_ns = start_ns + self._hit_overhead + count * self._bus
            self.ready_ns = max(sent_ns, self._next_ns + self._bus)
            self._read_on(filling, lba, end, start_ns)
            return self.ready_ns
        self._filling = None
        if self._pending.writes and self._pending.touch(lba, end):
            start_ns = self._write_out(start_ns)
        begin_ns = start_ns + self._miss_overhead + self._way_overhead(lba)
        read_ns = self._mechanics.read(max(begin_ns, self._arm_free), lba, count)
        self.ready_ns = max(self._mechanics.sent_ns, read_ns + self._bus)
        self._arm_free = read_ns
        segment = self._segments.open(end, end)
        limit = min(lba + self._read_ahead, self.part.sectors)
        if limit > end and not self._pending.writes:
            self._filling, self._next_lba, self._next_ns, self._read_to = segment, end, read_ns, limit
        return self.ready_ns

    def write(self, lba: int, count: int, at_ns: int, *, fua: bool) -> int:
        """When ``count`` sectors are acknowledged, if the command arrives at ``at_ns``.

        They are in the buffer then or, with ``fua``, on the media; without a write cache they always are.
        """
        end = lba + count
        if lba < 0 or count < 1 or end > self.part.sectors:
            self._refuse("write", lba, count)
        start_ns = self._take_up(at_ns)
        self._filling = None
        self._segments.forget(lba, end)
        self._segments.open(lba, end)
        begin_ns = start_ns + self._write_overhead + self._way_overhead(lba)
        data_ns = begin_ns + count * self._bus
        pending = self._pending
        if fua or not self.part.write_cache or count > pending.limit:
            if pending.writes and pending.touch(lba, end):
                self._write_out(start_ns)
            if begin_ns < self._arm_free:
                begin_ns = self._arm_free
            self._arm_free = self.ready_ns = self._mechanics.write(begin_ns, lba, count, data_ns)
            return self.ready_ns
        if not pending.writes:
            self._arm_free = max(self._arm_free, data_ns)
        while pending.sectors + count > pending.limit:
            self._write_out_one()
            data_ns = max(data_ns, self._arm_free)
        pending.add(lba, count)
        self.ready_ns = data_ns
        return data_ns

    def flush(self, at_ns: int) -> int:
        """When all that was written is on the media, if the command arrives at ``at_ns``."""
        start_ns = self._take_up(at_ns)
        self._filling = None
        self.ready_ns = max(start_ns + self._write_overhead, self._write_out(start_ns))
        return self.ready_ns

    def _take_up(self, at_ns: int) -> int:
        """When the command of ``at_ns`` is taken up; what went on behind the host until then is done."""
        start_ns = at_ns if at_ns > self.ready_ns else self.ready_ns
        if self._filling is not None:
            self._fill(start_ns, self._read_to)
            self._arm_free = start_ns
        elif self._pending.writes:
            while self._pending.writes and self._arm_free < start_ns:
                self._write_out_one()
        return start_ns

    def _read_on(self, segment: Segment, lba: int, end: int, at_ns: int) -> None:
        """The host has read ``segment`` up to ``end``: go on reading it ahead, unless there are writes to be done."""
        segment.first = end
        limit = min(lba + self._read_ahead, self.part.sectors)
        if self._pending.writes or limit <= segment.end:
            return
        if segment is not self._filling or segment.end == self._read_to:
            # The arm is elsewhere, or has come to rest: it has to wait for the sector to come round again.
            self._filling, self._next_lba = segment, segment.end
            self._next_ns = self._mechanics.reach(max(at_ns, self._arm_free), segment.end)
        self._read_to = limit

    def _fill(self, until_ns: int | None, end: int) -> None:
        """Read ahead up to ``end``, or as far as it comes until ``until_ns``."""
        mechanics, filling = self._mechanics, self._filling
        assert filling is not None
        first, per_track = mechanics.geometry.first_lba, mechanics.geometry.sectors_per_track
        revolution = mechanics.geometry.revolution_ns
        lba, now_ns, run = self._next_lba, self._next_ns, mechanics.run
        while lba < end:
            if lba == first[run + 1]:
                run += 1
                now_ns = mechanics.next_run(now_ns, run)
            stop = min(first[run + 1], end)
            stop_ns = now_ns + (stop - lba) * revolution // per_track[run]
            if until_ns is not None and stop_ns > until_ns:
                read = max(0, until_ns - now_ns) * per_track[run] // revolution
                lba, now_ns = lba + read, now_ns + read * revolution // per_track[run]
                break
            lba, now_ns = stop, stop_ns
        filling.end = self._next_lba = lba
        self._next_ns = now_ns

    def _write_out(self, at_ns: int) -> int:
        """Write all that is pending; when it is written."""
        self._arm_free = max(self._arm_free, at_ns)
        while self._pending.writes:
            self._write_out_one()
        return self._arm_free

    def _write_out_one(self) -> None:
        lba, count = self._pending.take()
        self._arm_free = self._mechanics.write(self._arm_free, lba, count)

    def _way_overhead(self, lba: int) -> int:
        """What the drive works out more if the arm has to go to another cylinder, or to another zone."""
        cylinder, zone = self._mechanics.distance(lba)
        return (self._cylinder_overhead if cylinder else 0) + (self._zone_overhead if zone else 0)

    def _refuse(self, what: str, lba: int, count: int) -> None:
        raise BeyondDriveError(
            f"{self.part.name}: {what} of {count} sectors from {lba}; the drive has the sectors 0 to"
            f" {self.part.sectors - 1}, and a command names one or more of them"
        )
