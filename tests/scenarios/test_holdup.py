"""How long a supply must hold up, found by cutting, and held against a supply that really fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deltabench.hwsim.medium import Operation
from deltabench.hwsim.supply import FailingSupply, PowerGone
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.holdup import ends_of_operations, needed_for_all, needed_holdup
from deltabench.scenarios.measure import Recorder
from deltabench.scenarios.scenario import Scenario, Variant
from deltabench.scenarios.session import Session

NewScenario = Callable[..., Scenario]
STEPS = """
steps = [{ do = "write", lba = 3 }, { do = "write", lba = 11, count = 2 }, { do = "save" }, { do = "write", lba = 3 }]
"""
FIRMWARE = '[firmware]\nunits = 24\nstore = "{store}"\nscheme = "{scheme}"\natom_bytes = 10\n'


@pytest.fixture
def variant_of(new_scenario: NewScenario) -> Callable[[str, str], Variant]:
    """A small workload with a scheme on a store."""

    def make(scheme: str, store: str) -> Variant:
        (variant,) = new_scenario(STEPS, FIRMWARE.format(scheme=scheme, store=store)).variants()
        return variant

    return make


def violations(variant: Variant, holdup_us: int) -> int:
    """What the explorer finds if it cuts only what such a hold-up leaves to be cut."""
    ends_ns = ends_of_operations(variant)
    session = Session(variant, selects=lambda operation, _: ends_ns.get(operation, 0) > 1000 * holdup_us)
    session.run()
    return session.explorer.violations


@pytest.mark.parametrize("store", ["nor", "nvram", "disk"])
def test_plain_is_safe_with_the_hold_up_that_is_found_and_not_with_less(
    variant_of: Callable[[str, str], Variant], store: str
) -> None:
    variant = variant_of("plain", store)
    held = needed_holdup(variant)
    assert held.least_us
    assert violations(variant, held.least_us) == 0
    assert violations(variant, held.least_us - 1) > 0
    assert [step.holdup_us for step in held.steps][-1] == held.least_us
    assert held.steps[-1].violations == 0
    assert held.needed_during == {"SAVE": held.least_us}


@pytest.mark.parametrize("store", ["nor", "nvram", "disk"])
@pytest.mark.parametrize("scheme", ["flagged", "versioned", "history"])
def test_the_safe_schemes_need_none(variant_of: Callable[[str, str], Variant], scheme: str, store: str) -> None:
    held = needed_holdup(variant_of(scheme, store))
    assert held.least_us == 0
    assert [(step.holdup_us, step.violations) for step in held.steps] == [(0, 0)]


def test_the_longest_times_of_the_parts_ask_for_a_longer_hold_up(new_scenario: NewScenario) -> None:
    tables = FIRMWARE.format(scheme="plain", store="nor")
    (typical,) = new_scenario(STEPS, tables).variants()
    (longest,) = new_scenario(STEPS, f'{tables}[time]\nmedia = "maximum"\n', name="longest").variants()
    least_us, most_us = needed_holdup(typical).least_us, needed_holdup(longest).least_us
    assert least_us is not None
    assert most_us is not None
    assert most_us > 5 * least_us


def test_a_device_that_is_unsafe_between_commands_is_helped_by_no_hold_up(
    new_scenario: NewScenario, new_module: Callable[[str, str], None]
) -> None:
    new_module(
        "forgetful_holdup",
        "from deltabench.firmware_model.redirect import Redirection\n"
        "from deltabench.firmware_model.controller import DeltaController\n"
        "class Forgetful(Redirection):\n"
        "    def _make_durable(self, extents):\n"
        "        for side, lba, sectors in extents:\n"
        "            disk, first = self._layout.homes[side]\n"
        "            disk.write(first + lba, sectors, fua=False)\n"
        "class Controller(DeltaController):\n"
        "    def __init__(self, *given):\n"
        "        super().__init__(*given)\n"
        "        self._volume.__class__ = Forgetful\n",
    )
    top = f'controller = "forgetful_holdup:Controller"\n{STEPS}'
    (variant,) = new_scenario(top, FIRMWARE.format(scheme="flagged", store="nor")).variants()
    held = needed_holdup(variant)
    assert held.least_us is None
    assert held.steps[-1].violations > 0


def test_a_scenario_that_is_not_cut_everywhere_is_refused(new_scenario: NewScenario) -> None:
    (variant,) = new_scenario(STEPS, '[power]\ncuts = "none"\n').variants()
    with pytest.raises(ScenarioError, match=r"power\.cuts = 'none'.*allowed here: 'exhaustive'"):
        needed_holdup(variant)


def test_the_capacitor_is_that_of_the_time(variant_of: Callable[[str, str], Variant]) -> None:
    found = needed_for_all([variant_of("plain", "nor")], from_mv=5000, to_mv=3000, load_mw=2500)
    (held,) = found.runs
    assert held.least_us is not None
    assert held.capacitance_nf == -(-2 * 2500 * held.least_us * 1_000_000 // 16_000_000)


class Failing:
    """A run whose supply fails at an instant."""

    def __init__(self, variant: Variant, fails_at_ns: int, holdup_ns: int) -> None:
        self._recorder = Recorder(variant)
        board = self._recorder.session.rig.board
        self._supply = FailingSupply(board, self._recorder.meter, fails_at_ns, holdup_ns)

    def lost_in(self) -> int | None:
        """The number of the operation that power is lost in; None if all that was begun is finished."""
        session = self._recorder.session
        session.between = lambda _: self._supply.look() and None
        try:
            session.run()
        except PowerGone:
            return session.rig.board.rail.operations
        return None


def test_power_is_lost_in_just_those_operations_that_end_later_than_the_hold_up_lasts(
    variant_of: Callable[[str, str], Variant],
) -> None:
    variant = variant_of("flagged", "nor")
    ends_ns = ends_of_operations(variant)
    recorder = Recorder(variant)
    rail, ended_at_ns = recorder.session.rig.board.rail, dict[int, int]()

    def note(_operation: Operation, _began_ns: int, ended_ns: int) -> None:
        ended_at_ns[rail.operations] = ended_ns

    recorder.meter.log = note
    recorder.run()
    for holdup_ns in (0, 500_000, 3_000_000):
        for number, at_ns in ended_at_ns.items():
            lost_in = Failing(variant, at_ns - holdup_ns - 1, holdup_ns).lost_in()
            assert lost_in == number if ends_ns[number] > holdup_ns else lost_in is None
