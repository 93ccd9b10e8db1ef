"""Scenario files: what is on the board, what is done to it, where its power is cut, and what must hold.

TOML, checked against the structures below; docs/scenarios.md explains each key.  An error names the file, the key, the
value and what is allowed.
"""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from deltabench.firmware_model.config import VOLUME_ID, FirmwareConfig, SectorsPerUnit, StoreKind, Units
from deltabench.firmware_model.schemes import SCHEMES
from deltabench.hwsim.board import BoardSpec
from deltabench.hwsim.clock import MediaTime
from deltabench.hwsim.core import CORTEX_M4_HZ
from deltabench.hwsim.explain_invalid import meant
from deltabench.hwsim.toml_file import TomlFileError, read_toml
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.oracle import Rule

SUFFIX = ".scenario.toml"
LIBRARY = Path(__file__).parent / "library"
VOLUME_ID_BYTES = len(VOLUME_ID)
Count = Annotated[int, msgspec.Meta(ge=1)]
Number = Annotated[int, msgspec.Meta(ge=0)]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of a scenario file: unknown keys are errors."""


class By(enum.Enum):
    """Who gives a save or restore command (figures 3A and 3B)."""

    HOST = "host"
    SWITCH = "switch"
    REMOTE = "remote"


class Write(_Table, frozen=True, tag="write", tag_field="do"):
    """Write ``count`` sectors from ``lba``, past the caches with ``fua``; the contents are made up, no two alike.

    ``refusable``: a device that says it is read-only may refuse it.
    """

    lba: Number
    count: Count = 1
    fua: bool = False
    refusable: bool = False


class Read(_Table, frozen=True, tag="read", tag_field="do"):
    """Read ``count`` sectors from ``lba``; they must be what was last written."""

    lba: Number
    count: Count = 1


class Flush(_Table, frozen=True, tag="flush", tag_field="do"):
    """FLUSH CACHE EXT."""


class Save(_Table, frozen=True, tag="save", tag_field="do"):
    """SAVE, ``by`` a command of the host, by pressing the switch named ``save`` for ``hold_ms``, or by the remote."""

    by: By = By.HOST
    hold_ms: Count = 50


class Restore(_Table, frozen=True, tag="restore", tag_field="do"):
    """RESTORE, ``by`` a command of the host, the switch named ``restore`` (for ``hold_ms``), or the remote."""

    by: By = By.HOST
    hold_ms: Count = 50


class Hostile(enum.Enum):
    """What somebody who does not have the key sends to a device that listens to a remote."""

    REPLAYED = "replayed"
    DUPLICATED = "duplicated"
    OUT_OF_ORDER = "out-of-order"
    REFLECTED = "reflected"
    FORGED = "forged"
    TRUNCATED = "truncated"
    NOISE = "noise"
    FLOOD = "flood"

    def __str__(self) -> str:
        if self in (Hostile.NOISE, Hostile.FLOOD):
            return f"a {self.value} of bytes"
        return f"{'an' if self is Hostile.OUT_OF_ORDER else 'a'} {self.value} frame"


class Radio(_Table, frozen=True, tag="radio", tag_field="do"):
    """Somebody without the key sends a kind of ``frame`` to the remote's line: nothing must change, all be counted."""

    frame: Hostile


class PowerCycle(_Table, frozen=True, tag="power-cycle", tag_field="do"):
    """Power off between two commands, and on again; ``refused``: the boot must refuse a storage device."""

    refused: bool = False


class Crash(_Table, frozen=True, tag="crash", tag_field="do"):
    """Power is lost inside a ``command`` of the host (a step ``write``, ``save`` or ``restore``), and comes back.

    After ``operations`` media operations, or behind the command if it has not so many; ``seed`` draws what is left.
    """

    command: Write | Save | Restore
    operations: Number = 0
    seed: Number = 1


class Idle(_Table, frozen=True, tag="idle", tag_field="do"):
    """Nothing is asked of the device for ``ms`` milliseconds."""

    ms: Count


class Swap(_Table, frozen=True, tag="swap", tag_field="do"):
    """Exchange the contents of two disks, ``devices``: somebody plugged them in the wrong way round."""

    devices: tuple[str, str]


class Snapshot(_Table, frozen=True, tag="snapshot", tag_field="do"):
    """Remember all contents of the disk ``device``, for ``put-back``."""

    device: str


