"""What a media operation is about, from what lies at its address: ``VSM of units 0 to 79``, ``data of unit 9 (B)``.

Structures are found as docs/format.md has them (scenarios/images), not by asking the firmware.  Of a firmware with
structures of its own only the regions are known, and of one without a layout nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from deltabench.firmware_model.atoms.nor import OPEN
from deltabench.firmware_model.config import FirmwareConfig, Placement, StoreKind
from deltabench.firmware_model.configuration import Configuration, device_entry
from deltabench.firmware_model.controller import Controller
from deltabench.firmware_model.formats import NOR_RECORD
from deltabench.firmware_model.layout import LABEL, MAPS, Layout, Region
from deltabench.firmware_model.schemes import SCHEMES
from deltabench.hwsim.board import Board
from deltabench.hwsim.disk import Disk
from deltabench.hwsim.instability import Unstable
from deltabench.hwsim.medium import Change, Operation
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nand_pages import Units
from deltabench.scenarios.counterexamples import flash_naming
from deltabench.scenarios.images.atoms import number
from deltabench.scenarios.images.boot import MOST_ATOMS
from deltabench.scenarios.images.errors import ImageError
from deltabench.scenarios.images.places import Places, find_places, nor_area, slot_bytes
from deltabench.scenarios.images.units import shown_units
from deltabench.scenarios.images.words import atom_name, atom_says

ALIGNED: Final = 1 << 24
"""Devices lie one behind the other on a bus that is made up here, each at a multiple of this."""
DATA: Final = "data of"

HOUSEKEEPING: Final = ("checkpoint in area", "mark of area", "area", *flash_naming.HOUSEKEEPING)


def is_housekeeping(about: str) -> bool:
    """Whether an operation is about nothing in particular: it keeps the log of a flash going."""
    return about.startswith(HOUSEKEEPING)


def opens_block(about: str) -> bool:
    """Whether an operation erases a block of NAND flash, or writes its header."""
    return about.startswith(flash_naming.OPENING)


def layout_of(controller: Controller) -> Layout | None:
    """Where the firmware keeps what, if it has such a layout."""
    layout = getattr(controller, "layout", None)
    return layout if isinstance(layout, Layout) else None


def places_of(board: Board, firmware: FirmwareConfig, controller: Controller) -> Places | None:
    """Where its structures lie; None for a firmware whose structures are not ours, or too large to be decoded."""
    layout = layout_of(controller)
    scheme = _our_scheme(controller)
    if layout is None or scheme is None or firmware.remote is not None:
        # With a remote, the store has an atom more than images know of.
        return None
    home_a, home_b = layout.homes
    placed = msgspec.structs.replace(
        firmware,
        scheme=scheme,
        maps=Placement(device=layout.maps.device, start=layout.maps.first),
        volume_a=Placement(device=home_a.device, start=home_a.first_lba),
        volume_b=Placement(device=home_b.device, start=home_b.first_lba),
    )
    entries, address = [], 0
    for medium in board.media.values():
        entry = device_entry(medium, address)
        entries.append(entry)
        address += -(-entry.size_bytes // ALIGNED) * ALIGNED
    try:
        return find_places(Configuration(placed, tuple(entries)))
    except ImageError:
        return None


def _our_scheme(controller: Controller) -> str | None:
    """The name of the scheme of ours that the firmware has, or has made its own from."""
    kinds = type(getattr(controller, "maps", None)).__mro__
    return next((name for name, scheme in SCHEMES.items() if scheme in kinds), None)


class Names:
    """Names for the operations of one firmware on one board."""

    def __init__(self, board: Board, firmware: FirmwareConfig, controller: Controller) -> None:
        self._board = board
        self._firmware = firmware
        self._layout = layout_of(controller)
        self.places = places_of(board, firmware, controller)

    def region(self, device: str, address: int) -> str:
        """The region at an address; empty outside of all.  On NAND flash, addresses are sectors behind its layer."""
        region = self._region(device, address)
        return region.name if region else ""

    def of(self, operation: Operation, changes: Sequence[Change]) -> str:
        """What ``operation`` is about, of which ``changes`` are all that it does."""
        if operation.kind == "flush cache":
            return self._flushed(operation, changes)
        medium = self._board.media[operation.device]
        if isinstance(medium, NandFlash):
            return self._on_nand(medium, operation, changes)
        region = self._region(operation.device, operation.address)
        if region is None:
            return ""
        if region.name == LABEL:
            return f"label of {operation.device}"
        if region.name == MAPS:
            return self._in_maps(region, operation, changes) or "map store"
        return self._data(region, operation.address, operation.length)

    def page(self, nand: NandFlash, page: int, cell: object) -> str:
        """What a page of NAND flash is about that holds ``cell``; empty if it is blank, or not the firmware's."""
        found = flash_naming.written(cell, nand.units)
        return flash_naming.page_name(nand, page, found, lambda lbas, sectors: self._sectors(nand.name, lbas, sectors))

    def _on_nand(self, nand: NandFlash, operation: Operation, changes: Sequence[Change]) -> str:
        if operation.kind == "erase":
            return f"block {operation.address // nand.pages_per_block} of {nand.name}"
        cell = next((new for index, new in changes if index == nand.first + operation.address), None)
        return self.page(nand, operation.address, cell)

    def _sectors(self, device: str, lbas: Sequence[int], held: Units) -> str:
        """Sectors behind a translation layer, by the regions that they are in."""
        names: list[str] = []
        found = [(lba, sector, region) for lba, sector in zip(lbas, held, strict=False)
                 if (region := self._region(device, lba)) is not None]  # fmt: skip
        for region in dict.fromkeys(region for _, _, region in found):
            inside = [(lba, sector) for lba, sector, other in found if other == region]
            if region.name == LABEL:
                names.append(f"label of {device}")
            elif region.name != MAPS:
                names.append(self._data(region, inside[0][0], len(inside)))
            elif self.places is None or len(inside) > MOST_ATOMS:
                names.append("map store")
            else:
                size = self.places.firmware.atom_bytes
                names += [self._atom(self.places, lba - region.first, (sector or b"")[:size]) for lba, sector in inside]
        return " and ".join(names)

    def _flushed(self, operation: Operation, changes: Sequence[Change]) -> str:
        disk = self._board.media[operation.device]
        assert isinstance(disk, Disk), "only a disk has a cache"
        units: dict[str, int] = {}
        for cell, _ in changes:
            region = self._region(operation.device, cell - disk.first)
            if region is not None:
                unit = 0 if region.name in (LABEL, MAPS) else self._unit(region, cell - disk.first)
                units[region.name] = units.get(region.name, 0) | 1 << unit
        return ", ".join(
            name
            if name in (LABEL, MAPS)
            else f"{DATA} unit{'s' * (found.bit_count() > 1)} {shown_units(found)} ({name[-1]})"
            for name, found in units.items()
        )

    def _region(self, device: str, address: int) -> Region | None:
        regions = self._layout.regions if self._layout else ()
        return next((r for r in regions if r.device == device and r.first <= address < r.first + r.length), None)

    def _data(self, region: Region, address: int, length: int) -> str:
        first, last = self._unit(region, address), self._unit(region, address + length - 1)
        span = f"unit {first}" if first == last else f"units {first} to {last}"
        return f"{DATA} {span} ({region.name[-1]})"

    def _unit(self, region: Region, address: int) -> int:
        return (address - region.first) // self._firmware.sectors_per_unit

    def _in_maps(self, region: Region, operation: Operation, changes: Sequence[Change]) -> str:
        places = self.places
        if places is None:
            return ""
        at = operation.address - region.first
        if places.maps.device.kind is StoreKind.NOR:
            return self._in_log(places, at, operation, changes)
        step = 1 if places.maps.device.kind is StoreKind.DISK else slot_bytes(places.firmware)
        return self._atom(places, at // step // 2)

    def _in_log(self, places: Places, at: int, operation: Operation, changes: Sequence[Change]) -> str:
        area = nor_area(places.firmware, places.maps.device, places.scheme.atoms)
        side, offset = divmod(at, area.bytes)
        if operation.kind == "erase":
            return f"area {side} of the map store"
        if operation.length == 1 and offset < area.log_start:
            return f"mark of area {side}: its log is open" if offset == OPEN else f"mark of area {side}: it is proven"
        if offset < area.log_start:
            return f"checkpoint in area {side}"
        for _, value in changes:
            page = value.one if isinstance(value, Unstable) else value
            assert isinstance(page, bytes), "a page of NOR flash"
            start = operation.address % places.maps.device.program_bytes
            record = page[start : start + operation.length]
            if len(record) >= NOR_RECORD.fixed_bytes:
                payload = record[NOR_RECORD.fixed_bytes : NOR_RECORD.fixed_bytes + places.firmware.atom_bytes]
                return self._atom(places, number(NOR_RECORD, record, "atom"), payload)
        return f"log of area {side}"

    def _atom(self, places: Places, atom: int, payload: bytes = b"") -> str:
        name = atom_name(places, atom).removeprefix("the ")
        if atom == places.scheme.system and payload and places.firmware.scheme == "flagged":
            return f"{name}: {atom_says(places, atom, payload).partition(',')[0]}"
        return name
