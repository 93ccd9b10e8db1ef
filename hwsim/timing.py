"""How long operations of the parts take: what their datasheets say, typical or longest, in whole nanoseconds.

A NOR flash or NVRAM is on a serial bus, a NAND flash on a parallel one, and each keeps the controller waiting until it
is done; a disk works in the background on what its buffer holds (hwsim/drive).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final, cast

from deltabench.hwsim.clock import NS_PER_S, NS_PER_US, MediaTime
from deltabench.hwsim.disk import SECTOR_BYTES, Disk
from deltabench.hwsim.drive.drive import Drive
from deltabench.hwsim.drive.mechanics import seek_table_ns
from deltabench.hwsim.medium import Medium, Operation
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nor import NorFlash
from deltabench.hwsim.nvram import Nvram
from deltabench.hwsim.parts import DiskPart, NandPart, NorPart, NvramPart

FAST_READ_CLOCKS: Final = 8 + 24 + 8
"""Opcode, address and dummy clocks of Fast Read, 0Bh (W25Q64JV datasheet rev. J, 8.2.9)."""
COMMAND_CLOCKS: Final = 8 + 24
WRITE_ENABLE_CLOCKS: Final = 8
FLUSH: Final = "flush cache"
WRITE_FUA: Final = "write FUA"
STATUS_CLOCKS: Final = 16
"""Read Status Register-1, which says that a program or erase is over."""
NAND_COMMANDS: Final = 2
"""One before the address and one behind it or the data: 00h 30h, 80h 10h, 60h D0h (ONFI 1.0, command set)."""
NAND_STATUS: Final = 2
"""Read Status, 70h, and what it reads."""


class Timing(ABC):
    """When an operation that begins at ``at_ns`` lets the controller go on."""

    @abstractmethod
    def read(self, address: int, length: int, at_ns: int) -> int:
        """A read of ``length`` from ``address``, in the medium's units."""

    @abstractmethod
    def change(self, operation: Operation, at_ns: int) -> int:
        """An operation that changes the medium."""


class NorTiming(Timing):
    """Serial NOR flash on one data line in each direction."""

    def __init__(self, part: NorPart, media_time: MediaTime) -> None:
        typical = media_time is MediaTime.TYPICAL
        self._clock_hz = part.clock_hz
        self._page_ns: dict[int, int] = {}
        self._program_ns = NS_PER_US * (part.page_program_typ_us if typical else part.page_program_max_us)
        self._erase_ns = NS_PER_US * (part.sector_erase_typ_us if typical else part.sector_erase_max_us)

    def read(self, address: int, length: int, at_ns: int) -> int:
        return at_ns + self._bus_ns(FAST_READ_CLOCKS + 8 * length)

    def change(self, operation: Operation, at_ns: int) -> int:
        """The datasheet's time for a page counts for any part of a page, too: it says nothing better."""
        clocks, length = WRITE_ENABLE_CLOCKS + COMMAND_CLOCKS + STATUS_CLOCKS, operation.length
        if operation.kind == "erase":
            return at_ns + self._bus_ns(clocks) + self._erase_ns
        ns = self._page_ns.get(length)
        if ns is None:
            ns = self._page_ns[length] = self._bus_ns(clocks + 8 * length) + self._program_ns
        return at_ns + ns

    def _bus_ns(self, clocks: int) -> int:
        return clocks * NS_PER_S // self._clock_hz


class NandTiming(Timing):
    """NAND flash on its parallel bus, one plane at a time; a page goes over the bus with its spare bytes."""

    def __init__(self, part: NandPart, media_time: MediaTime) -> None:
        typical = media_time is MediaTime.TYPICAL
        program_us = part.page_program_typ_us if typical else part.page_program_max_us
        erase_us = part.block_erase_typ_us if typical else part.block_erase_max_us
        address, data = part.column_cycles + part.row_cycles, part.page_bytes + part.spare_bytes
        cycle_ns = part.bus_byte_ns
        self._read_ns = NS_PER_US * part.read_page_us + cycle_ns * (NAND_COMMANDS + address + data)
        self._program_ns = NS_PER_US * program_us + cycle_ns * (NAND_COMMANDS + address + data + NAND_STATUS)
        self._erase_ns = NS_PER_US * erase_us + cycle_ns * (NAND_COMMANDS + part.row_cycles + NAND_STATUS)

    def read(self, address: int, length: int, at_ns: int) -> int:
        return at_ns + length * self._read_ns

    def change(self, operation: Operation, at_ns: int) -> int:
        """Any part of a page takes the time of all of it: the datasheet says nothing better."""
        return at_ns + (self._erase_ns if operation.kind == "erase" else self._program_ns)


