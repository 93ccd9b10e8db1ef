from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from deltabench.scenarios import scenario as steps
from deltabench.scenarios.campaign import run_campaign
from deltabench.scenarios.counterexamples.explicit import spelled_out, to_toml
from deltabench.scenarios.counterexamples.hunting import tear_rank
from deltabench.scenarios.counterexamples.regression import as_file
from deltabench.scenarios.counterexamples.shrink import Shrunk, shrink
from deltabench.scenarios.crash_id import CrashId, CrashIdError, parse_crash_id
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.oracle import Rule
from deltabench.scenarios.replay import tell
from deltabench.scenarios.scenario import By, Scenario, find_scenario, library_names, load_scenario
from deltabench.scenarios.session import Session

NewScenario = Callable[..., Scenario]
RANDOM = "random-work-on-nor:plain-nor:13.6n"


def shrunk(crash_id: str) -> Shrunk:
    crash = parse_crash_id(crash_id)
    return shrink(find_scenario(crash.scenario).variant(crash.variant), crash)


def test_a_random_workload_becomes_a_write_and_a_save_of_one_unit() -> None:
    found = shrunk(RANDOM)
    assert found.complete
    assert found.variant.scenario.document.steps == (steps.Write(lba=0), steps.Save())
    assert (found.variant.firmware.units, found.variant.firmware.sectors_per_unit) == (1, 1)
    assert set(found.variant.scenario.document.board.devices) == {"disk0", "nor0"}
    assert found.rule is Rule.ALL_OR_NOTHING
    cut = next(event for event in found.story.events if event.kind == "cut")
    assert cut.text.endswith("leaves: nothing"), "the cleanest of all cuts"


def test_it_comes_to_the_same_each_time() -> None:
    one, other = shrunk(RANDOM), shrunk(RANDOM)
    assert as_file(one, Path("a")) == as_file(other, Path("a"))
    assert one.runs == other.runs


@pytest.mark.parametrize("only_this_cut", [False, True])
def test_the_file_is_a_test_that_fails_until_the_firmware_is_mended(tmp_path: Path, only_this_cut: bool) -> None:
    path = tmp_path / "case.scenario.toml"
    path.write_text(as_file(shrunk(RANDOM), path, only_this_cut=only_this_cut), encoding="utf-8")
    scenario = load_scenario(path)
    (result,), _ = run_campaign(scenario.variants())
    assert not result.as_expected
    assert result.findings[0].rule is Rule.ALL_OR_NOTHING
    named = scenario.about.rpartition("deltabench replay ")[2]
    assert named.startswith(f"{path}:plain-nor:")
    story = tell(scenario.variants()[0], parse_crash_id(named))
    assert story.violation is not None
    assert story.violation.rule is Rule.ALL_OR_NOTHING
    mended = path.with_name("mended.scenario.toml")
    mended.write_text(path.read_text().replace('scheme = "plain"', 'scheme = "flagged"'), encoding="utf-8")
    (result,), _ = run_campaign(load_scenario(mended).variants())
    assert result.as_expected


def test_cuts_that_it_does_not_take_are_dropped() -> None:
    variant = find_scenario("save-by-host").variant("plain-nor")
    session = Session(variant)
    session.run()
    path = next(finding.path for finding in reversed(session.explorer.findings) if finding.rule is Rule.ALL_OR_NOTHING)
    assert len(path) == 2
    assert len(shrink(variant, CrashId("save-by-host", "plain-nor", path)).story.crash.path) == 1


def test_sectors_fold_when_units_become_smaller(new_scenario: NewScenario, mistakes: str) -> None:
    write = "{ do = 'write', lba = 9, count = 3 }"
    text = f"controller = '{mistakes}:WritesMapsFirst'\nsteps = [{write}, {{ do = 'save' }}, {write}]"
    (variant,) = new_scenario(text, "[firmware]\nunits = 6\nsectors_per_unit = 4\n").variants()
    session = Session(variant)
    session.run()
    found = shrink(variant, CrashId("small", variant.name, session.explorer.findings[0].path))
    assert found.variant.firmware.sectors_per_unit == 1
    assert found.variant.scenario.document.steps == (steps.Write(lba=0), steps.Save(), steps.Write(lba=0))
    assert set(found.variant.scenario.document.board.devices) == {"disk0", "nor0"}
    assert found.variant.scenario.document.board.switches == {}


