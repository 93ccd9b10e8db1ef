"""Real parts: what the datasheet says of a NOR flash, an NVRAM or a disk, figure by figure."""

from deltabench.hwsim.parts.kinds import (
    KINDS,
    DiskPart,
    DiskZone,
    Figure,
    NorPart,
    NvramPart,
    Part,
    PartError,
    field_table,
    figures_of,
)
from deltabench.hwsim.parts.reading import UnknownPart, list_parts, load_part

__all__ = [
    "KINDS",
    "DiskPart",
    "DiskZone",
    "Figure",
    "NorPart",
    "NvramPart",
    "Part",
    "PartError",
    "UnknownPart",
    "field_table",
    "figures_of",
    "list_parts",
    "load_part",
]
