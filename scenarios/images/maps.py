"""Decodes atoms into VSM and DDM: as they are stored, and as a boot makes them.

The rules are those of docs/format.md and of figures 10 to 14, written down here once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from deltabench.firmware_model.formats import CONTROL, HISTORY_SYSTEM, REMOTE_ATOM, SYSTEM
from deltabench.scenarios.images.atoms import fields, number
from deltabench.scenarios.images.documents import MapsSeen, UnitsSeen
from deltabench.scenarios.images.places import Places

IDLE: Final = 0
SWITCHING: Final = 1
CLEARING: Final = 2
FLAGS: Final = {IDLE: "idle", SWITCHING: "switching", CLEARING: "clearing"}
SHOWN_COMMANDS: Final = 32
PENDING: Final = 1
REMOTE_COMMANDS: Final = {0x11: "save", 0x12: "restore"}


class Entries(NamedTuple):
    """What an entry block says of its units."""

    vsm: int
    ddm: int
    versions: tuple[int, ...]


def read_maps(places: Places, atoms: Sequence[bytes | None]) -> MapsSeen:
    """The maps of a store's atoms."""
    match places.firmware.scheme:
        case "plain":
            maps = _plain(places, atoms)
        case "flagged":
            maps = _flagged(places, atoms)
        case _:
            maps = _versioned(places, atoms)
    order = pending_request(places, atoms)
    return maps if order is None or int(maps.lost, 16) else _obeyed(maps, order)


def pending_request(places: Places, atoms: Sequence[bytes | None]) -> str | None:
    """The command that the remote was promised and that may not have been done: save, restore or None."""
    atom = None if places.scheme.remote is None else atoms[places.scheme.remote]
    if atom is None or number(REMOTE_ATOM, atom, "state") != PENDING:
        return None
    return REMOTE_COMMANDS.get(number(REMOTE_ATOM, atom, "command"))


def _obeyed(maps: MapsSeen, order: str) -> MapsSeen:
    """The maps after the command of the remote, which a boot does behind all else."""
    counts = maps.scheme == "history" or maps.scheme == "flagged" or (maps.scheme == "versioned" and order == "save")
    vsm = int(maps.vsm, 16) ^ (int(maps.ddm, 16) if order == "save" else 0)
    version = maps.finished_system_version + counts
    return msgspec.structs.replace(maps, vsm=f"{vsm:x}", ddm="0", finished_system_version=version)


def flag_name(flag: int) -> str:
    """The save flag in a word."""
    return FLAGS.get(flag, f"{flag}, which it never is")


def block_units(places: Places, block: int) -> range:
    """The units of a map or entry block."""
    per_block = places.scheme.units_per_block
    return range(block * per_block, min((block + 1) * per_block, places.firmware.units))


