"""Checks of maps, flags and volumes, each of which yields the places where a structural rule is broken."""

from __future__ import annotations

from deltabench.firmware_model.formats import CONTROL, HISTORY_SYSTEM, IDENTITY, NOR_AREA, REMOTE_ATOM, SYSTEM
from deltabench.hwsim.disk import SECTOR_BYTES
from deltabench.scenarios.images.atoms import number
from deltabench.scenarios.images.decode import Decoded, unreadable
from deltabench.scenarios.images.flash import CRC_BYTES
from deltabench.scenarios.images.maps import (
    CLEARING,
    FLAGS,
    PENDING,
    REMOTE_COMMANDS,
    SWITCHING,
    block_units,
    pending_request,
    read_entries,
)
from deltabench.scenarios.images.places import slot_bytes
from deltabench.scenarios.images.store_checks import Faults
from deltabench.scenarios.images.words import atom_name


def flag_consistent(decoded: Decoded) -> Faults:
    scheme = decoded.places.scheme
    atom = decoded.store.atoms[scheme.system or 0]
    if atom is None:
        return
    if decoded.places.firmware.scheme == "versioned":
        flag = number(SYSTEM, atom, "flag")
        if flag not in FLAGS or flag == SWITCHING:
            yield f"the flag is {flag}"
        return
    flag, progress = number(CONTROL, atom, "flag"), number(CONTROL, atom, "progress")
    target = atom[CONTROL.fixed_bytes :]
    if flag not in FLAGS:
        yield f"the flag is {flag}"
    elif flag != SWITCHING:
        if progress or any(target):
            yield f"the flag is {FLAGS[flag]}, with progress {progress} and target {target.hex()}"
    elif progress >= scheme.blocks:
        yield f"progress is block {progress}, and there are {scheme.blocks}"
    else:
        size = scheme.units_per_block // 8
        blocks = (decoded.store.atoms[scheme.first_block + n * scheme.blocks + progress] for n in (0, 1))
        vsm, ddm = (0 if block is None else int.from_bytes(block[:size], "little") for block in blocks)
        if int.from_bytes(target, "little") not in (vsm, vsm ^ ddm):
            yield f"block {progress} of VSM is {vsm:x} with DDM {ddm:x}, and its target {target.hex()}"


def no_command_pending(decoded: Decoded) -> Faults:
    maps = decoded.maps
    if maps is not None and maps.flag in (FLAGS[SWITCHING], FLAGS[CLEARING]):
        where = f", block {maps.progress}" if maps.flag == FLAGS[SWITCHING] else ""
        yield f"the flag is {maps.flag}{where}"


def request_consistent(decoded: Decoded) -> Faults:
    remote = decoded.places.scheme.remote
    atom = None if remote is None else decoded.store.atoms[remote]
    if atom is None:
        return
    state, command, counter = (number(REMOTE_ATOM, atom, name) for name in ("state", "command", "counter"))
    if state not in (0, PENDING) or (command not in REMOTE_COMMANDS and (command or counter or state)):
        yield f"state {state}, command 0x{command:02X}, counter {counter}"


def no_request_pending(decoded: Decoded) -> Faults:
    order = pending_request(decoded.places, decoded.store.atoms)
    if order is not None:
        yield f"a {order} is pending"


def versions_in_window(decoded: Decoded) -> Faults:
    maps, window = decoded.maps, decoded.places.scheme.window
    if maps is None or maps.flag == "lost" or max(maps.entries.lags, default=0) <= window:
        return
    lost = int(maps.lost, 16)
    for unit, lag in enumerate(maps.entries.lags):
        if lag > window and not lost >> unit & 1:
            yield f"unit {unit} is {lag} versions behind; the window is {window}"


def padding(decoded: Decoded) -> Faults:
    places = decoded.places
    for atom, payload in enumerate(decoded.store.atoms):
        if payload is not None and not _is_padded(decoded, atom, payload):
            yield f"{atom_name(places, atom)}: {payload.hex()}"
    unused = b"\xff" * (NOR_AREA.fixed_bytes - NOR_AREA.offset("unused"))
    for area in decoded.store.areas:
        if area.good and area.unused != unused.hex():
            yield f"the area at 0x{area.address:08X}: the unused bytes are {area.unused}"
    if places.firmware.store.value == "nand":
        for atom, payload in enumerate(decoded.store.atoms):
            sector = decoded.image.read(places.maps.address + atom * SECTOR_BYTES, SECTOR_BYTES)
            if payload is not None and sector is not None and any(sector[len(payload) + CRC_BYTES :]):
                yield f"{atom_name(places, atom)}: its sector is not zero behind it"
    size = slot_bytes(places.firmware)
    on_disk = [slot.address for twin in decoded.store.twins for slot in twin.slots if slot.state == "good"]
    if places.firmware.store.value == "disk":
        for address in on_disk:
            rest = decoded.image.read(address + size, SECTOR_BYTES - size)
            if rest is None or any(rest):
                yield f"0x{address:08X}: the sector of a slot is not zero behind it"


def _is_padded(decoded: Decoded, atom: int, payload: bytes) -> bool:
    """Whether what an atom has no use for is zero."""
    places = decoded.places
    scheme, kind = places.scheme, places.firmware.scheme
    if atom == 0:
        return not any(payload[IDENTITY.fixed_bytes :])
    if atom == scheme.system:
        if kind == "flagged":
            return True  # the rule of the flag knows when the target is to be zero
        used = SYSTEM.fixed_bytes if kind == "versioned" else HISTORY_SYSTEM.fixed_bytes + scheme.window // 8
        return not any(payload[used:])
    if atom == scheme.remote:
        return not any(payload[REMOTE_ATOM.fixed_bytes :])
    block = (atom - scheme.first_block) % scheme.blocks
    units = len(block_units(places, block))
    if scheme.arrays == 2:
        return not int.from_bytes(payload, "little") >> units
    entries, width = read_entries(places, block, payload), places.firmware.version_bits // 8
    used = 2 * -(-scheme.units_per_block // 8) + units * width
    return not entries.vsm >> units | entries.ddm >> units and not any(payload[used:])


def live_readable(decoded: Decoded) -> Faults:
    found = unreadable(decoded)
    for lba, count in found.live if found else ():
        yield f"LBA {lba}" if count == 1 else f"LBA {lba} to {lba + count - 1}"


def save_point_readable(decoded: Decoded) -> Faults:
    found = unreadable(decoded)
    for lba, count in found.save_point if found else ():
        yield f"LBA {lba}" if count == 1 else f"LBA {lba} to {lba + count - 1}"
