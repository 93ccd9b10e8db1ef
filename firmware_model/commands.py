"""Host commands in ATA terms (ATA/ATAPI-6, T13/1410D: command codes, Status and Error registers).

SAVE, RESTORE, STATUS and REMOTE STATUS are vendor-specific: codes 80h to 83h of the range that the standard leaves to
vendors.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple


class Opcode(enum.IntEnum):
    """Command register."""

    READ_DMA_EXT = 0x25
    WRITE_DMA_EXT = 0x35
    WRITE_DMA_FUA_EXT = 0x3D
    SAVE = 0x80
    RESTORE = 0x81
    STATUS = 0x82
    REMOTE_STATUS = 0x83
    FLUSH_CACHE_EXT = 0xEA
    IDENTIFY_DEVICE = 0xEC

    @property
    def title(self) -> str:
        """The command's name as the standard writes it."""
        return self.name.replace("_", " ")


WRITES: Final = (Opcode.WRITE_DMA_EXT, Opcode.WRITE_DMA_FUA_EXT)
MOST_SECTORS: Final = 65536
"""The 16-bit sector count of the EXT commands, where 0 stands for 65,536."""


class Status(enum.IntEnum):
    """Bits of the Status register."""

    ERR = 0x01
    DRDY = 0x40


_ERR: Final = Status.ERR
"""By a name of its own: in Python 3.11 looking up a member of an enumeration takes longer than all the rest."""


class Error(enum.IntFlag):
    """Error register, of a command that ended with ERR."""

    NONE = 0
    ABRT = 0x04
    IDNF = 0x10
    UNC = 0x40


@dataclass(frozen=True, slots=True)
class Command:
    """``count`` sectors from ``lba``; ``data`` holds the sectors of a write."""

    opcode: int
    lba: int = 0
    count: int = 0
    data: Sequence[bytes] = ()

    def __str__(self) -> str:
        try:
            name = Opcode(self.opcode).title
        except ValueError:
            return f"command {self.opcode:#04x}"
        return f"{name} LBA {self.lba}+{self.count}" if self.count else name


class Response(NamedTuple):
    """Registers after a command, and the sectors of a read.

    ``lba`` is the first sector in error, with UNC and IDNF.
    """

    status: int = Status.DRDY
    error: int = Error.NONE
    lba: int = 0
    data: Sequence[bytes] = ()

    @property
    def ok(self) -> bool:
        """Whether the command ended without error."""
        return not self.status & _ERR

    def __str__(self) -> str:
        return "ok" if self.ok else f"error {Error(self.error).name or self.error}"


DONE: Final = Response()
"""A command that ended well and returns nothing."""


def failed(error: Error, lba: int = 0) -> Response:
    """The response of a command that ended in an error."""
    return Response(Status.DRDY | Status.ERR, error, lba)


# Commands hold plain numbers: hashing and looking up members of an enumeration takes longer than most commands do.
_READ: Final = int(Opcode.READ_DMA_EXT)
_WRITE: Final = int(Opcode.WRITE_DMA_EXT)
_WRITE_FUA: Final = int(Opcode.WRITE_DMA_FUA_EXT)


def read(lba: int, count: int) -> Command:
    return Command(_READ, lba, count)


def write(lba: int, data: Sequence[bytes], *, fua: bool = False) -> Command:
    return Command(_WRITE_FUA if fua else _WRITE, lba, len(data), data)


FLUSH: Final = Command(int(Opcode.FLUSH_CACHE_EXT))
SAVE: Final = Command(int(Opcode.SAVE))
RESTORE: Final = Command(int(Opcode.RESTORE))
STATUS: Final = Command(int(Opcode.STATUS))
REMOTE_STATUS: Final = Command(int(Opcode.REMOTE_STATUS))
IDENTIFY: Final = Command(int(Opcode.IDENTIFY_DEVICE))