def read_entries(places: Places, block: int, atom: bytes) -> Entries:
    """An entry block of ``versioned`` or ``history``."""
    per_block, width = places.scheme.units_per_block, places.firmware.version_bits // 8
    size = -(-per_block // 8)
    units = len(block_units(places, block))
    vsm, ddm = (int.from_bytes(atom[at : at + size], "little") for at in (0, size))
    starts = range(2 * size, 2 * size + units * width, width)
    return Entries(vsm, ddm, tuple(int.from_bytes(atom[at : at + width], "little") for at in starts))


def _all_units(places: Places) -> int:
    return (1 << places.firmware.units) - 1


def _arrays(places: Places, atoms: Sequence[bytes | None]) -> tuple[int, int, int]:
    """VSM, DDM and the lost units of ``plain`` and ``flagged``."""
    scheme = places.scheme
    size = scheme.units_per_block // 8
    maps, lost = [], 0
    for array in (0, 1):
        first = scheme.first_block + array * scheme.blocks
        blocks = atoms[first : first + scheme.blocks]
        maps.append(int.from_bytes(b"".join(bytes(size) if atom is None else atom[:size] for atom in blocks), "little"))
        missing = b"".join(b"\xff" * size if atom is None else bytes(size) for atom in blocks)
        lost |= int.from_bytes(missing, "little")
    return maps[0], maps[1], lost & _all_units(places)


def _plain(places: Places, atoms: Sequence[bytes | None]) -> MapsSeen:
    vsm, ddm, lost = _arrays(places, atoms)
    return _seen(places, "-", 0, (vsm, ddm), (vsm, ddm), lost)


def _flagged(places: Places, atoms: Sequence[bytes | None]) -> MapsSeen:
    vsm, ddm, lost = _arrays(places, atoms)
    control = atoms[places.scheme.system or 0]
    if control is None:
        return _seen(places, "lost", 0, (vsm, ddm), (vsm, ddm), _all_units(places))
    flag, progress, version = (number(CONTROL, control, name) for name in ("flag", "progress", "system version"))
    target = control[CONTROL.fixed_bytes :]
    if lost and flag != IDLE:
        # Half-way through a command, the maps of no unit can be vouched for.
        lost = _all_units(places)
    finished, finished_flag, finished_version = (vsm, ddm), flag, version
    if not lost and flag in (SWITCHING, CLEARING):
        switched = vsm
        if flag == SWITCHING and progress < places.scheme.blocks:
            shift = progress * places.scheme.units_per_block
            behind = shift + places.scheme.units_per_block
            block = (1 << places.scheme.units_per_block) - 1
            switched = vsm & ~(block << shift) | int.from_bytes(target, "little") << shift
            switched ^= ddm >> behind << behind
        finished, finished_flag, finished_version = (switched, 0), IDLE, version + 1
    return _seen(
        places, flag_name(flag), version, (vsm, ddm), finished, lost,
        progress=progress, target=target.hex(), finished=(flag_name(finished_flag), finished_version),
    )  # fmt: skip


def _versioned(places: Places, atoms: Sequence[bytes | None]) -> MapsSeen:
    firmware, scheme = places.firmware, places.scheme
    system = atoms[scheme.system or 0]
    history, flag, version, lost = 0, IDLE, 0, 0
    if system is None:
        lost = _all_units(places)
    elif firmware.scheme == "history":
        version = number(HISTORY_SYSTEM, system, "system version")
        at = HISTORY_SYSTEM.fixed_bytes
        history = int.from_bytes(system[at : at + scheme.window // 8], "little")
    else:
        found = fields(SYSTEM, system)
        version, flag = int(found["system version"]), int(found["flag"])
    bits: tuple[list[str], ...] = ([], [], [], [], [])
    """VSM and DDM as stored, both caught up, and what is lost: block by block, unit 0 first."""
    versions: list[int] = []
    for block in range(scheme.blocks):
        atom, units = atoms[scheme.first_block + block], block_units(places, block)
        if atom is None:
            versions += [0] * len(units)
            for column, bit in zip(bits, "00001", strict=True):
                column.append(bit * len(units))
            continue
        entries = read_entries(places, block, atom)
        versions += entries.versions
        vsm, ddm = entries.vsm, entries.ddm
        for place, own in enumerate(entries.versions):
            lag = (version - own) % (1 << firmware.version_bits)
            if lag and ddm >> place & 1:
                ddm ^= 1 << place
                if firmware.scheme == "versioned" or history >> (version - lag + 1) % scheme.window & 1:
                    vsm ^= 1 << place
        for column, map_bits in zip(bits, (entries.vsm, entries.ddm, vsm, ddm, 0), strict=True):
            column.append(f"{map_bits & (1 << len(units)) - 1:0{len(units)}b}"[::-1])
    stored_vsm, stored_ddm, vsm, ddm, lost_entries = (int("".join(column)[::-1], 2) for column in bits)
    lost |= lost_entries
    finished_flag = flag
    if flag == CLEARING:
        ddm = 0
        if not lost:
            finished_flag = IDLE
    lags = tuple((version - own) % (1 << firmware.version_bits) for own in versions)
    return _seen(
        places,
        "lost" if system is None else flag_name(flag),
        version,
        (stored_vsm, stored_ddm),
        (vsm, ddm),
        lost,
        finished=(flag_name(finished_flag), version),
        history=_commands(history, version, scheme.window) if firmware.scheme == "history" else "",
        entries=UnitsSeen(versions=tuple(versions), lags=lags),
    )


def _commands(history: int, version: int, window: int) -> str:
    """The last commands that the ring of ``window`` bits tells of, oldest first."""
    first = max(version - min(window, SHOWN_COMMANDS) + 1, 1)
    return "".join("RS"[history >> made % window & 1] for made in range(first, version + 1))


def _seen(
    places: Places,
    flag: str,
    version: int,
    stored: tuple[int, int],
    effective: tuple[int, int],
    lost: int,
    *,
    progress: int | None = None,
    target: str = "",
    finished: tuple[str, int] | None = None,
    history: str = "",
    entries: UnitsSeen | None = None,
) -> MapsSeen:
    finished_flag, finished_version = finished or (flag, version)
    return MapsSeen(
        scheme=places.firmware.scheme,
        units=places.firmware.units,
        flag=flag,
        progress=progress,
        target=target,
        system_version=version,
        history=history,
        stored_vsm=f"{stored[0]:x}",
        stored_ddm=f"{stored[1]:x}",
        vsm=f"{effective[0]:x}",
        ddm=f"{effective[1]:x}",
        lost=f"{lost:x}",
        finished_flag=finished_flag,
        finished_system_version=finished_version,
        entries=entries or UnitsSeen(),
    )
