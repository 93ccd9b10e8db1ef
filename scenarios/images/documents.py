"""What the commands on images write as JSON; docs/images.md explains each key."""

from __future__ import annotations

from typing import Literal

import msgspec

from deltabench.scenarios.documents import Bits, Count, Number


class _Object(msgspec.Struct, frozen=True, kw_only=True):
    """An object of a document."""


class Sectors(_Object, frozen=True, kw_only=True):
    """``count`` sectors from ``lba`` of the logical volume on."""

    lba: Number
    count: Count


class RegionBuilt(_Object, frozen=True, kw_only=True):
    """A region of a built image; ``device`` is "" in the flash of the chip."""

    name: str
    device: str
    address: Number
    size_bytes: Number
    held_bytes: Number
    sha256: str
    unstable_pages: Number
    unreadable_sectors: Number


class ImageBuilt(_Object, frozen=True, kw_only=True, tag="deltabench.image-build/1", tag_field="schema"):
    """Written by ``deltabench image build --json``."""

    file: str
    board: str
    device: str
    producers: tuple[str, ...] = ()
    compile_units: tuple[str, ...] = ()
    regions: tuple[RegionBuilt, ...]


class SlotSeen(_Object, frozen=True, kw_only=True):
    """A twin slot; ``counts``: it holds what is in force.  One that is missing may be unreadable on its disk."""

    address: Number
    state: Literal["good", "bad", "missing"]
    sequence: Number | None = None
    counts: bool = False


class AtomSeen(_Object, frozen=True, kw_only=True):
    """An atom of the map store as it stands: what it holds, and what that says.  ``slots`` on NVRAM and disks."""

    number: Number
    holds: str
    good: bool
    payload: str = ""
    says: str = ""
    slots: tuple[SlotSeen, ...] = ()


class RecordSeen(_Object, frozen=True, kw_only=True):
    """A record of a NOR log."""

    address: Number
    good: bool
    atom: Number
    holds: str
    payload: str
    says: str = ""


class AreaSeen(_Object, frozen=True, kw_only=True):
    """An area of a NOR map store; ``counts``: it is the newest that is good.

    ``proven`` and ``open``: the bytes of these marks.  ``records``: up to the first that is blank; behind a failing one
    nothing counts.  ``blank_behind``: nothing else lies behind them.
    """

    address: Number
    held: bool
    good: bool = False
    fault: str = ""
    generation: Number = 0
    proven: Number = 0xFF
    open: Number = 0xFF
    unused: str = ""
    counts: bool = False
    records: tuple[RecordSeen, ...] = ()
    blank_behind: bool = True


class CheckpointSeen(_Object, frozen=True, kw_only=True):
    """The checkpoint of a translation layer that is in force.

    ``sequence``: of the first of its ``blocks``.  ``named``: a block of data with more than its header
    says that it counts.  ``settled``: it counts at every mount from now on.  ``whole``: all pages of both copies can be
    read.
    """

    sequence: Number
    blocks: tuple[Number, ...]
    named: bool
    settled: bool
    whole: bool


class BlockSeen(_Object, frozen=True, kw_only=True):
    """A block of NAND flash: how often it was erased, and how many of its pages are ``valid``: hold what counts.

    ``waiting``: nothing in it counts, but it is free only once there is a settled checkpoint.  ``sequence``: its place
    in the log, where it has one that can be read.
    """

    number: Number
    role: Literal["free", "waiting", "data", "checkpoint", "bad"]
    erases: Number
    valid: Number
    sequence: Number | None


class LayerSeen(_Object, frozen=True, kw_only=True):
    """The translation layer of a NAND flash, as a mount finds it; ``fault``: why it is refused, and nothing is said.

    ``written``: logical pages that were ever written.  ``log_pages``: pages behind the checkpoint; ``log_torn``: the
    last of them is not whole.
    """

    device: str
    address: Number
    page_bytes: Number
    pages_per_block: Number
    logical_pages: Number
    written: Number
    fault: str
    checkpoint: CheckpointSeen | None
    log_pages: Number
    log_torn: bool
    blocks: tuple[BlockSeen, ...]


