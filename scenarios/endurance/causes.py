"""What wears a cell: which atom or region it belongs to, and what that is written for."""

from __future__ import annotations

from typing import Final

from deltabench.firmware_model.atoms.twin import slot_bytes
from deltabench.firmware_model.label import IDENTITY_ATOM
from deltabench.firmware_model.schemes.scheme import MapScheme
from deltabench.hwsim.disk import Disk
from deltabench.hwsim.nor import NorFlash
from deltabench.scenarios.documents import FlashSummary
from deltabench.scenarios.endurance.device import Device
from deltabench.scenarios.endurance.flash import Flash
from deltabench.scenarios.endurance.kernel import FLAGGED, PLAIN, VERSIONED
from deltabench.scenarios.endurance.state import Shape, State
from deltabench.scenarios.endurance.wear import atom_writes, flash_summaries
from deltabench.scenarios.flash_use import HOST

PURPOSES: Final = {
    "entries": "first writes",
    "orders": "saves and restores",
    "labels": "data after a save or restore",
}
"""The words for the fields of AtomWrites."""
ON_NAND: Final = {HOST: "host data and maps", "collected": "garbage collection", "levelled": "wear levelling"}
"""The words for causes of pages, where they are others."""


def cause_of(device: Device, state: State, flash: Flash, name: str, address: int) -> str:
    """Why the cell at ``address`` of the device ``name`` was worn, in a few words."""
    maps = device.layout.maps
    for summary in flash_summaries(device, flash):
        if summary.device == name:
            return _cause_on_nand(summary)
    if name == maps.device and maps.first <= address < maps.first + maps.length:
        return _cause_in_maps(device, state, address)
    for region in device.layout.regions:
        if name == region.device and region.first <= address < region.first + region.length:
            return region.name
    raise AssertionError("what is written lies in a region")


def _cause_on_nand(flash: FlashSummary) -> str:
    """Blocks take turns with all that is written: what most pages are for."""
    if not flash.host_pages:
        return "checkpoints"
    most = max(flash.pages, key=lambda cause: flash.pages[cause])
    return f"{ON_NAND.get(most, most)}, {100 * flash.pages[most] / flash.programmed_pages:.0f} % of pages"


def _cause_in_maps(device: Device, state: State, address: int) -> str:
    writes = atom_writes(device.shape, state)
    medium = device.board.media[device.layout.maps.device]
    if isinstance(medium, NorFlash):
        # A log takes atoms as they come: its sectors are worn by all of them.
        sums = {purpose: int(getattr(writes, field).sum()) for field, purpose in PURPOSES.items()}
        purpose = max(sums, key=lambda purpose: sums[purpose])
        return f"{purpose}, {100 * sums[purpose] / sum(sums.values()):.0f} % of atoms"
    size = 1 if isinstance(medium, Disk) else slot_bytes(device.config.atom_bytes)
    # A word may begin before the region that it reaches into.
    atom = max(0, address - device.layout.maps.first) // size // 2
    purpose = max(PURPOSES, key=lambda field: int(getattr(writes, field)[atom]))
    return f"{atom_name(device.shape, atom)}: {PURPOSES[purpose]}"


def atom_name(shape: Shape, atom: int) -> str:
    """What an atom of the map store is."""
    if atom == IDENTITY_ATOM:
        return "identity"
    block = atom - MapScheme.FIRST_ATOM
    if shape.scheme != PLAIN:
        if block == 0:
            return "control atom" if shape.scheme == FLAGGED else "system atom"
        block -= 1
    if shape.scheme >= VERSIONED:
        return f"entry block {block}"
    return f"VSM block {block}" if block < shape.blocks else f"DDM block {block - shape.blocks}"
