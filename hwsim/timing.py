"""How long operations of the parts take: what their datasheets say, typical or longest, in whole nanoseconds.

A flash or NVRAM is on a serial bus and keeps the controller waiting until it is done; a disk works in the background on
what its buffer holds (hwsim/drive).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final, cast

from deltabench.hwsim.clock import NS_PER_S, MediaTime
from deltabench.hwsim.disk import SECTOR_BYTES, Disk
from deltabench.hwsim.drive.drive import Drive
from deltabench.hwsim.medium import Medium, Operation
from deltabench.hwsim.nor import NorFlash
from deltabench.hwsim.nvram import Nvram
from deltabench.hwsim.parts import NorPart, NvramPart

FAST_READ_CLOCKS: Final = 8 + 24 + 8
"""Opcode, address and dummy clocks of Fast Read, 0Bh (W25Q64JV datasheet rev. J, 8.2.9)."""
COMMAND_CLOCKS: Final = 8 + 24
WRITE_ENABLE_CLOCKS: Final = 8
STATUS_CLOCKS: Final = 16
"""Read Status Register-1, which says that a program or erase is over."""


class Timing(ABC):
    """When an operation that begins at ``at_ns`` lets the controller go on."""

    def power_on(self) -> None:  # noqa: B027 - to do nothing is right for most
        """Begin anew; most parts do nothing that outlasts an operation."""

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
        self._program_ns = 1000 * (part.page_program_typ_us if typical else part.page_program_max_us)
        self._erase_ns = 1000 * (part.sector_erase_typ_us if typical else part.sector_erase_max_us)

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


class NvramTiming(Timing):
    """NVRAM: each word takes its time, read or written."""

    def __init__(self, part: NvramPart) -> None:
        self._word_bytes = part.word_bytes
        self._word_ns = part.write_word_ns

    def read(self, address: int, length: int, at_ns: int) -> int:
        return at_ns + -(-length // self._word_bytes) * self._word_ns

    def change(self, operation: Operation, at_ns: int) -> int:
        return self.read(operation.address, operation.length, at_ns)


class DiskTiming(Timing):
    """A disk drive: mechanics and buffer."""

    def __init__(self, disk: Disk) -> None:
        self._part = disk.part
        self._drive = Drive(disk.part)

    def power_on(self) -> None:
        """The buffer is empty; that the spindle has to come up to speed first takes no time here."""
        self._drive = Drive(self._part)

    def read(self, address: int, length: int, at_ns: int) -> int:
        return self._drive.read(address, length, at_ns)

    def change(self, operation: Operation, at_ns: int) -> int:
        if operation.kind == "flush cache":
            return self._drive.flush(at_ns)
        return self._drive.write(operation.address, operation.length, at_ns, fua=operation.kind == "write FUA")


def timing_of(medium: Medium, media_time: MediaTime) -> Timing:
    """The timing of a medium, from its part."""
    if isinstance(medium, NorFlash):
        return NorTiming(medium.part, media_time)
    if isinstance(medium, Nvram):
        return NvramTiming(medium.part)
    return DiskTiming(cast(Disk, medium))


def bytes_per_address(medium: Medium) -> int:
    """What one unit of a medium's addresses holds."""
    return SECTOR_BYTES if isinstance(medium, Disk) else 1
