from __future__ import annotations

from deltabench.firmware_model.branches import OF_LABELS, OF_REMOTE, OF_SCHEME, OF_STORE, branches_of
from deltabench.scenarios.campaign import run_campaign
from deltabench.scenarios.coverage import Covered, Way, added, as_document, from_document
from deltabench.scenarios.scenario import find_scenario


def test_every_recovery_met_one_combination_of_flag_status_and_cut() -> None:
    variants = find_scenario("save-by-host").variants()
    results, _ = run_campaign(variants)
    for result in results:
        assert sum(count for _, count in result.covered.ways) == result.counts.verified


def test_a_save_of_two_blocks_is_met_in_each_of_them() -> None:
    (result,), _ = run_campaign([find_scenario("save-by-host").variant("flagged-nor")])
    statuses = {way.status for way, _ in result.covered.ways if way.flag == "flag switching"}
    assert statuses == {"block 0", "block 1"}
    assert {way.flag for way, _ in result.covered.ways} == {"flag idle", "flag switching", "flag clearing"}


def test_branches_that_no_crash_state_reached_are_named() -> None:
    (result,), _ = run_campaign([find_scenario("save-by-host").variant("flagged-nvram")])
    coverage = result.coverage
    assert coverage is not None
    assert set(coverage.unreached) == {"no slot good", "maps lost", "device refused"}
    known = {branch.name for branch in branches_of(result.variant.firmware)}
    assert {taken.branch for taken in coverage.branches} | set(coverage.unreached) == known


def test_branches_have_names_of_their_own() -> None:
    groups = [*OF_STORE.values(), *OF_SCHEME.values(), OF_LABELS, OF_REMOTE]
    branches = {branch for group in groups for branch in group}
    assert len({branch.name for branch in branches}) == len(branches)


def test_coverages_add_up_and_come_back_from_a_document() -> None:
    one = Covered(((Way("flag idle", "", "nor0 erase"), 3),), (("proven", 3),))
    other = Covered(((Way("flag idle", "", "nor0 erase"), 1), (Way("no flag", "", "x"), 2)), (("quiet", 1),))
    both = added([one, other])
    assert dict(both.ways)[Way("flag idle", "", "nor0 erase")] == 4
    document = as_document(both, ["proven", "quiet", "never"])
    assert document.unreached == ("never",)
    assert from_document(document) == both
