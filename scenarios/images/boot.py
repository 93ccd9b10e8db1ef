"""Boots the firmware model on a board that holds an image, and says in words what it does."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import msgspec

from deltabench.firmware_model.atoms.nor import OPEN, PROVEN
from deltabench.firmware_model.config import StoreKind
from deltabench.firmware_model.configuration import DeviceEntry
from deltabench.firmware_model.controller import DeltaController, State
from deltabench.firmware_model.formats import NOR_RECORD
from deltabench.hwsim.board import Board, BoardSpec
from deltabench.hwsim.contents import contents, make_unreadable, put_contents
from deltabench.hwsim.disk import SECTOR_BYTES, UNCORRECTABLE, Disk
from deltabench.hwsim.medium import Operation
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.parts import DiskPart, NandPart, NorPart, NvramPart, StoragePart, load_part
from deltabench.scenarios.images.atoms import checked, number
from deltabench.scenarios.images.decode import Decoded, gaps
from deltabench.scenarios.images.documents import BootSeen, OperationSeen
from deltabench.scenarios.images.flash import Flash
from deltabench.scenarios.images.flash_pages import COPY, DATA, KINDS, Pages
from deltabench.scenarios.images.layer import Layer
from deltabench.scenarios.images.memory_image import MemoryImage
from deltabench.scenarios.images.places import LABELS, OF_SECTORS, Place, Places, nor_area, slot_bytes
from deltabench.scenarios.images.words import atom_name
from deltabench.scenarios.oracle import Violation
from deltabench.scenarios.rig import Rig, boot_limit

LATER_BOOTS: Final = 2
MOST_ATOMS: Final = 2
"""So many atoms in one page of NAND flash are named."""
MOST_CELLS: Final = 1 << 22
"""A board with more sectors, pages and rows than this is not put together for a look at an image."""
OUTCOMES: Final[dict[State, Literal["ready", "maps-lost", "refused", "read-only"]]] = {
    State.READY: "ready",
    State.MAPS_LOST: "maps-lost",
    State.REFUSED: "refused",
    State.READ_ONLY: "read-only",
}


class Booted(NamedTuple):
    """What a boot did; ``after``: labels and map store as it left them, None if it was not tried."""

    seen: BootSeen
    after: MemoryImage | None


def boot(decoded: Decoded) -> Booted:
    """Power the firmware on with what is in the image, three times; what it does is told, and nothing raised.

    A boot that goes on after its store has recovered leaves a log that the next one compacts; the third has no work.
    """
    why = _not_tried(decoded)
    if why:
        return Booted(BootSeen(outcome="not-tried", reason=why), None)
    places = decoded.places
    board = new_board(decoded)
    limit = boot_limit(board, places.firmware)
    rig = Rig(board, lambda: DeltaController(board, places.firmware), places.firmware.volume_sectors, limit)
    heard: list[Operation] = []
    try:
        controller = rig.power_on(listeners=[heard.append])
        assert isinstance(controller, DeltaController), "the rig makes no other"
        outcome, reason = controller.state, rig.reason(controller)[2:-1]
        found, after = _found(controller), _contents(board, places)
        later, differ = [], False
        for _ in range(LATER_BOOTS):
            board.lose_power()
            again = rig.power_on()
            assert isinstance(again, DeltaController), "the rig makes no other"
            later.append(board.rail.operations)
            differ |= _found(again) != found
    except Violation as violation:
        seen = BootSeen(
            outcome="stopped",
            reason=violation.detail,
            operations=_told(places, _contents(board, places), heard),
            limit=limit,
        )
        return Booted(seen, None)
    seen = BootSeen(
        outcome=OUTCOMES[outcome],
        reason=reason,
        operations=_told(places, after, heard),
        limit=limit,
        later=tuple(later),
        later_differ=differ,
    )
    return Booted(seen, after)


def _found(controller: DeltaController) -> tuple[int, ...]:
    """What a boot has come to."""
    maps = controller.maps
    return controller.state, maps.vsm, maps.ddm, maps.lost, maps.system_version


def new_board(decoded: Decoded) -> Board:
    """A board with parts as large as the firmware needs them, that hold labels, map store and volumes of the image."""
    places = decoded.places
    remote = places.firmware.remote
    board = Board(BoardSpec(devices={}, uarts=() if remote is None else (remote,)))
    board.cells.recording = False
    for device in dict.fromkeys(place.device for place in places.regions):
        board.attach(device.name, _part(places, device.name))
    for layer in decoded.layers:
        nand = None if layer is None else board.media[layer.flash.device.name]
        if layer is not None and isinstance(nand, NandFlash):
            _fill(nand, layer)
    for place in places.regions:
        medium = board.media[place.device.name]
        if isinstance(medium, NandFlash):
            continue
        for address, data in decoded.image.within(place.address, place.length).segments:
            put_contents(medium, address - place.device.address, data)
        if isinstance(medium, Disk):
            first_lba = place.first // SECTOR_BYTES
            for first, last in gaps(decoded.image, place):
                for sector in range(first, last):
                    make_unreadable(medium, first_lba + sector)
    return board


def _fill(nand: NandFlash, layer: Layer) -> None:
    """Put the pages of an image into a new part; of one that is not whole, what it lacks is uncorrectable."""
    cells, per_block = nand.cells, nand.pages_per_block
    for at in range(nand.size):
        page = layer.pages[at]
        if not page.blank:
            units = (UNCORRECTABLE if unit is None else unit for unit in (*page.sectors, page.spare_bytes))
            cells.put(nand.first + at, tuple(units))
            cells.put(nand.fill_of(at // per_block), at % per_block + 1)


def _cells(places: Places) -> int:
    behind = [place for place in places.regions if places.flash(place) is not None]
    ends = {place.device: 0 for place in places.regions}
    for flash in places.flashes:
        ends[flash.device] = flash.device.size_bytes
    for place in (place for place in places.regions if place not in behind):
        ends[place.device] = max(ends[place.device], place.first + place.length)
    sizes = {StoreKind.DISK: SECTOR_BYTES, StoreKind.NVRAM: 64}
    return sum(end // (sizes.get(device.kind) or device.program_bytes) for device, end in ends.items())


def _not_tried(decoded: Decoded) -> str:
    """Why a boot says nothing of this image; empty if it does."""
    places = decoded.places
    lacking = [what for what in decoded.missing if not what.startswith("volume")]
    if lacking:
        return f"the image lacks {' and '.join(lacking)}"
    if places.maps.device.kind not in OF_SECTORS:
        held = len(decoded.image.within(places.maps.address, places.maps.length))
        if held < places.maps.length:
            return f"the image has {held:,} of the {places.maps.length:,} bytes of the map store"
    if _cells(places) > MOST_CELLS:
        return "the volumes begin too far behind the start of their disks to be put on a board here"
    return ""


def _part(places: Places, name: str) -> StoragePart:
    """A part of just the size that is needed; its times and its endurance do not matter here."""
    regions = [place for place in places.regions if place.device.name == name]
    device, end = regions[0].device, max(place.first + place.length for place in regions)
    if device.kind is StoreKind.DISK:
        return _disk_part(-(-end // SECTOR_BYTES))
    if device.kind is StoreKind.NVRAM:
        word = device.program_bytes
        return NvramPart(name=name, size_bytes=-(-end // word) * word, word_bytes=word, write_word_ns=1)
    if device.kind is StoreKind.NAND:
        return _nand_part(device)
    return NorPart(
        name=name,
        size_bytes=-(-end // device.erase_bytes) * device.erase_bytes,
        page_bytes=device.program_bytes,
        sector_bytes=device.erase_bytes,
        page_program_typ_us=1,
        page_program_max_us=1,
        sector_erase_typ_us=1,
        sector_erase_max_us=1,
        clock_hz=1,
        endurance_cycles=1,
        retention_years=1,
        jedec_id=0,
    )


def _disk_part(sectors: int) -> DiskPart:
    disk = load_part("generic-disk")
    assert isinstance(disk, DiskPart), "it says so"
    (zone,) = disk.zones
    per_cylinder = disk.surfaces * zone.sectors_per_track
    cylinders = max(-(-sectors // per_cylinder), disk.cylinders)
    zone = msgspec.structs.replace(zone, last_cylinder=cylinders - 1)
    return msgspec.structs.replace(disk, sectors=sectors, cylinders=cylinders, zones=(zone,))


def _nand_part(device: DeviceEntry) -> NandPart:
    """The whole part: its translation layer is divided by its size."""
    spare = device.spare
    assert spare is not None, "it is NAND flash"
    return NandPart(
        name=device.name,
        page_bytes=device.program_bytes - spare.page_bytes,
        spare_bytes=spare.page_bytes,
        pages_per_block=device.erase_bytes // device.program_bytes,
        blocks=device.size_bytes // device.erase_bytes,
        planes=1,
        bits_per_cell=1 if spare.pairing == "none" else 2,
        pairing=spare.pairing,
        partial_programs=1,
        codeword_bytes=spare.codeword_bytes,
        ecc_bits=spare.ecc_bits,
        read_page_us=1,
        page_program_typ_us=1,
        page_program_max_us=1,
        block_erase_typ_us=1,
        block_erase_max_us=1,
        bus_byte_ns=20,
        endurance_cycles=1,
        retention_years=1,
        most_bad_blocks=spare.most_bad_blocks,
        id_bytes=0,
        rber_fresh_e12=0,
        rber_worn_e12=0,
        rber_retention_e12=0,
        rber_disturb_e12=0,
    )


def _contents(board: Board, places: Places) -> MemoryImage:
    """Labels and map store as they are now on the board, and all that lies on NAND flash with them."""
    pieces: list[tuple[int, bytes]] = []
    volumes = (places.volume_a, places.volume_b)
    for place in (place for place in places.stored if place not in volumes):
        held = contents(board.media[place.device.name], place.first, place.length)
        pieces += [(place.device.address + at, data) for at, data in held.pieces]
    return MemoryImage(pieces)


def _told(places: Places, after: MemoryImage, heard: list[Operation]) -> tuple[OperationSeen, ...]:
    return tuple(OperationSeen(operation=str(one), what=_what(places, after, one)) for one in heard)


def _what(places: Places, after: MemoryImage, operation: Operation) -> str:
    """What a media operation of a boot is for, from where it is."""
    flash = next((flash for flash in places.flashes if flash.device.name == operation.device), None)
    if flash is not None:
        return _on_nand(places, flash, after, operation)
    unit = SECTOR_BYTES if _is_disk(places, operation.device) else 1
    at = operation.address * unit
    place = next(
        (p for p in places.regions if p.device.name == operation.device and p.first <= at < p.first + p.length), None
    )
    if operation.kind == "flush cache" or place is None:
        return operation.kind
    if place in places.labels:
        return f"renews the label of {operation.device}"
    if place is not places.maps:
        return f"writes to {place.name}"
    if place.device.kind is StoreKind.NOR:
        return _on_nor(places, place, after, operation)
    step = SECTOR_BYTES if place.device.kind is StoreKind.DISK else slot_bytes(places.firmware)
    return f"writes {atom_name(places, (at - place.first) // step // 2)}"


def _is_disk(places: Places, name: str) -> bool:
    return any(device.name == name and device.kind is StoreKind.DISK for device in places.devices)


def _on_nor(places: Places, place: Place, after: MemoryImage, operation: Operation) -> str:
    area = nor_area(places.firmware, place.device, places.scheme.atoms)
    side, offset = divmod(operation.address - place.first, area.bytes)
    if operation.kind == "erase":
        return f"erases area {side} of the map store"
    if operation.length == 1 and offset in (PROVEN, OPEN):
        return f"marks area {side} as proven" if offset == PROVEN else f"marks the log of area {side} as open"
    if offset < area.log_start:
        return f"writes the checkpoint of area {side}"
    record = after.read(place.address + side * area.bytes + offset, area.slot_bytes)
    generation = after.read(place.address + side * area.bytes + 4, 4) or b""
    if record is not None and checked(record, int.from_bytes(generation, "little")):
        return f"appends {atom_name(places, number(NOR_RECORD, record, 'atom'))} to the log of area {side}"
    return f"appends to the log of area {side}"


def _on_nand(places: Places, flash: Flash, after: MemoryImage, operation: Operation) -> str:
    name, block = operation.device, operation.address // flash.pages_per_block
    if operation.kind == "erase":
        return f"erases block {block} of {name}"
    spare = Pages(after, flash)[operation.address].spare
    if spare is None or spare.kind not in KINDS:
        return f"programs a page of block {block} of {name}"
    if spare.kind not in (DATA, COPY):
        return f"writes {KINDS[spare.kind]} of {name}"
    return f"writes {logical_name(places, flash, spare.subject)} {'once more' if spare.kind == COPY else 'anew'}"


def logical_name(places: Places, flash: Flash, logical: int) -> str:
    """What lies in a logical page of a translation layer, by the regions that it holds sectors of."""
    first, end = logical * flash.page_bytes, (logical + 1) * flash.page_bytes
    found = [
        place
        for place in places.regions
        if place.device == flash.device and place.first < end and first < place.first + place.length
    ]
    names = []
    for place in found:
        if place is places.maps:
            start, stop = max(first - place.first, 0), min(end - place.first, place.length)
            atoms = [atom_name(places, atom) for atom in range(start // SECTOR_BYTES, -(-stop // SECTOR_BYTES))]
            names += atoms if len(atoms) <= MOST_ATOMS else ["atoms of the map store"]
        else:
            names.append(f"the label of {flash.device.name}" if place.name == LABELS else place.name)
    listed = " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
    return listed or f"logical page {logical}, which holds nothing"