class PutBack(_Table, frozen=True, tag="put-back", tag_field="do"):
    """The disk ``device`` has its contents of the last ``snapshot`` again: it was away, and came back stale."""

    device: str


class BitErrors(_Table, frozen=True, tag="bit-errors", tag_field="do"):
    """``bits`` bits flip in NAND flash.

    ``of``: the codeword that holds the live data of ``lba``, the spare bytes of its page, or a page of the checkpoint
    that the translation layer has on its device.
    """

    lba: Number
    bits: Count
    of: Literal["sector", "spare", "checkpoint"] = "sector"


class Age(_Table, frozen=True, tag="age", tag_field="do"):
    """Power is off for ``years``, and before that every block of each NAND flash was read ``reads`` times."""

    years: Number = 0
    reads: Number = 0


class ReadOnly(_Table, frozen=True, tag="read-only", tag_field="do"):
    """The device must say that it is read-only: it refuses writes, saves and restores, and keeps what it has."""


class WearOut(_Table, frozen=True, tag="wear-out", tag_field="do"):
    """Write to one sector after the other, ``writes`` times; by then the device must have said that it is read-only."""

    writes: Count


class Mix(_Table, frozen=True):
    """Relative frequencies of the commands of a random workload."""

    write: Number = 80
    read: Number = 10
    save: Number = 5
    restore: Number = 5
    flush: Number = 0
    fua: Number = 0
    power_cycle: Number = 0
    crash: Number = 0


class Random(_Table, frozen=True, tag="random", tag_field="do"):
    """``commands`` random commands, drawn from the scenario's seed, each of at most ``most_sectors`` sectors.

    ``mix`` says how often each kind comes up.
    """

    commands: Count
    most_sectors: Count = 1
    mix: Mix = Mix()


class Trace(_Table, frozen=True, tag="trace", tag_field="do"):
    """The requests of a trace ``file``, or of a ``recording`` that comes with deltabench.

    ``format``, ``files`` and ``wrap``: see docs/traces.md.  The ``first`` requests are left out and at most ``limit``
    replayed.  ``saves`` and ``restores`` are put behind so many requests of the trace (those left out count, too), or
    behind a mark of the recording.
    """

    file: str | None = None
    recording: str | None = None
    format: str | None = None
    files: dict[str, int] | None = None
    wrap: bool = False
    first: Number = 0
    limit: Count | None = None
    saves: tuple[Number | str, ...] = ()
    restores: tuple[Number | str, ...] = ()


Step = (
    Write | Read | Flush | Save | Restore | Radio | PowerCycle | Crash | Idle | Swap | Snapshot | PutBack
    | BitErrors | Age | ReadOnly | WearOut | Random | Trace
)  # fmt: skip


class Cuts(enum.Enum):
    """Where power is cut."""

    NONE = "none"
    AT = "at"
    RANDOM = "random"
    EXHAUSTIVE = "exhaustive"
    UNBOUNDED = "unbounded"


class Power(_Table, frozen=True):
    """``cuts``: ``none``; ``at`` one ``operation`` (with one ``outcome``, or all); ``count`` ``random`` ones; all; all
    in any number (``unbounded``).

    ``depth`` cuts in a row: those after the first fall at every operation of the recovery.  ``boot_limit`` is the most
    media operations that a boot may take (default: 64, 4 a unit, and what 4 checkpoints of each NAND flash take).  No
    more is explored of a variant than ``most_states`` recoveries, and in ``most_seconds`` of CPU time.
    ``stop_at_first``: one violation is enough.
    ``classes``: of states that are equivalent, in recoveries, one is judged, as with any number of cuts.
    """

    cuts: Cuts = Cuts.EXHAUSTIVE
    depth: Annotated[int, msgspec.Meta(ge=1, le=4)] = 1
    operation: Number | None = None
    outcome: Number | None = None
    count: Count = 100
    boot_limit: Count | None = None
    most_states: Count | None = None
    most_seconds: Annotated[float, msgspec.Meta(gt=0)] | None = None
    stop_at_first: bool = False
    classes: bool = False


class Expected(_Table, frozen=True):
    """The ``verdict`` that must come out: the rules hold, or a ``rule`` is violated (any, unless one is named)."""

    verdict: Literal["holds", "violated"] = "holds"
    rule: Rule | None = None


