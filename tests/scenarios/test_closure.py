"""Any number of cuts: the graph closes, what is taken for equivalent behaves alike, and broken firmware is found."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import pytest
from msgspec import structs

from deltabench.firmware_model.atoms.nor import NorAtoms
from deltabench.firmware_model.config import FirmwareConfig, StoreKind
from deltabench.firmware_model.controller import Controller
from deltabench.firmware_model.schemes.flagged import Flagged
from deltabench.hwsim.board import BoardSpec, DeviceSpec
from deltabench.hwsim.medium import Operation
from deltabench.scenarios.campaign import run_campaign
from deltabench.scenarios.closure import Closure
from deltabench.scenarios.crash_id import CrashId, Path
from deltabench.scenarios.crash_map import BETWEEN, VIOLATED, kind_of
from deltabench.scenarios.explorer import Explorer
from deltabench.scenarios.oracle import Rule, Violation
from deltabench.scenarios.replay import outcomes_after, tell
from deltabench.scenarios.scenario import (
    Cuts,
    Document,
    Mix,
    Power,
    PowerCycle,
    Random,
    Restore,
    Save,
    Scenario,
    Step,
    Variant,
    Write,
    find_scenario,
)
from deltabench.scenarios.session import Session
from deltabench.scenarios.verdict import Result

BOARD = BoardSpec(
    devices={
        "disk0": DeviceSpec(part="generic-disk", sectors=64),
        "nor0": DeviceSpec(part="W25Q64JV"),
        "fram0": DeviceSpec(part="generic-nvram"),
    }
)
STEPS: tuple[Step, ...] = (Write(lba=3), Write(lba=11), Save(), Write(lba=3), PowerCycle(), Restore())
STORES = [store.value for store in StoreKind if store is not StoreKind.NAND]
"""On NAND flash the graph does not close: where it writes next depends on how often each block was erased."""
SCHEMES = ["flagged", "versioned", "history"]


def variant(scheme: str, store: str, steps: tuple[Step, ...] = STEPS, **power: object) -> Variant:
    firmware = FirmwareConfig(scheme=scheme, store=StoreKind(store), units=12, log_records=12)
    document = Document(
        title="Closed",
        board=BOARD,
        steps=steps,
        firmware=firmware,
        power=Power(cuts=Cuts.UNBOUNDED, **power),  # type: ignore[arg-type]
    )
    scenario = Scenario("closed", find_scenario("save-by-host").path, "", document)
    return Variant(scenario, firmware)


def run(what: Variant, jobs: int = 1) -> Result:
    (result,), _ = run_campaign([what], jobs)
    return result


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("store", STORES)
def test_every_safe_scheme_closes_on_every_store(scheme: str, store: str) -> None:
    result = run(variant(scheme, store))
    assert result.closed, result.findings
    assert result.as_expected
    assert result.counts.unlike == result.counts.beyond_budget == result.counts.beyond_depth == 0
    assert result.counts.equivalent


@pytest.mark.parametrize("store", STORES)
def test_more_states_are_judged_than_two_cuts_in_a_row_lead_to(store: str) -> None:
    """Of the second cuts none is missing: what is equivalent is counted, and all else is judged."""
    twice = variant("flagged", store)
    document = twice.scenario.document
    depth = Power(cuts=Cuts.EXHAUSTIVE, depth=2)
    scenario = Scenario("twice", twice.scenario.path, "", structs.replace(document, power=depth))
    counts, bounded = run(twice).counts, run(Variant(scenario, twice.firmware)).counts
    assert counts.distinct + counts.equivalent >= bounded.distinct
    assert counts.violations == bounded.violations == 0


def test_plain_is_violated_and_not_closed() -> None:
    result = run(variant("plain", "nor"))
    assert not result.holds
    assert not result.closed
    story = tell(result.variant, CrashId("closed", "plain-nor", result.findings[0].path))
    assert story.violation is not None


def test_on_nand_flash_what_the_budget_allows_holds_and_the_rest_is_counted() -> None:
    board = BoardSpec(devices={"nand0": DeviceSpec(part="generic-nand", blocks=16)})
    firmware = FirmwareConfig(scheme="history", store=StoreKind.NAND, units=2, atom_bytes=16, checkpoint_blocks=1)
    document = Document(
        title="on NAND flash",
        board=board,
        steps=(Write(lba=0),),
        firmware=firmware,
        power=Power(cuts=Cuts.UNBOUNDED, most_states=300),
    )
    result = run(Variant(Scenario("nand", pathlib.Path("nand"), "", document), firmware))
    assert result.holds
    assert not result.judged.closed
    assert result.counts.beyond_budget > 0


def forget_in_third_boot(store: NorAtoms) -> None:
    """Each compaction in a recovery trusts the one before, and the third one in a row loses an atom."""
    if store._generation % 5 == 4:
        store.atoms[-1] = bytes(store.atom_bytes)
    compact(store)


compact = NorAtoms._compact


def test_a_mistake_that_only_many_cuts_in_a_row_bring_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: tuple[Step, ...] = (Write(lba=3), Save(), Write(lba=8))
    whole = variant("flagged", "nor", steps)
    monkeypatch.setattr(NorAtoms, "_compact", forget_in_third_boot)
    result = run(whole)
    assert not result.closed


def finish_nothing(flagged: Flagged) -> None:
    """A boot that does not finish a save that was cut."""
    flagged.vsm = flagged._vsm.load(flagged)
    flagged.ddm = flagged._ddm.load(flagged)


def never_ends(store: NorAtoms) -> None:
    """A boot that compacts for ever."""
    boot(store)
    while store._opened is not None:
        store._compact()


boot = NorAtoms.boot


@pytest.mark.parametrize(
    ("owner", "method", "broken", "said"),
    [(Flagged, "boot", finish_nothing, ""), (NorAtoms, "boot", never_ends, "livelock")],
)
def test_broken_recoveries_are_violations(
    monkeypatch: pytest.MonkeyPatch, owner: type, method: str, broken: Callable[..., None], said: str
) -> None:
    session = Session(variant("flagged", "nor", stop_at_first=True))
    real = getattr(owner, method)

    def begin_wrong(operation: Operation) -> None:
        monkeypatch.setattr(owner, method, broken)
        explore(operation)
        monkeypatch.setattr(owner, method, real)

    explore, session.listener = session.listener, begin_wrong  # type: ignore[assignment]
    session.idle_listener = None
    session.run()
    assert session.explorer.findings
    assert said in session.explorer.findings[0].detail


def test_states_taken_for_equivalent_that_are_not_keep_the_graph_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deltabench.scenarios.equivalence.Equivalence.key", lambda self: 0)
    monkeypatch.setattr(
        "deltabench.scenarios.equivalence.Equivalence.operation", lambda self, operation: operation.kind
    )
    result = run(variant("flagged", "nor"))
    assert result.counts.unlike
    assert not result.closed
    assert not result.as_expected


def test_states_of_a_controller_of_ones_own_are_told_apart_byte_by_byte() -> None:
    """Its counters go on and on, so that only a budget ends it."""
    session = Session(variant("flagged", "nvram", most_states=2_000))
    explorer = session.explorer
    assert isinstance(explorer, Closure)
    explorer._equivalence = None
    session.run()
    assert explorer.counts.violations == 0
    assert explorer.counts.beyond_budget


@pytest.mark.parametrize("jobs", [1, 2])
def test_counts_do_not_depend_on_how_the_work_is_divided(jobs: int) -> None:
    steps: tuple[Step, ...] = (Random(commands=40, mix=Mix(write=60, save=20, restore=20)),)
    result = run(variant("history", "disk", steps), jobs)
    assert result.closed
    assert result.counts == run(variant("history", "disk", steps)).counts


def test_a_budget_leaves_the_rest_out_and_says_how_much() -> None:
    result = run(variant("flagged", "nor", most_states=100))
    assert result.counts.beyond_budget
    assert 100 <= result.counts.verified < 200
    assert not result.closed
    assert not result.as_expected
    assert "only partly explored" in result.problem()


def test_a_scenario_may_allow_that_it_is_explored_in_part() -> None:
    what = variant("flagged", "nor", most_states=100)
    document = structs.replace(what.scenario.document, expect=structs.replace(what.expected, partial=True))
    result = run(Variant(Scenario("part", what.scenario.path, "", document), what.firmware))
    assert result.as_expected
    assert not result.closed


def bounded(explorer: type[Explorer], depth: int, session: Session) -> tuple[Explorer, set[int]]:
    """An explorer of ``depth`` cuts in a row instead of that of the session, and the media that it judges."""
    rig, oracle, judged = session.rig, session.explorer._oracle, set[int]()
    made = Closure(rig, oracle, None, depth=depth) if explorer is Closure else Explorer(rig, oracle, depth)
    real = made._judge

    def judge(*arguments: Any, **more: Any) -> None:
        judged.add(rig.board.cells.digest)
        real(*arguments, **more)

    made._judge = judge  # type: ignore[method-assign]
    session.explorer = made
    session.listener, session.idle_listener = made.on_operation, made.cut_between
    return made, judged


@pytest.mark.parametrize("store", STORES)
def test_three_cuts_in_a_row_lead_to_all_that_they_lead_to_one_by_one(store: str) -> None:
    """A state met first where no cut was left, and again where one is, is cut again."""
    media = []
    for explorer in (Explorer, Closure):
        session = Session(variant("flagged", store, (Write(lba=3), Save())))
        made, judged = bounded(explorer, 3, session)
        session.run()
        assert made.counts.violations == 0
        media.append(judged)
    assert media[0] <= media[1]


def test_what_a_later_cut_breaks_counts_for_the_cut_that_led_there(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(variant("flagged", "nor"))
    session.idle_listener = None
    explorer = Closure(session.rig, session.explorer._oracle, None, depth=2)
    session.explorer, session.listener = explorer, explorer.on_operation
    power_on = Closure._power_on

    def breaks_behind_the_second_cut(self: Closure, here: Path, policy: str, left: int) -> Controller:
        controller = power_on(self, here, policy, left)
        if len(here) == 2:
            raise Violation(Rule.STABILITY, "injected")
        return controller

    monkeypatch.setattr(Closure, "_power_on", breaks_behind_the_second_cut)
    session.run()
    assert explorer.findings
    labels = outcomes_after(variant("flagged", "nor"), ())
    rows = {row.operation: row for row in explorer.cut_rows if row.what != BETWEEN}
    for finding in explorer.findings:
        first = finding.path[0]
        label = labels[first.operation][first.outcome]
        assert finding.cut.endswith(f"; it leaves: {label or 'nothing'}")
        assert rows[first.operation].verdicts[kind_of(label)] == VIOLATED
