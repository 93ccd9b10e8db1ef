from __future__ import annotations

from collections.abc import Callable

import pytest

from deltabench.scenarios.counterexamples.documents import Explanation
from deltabench.scenarios.counterexamples.explain import explain
from deltabench.scenarios.crash_id import CrashIdError, parse_crash_id
from deltabench.scenarios.explorer import Finding
from deltabench.scenarios.oracle import Rule
from deltabench.scenarios.scenario import Scenario, Variant, find_scenario
from deltabench.scenarios.session import Session
from deltabench.scenarios.verdict import CrashId

NewScenario = Callable[..., Scenario]
WRITES = "steps = [{ do = 'write', lba = 1 }, { do = 'save' }, { do = 'write', lba = 9 }, { do = 'write', lba = 1 }]"


def explained(crash_id: str) -> Explanation:
    crash = parse_crash_id(crash_id)
    return explain(find_scenario(crash.scenario).variant(crash.variant), crash)


def found(variant: Variant, rule: Rule) -> list[Finding]:
    session = Session(variant)
    session.run()
    return [finding for finding in session.explorer.findings if finding.rule is rule]


@pytest.mark.parametrize("store", ["nor", "nvram", "disk"])
def test_the_two_maps_of_plain_must_persist_together_on_every_store(store: str) -> None:
    variant = find_scenario("save-by-host").variant(f"plain-{store}")
    (first, *_) = [finding for finding in found(variant, Rule.ALL_OR_NOTHING) if finding.doing == "SAVE"]
    why = explain(variant, CrashId("save-by-host", variant.name, first.path))
    assert why.need == "together"
    (vsm,), (ddm,) = why.first, why.then
    assert why.sentences[0] == (
        f"Operation {vsm} (VSM of units 0 to 63) and operation {ddm} (DDM of units 0 to 63) "
        "must persist together, or neither of them."
    )
    helps = {(one.operation, one.tried) for one in why.tried if one.holds}
    assert helps == {(vsm, "undone"), (ddm, "completed")}


def test_a_map_entry_must_not_persist_before_the_data_that_it_points_at(
    new_scenario: NewScenario, mistakes: str
) -> None:
    scenario = new_scenario(f"controller = '{mistakes}:WritesMapsFirst'\n{WRITES}", "[firmware]\nunits = 12\n")
    (variant,) = scenario.variants()
    last = found(variant, Rule.ATOMICITY)[-1]
    why = explain(variant, CrashId("small", variant.name, last.path))
    assert why.need == "order"
    (maps,), (data,) = why.first, why.then
    assert why.sentences[0] == (
        f"Operation {maps} (DDM of units 0 to 11) must not persist before operation {data} (data of unit 1 (A))."
    )
    assert "the other way round they hold as well" in why.sentences[1]
    assert why.sentences[1].endswith("This is rule 1: data before maps.")
    assert [change.what for change in why.by_the_command.structures if "DDM" in change.what]


def test_data_that_was_acknowledged_in_a_cache_had_to_be_durable(new_scenario: NewScenario, mistakes: str) -> None:
    writes = "steps = [{ do = 'write', lba = 9 }, { do = 'write', lba = 1 }]"
    scenario = new_scenario(f"controller = '{mistakes}:LeavesDataInCache'\n{writes}", "[firmware]\nunits = 12\n")
    (variant,) = scenario.variants()
    why = explain(variant, CrashId("small", variant.name, found(variant, Rule.DURABILITY)[0].path))
    (lost,) = [one for one in why.tried if one.holds]
    assert (lost.about, lost.state) == ("data of unit 9 (B)", "cached")
    assert lost.then.startswith("usability"), "there is more wrong with it: the probe's data is lost, too"
    assert (why.need, why.then) == ("durable", (lost.operation,))
    assert why.sentences == (
        "Operation 0 (data of unit 9 (B)) had to be durable by now.",
        "It was over, and lost in the cache of disk0.",
        "With 0 complete, durability is not violated any more; nothing that persisted needs to be undone.",
    )


def test_the_diffs_of_structures_and_bytes_name_what_the_cut_changed() -> None:
    why = explained("save-by-host:plain-nvram:4.16")
    by_structure = {change.what: (change.one, change.other) for change in why.by_the_command.structures}
    assert by_structure["VSM of units 3-4,30"] == ("A", "B")
    assert {run.place for run in why.by_the_command.bytes} == {"map store"}
    assert (why.by_the_command.bytes[0].old, why.by_the_command.bytes[0].new) == ("00", "02")
    assert why.by_the_recovery is not None
    assert why.by_the_recovery.bytes == (), "a boot with NVRAM finds nothing to do"


def test_unstable_bytes_are_shown_with_both_readings() -> None:
    (run,) = explained("save-by-host:plain-nor:5.6n").by_the_command.bytes
    differing = [n for n, pair in enumerate(zip(run.new, run.or_new, strict=True)) if pair[0] != pair[1]]
    assert {n // 2 for n in differing} == {14}, "byte 14 of the record is unstable"


@pytest.mark.parametrize(
    ("crash_id", "what"),
    [
        ("save-by-host:flagged-nor:5.6n", "all rules hold after this crash; there is nothing to explain"),
        ("save-by-host:plain-nor:-", "nothing was cut in it"),
        ("save-by-host:plain-nor:999.0", "there is no operation 999 with that outcome to cut"),
        ("save-by-host:plain-nor:5.99", "there is no operation 5 with that outcome to cut"),
        ("random-work-on-nor:plain-nor:13.6/3.0n", "all rules hold after this crash"),
        ("save-by-host:plain-nor:999.0/1.0", "is not reached: there is no operation 999"),
    ],
)
def test_what_cannot_be_explained_is_said(crash_id: str, what: str) -> None:
    with pytest.raises(CrashIdError, match=what):
        explained(crash_id)


def test_what_a_recovery_must_not_leave_half_done_is_told_by_its_own_operations(
    new_scenario: NewScenario, new_module: Callable[[str, str], None]
) -> None:
    new_module(
        "half",
        "from deltabench.firmware_model.schemes.flagged import CLEARING, IDLE, Flagged\n"
        "class FlagLast(Flagged):\n"
        "    def _clear_ddm(self):\n"
        "        self._set_control(IDLE)\n"
        "        super()._clear_ddm()\n",
    )
    steps = "steps = [{ do = 'write', lba = 1 }, { do = 'save' }]"
    scenario = new_scenario(steps, '[firmware]\nscheme = "half:FlagLast"\nunits = 12\n[power]\ndepth = 2\n')
    (variant,) = scenario.variants()
    nested = [finding for finding in found(variant, Rule.ALL_OR_NOTHING) if len(finding.path) == 2]
    assert nested == [] or explain(variant, CrashId("small", variant.name, nested[0].path)).first
    (single, *_) = [finding for finding in found(variant, Rule.ALL_OR_NOTHING) if len(finding.path) == 1]
    why = explain(variant, CrashId("small", variant.name, single.path))
    assert "control atom: idle" in why.sentences[0]
    assert "DDM of units 0 to 11" in why.sentences[0]
