"""What deltabench writes as JSON and reads again: measurements, endurance runs, results of power cuts.

docs/measuring.md, docs/endurance.md and docs/results.md explain each key.  Keys may be added to a schema, so those that
are not known here are passed over; those that are here keep their name and meaning.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from deltabench.hwsim.explain_invalid import JSON_WORDS, explain, meant
from deltabench.scenarios.errors import ScenarioError

Number = Annotated[int, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]
Bits = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]+$")]
"""A map as the hexadecimal of an integer; bit u is that of unit u."""


class _Object(msgspec.Struct, frozen=True):
    """An object of a document."""


class Series(_Object, frozen=True, kw_only=True):
    """A value of one counter; counters.py has the table."""

    name: str
    labels: dict[str, str] = {}
    value: Number


class Wear(_Object, frozen=True, kw_only=True):
    """How often each ``cell`` of a ``device`` from ``first`` on was erased, programmed or written; 0 behind the last.

    ``endurance``: how often a cell may be; None if its datasheet gives no figure.  ``addresses``: so many of its
    device a cell has.
    """

    device: str
    part: str
    what: Literal["erase", "program", "write"]
    cell: str
    addresses: Count = 1
    first: Number = 0
    endurance: Count | None = None
    counts: tuple[Number, ...]


class Region(_Object, frozen=True, kw_only=True):
    """What the firmware keeps where on a device, in its addresses: bytes of NOR and NVRAM, sectors of a disk.

    What lies behind a translation layer has no such place.
    """

    name: str
    device: str
    first: Number
    length: Number


class FlashSummary(_Object, frozen=True, kw_only=True):
    """What became of one NAND flash behind its translation layer, from the first power-on on.

    ``host_pages``: logical pages that the layer was given to write; a write of part of a page is one, and so is one of
    an atom or a label.  ``programmed_pages``: programs in all, those included that failed; ``pages``: the same by
    cause, as in flash_use.py.  ``write_amplification``: programmed for each given; None if none was.

    ``blocks_collected``: blocks won back by garbage collection.  ``collection_efficiency``: the share of their pages
    for data that did not have to be moved: 1 if all were free to go, None if no block was collected.

    Erases: of all blocks but those that the factory has marked as bad.  ``spread``: the most to the mean; None if no
    block was erased.  ``spare_blocks_left``: so many more may go bad before the device is read-only.
    """

    device: str
    part: str
    host_pages: Number
    programmed_pages: Number
    pages: dict[str, Number]
    write_amplification: float | None
    blocks_collected: Number
    collection_efficiency: float | None
    most_erases: Number
    mean_erases: float
    least_erases: Number
    spread: float | None
    factory_bad_blocks: Number
    grown_bad_blocks: Number
    spare_blocks_left: Number


class Moment(_Object, frozen=True, kw_only=True):
    """After host command number ``command``: units written since T0, units with primary on B, and counts so far.

    ``erases``: of NOR sectors and NAND blocks.
    """

    command: int
    ns: Number
    ddm: Number
    vsm_b: Number
    moved: Number
    erases: Number


class MapsAt(_Object, frozen=True, kw_only=True):
    """VSM and DDM after host command ``number``; -1 is after the first boot."""

    number: Annotated[int, msgspec.Meta(ge=-1)]
    command: str
    vsm: Bits
    ddm: Bits


class Bin(_Object, frozen=True, kw_only=True):
    """Latencies of at most ``up_to_ns``, and above the bin before."""

    up_to_ns: Number
    count: Number


class Phase(_Object, frozen=True, kw_only=True):
    """What one phase took in each command of a kind, those included in which it took nothing."""

    percentiles_ns: dict[str, Number]
    histogram: tuple[Bin, ...]


class Latency(_Object, frozen=True, kw_only=True):
    """How long the commands of one kind took; ``phases_ns`` are sums over all of them and add up to ``total_ns``."""

    command: str
    count: Count
    total_ns: Number
    least_ns: Number
    most_ns: Number
    percentiles_ns: dict[str, Number]
    histogram: tuple[Bin, ...] = ()
    phases_ns: dict[str, Number] = {}
    phases: dict[str, Phase] = {}


class MeasuredRun(_Object, frozen=True, kw_only=True):
    """One variant of a scenario, run without cuts and measured.  ``elapsed_s`` is CPU time of this machine."""

    run: str
    scenario: str
    title: str
    scheme: str
    atom_store: str
    units: Count
    sectors_per_unit: Count
    seed: int
    media_time: Literal["typical", "maximum"]
    core_hz: Number
    complete: bool
    commands: Number
    simulated_ns: Number
    elapsed_s: Seconds
    counters: tuple[Series, ...]
    wear: tuple[Wear, ...]
    flash: tuple[FlashSummary, ...] = ()
    most_ddm: Number | None = None
    moving_saves: Number | None = None
    largest_save: Number | None = None
    unit_moves: tuple[Number, ...]
    unit_sides: Bits
    regions: tuple[Region, ...] = ()
    timeline: tuple[Moment, ...]
    maps: tuple[MapsAt, ...]
    latency: tuple[Latency, ...]


class Measurement(_Object, frozen=True, kw_only=True, tag="deltabench.measurement/1", tag_field="schema"):
    """Written by ``deltabench measure --json``."""

    interrupted: bool = False
    runs: tuple[MeasuredRun, ...]


class Day(_Object, frozen=True, kw_only=True):
    """How far an endurance run had come at a time; ``erases`` and ``most_worn`` by device."""

    command: Number
    day: Seconds
    erases: dict[str, Number]
    most_worn: dict[str, Number]
    ddm: Number
    moved: Number


MOST_YEARS: Final = 1000
"""What lasts longer is not told more exactly."""


class WearOut(_Object, frozen=True, kw_only=True):
    """When the most worn cell of a device has been worn as often as it may be: so many ``years`` after the factory.

    ``years``: None if no figure says how often, if it wears no more, or if it was worn ``too_little`` to tell; found in
    the run if ``reached``, else at the pace of its second half, or no less than that where the figure is above
    MOST_YEARS.  ``driven_by``: what the cell holds, or what most of its wear is for.
    """

    device: str
    part: str
    what: Literal["erase", "program", "write"]
    endurance: Count | None
    most: Number
    years: float | None
    reached: bool
    too_little: bool = False
    driven_by: str = ""


class EnduredRun(_Object, frozen=True, kw_only=True):
    """A long workload, run fast; ``workload`` is what was configured, ``ended`` why it is not longer."""

    run: str
    scheme: str
    atom_store: str
    units: Count
    sectors_per_unit: Count
    seed: int
    workload: dict[str, Any]
    commands: Number
    simulated_days: Seconds
    ended: Literal["all done", "worn out", "interrupted"] = "all done"
    counters: tuple[Series, ...]
    wear: tuple[Wear, ...]
    flash: tuple[FlashSummary, ...] = ()
    most_ddm: Number | None = None
    unit_moves: tuple[Number, ...]
    timeline: tuple[Day, ...]
    wear_out: tuple[WearOut, ...]


class Endurance(_Object, frozen=True, kw_only=True, tag="deltabench.endurance/1", tag_field="schema"):
    """Written by ``deltabench endure --json``."""

    interrupted: bool = False
    runs: tuple[EnduredRun, ...]


class Explored(_Object, frozen=True, kw_only=True):
    """Crash states and recoveries of one variant, and what was left out; docs/exploration.md says how it is counted."""

    generated: Number
    distinct: Number
    verified: Number
    violations: Number
    equivalent: Number = 0
    possible: Number = 0
    beyond_depth: Number = 0
    beyond_budget: Number = 0
    unlike: Number = 0

    @property
    def is_covered(self) -> bool:
        """Whether all was explored that the scenario asks for."""
        return not self.beyond_budget and not self.unlike


class Violated(_Object, frozen=True, kw_only=True):
    """A recovery that broke a rule."""

    id: str
    rule: str
    doing: str
    cut: str
    detail: str


class CutOperation(_Object, frozen=True, kw_only=True):
    """What came out of cutting one media operation: one of crash_map.py's characters for each outcome."""

    operation: Number
    during: str
    what: str
    verdicts: Annotated[str, msgspec.Meta(pattern="^[.hvd]*$")]


