"""What the firmware keeps sectors on: a disk, or NAND flash behind its translation layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class SectorDevice(Protocol):
    """Sectors of 512 bytes, numbered from 0; ``size`` of them."""

    @property
    def name(self) -> str:
        """As the board calls it."""

    @property
    def size(self) -> int:
        """How many sectors there are."""

    def read(self, lba: int, count: int, /) -> list[bytes]:
        """``count`` sectors; raises UncorrectableError for the first that cannot be read."""

    def write(self, lba: int, sectors: Sequence[bytes], /, *, fua: bool) -> None:
        """Write; durable when it returns if ``fua``, and else after a flush.  UNCORRECTABLE makes a sector that."""

    def flush(self) -> None:
        """All that was written is durable when it returns."""