class Expect(Expected, frozen=True):
    """The expectation, likewise with ``verdict`` and ``rule``; ``exceptions`` gives single schemes another one.

    ``partial``: what holds as far as ``most_states`` or ``most_seconds`` let it be explored is as expected.
    """

    partial: bool = False
    exceptions: dict[str, Expected] = {}


class Matrix(_Table, frozen=True):
    """Run the scenario with each ``scheme`` on each ``store``; without one of them, with that of ``[firmware]``.

    Likewise with each number of ``units`` and of ``sectors_per_unit``, which then stand in the variant's name.
    """

    scheme: tuple[str, ...] = ()
    store: tuple[StoreKind, ...] = ()
    units: tuple[Units, ...] = ()
    sectors_per_unit: tuple[SectorsPerUnit, ...] = ()


class Time(_Table, frozen=True):
    """What time is measured with: the ``media`` times of the datasheets, typical or maximum, the clock of the processor
    (``core_hz``), and what the host's link carries (``host_bytes_per_s``; 100 MB/s is Ultra DMA mode 5).
    """

    media: MediaTime = MediaTime.TYPICAL
    core_hz: Count = CORTEX_M4_HZ
    host_bytes_per_s: Count = 100_000_000


class Document(_Table, frozen=True):
    """A scenario file: what is done (``steps``) to which ``board`` with which ``firmware``.

    ``title``: the scenario in a few words.  ``covers``: which figures and rules it is about, in words of your own.
    ``seed``: of all that is random.  ``controller``: a class of your own in place of ours, as ``module:Class``.
    ``matrix``, ``power``, ``expect`` and ``time``: tables of their own, below.
    """

    title: str
    board: BoardSpec
    steps: tuple[Step, ...]
    covers: tuple[str, ...] = ()
    seed: Number = 1
    controller: str | None = None
    firmware: FirmwareConfig = FirmwareConfig()
    matrix: Matrix = Matrix()
    power: Power = Power()
    expect: Expect = Expect()
    time: Time = Time()


class Scenario(msgspec.Struct, frozen=True):
    """A scenario file that has been read: ``name`` as in crash ids, ``path``, ``about`` its opening comment."""

    name: str
    path: Path
    about: str
    document: Document

    def variants(self) -> list[Variant]:
        """One for each scheme on each store, in each size."""
        firmware, matrix = self.document.firmware, self.document.matrix
        return [
            Variant(
                self, msgspec.structs.replace(firmware, scheme=scheme, store=store, units=units, sectors_per_unit=size)
            )
            for scheme in matrix.scheme or (firmware.scheme,)
            for store in matrix.store or (firmware.store,)
            for units in matrix.units or (firmware.units,)
            for size in matrix.sectors_per_unit or (firmware.sectors_per_unit,)
        ]

    def variant(self, name: str) -> Variant:
        """The variant of this name; raises ScenarioError that lists those there are."""
        for variant in self.variants():
            if variant.name == name:
                return variant
        known = ", ".join(variant.name for variant in self.variants())
        raise ScenarioError(f"{self.path}: no variant {name!r}; this scenario has {known}")


class Variant(msgspec.Struct, frozen=True):
    """A scenario with one scheme on one store."""

    scenario: Scenario
    firmware: FirmwareConfig

    @property
    def scheme(self) -> str:
        """The scheme's name; of ``module:Class``, the class."""
        return self.firmware.scheme.rpartition(":")[2]

    @property
    def name(self) -> str:
        """As in crash ids: scheme and store, and the sizes that the matrix varies."""
        matrix, name = self.scenario.document.matrix, f"{self.scheme}-{self.firmware.store.value}"
        if matrix.units:
            name += f"-u{self.firmware.units}"
        if matrix.sectors_per_unit:
            name += f"-s{self.firmware.sectors_per_unit}"
        return name

    @property
    def expected(self) -> Expected:
        """What must come out of it."""
        expect = self.scenario.document.expect
        return expect.exceptions.get(self.scheme, expect)


def load_scenario(path: Path, name: str | None = None) -> Scenario:
    """Read a scenario file; raises ScenarioError that names file, key, value and what is allowed."""
    try:
        text, table, document = read_toml(path, Document)
    except TomlFileError as error:
        raise ScenarioError(f"{path}: {error}") from error
    about = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        about.append(line.removeprefix("#").strip())
    scenario = Scenario(name or str(path), path, " ".join(about), document)
    _check_schemes(scenario)
    _check_together(scenario)
    if "depth" in table.get("power", {}) and document.power.cuts is Cuts.UNBOUNDED:
        raise ScenarioError(
            f"{path}: power.depth = {document.power.depth}: has no meaning with cuts = 'unbounded': in any number"
        )
    if "count" in table.get("power", {}) and document.power.cuts is not Cuts.RANDOM:
        raise _meaningless(scenario, "count", Cuts.RANDOM)
    return scenario