class LabelSeen(_Object, frozen=True, kw_only=True):
    """The label of a disk."""

    disk: str
    address: Number
    slots: tuple[SlotSeen, ...]
    good: bool
    volume_id: str = ""
    device: Number = 0
    system_version: Number = 0


class UnitsSeen(_Object, frozen=True, kw_only=True):
    """Versions of the units as stored, and how many commands each has missed; empty in schemes without versions."""

    versions: tuple[Number, ...] = ()
    lags: tuple[Number, ...] = ()


class MapsSeen(_Object, frozen=True, kw_only=True):
    """VSM and DDM as they are stored, and as a boot makes them: cut commands finished, missed ones made up for.

    ``lost``: units whose entry has no good copy.  ``history``: of ``history``, the last commands, oldest first, S or R.
    """

    scheme: str
    units: Count
    flag: str
    progress: Number | None = None
    target: str = ""
    system_version: Number
    history: str = ""
    stored_vsm: Bits
    stored_ddm: Bits
    vsm: Bits
    ddm: Bits
    lost: Bits
    finished_flag: str
    finished_system_version: Number
    entries: UnitsSeen = UnitsSeen()


class PlaceSeen(_Object, frozen=True, kw_only=True):
    """A region that the configuration tells of, and how much of it the image holds."""

    name: str
    device: str
    address: Number
    size_bytes: Number
    held_bytes: Number
    sha256: str


class OperationSeen(_Object, frozen=True, kw_only=True):
    """A media operation of a boot: as the bench names it, and what it is for."""

    operation: str
    what: str


class BootSeen(_Object, frozen=True, kw_only=True):
    """What the firmware model does when it is powered on with this image.

    ``outcome``: ready; maps-lost, refused or read-only with the ``reason``; stopped, if the firmware does not end;
    not-tried.  ``later``: how many operations a second and a third boot take, and whether one comes to another state.
    """

    outcome: Literal["ready", "maps-lost", "refused", "read-only", "stopped", "not-tried"]
    reason: str = ""
    operations: tuple[OperationSeen, ...] = ()
    limit: Number = 0
    later: tuple[Number, ...] = ()
    later_differ: bool = False


class RuleSeen(_Object, frozen=True, kw_only=True):
    """A structural rule.  ``mended``: broken as a cut may leave it, and held after the boot; ``open``: cannot be said;
    ``none``: this device has no such thing."""

    rule: str
    state: Literal["held", "mended", "broken", "open", "none"]
    means: str
    place: str = ""


class Inspected(_Object, frozen=True, kw_only=True, tag="deltabench.image/1", tag_field="schema"):
    """Written by ``deltabench image inspect --json``."""

    file: str
    verdict: str
    rules_hold: bool
    scheme: str
    atom_store: str
    units: Count
    sectors_per_unit: Count
    configuration_address: Number | None
    places: tuple[PlaceSeen, ...]
    missing: tuple[str, ...]
    labels: tuple[LabelSeen, ...]
    areas: tuple[AreaSeen, ...]
    layers: tuple[LayerSeen, ...] = ()
    atoms: tuple[AtomSeen, ...]
    maps: MapsSeen | None
    boot: BootSeen
    rules: tuple[RuleSeen, ...]
    live_unreadable: tuple[Sectors, ...] = ()
    save_point_unreadable: tuple[Sectors, ...] = ()


class Difference(_Object, frozen=True, kw_only=True):
    """What differs between two images, and what each has."""

    what: str
    one: str
    other: str


class ImageDiff(_Object, frozen=True, kw_only=True, tag="deltabench.image-diff/1", tag_field="schema"):
    """Written by ``deltabench image diff --json``."""

    one: str
    other: str
    same: bool
    differences: tuple[Difference, ...]


def as_json(document: msgspec.Struct) -> str:
    """The text of a document."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
