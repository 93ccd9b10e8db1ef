"""Decodes labels and the map store of an image into atoms, by the tables of formats.py and nothing of the firmware.

Written beside the firmware's own readers, so that each can be held against the other.
"""

from __future__ import annotations

import zlib
from typing import Final, Literal, NamedTuple

from deltabench.firmware_model.config import StoreKind
from deltabench.firmware_model.formats import LABEL, NOR_AREA, NOR_RECORD, TWIN_SLOT, Format
from deltabench.hwsim.disk import SECTOR_BYTES
from deltabench.scenarios.images.documents import AreaSeen, LabelSeen, RecordSeen, SlotSeen
from deltabench.scenarios.images.flash import CRC_BYTES
from deltabench.scenarios.images.memory_image import MemoryImage
from deltabench.scenarios.images.places import NorArea, Place, Places, nor_area, slot_bytes

MAGIC: Final = b"DBA1"
SEQUENCES: Final = 1 << 16
BLANK: Final = 0xFF
PROVEN: Final = 0x00
LEAST_SHARE: Final = 16
"""Less than a sixteenth of a map store is as good as nothing: what it takes to tell stays in proportion to an image."""


class Twin(NamedTuple):
    """The two slots of an atom, and the payload of the one that counts; None if neither is good."""

    slots: tuple[SlotSeen, SlotSeen]
    payload: bytes | None


class Store(NamedTuple):
    """A decoded map store: ``atoms`` as a boot reads them, None for one without a good copy.

    ``twins`` on NVRAM and disks, ``areas`` on NOR flash, neither on NAND flash.  ``held``: the image has enough
    of it to look at.
    """

    held: bool
    atoms: tuple[bytes | None, ...]
    twins: tuple[Twin, ...] = ()
    areas: tuple[AreaSeen, ...] = ()


def fields(fmt: Format, data: bytes) -> dict[str, int | bytes]:
    """The fields of fixed place of a structure."""
    names = [field.name for field in fmt.fields if isinstance(field.size, int)]
    return dict(zip(names, fmt.unpack(data), strict=True))


def number(fmt: Format, data: bytes, name: str) -> int:
    """One field that is a number."""
    value = fields(fmt, data)[name]
    assert isinstance(value, int), "only numbers are asked for"
    return value


def checked(data: bytes, start: int = 0) -> bool:
    """Whether the CRC at the end of ``data`` is right."""
    return zlib.crc32(data[:-CRC_BYTES], start) == int.from_bytes(data[-CRC_BYTES:], "little")


def twin(image: MemoryImage, addresses: tuple[int, int], length: int, atom: int, held: int) -> Twin:
    """The twin slots of ``length`` bytes at these addresses, which hold atom number ``atom``.

    Of each, ``held`` bytes must be there: on a disk a sector that is not whole cannot be read.
    """
    slots, payloads = [], []
    for address in addresses:
        whole = image.read(address, held)
        data = None if whole is None else whole[:length]
        good = data is not None and checked(data, atom)
        payloads.append(data[TWIN_SLOT.fixed_bytes : -CRC_BYTES] if data is not None and good else None)
        sequence = None if data is None else number(TWIN_SLOT, data, "sequence")
        state: Literal["good", "bad", "missing"] = "missing" if data is None else "good" if good else "bad"
        slots.append(SlotSeen(address=address, state=state, sequence=sequence))
    counting = _newer(*slots)
    if counting is None:
        return Twin((slots[0], slots[1]), None)
    slot = slots[counting]
    slots[counting] = SlotSeen(address=slot.address, state=slot.state, sequence=slot.sequence, counts=True)
    return Twin((slots[0], slots[1]), payloads[counting])


def _newer(one: SlotSeen, other: SlotSeen) -> int | None:
    """Which of two slots counts: of two good ones the newer, modulo the range of the sequence."""
    if one.state == other.state == "good":
        ahead = ((other.sequence or 0) - (one.sequence or 0)) % SEQUENCES
        return 1 if ahead < SEQUENCES // 2 else 0
    return 0 if one.state == "good" else 1 if other.state == "good" else None


def read_label(image: MemoryImage, place: Place) -> LabelSeen:
    """The label of a disk."""
    length = TWIN_SLOT.fixed_bytes + LABEL.fixed_bytes + CRC_BYTES
    found = twin(image, (place.address, place.address + SECTOR_BYTES), length, 0, SECTOR_BYTES)
    if found.payload is None:
        return LabelSeen(disk=place.device.name, address=place.address, slots=found.slots, good=False)
    volume_id, device, version = LABEL.unpack(found.payload)
    return LabelSeen(
        disk=place.device.name,
        address=place.address,
        slots=found.slots,
        good=True,
        volume_id=volume_id.hex(),
        device=device,
        system_version=version,
    )


