"""Looks into an image: what is in it, what a boot would do with it, and which structural rules hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from deltabench.firmware_model.configuration import Configuration
from deltabench.scenarios.images.atoms import PROVEN
from deltabench.scenarios.images.boot import boot
from deltabench.scenarios.images.decode import Decoded, decode_image, decode_places, find_configuration, unreadable
from deltabench.scenarios.images.documents import (
    AreaSeen,
    AtomSeen,
    BootSeen,
    Inspected,
    LabelSeen,
    PlaceSeen,
    RecordSeen,
    Sectors,
)
from deltabench.scenarios.images.errors import ImageError
from deltabench.scenarios.images.maps import CLEARING, FLAGS, SWITCHING, pending_request
from deltabench.scenarios.images.memory_image import MemoryImage
from deltabench.scenarios.images.places import Place
from deltabench.scenarios.images.rules import judge
from deltabench.scenarios.images.store_checks import follows
from deltabench.scenarios.images.words import atom_name, atom_says


def open_image(image: MemoryImage, path: Path, given: Configuration | None = None) -> Decoded:
    """Decode an image by the configuration block in it, or by the one that is ``given``; raises ImageError."""
    try:
        found = None if given is not None else find_configuration(image)
        if given is None and found is None:
            raise ImageError(
                "no configuration block is in it, which says what is where; if this is a dump of single parts, say "
                "with --config SCENARIO:VARIANT what they are from"
            )
        if found is not None:
            return decode_image(image, *found)
        assert given is not None, "one of both is there"
        return decode_image(image, given)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error


def inspect_image(image: MemoryImage, path: Path, given: Configuration | None = None) -> Inspected:
    """All that can be said of an image; raises ImageError if it is none."""
    return inspect(open_image(image, path, given), path)


def inspect(decoded: Decoded, path: Path) -> Inspected:
    """As ``inspect_image``, of an image that is open."""
    booted = boot(decoded)
    after = None if booted.after is None else decode_places(booted.after, decoded.places)
    rules = judge(decoded, booted, after)
    sectors = unreadable(decoded)
    places, firmware = decoded.places, decoded.places.firmware
    return Inspected(
        file=str(path),
        verdict=_verdict(decoded, booted.seen),
        rules_hold=not any(rule.state == "broken" for rule in rules),
        scheme=firmware.scheme,
        atom_store=firmware.store.value,
        units=firmware.units,
        sectors_per_unit=firmware.sectors_per_unit,
        configuration_address=decoded.block_address,
        places=tuple(_place(decoded.raw, place) for place in places.stored),
        missing=decoded.missing,
        labels=tuple(label for label in decoded.labels if label is not None),
        areas=tuple(_named(decoded, area) for area in decoded.store.areas),
        layers=tuple(layer.seen for layer in decoded.layers if layer is not None),
        atoms=tuple(_atom(decoded, atom, payload) for atom, payload in enumerate(decoded.store.atoms)),
        maps=decoded.maps,
        boot=booted.seen,
        rules=rules,
        live_unreadable=_sectors(sectors.live if sectors else ()),
        save_point_unreadable=_sectors(sectors.save_point if sectors else ()),
    )


def _place(image: MemoryImage, place: Place) -> PlaceSeen:
    held = image.within(place.address, place.length)
    return PlaceSeen(
        name=place.name,
        device=place.device.name,
        address=place.address,
        size_bytes=place.length,
        held_bytes=len(held),
        sha256=held.sha256,
    )


def _sectors(runs: tuple[tuple[int, int], ...]) -> tuple[Sectors, ...]:
    return tuple(Sectors(lba=lba, count=count) for lba, count in runs)


def _named(decoded: Decoded, area: AreaSeen) -> AreaSeen:
    """The area with names and meanings of its records."""
    return msgspec.structs.replace(area, records=tuple(_record(decoded, record) for record in area.records))


def _record(decoded: Decoded, record: RecordSeen) -> RecordSeen:
    if not record.good:
        return msgspec.structs.replace(record, holds="a record that fails its check")
    known = record.atom < decoded.places.scheme.atoms
    says = atom_says(decoded.places, record.atom, bytes.fromhex(record.payload)) if known else ""
    return msgspec.structs.replace(record, holds=atom_name(decoded.places, record.atom), says=says)


def _atom(decoded: Decoded, atom: int, payload: bytes | None) -> AtomSeen:
    twins = decoded.store.twins
    return AtomSeen(
        number=atom,
        holds=atom_name(decoded.places, atom),
        good=payload is not None,
        payload="" if payload is None else payload.hex(),
        says="" if payload is None else atom_says(decoded.places, atom, payload),
        slots=twins[atom].slots if twins else (),
    )


def _verdict(decoded: Decoded, seen: BootSeen) -> str:
    """The one sentence that an engineer wants first."""
    match seen.outcome:
        case "not-tried":
            return f"What a boot would do cannot be said: {seen.reason}."
        case "stopped":
            return f"Does not boot: {seen.reason}."
        case "refused":
            return f"Boots, and refuses to serve: {seen.reason}."
        case "maps-lost" | "read-only":
            return f"Boots, and serves reads only: {seen.reason}."
        case "ready":
            work = list(_work(decoded)) if seen.operations else []
            if not work:
                return "Boots, and has nothing to do." if not seen.operations else "Boots, and writes."
            listed = ", ".join(work[:-1])
            return f"Boots, and {f'{listed}, and ' if listed else ''}{work[-1]}."


def _work(decoded: Decoded) -> Iterator[str]:
    """What a boot finds to do: first what matters to the host."""
    maps = decoded.maps
    assert maps is not None, "it boots"
    if maps.flag == FLAGS[SWITCHING]:
        yield f"finishes a save that was cut in map block {maps.progress}"
    elif maps.flag == FLAGS[CLEARING]:
        what = "a restore" if maps.scheme == "versioned" else "a save or restore"
        yield f"finishes {what} that was cut while DDM was cleared"
    order = pending_request(decoded.places, decoded.store.atoms)
    if order is not None:
        yield f"does a {order} that the remote was promised"
    ahead = [label.disk for label in decoded.labels if label is not None and _is_ahead(decoded, label)]
    if ahead:
        yield f"finishes an update of the labels that {' and '.join(ahead)} had already"
    yield from _on_nand(decoded)
    newest = next((area for area in decoded.store.areas if area.counts), None)
    if newest is None:
        return
    if newest.proven != PROVEN:
        yield "writes the newest checkpoint once more, which nothing proves to be stable"
    torn = sum(not record.good for record in newest.records)
    good = len(newest.records) - torn
    other = next(area for area in decoded.store.areas if not area.counts)
    if newest.records or newest.open != 0xFF:
        behind = ", and a torn one behind them," if torn else ""
        yield f"compacts a log of {good} record{'s' * (good != 1)}{behind} into a new checkpoint"
    elif not other.good or not follows(newest, other):
        yield "writes a new checkpoint over an area that a cut has left half done"


def _on_nand(decoded: Decoded) -> Iterator[str]:
    """What the mount of a translation layer finds to do."""
    for layer in decoded.layers:
        checkpoint = None if layer is None else layer.seen.checkpoint
        if layer is None or checkpoint is None:
            continue
        seen = layer.seen
        if seen.log_pages:
            torn = ", the last of them torn," if seen.log_torn else ""
            pages = f"{seen.log_pages} page{'s' * (seen.log_pages != 1)}"
            yield f"takes {pages} of the log of {seen.device}{torn} into a new checkpoint"
        elif not checkpoint.settled:
            yield f"writes the checkpoint of {seen.device} once more, which nothing proves to be stable"
        elif not checkpoint.whole:
            yield f"writes the checkpoint of {seen.device} once more, of which pages cannot be read any more"
        bad = [str(block.number) for block in seen.blocks if block.role == "bad" and block.valid]
        if bad:
            yield f"empties bad block{'s' * (len(bad) > 1)} {', '.join(bad)} of {seen.device}"


def _is_ahead(decoded: Decoded, label: LabelSeen) -> bool:
    identity = decoded.store.atoms[0]
    return identity is not None and int.from_bytes(identity[6:10], "little") != label.system_version