class CrashMap(_Object, frozen=True, kw_only=True):
    """Verdicts by operation and kind of outcome, of first cuts."""

    outcomes: tuple[str, ...]
    operations: tuple[CutOperation, ...]


class RecoveryWay(_Object, frozen=True, kw_only=True):
    """So many ``recoveries`` met this ``flag`` with this ``status``, after a ``cut`` of this kind of operation."""

    flag: str
    status: str
    cut: str
    recoveries: Number


class BranchTaken(_Object, frozen=True, kw_only=True):
    """So many ``recoveries`` took this ``branch`` of the boot."""

    branch: str
    recoveries: Number


class RecoveryCoverage(_Object, frozen=True, kw_only=True):
    """Which ways the recoveries went, how many took each branch of the boot, and which branches none did."""

    ways: tuple[RecoveryWay, ...]
    branches: tuple[BranchTaken, ...]
    unreached: tuple[str, ...]


class OnBoard(_Object, frozen=True, kw_only=True):
    """Cuts on a board: the ``places`` where the workload can be cut, and how many cuts it was not brought to again."""

    places: Number
    unreached: Number


class OfShare(_Object, frozen=True, kw_only=True):
    """Share ``number`` of ``of`` of a campaign: the ``actions`` (first, last + 1) of the workload that it explored.

    ``digest`` is the same in shares of the same work.  ``expected_rule``: the rule whose violation is expected, if any.
    """

    number: Count
    of: Count
    actions: tuple[Number, Number]
    digest: str
    expected_rule: str | None = None


