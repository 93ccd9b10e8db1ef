"""Real parts: what the datasheet says of NOR or NAND flash, an NVRAM, a disk or a microcontroller, figure by figure."""

from deltabench.hwsim.parts.kinds import (
    KINDS,
    DiskPart,
    DiskZone,
    Figure,
    FlashBank,
    McuPart,
    NandPart,
    NorPart,
    NvramPart,
    Pairing,
    Part,
    PartError,
    StoragePart,
    field_table,
    figures_of,
)
from deltabench.hwsim.parts.reading import UnknownPart, is_part_file, list_parts, load_part

__all__ = [
    "KINDS",
    "DiskPart",
    "DiskZone",
    "Figure",
    "FlashBank",
    "McuPart",
    "NandPart",
    "NorPart",
    "NvramPart",
    "Pairing",
    "Part",
    "PartError",
    "StoragePart",
    "UnknownPart",
    "field_table",
    "figures_of",
    "is_part_file",
    "list_parts",
    "load_part",
]
