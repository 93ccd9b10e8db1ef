"""Names and words for what is in the map store."""

from __future__ import annotations

from typing import Final

from deltabench.firmware_model.formats import CONTROL, HISTORY_SYSTEM, IDENTITY, REMOTE_ATOM, SYSTEM
from deltabench.scenarios.images.atoms import fields, number
from deltabench.scenarios.images.maps import PENDING, REMOTE_COMMANDS, block_units, flag_name, read_entries
from deltabench.scenarios.images.places import Places

MOST_UNITS_SHOWN: Final = 64


def atom_name(places: Places, atom: int) -> str:
    """What atom number ``atom`` of the map store holds."""
    scheme = places.scheme
    if atom == 0:
        return "the identity"
    if atom == scheme.system:
        return "the control atom" if places.firmware.scheme == "flagged" else "the system atom"
    if atom == scheme.remote:
        return "the remote's atom"
    array, block = divmod(atom - scheme.first_block, scheme.blocks)
    if array >= scheme.arrays:
        return f"atom {atom}, which there is not"
    units = block_units(places, block)
    span = f"unit {units.start}" if len(units) == 1 else f"units {units.start} to {units.stop - 1}"
    kind = "the entries" if scheme.arrays == 1 else ("VSM", "DDM")[array]
    return f"{kind} of {span}"


def atom_says(places: Places, atom: int, payload: bytes) -> str:
    """What the payload of an atom means."""
    scheme = places.scheme
    if atom == 0:
        found = fields(IDENTITY, payload)
        volume_id = found["volume id"]
        assert isinstance(volume_id, bytes), "it is no number"
        return f"volume {shown_id(volume_id)}, labels of system version {found['system version']!r}"
    if atom == scheme.system:
        return _system_says(places, payload)
    if atom == scheme.remote:
        state, command, counter = (number(REMOTE_ATOM, payload, name) for name in ("state", "command", "counter"))
        if not command:
            return "no request accepted yet"
        order = REMOTE_COMMANDS.get(command, f"command 0x{command:02X}")
        return f"{order} {'pending' if state == PENDING else 'done'}, counter {counter}"
    array, block = divmod(atom - scheme.first_block, scheme.blocks)
    if array >= scheme.arrays:
        return ""
    count = len(block_units(places, block))
    if scheme.arrays == 2:
        bits = int.from_bytes(payload[: scheme.units_per_block // 8], "little")
        return map_text(bits, count, ("AB", ".1")[array])
    entries = read_entries(places, block, payload)
    versions = " ".join(map(str, entries.versions[:MOST_UNITS_SHOWN]))
    vsm, ddm = map_text(entries.vsm, count, "AB"), map_text(entries.ddm, count, ".1")
    return f"VSM {vsm}, DDM {ddm}, versions {versions}"


def _system_says(places: Places, payload: bytes) -> str:
    if places.firmware.scheme == "history":
        return f"system version {number(HISTORY_SYSTEM, payload, 'system version')}"
    if places.firmware.scheme == "versioned":
        version, flag = (number(SYSTEM, payload, name) for name in ("system version", "flag"))
        return f"{flag_name(flag)}, system version {version}"
    version, flag, progress = (number(CONTROL, payload, name) for name in ("system version", "flag", "progress"))
    target = payload[CONTROL.fixed_bytes :].hex()
    step = f" VSM block {progress} to {target}" if flag == 1 else ""
    return f"{flag_name(flag)}{step}, system version {version}"


def map_text(bits: int, units: int, letters: str) -> str:
    """Of few units a letter each, unit 0 first; of many, how many there are of the second letter."""
    if units > MOST_UNITS_SHOWN:
        return f"{(bits & (1 << units) - 1).bit_count()} of {units} are {letters[1]}"
    return "".join(letters[bits >> unit & 1] for unit in range(units))


def shown_id(volume_id: bytes) -> str:
    """A volume id as text if it is some, and as bytes otherwise."""
    text = volume_id.rstrip(b"\0")
    return (
        repr(text.decode("ascii"))
        if text and text.isascii() and text.decode("ascii").isprintable()
        else volume_id.hex()
    )
