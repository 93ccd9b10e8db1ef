"""The difference between two images, by structure: labels, map store, maps by unit, sectors of the volumes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from deltabench.firmware_model.config import Placement
from deltabench.hwsim.disk import SECTOR_BYTES
from deltabench.scenarios.images.decode import Decoded, Stretch, outside
from deltabench.scenarios.images.documents import BlockSeen, Difference, ImageDiff, LabelSeen
from deltabench.scenarios.images.layer import Layer
from deltabench.scenarios.images.memory_image import MemoryImage
from deltabench.scenarios.images.places import Place
from deltabench.scenarios.images.units import shown_units
from deltabench.scenarios.images.words import atom_name, atom_says

SHOWN: Final[dict[str, Callable[[object], str]]] = {
    "fault": lambda fault: str(fault) or "none",
    "proven": lambda mark: f"0x{mark:02X}",
    "open": lambda mark: f"0x{mark:02X}",
    "counts": lambda counts: "yes" if counts else "no",
}
BLOCK: Final = 256
"""Where no structure says what is what, differences are counted in blocks of so many bytes."""


def diff_images(one: Decoded, other: Decoded, path: Path, other_path: Path) -> ImageDiff:
    """What differs, from what matters most to what matters least."""
    found: list[Difference] = []
    if one.places == other.places:
        found += _maps(one, other)
        found += _labels(one, other)
        found += _areas(one, other)
        found += _atoms(one, other)
        structures = tuple(found)
        for place in (one.places.volume_a, one.places.volume_b):
            found += _sectors(one.image, other.image, place)
        found += _behind_layers(one, other)
        if not found:
            found += _layers(one, other)
        if not found:
            found += _dead_pages(one, other)
        found += _meaningless(one, other, structures)
    else:
        found += _configuration(one, other)
    return ImageDiff(one=str(path), other=str(other_path), same=not found, differences=tuple(found))


def _difference(what: str, one: object, other: object) -> Difference:
    return Difference(what=what, one=str(one), other=str(other))


def _configuration(one: Decoded, other: Decoded) -> Iterator[Difference]:
    """Different configurations: what lies on the devices cannot be compared by structure then."""
    for name in one.places.firmware.__struct_fields__:
        values = [getattr(decoded.places.firmware, name) for decoded in (one, other)]
        if values[0] != values[1]:
            yield _difference(f"configuration: {name}", *map(_plain, values))
    if one.places.devices != other.places.devices:
        yield _difference("configuration: devices", *(_devices(decoded) for decoded in (one, other)))


def _plain(value: object) -> object:
    """A setting as a scenario writes it."""
    if isinstance(value, Placement):
        return f"{value.device} from {value.start}"
    return "none" if value is None else msgspec.to_builtins(value)


def _devices(decoded: Decoded) -> str:
    return ", ".join(
        f"{device.name} ({device.size_bytes:,} bytes at 0x{device.address:08X})" for device in decoded.places.devices
    )


def _maps(one: Decoded, other: Decoded) -> Iterator[Difference]:
    maps, others = one.maps, other.maps
    if maps is None or others is None:
        if maps is not others:
            yield _difference("map store", *("there" if each else "not in the image" for each in (maps, others)))
        return
    for name in ("flag", "progress", "system_version", "history"):
        values = getattr(maps, name), getattr(others, name)
        if values[0] != values[1]:
            yield _difference(name.replace("_", " "), *values)
    for name, bits in (("VSM", "vsm"), ("DDM", "ddm"), ("lost", "lost")):
        a, b = int(getattr(maps, bits), 16), int(getattr(others, bits), 16)
        if a != b:
            units = f"unit{'s' * ((a ^ b).bit_count() > 1)} {shown_units(a ^ b)}"
            letters = {"VSM": "AB", "DDM": "01", "lost": "01"}[name]
            yield Difference(
                what=f"{name} of {units}", one=_letters(a, a ^ b, letters), other=_letters(b, a ^ b, letters)
            )


def _letters(bits: int, units: int, letters: str) -> str:
    """The bits of ``units``: one letter if they are all alike, else how many there are of each."""
    ones, count = (bits & units).bit_count(), units.bit_count()
    if ones in (0, count):
        return letters[bool(ones)]
    return f"{count - ones} × {letters[0]}, {ones} × {letters[1]}"


def _labels(one: Decoded, other: Decoded) -> Iterator[Difference]:
    for place, label, its in zip(one.places.labels, one.labels, other.labels, strict=True):
        if _label_text(label) != _label_text(its):
            yield _difference(f"label of {place.device.name}", _label_text(label), _label_text(its))
        elif label != its:
            yield _difference(f"slots of the label of {place.device.name}", _slots(label), _slots(its))


def _slots(label: LabelSeen | None) -> str:
    return ", ".join(f"{slot.state} {slot.sequence}{' counts' * slot.counts}" for slot in label.slots) if label else "-"


def _label_text(label: LabelSeen | None) -> str:
    if label is None:
        return "not in the image"
    if not label.good:
        return "not readable"
    return f"volume {label.volume_id}, device {label.device}, system version {label.system_version}"


def _areas(one: Decoded, other: Decoded) -> Iterator[Difference]:
    for number, (area, its) in enumerate(zip(one.store.areas, other.store.areas, strict=False)):
        for name in ("fault", "generation", "proven", "open", "counts"):
            values = getattr(area, name), getattr(its, name)
            if values[0] != values[1]:
                shown = map(SHOWN.get(name, str), values)
                yield _difference(f"area {number}: {'in force' if name == 'counts' else name}", *shown)
        records = [[(record.atom, record.payload, record.good) for record in each.records] for each in (area, its)]
        if records[0] != records[1]:
            yield _difference(f"area {number}: log", *(_log(decoded, number) for decoded in (one, other)))


def _log(decoded: Decoded, number: int) -> str:
    records = decoded.store.areas[number].records
    torn = sum(not record.good for record in records)
    return f"{len(records) - torn} records{', one torn' * bool(torn)}"


def _atoms(one: Decoded, other: Decoded) -> Iterator[Difference]:
    for number, (atom, its) in enumerate(zip(one.store.atoms, other.store.atoms, strict=False)):
        if atom != its:
            yield _difference(
                atom_name(one.places, number), *(_says(d, number, a) for d, a in ((one, atom), (other, its)))
            )
    for number, (twin, its_twin) in enumerate(zip(one.store.twins, other.store.twins, strict=False)):
        if twin.payload == its_twin.payload and twin.slots != its_twin.slots:
            name = f"slots of {atom_name(one.places, number)}"
            yield _difference(
                name, *(", ".join(f"{slot.state} {slot.sequence}" for slot in each.slots) for each in (twin, its_twin))
            )


def _says(decoded: Decoded, number: int, atom: bytes | None) -> str:
    return "no good copy" if atom is None else atom_says(decoded.places, number, atom)


def _sectors(one: MemoryImage, other: MemoryImage, place: Place) -> Iterator[Difference]:
    """Sectors that differ, or that only one of the images has, as ranges of LBAs."""
    differ, only_one, only_other = 0, 0, 0
    for lba in _held_sectors((one, other), place):
        a, b = (image.read(place.address + lba * SECTOR_BYTES, SECTOR_BYTES) for image in (one, other))
        if a == b:
            continue
        if b is None:
            only_one |= 1 << lba
        elif a is None:
            only_other |= 1 << lba
        else:
            differ |= 1 << lba
    for sectors, (shown, its) in (
        (differ, ("", "")),
        (only_one, ("there", "missing")),
        (only_other, ("missing", "there")),
    ):
        if sectors:
            yield _difference(f"{place.name}: LBA {shown_units(sectors)}", shown or "other data", its or "other data")


def _held_sectors(images: Sequence[MemoryImage], place: Place) -> list[int]:
    """The sectors of a volume of which at least one image has something."""
    held: set[int] = set()
    for image in images:
        for segment in image.within(place.address, place.length).segments:
            first, end = segment.address - place.address, segment.end - place.address
            held.update(range(first // SECTOR_BYTES, -(-end // SECTOR_BYTES)))
    return sorted(held)


def _behind_layers(one: Decoded, other: Decoded) -> Iterator[Difference]:
    """Sectors behind a translation layer that belong to no region, and layers that are there in one image only."""
    for flash, layer, its in zip(one.places.flashes, one.layers, other.layers, strict=True):
        name = flash.device.name
        said = [_layer_text(each) for each in (layer, its)]
        if said[0] != said[1]:
            yield _difference(f"translation layer of {name}", *said)
            continue
        regions = [place for place in one.places.regions if place.device == flash.device]
        held = [
            MemoryImage(outside(decoded.image.within(flash.device.address, flash.sectors * SECTOR_BYTES),
                                [Stretch(place.address, place.length) for place in regions]))
            for decoded in (one, other)
        ]  # fmt: skip
        if held[0] != held[1]:
            yield _difference(f"{name}: sectors in no region", "other data", "other data")


def _layer_text(layer: Layer | None) -> str:
    return "not in the image" if layer is None else layer.seen.fault or "there"


def _layers(one: Decoded, other: Decoded) -> Iterator[Difference]:
    """Where a translation layer has what is the same: the checkpoint in force, the map, the blocks."""
    for layer, its in zip(one.layers, other.layers, strict=True):
        if layer is None or its is None or layer.seen.fault:
            continue
        name = layer.seen.device
        if layer.seen.checkpoint != its.seen.checkpoint:
            yield _difference(f"{name}: checkpoint in force", *map(_checkpoint, (layer, its)))
        if layer.seen.log_pages != its.seen.log_pages:
            yield _difference(f"{name}: pages of the log behind it", layer.seen.log_pages, its.seen.log_pages)
        moved = sum(1 << n for n in layer.map.keys() | its.map.keys() if layer.map.get(n) != its.map.get(n))
        if moved:
            pages = f"logical page{'s' * (moved.bit_count() > 1)} {shown_units(moved)}"
            yield _difference(f"{name}: place of {pages}", *(_pages(each, moved) for each in (layer, its)))
        for block, its_block in zip(layer.seen.blocks, its.seen.blocks, strict=True):
            if block != its_block:
                yield _difference(f"{name}: block {block.number}", *map(_block, (block, its_block)))


def _checkpoint(layer: Layer) -> str:
    checkpoint = layer.seen.checkpoint
    assert checkpoint is not None, "a layer without fault has one"
    blocks = ", ".join(map(str, checkpoint.blocks))
    return f"sequence {checkpoint.sequence} in block {blocks}, {'settled' if checkpoint.settled else 'not settled'}"


def _pages(layer: Layer, moved: int) -> str:
    """Where one logical page is; of several, how many are anywhere."""
    pages = [layer.map.get(logical) for logical in range(moved.bit_length()) if moved >> logical & 1]
    if len(pages) == 1:
        return "nowhere" if pages[0] is None else f"page {pages[0]}"
    return f"{len(pages) - pages.count(None)} somewhere"


def _block(block: BlockSeen) -> str:
    sequence = "" if block.sequence is None else f", sequence {block.sequence}"
    return f"{block.role}, {block.erases} erases, {block.valid} valid pages{sequence}"


def _dead_pages(one: Decoded, other: Decoded) -> Iterator[Difference]:
    """Pages that differ though all that counts is the same, and in the same place."""
    for flash in one.places.flashes:
        pages = [each.raw.within(flash.device.address, flash.device.size_bytes) for each in (one, other)]
        if pages[0] != pages[1]:
            yield _difference(f"{flash.device.name}: pages that mean nothing now", "other data", "other data")


def _meaningless(one: Decoded, other: Decoded, found: Sequence[Difference]) -> Iterator[Difference]:
    """Bytes that differ where no structure says anything: in what was, beside what is, and outside of all regions."""
    regions = (*one.places.labels, one.places.maps)
    inside = [[decoded.image.within(place.address, place.length) for place in regions] for decoded in (one, other)]
    if inside[0] != inside[1] and not found:
        yield _difference("labels or map store: bytes that mean nothing now", "other data", "other data")
    blocks = [_outside(decoded, one.places.stored) for decoded in (one, other)]
    differing = sorted(at for at in blocks[0].keys() | blocks[1].keys() if blocks[0].get(at) != blocks[1].get(at))
    if differing:
        span = f"0x{differing[0]:08X} to 0x{differing[-1] + BLOCK - 1:08X}"
        kinds = ("there" if any(at in each for at in differing) else "missing" for each in blocks)
        blocks_differ = f"{len(differing)} block{'s' * (len(differing) != 1)} of {BLOCK} bytes"
        yield _difference(f"outside of the devices' regions: {blocks_differ}, {span}", *kinds)


def _outside(decoded: Decoded, regions: Sequence[Place]) -> dict[int, MemoryImage]:
    """What the image has outside of the regions, in aligned blocks."""
    found = MemoryImage(outside(decoded.raw, [Stretch(place.address, place.length) for place in regions]))
    return {
        at: found.within(at, BLOCK)
        for segment in found.segments
        for at in range(segment.address // BLOCK * BLOCK, segment.end, BLOCK)
    }