class Judged(_Object, frozen=True, kw_only=True):
    """One variant whose power was cut; ``board`` is there if that was on a board, and not on the model.

    ``share`` is there if it is the result of a share, which others have to be merged with.
    """

    scenario: str
    title: str
    variant: str | None = None
    scheme: str
    atom_store: str
    seed: int
    verdict: Literal["holds", "violated"]
    expected: Literal["holds", "violated"]
    as_expected: bool
    complete: bool
    closed: bool = False
    commands: Number
    operations: Number
    counts: Explored
    elapsed_s: Seconds
    violations: tuple[Violated, ...] = ()
    crash_map: CrashMap | None = None
    coverage: RecoveryCoverage | None = None
    board: OnBoard | msgspec.UnsetType = msgspec.UNSET
    share: OfShare | msgspec.UnsetType = msgspec.UNSET

    @property
    def run(self) -> str:
        """Its name, unique in a document, as measured and endured runs have it."""
        return f"{self.scenario}:{self.variant or f'{self.scheme}-{self.atom_store}'}"


class Results(_Object, frozen=True, kw_only=True, tag="deltabench.result/1", tag_field="schema"):
    """Written by ``deltabench run --json``."""

    interrupted: bool = False
    results: tuple[Judged, ...]


class HoldUpStep(_Object, frozen=True, kw_only=True):
    """From this hold-up on, so many crash states break a rule: outcomes of cuts, equal media counted each time."""

    holdup_us: Number
    violations: Number


class HeldUp(_Object, frozen=True, kw_only=True):
    """How long the supply must hold up for one variant to be safe.

    ``least_us``: None if no hold-up is enough.  ``needed_during``: the longest needed during each kind of command.
    """

    run: str
    scenario: str
    title: str
    scheme: str
    atom_store: str
    media_time: Literal["typical", "maximum"]
    least_us: Number | None
    needed_during: dict[str, Number]
    steps: tuple[HoldUpStep, ...]
    generated: Number
    capacitance_nf: Number | None = None


