"""Crashes of a device on NAND flash are told, explained and shrunk like all others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from deltabench.firmware_model.controller import DeltaController
from deltabench.hwsim.board import Board
from deltabench.hwsim.medium import Operation
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nand_pages import UnstablePage
from deltabench.scenarios.counterexamples.explain import explain
from deltabench.scenarios.counterexamples.explicit import to_toml
from deltabench.scenarios.counterexamples.incident import Altered, Incident
from deltabench.scenarios.counterexamples.naming import Names, is_housekeeping
from deltabench.scenarios.counterexamples.shrink import shrink
from deltabench.scenarios.counterexamples.timeline import record
from deltabench.scenarios.crash_id import CrashId, Cut
from deltabench.scenarios.explorer import Finding
from deltabench.scenarios.oracle import Rule
from deltabench.scenarios.replay import tell
from deltabench.scenarios.scenario import Scenario, Variant, find_scenario, load_scenario
from deltabench.scenarios.session import Session

NewScenario = Callable[..., Scenario]
NAND = "[board.devices.nand0]\npart = 'generic-nand'\nblocks = 20\n"
FIRMWARE = "[firmware]\nstore = 'nand'\nunits = 12\ncheckpoint_blocks = 3\n"
WRITES = "steps = [{ do = 'write', lba = 1 }, { do = 'save' }, { do = 'write', lba = 9 }, { do = 'write', lba = 1 }]"


@pytest.fixture
def new_file(tmp_path: Path) -> Callable[..., Variant]:
    def new(steps: str, *, part: str = "generic-nand", scheme: str = "flagged") -> Variant:
        path = tmp_path / "nand.scenario.toml"
        board = NAND.replace("generic-nand", part)
        path.write_text(f"title = 't'\n{steps}\n{board}{FIRMWARE}scheme = '{scheme}'\n[power]\ncuts = 'exhaustive'\n")
        (variant,) = load_scenario(path).variants()
        return variant

    return new


def found(variant: Variant) -> list[Finding]:
    session = Session(variant)
    session.run()
    return list(session.explorer.findings)


def crash(variant: Variant, finding: Finding) -> CrashId:
    return CrashId(variant.scenario.name, variant.name, finding.path)


def names_of(variant: Variant) -> Iterator[tuple[str, str]]:
    """Each media operation of a workload, and what it is about."""
    session = Session(variant)
    names = Names(session.rig.board, variant.firmware, session.rig.make())
    told: list[tuple[str, str]] = []

    def listen(operation: Operation) -> None:
        told.append((operation.kind, names.of(operation, operation.whole())))

    session.listener, session.idle_listener = listen, None
    session.run()
    return iter(told)


@pytest.mark.parametrize("part", ["generic-nand", "generic-mlc"])
def test_what_a_page_is_about_its_spare_bytes_say(new_file: Callable[..., Variant], part: str) -> None:
    many = "{ do = 'write', lba = 0, count = 12 }, " * 3
    told = dict.fromkeys(names_of(new_file(WRITES.replace("steps = [", f"steps = [{many}"), part=part)))
    about = [what for _, what in told]
    assert {"data of unit 1 (B)", "control atom: idle", "DDM of units 0 to 11"} <= {*about}
    assert {"label of nand0", "identity"} <= {*about}
    assert any(what.startswith("control atom: switching VSM block 0 to ") for what in about)
    for kind, what in told:
        keeps = kind == "erase" or (what.endswith(" of nand0") and not what.startswith("label"))
        assert is_housekeeping(what) == keeps, what
    assert any(what.startswith("header of block ") for what in about)
    assert any(what.startswith("checkpoint in block ") for what in about)


def test_the_two_maps_of_plain_must_persist_together_in_one_log_too(new_file: Callable[..., Variant]) -> None:
    variant = new_file("steps = [{ do = 'write', lba = 0, count = 12 }, { do = 'save' }]", scheme="plain")
    first = next(finding for finding in found(variant) if finding.rule is Rule.ALL_OR_NOTHING)
    why = explain(variant, crash(variant, first))
    assert why.need == "together"
    assert "(VSM of units 0 to 11) and operation" in why.sentences[0]
    assert "(DDM of units 0 to 11) must persist together" in why.sentences[0]
    assert "No order of them is safe" in why.sentences[2]
    (changed, *_) = why.by_the_command.bytes
    assert (changed.device, changed.place) == ("nand0", "VSM of units 0 to 11")
    assert why.by_the_recovery is not None
    assert "nand0: checkpoint in force" in [each.what for each in why.by_the_recovery.structures]


def test_data_before_maps_is_asked_for_in_one_log_too(new_file: Callable[..., Variant], mistakes: str) -> None:
    variant = new_file(f"controller = '{mistakes}:WritesMapsFirst'\n{WRITES}")
    last = [finding for finding in found(variant) if finding.rule is Rule.ATOMICITY][-1]
    why = explain(variant, crash(variant, last))
    assert why.need == "order"
    (maps,), (data,) = why.first, why.then
    assert why.sentences[0] == (
        f"Operation {maps} (DDM of units 0 to 11) must not persist before operation {data} (data of unit 1 (A))."
    )
    assert "the other way round they hold as well" in why.sentences[1]
    assert why.sentences[1].endswith("This is rule 1: data before maps.")


def test_a_crash_is_told_in_simulated_time(new_file: Callable[..., Variant]) -> None:
    variant = new_file("steps = [{ do = 'write', lba = 0, count = 12 }, { do = 'save' }]", scheme="plain")
    (first, *_) = found(variant)
    timeline = record(variant, crash(variant, first))
    assert timeline.devices == (("nand0", "generic-nand"),)
    busy = [span for span in timeline.spans if span.kind in ("program", "erase")]
    assert {span.device for span in busy} == {"nand0"}
    assert any(span.about.startswith("header of block ") for span in busy)


def test_what_is_shrunk_is_a_scenario_that_violates_the_rule_with_all_that_the_flash_needs(
    tmp_path: Path,
) -> None:
    path = tmp_path / "worn.scenario.toml"
    path.write_text(
        "title = 't'\nsteps = [{ do = 'write', lba = 0, count = 12 }, { do = 'save' }]\n"
        "[board.devices.nand0]\npart = 'generic-nand'\nblocks = 20\nbad_blocks = [3]\n"
        "failing = [{ block = 7, on = 'erase', after = 1 }]\n"
        f"{FIRMWARE}scheme = 'plain'\n[power]\ncuts = 'exhaustive'\n"
    )
    (variant,) = load_scenario(path).variants()
    first = next(finding for finding in found(variant) if finding.rule is Rule.ALL_OR_NOTHING)
    shrunk = shrink(variant, crash(variant, first))
    again = tmp_path / "shrunk.scenario.toml"
    again.write_text(to_toml(shrunk.variant, ["shrunk"]))
    (smaller,) = load_scenario(again).variants()
    assert smaller.scenario.document.board.devices == variant.scenario.document.board.devices
    assert Rule.ALL_OR_NOTHING in {finding.rule for finding in found(smaller)}


def test_cells_that_may_read_otherwise_can_be_tried_as_if_they_did_not(new_file: Callable[..., Variant]) -> None:
    variant = new_file("steps = [{ do = 'write', lba = 0, count = 12 }, { do = 'save' }]", scheme="plain")
    unstable = next(finding for finding in found(variant) if finding.path[-1].policy != "o")
    incident = Incident(variant, crash(variant, unstable))
    board: Board = incident.rig.board
    nand = board.media["nand0"]
    assert isinstance(nand, NandFlash)
    assert isinstance(incident.rig.make(), DeltaController)
    assert any(isinstance(cell, UnstablePage) for cell in board.cells.values)
    assert (incident.judge(Altered(stable="o")) is None) != (incident.judge(Altered(stable="n")) is None)


def test_a_change_of_the_maps_is_told_with_a_page_of_data_and_not_with_what_keeps_the_log_going() -> None:
    variant = find_scenario("nand-holds-everything").variant("flagged-nand")
    story = tell(variant, CrashId("nand-holds-everything", variant.name, (Cut(93, 0),)))
    seen = [event for event in story.events if event.kind == "operation" and event.maps]
    changed = [after.number for before, after in pairwise(seen) if before.maps != after.maps]
    erased = {event.number for event in story.events if " erase " in event.text}
    assert changed
    assert erased
    assert not erased & {event.number for event in seen}
