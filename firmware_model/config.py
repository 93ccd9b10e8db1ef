"""What is configured into the firmware at build time."""

from __future__ import annotations

import enum
from typing import Annotated, Literal

import msgspec

VOLUME_ID = b"DELTA1"
"""Volume id where a scenario gives none: it only has to differ between devices that might be swapped."""


Units = Annotated[int, msgspec.Meta(ge=1, le=1 << 20)]
SectorsPerUnit = Annotated[int, msgspec.Meta(ge=1, le=256)]


class StoreKind(enum.Enum):
    """The medium of the map store."""

    NVRAM = "nvram"
    DISK = "disk"
    NOR = "nor"
    NAND = "nand"


class CacheMode(enum.Enum):
    """When a write is acknowledged (rule 2)."""

    WRITE_THROUGH = "write-through"
    WRITE_BACK = "write-back"


class Placement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where something lies: ``device`` of the board, and the first sector or byte; by default behind what is there."""

    device: str | None = None
    start: Annotated[int, msgspec.Meta(ge=0)] | None = None


class FirmwareConfig(msgspec.Struct, frozen=True, cache_hash=True, forbid_unknown_fields=True, kw_only=True):
    """Build-time settings.

    ``scheme``: plain, flagged, versioned, history, or ``module:Class``.  ``units`` of ``sectors_per_unit`` sectors make
    the logical volume.  ``atom_bytes``: payload of a map-store atom.  ``log_records``: room in the log of a NOR map
    store before it is compacted.  ``version_bits``: width of a unit's version.  ``cache_sectors``: size of the write
    cache in ``write-back``.  ``debounce_ms``: how long a switch must be steady.
    ``over_provisioning``: pages of NAND flash beyond its capacity, in percent of it.  ``checkpoint_blocks``: blocks of
    NAND flash that are filled between two checkpoints of its translation layer.
    ``volume_id``: at most six bytes of UTF-8.  ``remote``: the serial line that a handheld remote is heard on.
    """

    scheme: str = "flagged"
    store: StoreKind = StoreKind.NOR
    units: Units = 64
    sectors_per_unit: SectorsPerUnit = 1
    cache: CacheMode = CacheMode.WRITE_THROUGH
    cache_sectors: Annotated[int, msgspec.Meta(ge=1)] = 64
    atom_bytes: Annotated[int, msgspec.Meta(ge=10, le=506)] = 10
    log_records: Annotated[int, msgspec.Meta(ge=1)] = 128
    version_bits: Literal[8, 16, 32] = 8
    debounce_ms: Annotated[int, msgspec.Meta(ge=1)] = 10
    over_provisioning: Annotated[int, msgspec.Meta(ge=1, le=400)] = 10
    checkpoint_blocks: Annotated[int, msgspec.Meta(ge=1)] = 32
    volume_id: Annotated[str, msgspec.Meta(max_length=6)] | None = None
    remote: str | None = None
    maps: Placement = Placement()
    volume_a: Placement = Placement()
    volume_b: Placement = Placement()

    @property
    def volume_sectors(self) -> int:
        """Sectors of the logical volume."""
        return self.units * self.sectors_per_unit

    @property
    def volume_id_bytes(self) -> bytes:
        """The six bytes of the volume id."""
        return VOLUME_ID if self.volume_id is None else self.volume_id.encode()[:6].ljust(6, b"\0")
