"""What the files of an strace trace hold, so that a write of bytes becomes a write of sectors.

The rule that this module keeps: after every request, the file's place on the volume reads as the
file does, zeros from its end on. So a write that begins or ends inside a sector is widened to whole
sectors, with the file's content so far around it, as a page cache does. And what a file gives up
(it is truncated, deleted, a hole is punched) is overwritten with zeros: a volume has no file sizes,
and without this an old, longer content would come back when the file grows again.
"""

from __future__ import annotations

from collections.abc import Iterator

from deltabench.scenarios.traces.request import SECTOR_BYTES, Request
from deltabench.scenarios.traces.text import Line

_ZEROS = bytes(SECTOR_BYTES)


class MappedFile:
    """One file that has a place on the volume; its content starts empty.

    `first_lba` is where it begins, `room_sectors` how far it reaches at most (None: no limit but
    the volume), `next_name` the file that begins there.
    """

    def __init__(self, name: str, first_lba: int, room_sectors: int | None, next_name: str | None) -> None:
        self.name = name
        self.size_bytes = 0
        self._first_lba = first_lba
        self._room_sectors = room_sectors
        self._next_name = next_name
        self._sectors: dict[int, bytes] = {}

    def write(self, line: Line, offset: int, data: bytes, fua: bool) -> Request:
        """Put `data` (not empty) at byte `offset`; return the write of whole sectors.

        Raises TraceError if the file would grow into the next one's place.
        """
        end = offset + len(data)
        first, stop = self._span(line, offset, end)
        before = self._sector(first)[: offset % SECTOR_BYTES]
        after = self._sector(stop - 1)[end % SECTOR_BYTES :] if end % SECTOR_BYTES else b""
        whole = before + data + after
        sectors = tuple(whole[i : i + SECTOR_BYTES] for i in range(0, len(whole), SECTOR_BYTES))
        self._sectors.update(zip(range(first, stop), sectors, strict=True))
        self.size_bytes = max(self.size_bytes, end)
        return Request("write", self._first_lba + first, stop - first, sectors, fua)

    def read(self, line: Line, offset: int, count: int) -> Request:
        """Return the read of the sectors that `count` bytes (not 0) from `offset` lie in."""
        first, stop = self._span(line, offset, offset + count)
        return Request("read", self._first_lba + first, stop - first, None)

    def content(self, offset: int, count: int) -> bytes:
        """Return `count` bytes from byte `offset`, as far as the trace has said what they are."""
        if count == 0:
            return b""
        first, stop = offset // SECTOR_BYTES, -(-(offset + count) // SECTOR_BYTES)
        whole = b"".join(self._sector(index) for index in range(first, stop))
        return whole[offset - first * SECTOR_BYTES :][:count]

    def clear(self, start: int, end: int | None) -> Iterator[Request]:
        """Zero the bytes from `start` to `end` (None: all); yield a write for each run of sectors.

        Sectors that are zero already are not written.
        """
        run: dict[int, bytes] = {}
        for index in sorted(self._sectors):
            cleared = self._cleared(index, start, end)
            if cleared == self._sectors[index]:
                continue
            if run and index - 1 not in run:
                yield self._zero_run(run)
                run = {}
            run[index] = cleared
        if run:
            yield self._zero_run(run)

    def truncate(self, size_bytes: int) -> Iterator[Request]:
        """Make the file `size_bytes` long; yield what zeroes the content that it gives up."""
        yield from self.clear(size_bytes, None)
        self.size_bytes = size_bytes

    def _cleared(self, index: int, start: int, end: int | None) -> bytes:
        sector = self._sectors[index]
        origin = index * SECTOR_BYTES
        head = min(max(start - origin, 0), SECTOR_BYTES)
        tail = SECTOR_BYTES if end is None else min(max(end - origin, head), SECTOR_BYTES)
        return sector[:head] + bytes(tail - head) + sector[tail:]

    def _zero_run(self, run: dict[int, bytes]) -> Request:
        self._sectors.update(run)
        return Request("write", self._first_lba + min(run), len(run), tuple(run.values()))

    def _sector(self, index: int) -> bytes:
        return self._sectors.get(index, _ZEROS)

    def _span(self, line: Line, offset: int, end: int) -> tuple[int, int]:
        first, stop = offset // SECTOR_BYTES, -(-end // SECTOR_BYTES)
        if self._room_sectors is not None and stop > self._room_sectors:
            raise line.error(
                f"{self.name} reaches sector {stop}, but has room for {self._room_sectors} from "
                f"LBA {self._first_lba} to where {self._next_name} begins; move that one up in "
                "`files`"
            )
        return first, stop
