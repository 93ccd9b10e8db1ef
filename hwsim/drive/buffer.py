"""The drive's buffer: segments that hold what was read ahead or written, and the writes that are not on the media yet.

A segment holds consecutive sectors.  What the host has read of it is given up, and its room goes to sectors further on;
so the same sectors read again come from the media.  A new segment takes the place of the one that was used longest ago
(Ruemmler and Wilkes, "An introduction to disk drive modeling", IEEE Computer 27(3), 1994, on caching of requests).
"""

from __future__ import annotations

from deltabench.hwsim.parts import DiskPart


class Segment:
    """Consecutive sectors in the buffer, from ``first`` up to but without ``end``."""

    __slots__ = ("end", "first")

    def __init__(self, first: int, end: int) -> None:
        self.first = first
        self.end = end


class Segments:
    """The segments for reads, the one that was used last in front."""

    __slots__ = ("_limit", "_segments")

    def __init__(self, part: DiskPart) -> None:
        self._limit = part.cache_segments
        self._segments: list[Segment] = []

    def holding(self, lba: int, end: int) -> Segment | None:
        """The segment that holds all sectors from ``lba`` up to ``end``; it has been used now."""
        for segment in self._segments:
            if segment.first <= lba and end <= segment.end:
                if segment is not self._segments[0]:
                    self._segments.remove(segment)
                    self._segments.insert(0, segment)
                return segment
        return None

    def open(self, first: int, end: int) -> Segment:
        """A new segment, in the place of the one that was used longest ago."""
        segment = Segment(first, end)
        self._segments.insert(0, segment)
        del self._segments[self._limit :]
        return segment

    def forget(self, lba: int, end: int) -> None:
        """Give up each segment that holds any sector from ``lba`` up to ``end``: it is being written anew."""
        for segment in self._segments:
            if segment.first < end and lba < segment.end:
                self._segments = [each for each in self._segments if each.first >= end or lba >= each.end]
                return


class PendingWrites:
    """Writes that were acknowledged and are not on the media, oldest first, as pairs of first LBA and count."""

    __slots__ = ("limit", "sectors", "writes")

    def __init__(self, part: DiskPart) -> None:
        self.limit = part.write_segments * part.cache_segment_sectors
        """Sectors that fit."""
        self.sectors = 0
        self.writes: list[tuple[int, int]] = []

    def touch(self, lba: int, end: int) -> bool:
        """Whether any sector from ``lba`` up to ``end`` is pending."""
        return any(first < end and lba < first + count for first, count in self.writes)

    def hold(self, lba: int, end: int) -> bool:
        """Whether one pending write has all sectors from ``lba`` up to ``end``."""
        return any(first <= lba and end <= first + count for first, count in self.writes)

    def add(self, lba: int, count: int) -> None:
        """Take a write: over the same sectors if they are pending, behind the last write if it goes on from there."""
        if self.writes:
            if self.hold(lba, lba + count):
                return
            first, length = self.writes[-1]
            self.sectors += count
            if first + length == lba:
                self.writes[-1] = (first, length + count)
            else:
                self.writes.append((lba, count))
            return
        self.sectors = count
        self.writes.append((lba, count))

    def take(self) -> tuple[int, int]:
        """The oldest write, which is pending no longer."""
        first, count = self.writes.pop(0)
        self.sectors -= count
        return first, count
