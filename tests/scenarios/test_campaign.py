from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from deltabench.scenarios import campaign, division, stretch
from deltabench.scenarios.campaign import Progress, run_campaign
from deltabench.scenarios.crew import Alone
from deltabench.scenarios.division import Share
from deltabench.scenarios.documents import Results
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.explorer import Counts
from deltabench.scenarios.merging import merge
from deltabench.scenarios.portion import Portion
from deltabench.scenarios.record import Record
from deltabench.scenarios.scenario import Scenario, Variant
from deltabench.scenarios.stretch import explore
from deltabench.scenarios.verdict import Result, document_text, to_json

BUSY_DEVICE = """
seed = 3
steps = [
    { do = "random", commands = 14, mix = { write = 6, read = 1, save = 2, restore = 1, flush = 1, fua = 1 } },
    { do = "save", by = "switch", hold_ms = 40 },
    { do = "idle", ms = 3 },
    { do = "power-cycle" },
    { do = "random", commands = 10, most_sectors = 2 },
    { do = "save" },
    { do = "idle", ms = 3 },
]
"""
BUSY_ACTIONS = 29
BUSY_FIRMWARE = """
[firmware]
units = 8
sectors_per_unit = 2
cache = "write-back"
log_records = 16

[matrix]
scheme = ["plain", "history"]
store = ["nor"]

[expect.exceptions.plain]
verdict = "violated"
"""
DIES_IN_COMMAND_12 = """
from deltabench.firmware_model.controller import DeltaController

class Dies(DeltaController):
    served = 0

    def execute(self, command):
        self.served += 1
        if self.served == 12:
            raise ZeroDivisionError("the stack is used up")
        return super().execute(command)
"""


@pytest.fixture
def busy(new_scenario: Callable[..., Scenario]) -> list[Variant]:
    return new_scenario(BUSY_DEVICE, BUSY_FIRMWARE).variants()


@pytest.fixture
def saving(new_scenario: Callable[..., Scenario]) -> Variant:
    """The least that finds something: `plain` in a save."""
    steps = 'steps = [{ do = "write", lba = 1 }, { do = "write", lba = 11 }, { do = "save" }]'
    (variant,) = new_scenario(steps, '[firmware]\nscheme = "plain"\nstore = "nvram"\nunits = 12').variants()
    return variant


def comparable(result: Result) -> dict[str, Any]:
    """All that must not depend on how the work was split."""
    return {key: value for key, value in msgspec.to_builtins(result.judged).items() if key != "elapsed_s"}


def untimed(portion: Portion) -> Portion:
    return portion._replace(elapsed_s=0.0)


def test_two_processes_find_what_one_finds(busy: list[Variant], monkeypatch: pytest.MonkeyPatch) -> None:
    alone, interrupted = run_campaign(busy, jobs=1)
    assert not interrupted
    monkeypatch.setattr(division, "LEAST_STRETCH", 5)  # short as the workload is, it is worth splitting
    together, interrupted = run_campaign(busy, jobs=2)
    assert not interrupted
    assert [comparable(result) for result in together] == [comparable(result) for result in alone]
    assert [result.as_expected for result in alone] == [True, True]
    assert alone[0].counts.violations > 0


