from __future__ import annotations

from collections.abc import Callable

import pytest

from deltabench.scenarios.campaign import run_campaign
from deltabench.scenarios.crash_id import parse_crash_id
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.scenario import Scenario
from deltabench.scenarios.selection import outcome_counts, selection
from deltabench.scenarios.session import Session

TWO_DISKS = """
[board.devices]
disk0 = { part = "generic-disk", sectors = 64 }
disk1 = { part = "generic-disk", sectors = 32 }
nor0 = { part = "W25Q64JV" }
"""
FIRMWARE = "[firmware]\nunits = 8\n"
NewScenario = Callable[..., Scenario]


@pytest.mark.parametrize(
    ("step", "what"),
    [
        ('{ do = "put-back", device = "disk0" }', "put-back of 'disk0': there is no snapshot of it before that step"),
        ('{ do = "snapshot", device = "nor0" }', "'nor0' is no disk; only a disk can be swapped or put back"),
        ('{ do = "swap", devices = ["disk0", "nor0"] }', "'nor0' is no disk"),
        (
            '{ do = "swap", devices = ["disk0", "disk1"] }',
            "'disk0' has 64 sectors and 'disk1' 32; only disks of one size can be swapped",
        ),
    ],
)
def test_what_hands_cannot_do_is_said_before_the_run(step: str, what: str, new_scenario: NewScenario) -> None:
    (variant,) = new_scenario(f"steps = [{step}]", FIRMWARE, board=TWO_DISKS).variants()
    with pytest.raises(ScenarioError, match=what):
        Session(variant)


def test_a_guest_that_stops_at_the_factory_is_bad_input(
    new_scenario: NewScenario, new_module: Callable[[str, str], None]
) -> None:
    new_module(
        "half_written",
        "class HalfWritten:\n"
        "    def __init__(self, board, config): pass\n"
        "    def initialise(self): raise NotImplementedError('later')\n"
        "    boot = execute = tick = initialise\n",
    )
    (variant,) = new_scenario('controller = "half_written:HalfWritten"\nsteps = []', FIRMWARE).variants()
    what = r"small\.scenario\.toml: the firmware of flagged-nor stopped while it was initialised: NotImpl.*: later"
    with pytest.raises(ScenarioError, match=what):
        Session(variant)


def test_each_place_of_a_workload_with_power_cycles_has_a_number_of_its_own(new_scenario: NewScenario) -> None:
    steps = 'steps = [{ do = "write", lba = 1 }, { do = "power-cycle" }, { do = "save" }, { do = "power-cycle" }]'
    (variant,) = new_scenario(steps, FIRMWARE).variants()
    session = Session(variant)
    session.run()
    places = outcome_counts(variant)
    assert sorted(places) == list(range(session.operations + 1))
    assert all(count > 0 for count in places.values())


def test_random_cuts_fall_only_where_an_exhaustive_run_cuts_too(new_scenario: NewScenario) -> None:
    steps = """seed = 7
        steps = [
            { do = "write", lba = 1 }, { do = "write", lba = 7 }, { do = "power-cycle" }, { do = "save" },
            { do = "restore" },
        ]"""
    firmware = '[firmware]\nunits = 8\nscheme = "plain"\nstore = "nvram"\nlog_records = 1\n'
    found = []
    for power in ('cuts = "random"\ncount = 60', 'cuts = "exhaustive"'):
        (result,), _ = run_campaign(new_scenario(steps, f"{firmware}[power]\n{power}").variants())
        found.append({parse_crash_id(result.crash_id(finding)).path for finding in result.findings})
        assert result.counts.generated > 0
    assert found[0] <= found[1]


def test_a_cut_at_one_operation_with_one_outcome_is_one_crash_state(new_scenario: NewScenario) -> None:
    power = '[power]\ncuts = "at"\noperation = 2\noutcome = 1'
    (variant,) = new_scenario('steps = [{ do = "write", lba = 1 }, { do = "save" }]', f"{FIRMWARE}{power}").variants()
    (result,), _ = run_campaign([variant])
    assert result.counts.generated == 1


@pytest.mark.parametrize(
    ("power", "what"),
    [
        (
            "operation = 5000",
            r"power.operation = 5000: .* the workload of flagged-nor can be cut; they are numbered 0 to ",
        ),
        ("operation = 0\noutcome = 5000", "power.outcome = 5000: operation 0 has the outcomes 0 to "),
    ],
)
def test_a_cut_that_is_nowhere_is_refused_with_what_there_is(power: str, what: str, new_scenario: NewScenario) -> None:
    tables = f'{FIRMWARE}[power]\ncuts = "at"\n{power}'
    (variant,) = new_scenario('steps = [{ do = "write", lba = 1 }]', tables).variants()
    with pytest.raises(ScenarioError, match=what):
        selection(variant)