def test_a_class_of_ones_own_keeps_the_file_in_its_folder(
    new_scenario: NewScenario, mistakes: str, tmp_path: Path
) -> None:
    write = "{ do = 'write', lba = 0 }"
    text = f"controller = '{mistakes}:WritesMapsFirst'\nsteps = [{write}, {{ do = 'save' }}, {write}]"
    (variant,) = new_scenario(text, "[firmware]\nunits = 6\n").variants()
    session = Session(variant)
    session.run()
    found = shrink(variant, CrashId("small", variant.name, session.explorer.findings[0].path))
    assert "mistakes:WritesMapsFirst" in as_file(found, tmp_path / "case.scenario.toml")
    with pytest.raises(ScenarioError, match="would name mistakes:WritesMapsFirst, which lies in"):
        as_file(found, tmp_path / "elsewhere" / "case.scenario.toml")


def test_a_crash_after_which_all_rules_hold_cannot_be_shrunk() -> None:
    with pytest.raises(CrashIdError, match="all rules hold after this crash; there is nothing to shrink"):
        shrunk("save-by-host:flagged-nor:5.6n")


@pytest.mark.parametrize("most_runs", [2, 3, 5, 8])
def test_with_few_runs_what_has_been_found_is_kept(most_runs: int) -> None:
    crash = parse_crash_id(RANDOM)
    variant = find_scenario(crash.scenario).variant(crash.variant)
    few = shrink(variant, crash, most_runs)
    assert not few.complete
    assert few.story.violation is not None
    assert len(few.variant.scenario.document.steps) >= 2


@pytest.mark.parametrize("name", library_names())
def test_a_scenario_spelled_out_does_the_same(name: str, tmp_path: Path) -> None:
    for variant in find_scenario(name).variants()[:1]:
        wanted = Session(variant).actions
        if len(wanted) > 600:
            wanted = wanted[:600]
        alone = spelled_out(variant, wanted)
        document = alone.scenario.document
        path = tmp_path / "spelled.scenario.toml"
        path.write_text(to_toml(alone, ["What it is about."]), encoding="utf-8")
        read = load_scenario(path)
        assert read.about == "What it is about."
        assert read.document.steps == document.steps
        assert msgspec.structs.asdict(read.document.firmware) == msgspec.structs.asdict(document.firmware)
        assert read.document.board == document.board
        if not any(isinstance(step, steps.Trace) for step in variant.scenario.document.steps):
            assert Session(alone).actions == wanted


def test_power_can_be_lost_inside_a_command_by_a_step_of_its_own(new_scenario: NewScenario) -> None:
    text = "steps = [{ do = 'crash', command = { do = 'write', lba = 3 }, operations = 1, seed = 5 }, { do = 'save' }]"
    scenario = new_scenario(text, "[firmware]\nunits = 8\n")
    (result,), _ = run_campaign(scenario.variants())
    assert result.as_expected
    assert scenario.document.steps[0] == steps.Crash(command=steps.Write(lba=3), operations=1, seed=5)


def test_power_is_lost_in_commands_of_the_host_only(new_scenario: NewScenario) -> None:
    text = "steps = [{ do = 'crash', command = { do = 'save', by = 'switch' } }]"
    (variant,) = new_scenario(text, "[firmware]\nunits = 8\n").variants()
    with pytest.raises(ScenarioError, match=r"steps\[0\]\.command\.by = 'switch': power is lost in commands of the"):
        Session(variant)
    assert variant.scenario.document.steps == (steps.Crash(command=steps.Save(by=By.SWITCH)),)


def test_the_cleanest_tear_comes_first() -> None:
    labels = [
        "all, unstable",
        "only the bytes from 3 on",
        "a prefix of 4 bytes",
        "all",
        "nothing",
        "a prefix of 2 bytes",
    ]
    assert sorted(labels, key=tear_rank) == [
        "nothing", "all", "a prefix of 2 bytes", "a prefix of 4 bytes", "only the bytes from 3 on", "all, unstable",
    ]  # fmt: skip