class HoldUp(_Object, frozen=True, kw_only=True, tag="deltabench.holdup/1", tag_field="schema"):
    """Written by ``deltabench holdup --json``; what the capacitor is discharged by, and between which voltages."""

    interrupted: bool = False
    from_mv: Number
    to_mv: Number
    load_mw: Number
    runs: tuple[HeldUp, ...]


Document = Measurement | Endurance | Results | HoldUp
SCHEMAS: Final[dict[str, type[Document]]] = {
    "deltabench.measurement/1": Measurement,
    "deltabench.endurance/1": Endurance,
    "deltabench.result/1": Results,
    "deltabench.holdup/1": HoldUp,
}


def to_json(document: Document) -> str:
    """The text of a document, on one line."""
    return msgspec.json.encode(document).decode() + "\n"


def schema_of(document: Document) -> str:
    """The name of a document's schema."""
    return str(type(document).__struct_config__.tag)


def read_document(path: Path) -> Document:
    """Read a JSON file of a known schema; raises ScenarioError that names file, key, value and what is allowed."""
    try:
        table = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path}: is not UTF-8 text (byte {error.start})") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise ScenarioError(f"{path}: is not valid JSON: {error}") from error
    known = f"known: {', '.join(SCHEMAS)}"
    if not isinstance(table, dict) or "schema" not in table:
        raise ScenarioError(f"{path}: is not a document of deltabench: it has no key 'schema'; {known}")
    schema = table["schema"]
    if not isinstance(schema, str) or schema not in SCHEMAS:
        hint = meant(str(schema), SCHEMAS)
        raise ScenarioError(f"{path}: schema = {schema!r:.100}: is not a schema of this deltabench{hint}; {known}")
    kind = SCHEMAS[schema]
    try:
        document = msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        raise ScenarioError(f"{path}: {explain(error, table, kind, JSON_WORDS)}") from error
    _check_together(path, document)
    return document


def _check_together(path: Path, document: Document) -> None:
    """What is wrong only together with another key; raises ScenarioError."""
    if isinstance(document, Results):
        for number, result in enumerate(document.results):
            if result.crash_map:
                _check_crash_map(path, number, result.crash_map)
        return
    names: set[str] = set()
    runs: tuple[MeasuredRun | EnduredRun | HeldUp, ...] = document.runs
    for number, run in enumerate(runs):
        where = f"{path}: runs[{number}]"
        if run.run in names:
            raise ScenarioError(f"{where}.run = {run.run!r}: there is another run of this name; allowed: one of each")
        names.add(run.run)
        if isinstance(run, HeldUp):
            continue
        if len(run.unit_moves) > run.units:
            raise ScenarioError(f"{where}.unit_moves has {len(run.unit_moves)} entries; allowed: {run.units}, as units")
        if isinstance(run, MeasuredRun):
            maps = {"unit_sides": run.unit_sides}
            for index, shown in enumerate(run.maps):
                maps |= {f"maps[{index}].vsm": shown.vsm, f"maps[{index}].ddm": shown.ddm}
            for key, bits in maps.items():
                if int(bits, 16).bit_length() > run.units:
                    raise ScenarioError(f"{where}.{key}: has bits above those of {run.units} units")


def _check_crash_map(path: Path, number: int, crash_map: CrashMap) -> None:
    for index, operation in enumerate(crash_map.operations):
        if len(operation.verdicts) != len(crash_map.outcomes):
            raise ScenarioError(
                f"{path}: results[{number}].crash_map.operations[{index}].verdicts = {operation.verdicts!r:.100}: "
                f"allowed: {len(crash_map.outcomes)} characters, one for each of crash_map.outcomes"
            )