def test_recorded_pieces_are_not_explored_again_and_give_the_same_results(
    busy: list[Variant], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, _ = run_campaign(busy)
    record = Record(tmp_path / "record")
    _, interrupted = run_campaign(busy, report=interrupt_after(20), record=record)
    assert interrupted
    assert len(list(record.folder.iterdir())) == 20
    told: list[Progress] = []
    resumed, interrupted = run_campaign(busy, report=told.append, record=record)
    assert not interrupted
    assert told[0] == Progress(20, 2 * BUSY_ACTIONS)
    assert [comparable(result) for result in resumed] == [comparable(result) for result in alone]
    monkeypatch.setattr(stretch, "explore", lambda *_: pytest.fail("something was explored again"))
    again, _ = run_campaign(busy, record=record)
    assert again == resumed


@pytest.mark.parametrize("of", [2, 3, 40])
def test_shares_put_together_are_the_whole(busy: list[Variant], of: int) -> None:
    alone, _ = run_campaign(busy)
    documents = []
    for number in range(1, of + 1):
        results, _ = run_campaign(busy, share=Share(number, of))
        assert all(result.as_expected for result in results)
        # As it is written to a file and read again.
        text = to_json(results, interrupted=False)
        documents.append((Path(f"{number}.json"), msgspec.json.decode(text, type=Results)))
    merged = merge(documents)
    assert merged.missing == {}
    whole = to_json(alone, interrupted=False)
    assert timeless(document_text(merged.document)) == timeless(whole)


def timeless(text: str) -> str:
    return re.sub(r'"elapsed_s": [0-9.e-]+', "", text)


def test_a_share_does_not_say_that_what_it_has_not_found_is_missing(new_scenario: Callable[..., Scenario]) -> None:
    steps = 'steps = [{ do = "write", lba = 1 }, { do = "write", lba = 11 }, { do = "save" }]'
    tables = """
    [firmware]
    scheme = "plain"
    store = "nvram"
    units = 12
    [expect]
    verdict = "violated"
    """
    variants = new_scenario(steps, tables).variants()
    shares = [run_campaign(variants, share=Share(number, 3))[0][0] for number in (1, 2, 3)]
    assert [share.holds for share in shares] == [True, True, False]
    assert [share.as_expected for share in shares] == [True, True, True]


@pytest.mark.parametrize("edges", [(1,), (14, 15, 16, 17), range(1, BUSY_ACTIONS)], ids=str)
def test_any_split_into_windows_explores_the_same(busy: list[Variant], edges: Sequence[int]) -> None:
    plain = busy[0]
    (whole,) = explore(plain, (0, BUSY_ACTIONS), lambda _: True)
    windows = zip((0, *edges), (*edges, BUSY_ACTIONS), strict=True)
    alone = [explore(plain, window, lambda _: True)[0] for window in windows]
    in_one_go = explore(plain, (0, *edges, BUSY_ACTIONS), lambda _: True)
    assert [untimed(portion) for portion in in_one_go] == [untimed(portion) for portion in alone]
    counts = zip(*(portion.counts for portion in alone), strict=True)
    assert Counts(*(sum(column) for column in counts)) == whole.counts
    found = [finding for portion in alone for finding in portion.findings]
    assert tuple(sorted(found, key=lambda finding: len(finding.path))[: len(whole.findings)]) == whole.findings
    assert (alone[-1].commands, alone[-1].operations) == (whole.commands, whole.operations)
    assert [portion.commands for portion in alone] == sorted(portion.commands for portion in alone)
    assert [row for portion in alone for row in portion.cut_rows] == list(whole.cut_rows)


@pytest.mark.parametrize("window", [5, 100])
def test_a_violation_without_any_cut_is_found_once_however_the_work_is_split(
    window: int,
    new_scenario: Callable[..., Scenario],
    new_module: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new_module("dies_in_command_12", DIES_IN_COMMAND_12)
    top = 'controller = "dies_in_command_12:Dies"\nsteps = [{ do = "random", commands = 30 }]'
    scenario = new_scenario(top, '[firmware]\nunits = 8\n[power]\ncuts = "none"')
    monkeypatch.setattr(division, "LEAST_STRETCH", window)
    (result,), _ = run_campaign(scenario.variants(), crew=Alone(jobs=2))
    (finding,) = result.findings
    assert (finding.path, finding.rule.value, finding.cut) == ((), "usability", "nowhere")
    assert "ZeroDivisionError: the stack is used up" in finding.detail
    assert result.crash_id(finding) == "small:flagged-nor:-"
    assert result.counts.violations == 1


def test_a_device_that_fails_at_its_first_boot_is_found_before_any_action(
    new_scenario: Callable[..., Scenario], new_module: Callable[[str, str], None]
) -> None:
    new_module(
        "never_boots",
        "from deltabench.firmware_model.controller import DeltaController\n"
        "class NeverBoots(DeltaController):\n"
        "    def boot(self):\n"
        "        raise LookupError('no boot block')\n",
    )
    tables = '[firmware]\nunits = 8\n[power]\ncuts = "random"\ncount = 5'
    scenario = new_scenario('controller = "never_boots:NeverBoots"\nsteps = [{ do = "save" }]', tables)
    (result,), _ = run_campaign(scenario.variants())
    assert [(finding.doing, finding.path) for finding in result.findings] == [("the first boot", ())]


def test_what_the_device_was_doing_is_said_of_a_violation_without_cuts_as_well(
    new_scenario: Callable[..., Scenario], new_module: Callable[[str, str], None]
) -> None:
    new_module(
        "reads_nothing",
        "from deltabench.firmware_model.controller import DeltaController\n"
        "class ReadsNothing(DeltaController):\n"
        "    def _read(self, lba, count):\n"
        "        return [bytes(512)] * count\n",
    )
    top = 'controller = "reads_nothing:ReadsNothing"\nsteps = [{ do = "write", lba = 1 }, { do = "read", lba = 1 }]'
    scenario = new_scenario(top, '[firmware]\nunits = 8\n[power]\ncuts = "none"')
    (result,), _ = run_campaign(scenario.variants())
    assert [finding.doing for finding in result.findings] == ["READ DMA EXT LBA 1+1"]


def test_what_is_wrong_with_one_variant_is_said_before_any_is_run(
    saving: Variant, new_scenario: Callable[..., Scenario]
) -> None:
    broken = new_scenario(
        'steps = [{ do = "put-back", device = "disk0" }]', "[firmware]\nunits = 8", name="broken"
    ).variants()
    with pytest.raises(ScenarioError, match=r"broken\.scenario\.toml: put-back of 'disk0': there is no snapshot"):
        run_campaign([saving, *broken], report=lambda _: pytest.fail("something was run"))


def test_progress_is_told_in_actions_and_ends_at_the_total(busy: list[Variant]) -> None:
    told: list[Progress] = []
    run_campaign(busy, report=told.append)
    assert [progress.done for progress in told] == list(range(1, 2 * BUSY_ACTIONS + 1))
    assert {progress.total for progress in told} == {2 * BUSY_ACTIONS}


def interrupt_after(actions: int) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if progress.done >= actions:
            raise KeyboardInterrupt

    return report


def test_ctrl_c_leaves_the_results_found_so_far(busy: list[Variant]) -> None:
    (plain, history), interrupted = run_campaign(busy, report=interrupt_after(20))
    assert interrupted
    assert (plain.complete, history.complete) == (False, False)
    assert plain.commands == 20 - len(["press", "idle", "power-cycle"])
    assert plain.operations > 0
    assert plain.counts.generated > plain.counts.violations > 0
    assert plain.findings
    assert history.counts == Counts()


def test_an_interrupted_run_is_not_as_expected_unless_it_found_what_it_should(busy: list[Variant]) -> None:
    (plain, history), _ = run_campaign(busy, report=interrupt_after(50))
    assert plain.complete
    assert plain.as_expected
    assert not history.complete
    assert not history.as_expected
    assert history.problem() == "interrupted before it was finished"


def test_ctrl_c_stops_the_other_processes_and_leaves_their_results(
    busy: list[Variant], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(division, "LEAST_STRETCH", 5)
    results, interrupted = run_campaign(busy, jobs=2, report=interrupt_after(0))
    assert interrupted
    assert [result.variant for result in results] == busy
    assert not all(result.complete for result in results)


def test_ctrl_c_before_anything_is_run_leaves_empty_results(saving: Variant, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted_build(variant: Variant) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(campaign, "_checked", interrupted_build)
    (result,), interrupted = run_campaign([saving])
    assert interrupted
    assert (result.complete, result.counts) == (False, Counts())