def scheme_key(scenario: Scenario, scheme: str) -> str:
    """The key that a variant has its ``scheme`` from."""
    schemes = scenario.document.matrix.scheme
    return f"matrix.scheme[{schemes.index(scheme)}]" if scheme in schemes else "firmware.scheme"


def _check_schemes(scenario: Scenario) -> None:
    """Raises ScenarioError for a scheme that is neither ours nor ``module:Class``; a controller may have its own."""
    if scenario.document.controller is not None:
        return
    for scheme in dict.fromkeys(variant.firmware.scheme for variant in scenario.variants()):
        if scheme not in SCHEMES and ":" not in scheme:
            key, hint = scheme_key(scenario, scheme), meant(scheme, SCHEMES)
            raise ScenarioError(
                f"{scenario.path}: {key} = {scheme!r}: no such scheme{hint}; "
                f"allowed: {', '.join(SCHEMES)}, or module:Class"
            )


def _meaningless(scenario: Scenario, key: str, cuts: Cuts) -> ScenarioError:
    """A ``key`` of ``[power]`` is given without the ``cuts`` that it is for."""
    power = scenario.document.power
    return ScenarioError(
        f"{scenario.path}: power.{key} = {getattr(power, key)}: has no meaning with cuts = {power.cuts.value!r}; "
        f"allowed with cuts = {cuts.value!r}"
    )


def _check_together(scenario: Scenario) -> None:
    """What is wrong only together with another key; raises ScenarioError."""
    path, document = scenario.path, scenario.document
    names = [variant.name for variant in scenario.variants()]
    for name in names:
        if names.count(name) > 1:
            raise ScenarioError(f"{path}: [matrix] gives two variants of the name {name}")
    schemes = dict.fromkeys((*SCHEMES, *(variant.scheme for variant in scenario.variants())))
    for scheme in document.expect.exceptions:
        if scheme not in schemes:
            raise ScenarioError(f"{path}: expect.exceptions.{scheme}: no such scheme; allowed: {', '.join(schemes)}")
    volume_id = (document.firmware.volume_id or "").encode()
    if len(volume_id) > VOLUME_ID_BYTES:
        raise ScenarioError(
            f"{path}: firmware.volume_id = {document.firmware.volume_id!r}: takes {len(volume_id)} bytes in UTF-8; "
            f"allowed: at most {VOLUME_ID_BYTES}"
        )
    remote, lines = document.firmware.remote, document.board.uarts
    if remote is not None and remote not in lines:
        known = ", ".join(lines) or "none"
        raise ScenarioError(
            f"{path}: firmware.remote = {remote!r}: no such serial line{meant(remote, lines)}; the board has {known}; "
            "name it in uarts of [board]"
        )
    power = document.power
    for key in ("operation", "outcome"):
        if getattr(power, key) is not None and power.cuts is not Cuts.AT:
            raise _meaningless(scenario, key, Cuts.AT)
    if power.cuts is Cuts.AT and power.operation is None:
        raise ScenarioError(f"{path}: power.operation is missing: cuts = 'at' needs it")


def library_names() -> list[str]:
    """The scenarios that come with deltabench."""
    return sorted(path.name.removesuffix(SUFFIX) for path in LIBRARY.glob(f"*{SUFFIX}"))


def find_scenario(reference: str) -> Scenario:
    """A scenario of the library by name, a file by path, or a mutant; raises ScenarioError if there is none."""
    if reference in library_names():
        return load_scenario(LIBRARY / f"{reference}{SUFFIX}", reference)
    path = Path(reference)
    if not path.is_file():
        # Imported here: mutants are made of scenarios.
        from deltabench.scenarios.mutants.naming import find_mutant

        if mutant := find_mutant(reference):
            return mutant
        raise ScenarioError(
            f"{reference}: neither a file nor a scenario of the library{meant(reference, library_names())}; "
            f"`deltabench scenarios` lists the library"
        )
    return load_scenario(path)