def read_store(image: MemoryImage, places: Places, there: bool = True) -> Store:
    """The map store, as far as the image has it; if not ``there``, it does not."""
    maps, count = places.maps, places.scheme.atoms
    if not there:
        return Store(False, ())
    if maps.device.kind is StoreKind.NAND:
        return Store(True, tuple(_in_sector(image, places, atom) for atom in range(count)))
    held = len(image.within(maps.address, maps.length))
    if maps.device.kind is StoreKind.NOR:
        return _nor(image, places)
    size = slot_bytes(places.firmware)
    step = SECTOR_BYTES if maps.device.kind is StoreKind.DISK else size
    if held < maps.length // LEAST_SHARE:
        return Store(False, ())
    twins = tuple(
        twin(image, (maps.address + 2 * atom * step, maps.address + (2 * atom + 1) * step), size, atom, step)
        for atom in range(count)
    )
    return Store(True, tuple(one.payload for one in twins), twins)


def _in_sector(image: MemoryImage, places: Places, atom: int) -> bytes | None:
    """An atom on NAND flash, which has a sector of its own behind the translation layer."""
    sector = image.read(places.maps.address + atom * SECTOR_BYTES, SECTOR_BYTES)
    if sector is None or not checked(sector[: places.firmware.atom_bytes + CRC_BYTES], atom):
        return None
    return sector[: places.firmware.atom_bytes]


def _nor(image: MemoryImage, places: Places) -> Store:
    firmware, maps, count = places.firmware, places.maps, places.scheme.atoms
    area = nor_area(firmware, maps.device, count)
    found = [_area(image, maps.address + side * area.bytes, area, count, firmware.atom_bytes) for side in (0, 1)]
    newest = max(seen.generation for seen, _ in found)
    if not newest:
        return Store(True, (None,) * count, areas=tuple(seen for seen, _ in found))
    side = next(n for n, (seen, _) in enumerate(found) if seen.generation == newest)
    _, checkpoint = found[side]
    size = firmware.atom_bytes
    atoms = [checkpoint[at : at + size] for at in range(0, count * size, size)]
    areas = [seen for seen, _ in found]
    areas[side] = _with_log(image, areas[side], area, size)
    for record in areas[side].records:
        if record.good and record.atom < count:
            atoms[record.atom] = bytes.fromhex(record.payload)
    return Store(True, tuple(atoms), areas=tuple(areas))


def _area(image: MemoryImage, address: int, area: NorArea, count: int, size: int) -> tuple[AreaSeen, bytes]:
    """The head of an area, and its checkpoint; of one that is not good nothing is believed."""
    data = image.read(address, area.used_bytes)
    if data is None:
        return AreaSeen(address=address, held=False, fault="the image does not hold it whole"), b""
    head = fields(NOR_AREA, data)
    crc_at, start = NOR_AREA.offset("crc"), NOR_AREA.fixed_bytes
    checkpoint = data[start : start + count * size]
    fault = ""
    if data.count(BLANK) == len(data):
        fault = "blank"
    elif head["magic"] != MAGIC:
        fault = "its magic is wrong"
    elif (head["atom count"], head["atom bytes"]) != (count, size):
        fault = (
            f"it is of {head['atom count']!r} atoms of {head['atom bytes']!r} bytes, "
            f"and {count} of {size} are configured"
        )
    elif zlib.crc32(data[:crc_at] + checkpoint) != head["crc"]:
        fault = "its CRC is wrong"
    elif not head["generation"]:
        fault = "its generation is 0, which none is"
    unused = head["unused"]
    assert isinstance(unused, bytes), "it is no number"
    seen = AreaSeen(
        address=address,
        held=True,
        good=not fault,
        fault=fault,
        generation=0 if fault else number(NOR_AREA, data, "generation"),
        proven=number(NOR_AREA, data, "proven"),
        open=number(NOR_AREA, data, "open"),
        unused=unused.hex(),
    )
    return seen, checkpoint


def _with_log(image: MemoryImage, seen: AreaSeen, area: NorArea, size: int) -> AreaSeen:
    """The area that counts, with its log up to the first record that is blank or fails."""
    data = image.read(seen.address, area.used_bytes)
    assert data is not None, "an area that counts is whole"
    records: list[RecordSeen] = []
    end = area.log_start
    for slot in range(area.log_records):
        at = area.slot(slot)
        record = data[at : at + area.slot_bytes]
        if record.count(BLANK) == len(record):
            break
        good = checked(record, seen.generation)
        start = NOR_RECORD.fixed_bytes
        records.append(
            RecordSeen(
                address=seen.address + at,
                good=good,
                atom=number(NOR_RECORD, record, "atom"),
                holds="",
                payload=record[start : start + size].hex(),
            )
        )
        end = at + area.slot_bytes
        if not good:
            break
    behind = data[end:]
    values = {name: getattr(seen, name) for name in AreaSeen.__struct_fields__}
    return AreaSeen(
        **values | {"counts": True, "records": tuple(records), "blank_behind": behind.count(BLANK) == len(behind)}
    )
