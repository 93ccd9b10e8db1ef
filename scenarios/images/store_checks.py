"""Checks of labels and map store, each of which yields the places where a structural rule is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from deltabench.firmware_model.formats import IDENTITY
from deltabench.scenarios.images.atoms import BLANK, PROVEN, SEQUENCES, fields
from deltabench.scenarios.images.decode import Decoded
from deltabench.scenarios.images.documents import AreaSeen
from deltabench.scenarios.images.words import atom_name

Faults = Iterator[str]
Check = Callable[[Decoded], Faults]


def _identity(decoded: Decoded) -> dict[str, int | bytes]:
    atom = decoded.store.atoms[0]
    return {} if atom is None else fields(IDENTITY, atom)


def labels_good(decoded: Decoded) -> Faults:
    for label in decoded.labels:
        if label is not None and not label.good:
            yield f"the label of {label.disk}: neither slot is good"


def labels_belong(decoded: Decoded) -> Faults:
    identity = _identity(decoded)
    for place, label in enumerate(decoded.labels):
        if label is None or not label.good or not identity:
            continue
        volume_id = identity["volume id"]
        if isinstance(volume_id, bytes) and label.volume_id != volume_id.hex():
            yield f"{label.disk} is of volume {label.volume_id}, and the map store of {volume_id.hex()}"
        elif label.device != place:
            yield f"{label.disk} is device {label.device} of its volume, in the place of {place}"


def labels_in_step(decoded: Decoded) -> Faults:
    version = _identity(decoded).get("system version")
    for label in decoded.labels:
        if label is not None and label.good and version is not None and label.system_version != version:
            yield f"{label.disk} is of system version {label.system_version}, and the identity of {version!r}"


def identity_not_ahead(decoded: Decoded) -> Faults:
    version = _identity(decoded).get("system version", 0)
    maps = decoded.maps
    assert maps is not None, "the store is there"
    assert isinstance(version, int), "it is a number"
    if version > maps.finished_system_version and maps.flag != "lost":
        yield f"the identity is of system version {version}, and the maps of {maps.finished_system_version}"


def atoms_good(decoded: Decoded) -> Faults:
    for atom, payload in enumerate(decoded.store.atoms):
        if payload is None:
            yield atom_name(decoded.places, atom)


def _newest(decoded: Decoded) -> AreaSeen | None:
    return next((area for area in decoded.store.areas if area.counts), None)


def follows(area: AreaSeen, other: AreaSeen) -> bool:
    """Whether ``area`` was compacted from ``other``."""
    return other.generation + 1 == area.generation


def newest_area_proven(decoded: Decoded) -> Faults:
    area = _newest(decoded)
    if area is not None and area.proven != PROVEN:
        yield f"the area at 0x{area.address:08X}: the mark is 0x{area.proven:02X}"


def other_area_before(decoded: Decoded) -> Faults:
    area = _newest(decoded)
    for other in decoded.store.areas:
        if area is not None and not other.counts and (not other.good or not follows(area, other)):
            what = other.fault or f"its generation is {other.generation}, beside {area.generation}"
            yield f"the area at 0x{other.address:08X}: {what}"


def log_records_name_atoms(decoded: Decoded) -> Faults:
    area, count = _newest(decoded), decoded.places.scheme.atoms
    for record in area.records if area else ():
        if record.good and record.atom >= count:
            yield f"0x{record.address:08X}: a record of atom {record.atom}; there are {count}"
    if area and area.records and area.open == BLANK:
        yield f"the area at 0x{area.address:08X}: has a log, and is not marked as open"


def log_ends_in_blank(decoded: Decoded) -> Faults:
    area = _newest(decoded)
    if area is None:
        return
    for record in area.records:
        if not record.good:
            yield f"0x{record.address:08X}: a record that fails its check"
    if not area.blank_behind:
        yield f"the area at 0x{area.address:08X}: something lies behind its log"


def twins_follow(decoded: Decoded) -> Faults:
    for atom, twin in enumerate(decoded.store.twins):
        one, other = twin.slots
        apart = ((other.sequence or 0) - (one.sequence or 0)) % SEQUENCES
        if one.state == other.state == "good" and apart not in (1, SEQUENCES - 1):
            yield f"{atom_name(decoded.places, atom)}: sequences {one.sequence} and {other.sequence}"
