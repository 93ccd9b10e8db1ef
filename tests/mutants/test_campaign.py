"""A mutation campaign: what is run, when it stops, and what its document says."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import msgspec
import pytest

from deltabench.scenarios.campaign import Progress, run_campaign
from deltabench.scenarios.crash_id import parse_crash_id
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.mutants.broken_controller import SavesTwice
from deltabench.scenarios.mutants.broken_flagged import NoFlag
from deltabench.scenarios.mutants.campaign import Campaign, exit_code, plan, run_mutants
from deltabench.scenarios.mutants.documents import Mutation
from deltabench.scenarios.mutants.mutant import Mutant
from deltabench.scenarios.mutants.naming import Catalogue, our_catalogue
from deltabench.scenarios.replay import tell
from deltabench.scenarios.scenario import find_scenario
from deltabench.scenarios.verdict import document_text, to_junit

NVRAM = ("nvram",)


def run(*names: str, jobs: int = 1) -> Campaign:
    return run_mutants(plan(our_catalogue(), names, ("flagged",), NVRAM), jobs)


def test_a_mutant_stops_at_its_first_violation_and_its_control_goes_on() -> None:
    document = run("no-flag").document
    (mutant,), (control,) = document.mutants, document.controls
    (on,) = mutant.runs
    assert (mutant.verdict, control.verdict, exit_code(document)) == ("killed", "holds", 0)
    assert on.violation is not None
    assert 0 < on.crash_states < control.run.crash_states
    assert on.complete, "it was run as far as was wanted"
    assert on.elapsed_s < control.run.elapsed_s


def test_states_to_the_kill_do_not_depend_on_the_number_of_processes() -> None:
    def untimed(document: Mutation) -> object:
        runs = [*(control.run for control in document.controls), *(r for m in document.mutants for r in m.runs)]
        return [msgspec.structs.replace(run, elapsed_s=0.0) for run in runs]

    assert untimed(run("no-flag", "vol-swap").document) == untimed(run("no-flag", "vol-swap", jobs=2).document)


def test_progress_ends_at_the_total_though_mutants_do_not() -> None:
    told: list[Progress] = []
    run_campaign(plan(our_catalogue(), ["no-flag"], ("flagged",), NVRAM).variants, 1, told.append)
    assert told[-1].done == told[-1].total


def test_a_crash_id_of_a_mutant_replays_its_violation() -> None:
    violation = run("no-flag").document.mutants[0].runs[0].violation
    assert violation is not None
    crash = parse_crash_id(violation.id)
    story = tell(find_scenario(crash.scenario).variant(crash.variant), crash)
    assert story.violation is not None
    assert story.violation.rule.value == violation.rule


def test_a_control_is_run_once_for_all_that_share_its_settings() -> None:
    planned = plan(our_catalogue(), ["no-flag", "no-target", "reads-past-cache"], ("flagged",), NVRAM)
    assert [(settings, variant.name) for settings, variant in planned.controls] == [
        ("standard", "flagged-nvram"),
        ("write-back", "flagged-nvram"),
    ]


def verdict_of(mutant: Mutant) -> tuple[str, int]:
    planned = plan(Catalogue("mine", "mutants/", (mutant,)), (), ("flagged",), NVRAM)
    document = run_mutants(planned).document
    return document.mutants[0].verdict, exit_code(document)


def test_one_that_nothing_kills_has_survived_unless_it_says_why() -> None:
    assert verdict_of(Mutant(SavesTwice)) == ("survived", 1)
    assert verdict_of(Mutant(SavesTwice, equivalent="DDM is 0 after the first.")) == ("equivalent", 0)


def test_a_kill_refutes_the_argument_that_a_mutant_is_equivalent() -> None:
    assert verdict_of(Mutant(NoFlag, equivalent="Nobody needs it.")) == ("refuted", 1)


def test_no_kill_counts_if_the_unbroken_firmware_does_not_hold() -> None:
    document = run("no-flag").document
    broken = msgspec.structs.replace(document.controls[0], verdict="violated")
    assert exit_code(msgspec.structs.replace(document, controls=(broken,))) == 1


def test_what_was_not_run_to_its_end_is_neither_killed_nor_has_it_survived() -> None:
    campaign = run("no-flag")
    nothing = campaign.results[0].counts._replace(violations=0)
    stopped = tuple(result._replace(complete=False, findings=(), counts=nothing) for result in campaign.results)
    document = campaign._replace(results=stopped, interrupted=True).document
    assert (document.mutants[0].verdict, document.controls[0].verdict) == ("unfinished", "unfinished")
    assert exit_code(document) == 1


def test_the_document_is_read_as_it_was_written() -> None:
    document = run("no-flag").document
    text = document_text(document)
    assert json.loads(text)["schema"] == "deltabench.mutation/1"
    assert msgspec.json.decode(text, type=Mutation) == document


def test_a_survivor_fails_in_junit() -> None:
    planned = plan(Catalogue("mine", "mutants/", (Mutant(SavesTwice), Mutant(NoFlag))), (), ("flagged",), NVRAM)
    suite = ET.fromstring(to_junit(run_mutants(planned).results))[0]
    assert (suite.get("tests"), suite.get("failures")) == ("3", "1")
    failed = [case.get("classname") for case in suite if case.find("failure") is not None]
    assert failed == ["mutants/saves-twice"]


@pytest.mark.parametrize("name", ["no-flag", "NoFlag", "no-fla?"])
def test_a_mutant_is_chosen_by_its_name_its_class_or_a_pattern(name: str) -> None:
    assert [mutant.name for mutant in our_catalogue().choose([name])] == ["no-flag"]


def test_a_name_that_nobody_has_is_told_with_one_that_may_be_meant() -> None:
    with pytest.raises(ScenarioError, match=r"no-flagg: no such mutant in our catalogue \(did you mean 'no-flag'\?\)"):
        our_catalogue().choose(["no-flagg"])