class NvramTiming(Timing):
    """NVRAM: each word that is touched takes its time, read or written."""

    def __init__(self, part: NvramPart) -> None:
        self._word_bytes = part.word_bytes
        self._word_ns = part.write_word_ns

    def read(self, address: int, length: int, at_ns: int) -> int:
        words = -(-(address + length) // self._word_bytes) - address // self._word_bytes if length else 0
        return at_ns + words * self._word_ns

    def change(self, operation: Operation, at_ns: int) -> int:
        return self.read(operation.address, operation.length, at_ns)


class DiskTiming(Timing):
    """A disk drive: mechanics and buffer."""

    def __init__(self, part: DiskPart) -> None:
        self._drive = Drive(part)

    def read(self, address: int, length: int, at_ns: int) -> int:
        return self._drive.read(address, length, at_ns) if length else at_ns

    def change(self, operation: Operation, at_ns: int) -> int:
        if operation.kind == FLUSH:
            return self._drive.flush(at_ns)
        if not operation.length:
            return at_ns
        return self._drive.write(operation.address, operation.length, at_ns, fua=operation.kind == WRITE_FUA)


class SlowestDisk(Timing):
    """A disk drive at its worst: every access is to the other end, and just misses its sector.

    What is in its buffer stays there until the host flushes it, and keeps every other command waiting.
    """

    def __init__(self, part: DiskPart) -> None:
        turn_ns = 60 * NS_PER_S // part.rpm
        fewest = min(zone.sectors_per_track for zone in part.zones)
        overhead_us = part.cylinder_overhead_us + part.zone_overhead_us
        longest_us = max(part.read_hit_overhead_us, part.read_miss_overhead_us, part.write_overhead_us) + overhead_us
        self._overhead_ns = NS_PER_US * longest_us
        settle_ns = NS_PER_US * (part.track_settle_us + part.write_settle_us)
        self._access_ns = max(seek_table_ns(part)) + settle_ns + turn_ns
        # On every track that a transfer goes over it waits for a whole turn once more, and it turns while it transfers.
        self._track_ns = 2 * turn_ns + NS_PER_US * part.head_switch_us + settle_ns
        self._fewest = fewest
        self._bus_ns = part.bus_sector_ns
        self._room = part.write_segments * part.cache_segment_sectors if part.write_cache else 0
        self._buffered: list[int] = []

    def read(self, address: int, length: int, at_ns: int) -> int:
        return at_ns + self._backlog_ns() + self._on_media(length) if length else at_ns

    def change(self, operation: Operation, at_ns: int) -> int:
        length = operation.length
        if operation.kind == FLUSH:
            at_ns += self._backlog_ns() + self._overhead_ns
            self._buffered.clear()
            return at_ns
        if operation.kind == WRITE_FUA or length > self._room:
            return at_ns + self._backlog_ns() + self._on_media(length)
        if sum(self._buffered) + length > self._room:
            at_ns += self._backlog_ns()
        while sum(self._buffered) + length > self._room:
            self._buffered.pop(0)
        self._buffered.append(length)
        return at_ns + self._overhead_ns + length * self._bus_ns

    def _on_media(self, sectors: int) -> int:
        tracks = -(-sectors // self._fewest) + 1
        return self._overhead_ns + self._access_ns + tracks * self._track_ns + sectors * self._bus_ns

    def _backlog_ns(self) -> int:
        """What a command may have to wait for: nothing of what is buffered has been written out behind the host."""
        return sum(self._on_media(sectors) for sectors in self._buffered)


def timing_of(medium: Medium, media_time: MediaTime) -> Timing:
    """The timing of a medium, from its part."""
    if isinstance(medium, NorFlash):
        return NorTiming(medium.part, media_time)
    if isinstance(medium, NandFlash):
        return NandTiming(medium.part, media_time)
    if isinstance(medium, Nvram):
        return NvramTiming(medium.part)
    part = cast(Disk, medium).part
    return DiskTiming(part) if media_time is MediaTime.TYPICAL else SlowestDisk(part)


def bytes_per_address(medium: Medium) -> int:
    """What one unit of a medium's addresses holds."""
    if isinstance(medium, NandFlash):
        return medium.part.page_bytes
    return SECTOR_BYTES if isinstance(medium, Disk) else 1
