"""How a session presses switches: what it takes for one command, for none, and for either."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deltabench.scenarios.scenario import Scenario
from deltabench.scenarios.session import Session

NewScenario = Callable[..., Scenario]
NO_CUTS = "[firmware]\nunits = 8\ndebounce_ms = 10\n[power]\ncuts = 'none'\n"


def pressed(new_scenario: NewScenario, steps: str, bounce_us: int, top: str = "") -> Session:
    board = f"""
        [board.devices]
        disk0 = {{ part = "generic-disk", sectors = 64 }}
        nor0 = {{ part = "W25Q64JV" }}
        [board.switches.save]
        bounce_us = {bounce_us}
    """
    (variant,) = new_scenario(f"{top}\nsteps = [{steps}]", NO_CUTS, board=board).variants()
    session = Session(variant)
    session.run()
    return session


@pytest.mark.parametrize("bounce_us", [0, 500, 5000, 9000])
def test_a_press_of_any_length_is_no_violation_of_our_firmware(bounce_us: int, new_scenario: NewScenario) -> None:
    steps = ",".join(f'{{ do = "save", by = "switch", hold_ms = {hold_ms} }}' for hold_ms in range(1, 40))
    assert pressed(new_scenario, steps, bounce_us).violation is None


@pytest.mark.parametrize("before", ["", '{ do = "power-cycle" },'])
def test_a_press_right_after_power_on_is_seen(before: str, new_scenario: NewScenario) -> None:
    session = pressed(new_scenario, f'{before} {{ do = "save", by = "switch" }}', 5000)
    assert session.violation is None
    assert session.operations > 0


DEAF = """
from deltabench.firmware_model.controller import DeltaController

class Deaf(DeltaController):
    def tick(self): return False
"""


@pytest.mark.parametrize(("hold_ms", "wrong"), [(5, False), (12, False), (15, True), (50, True)])
def test_a_firmware_that_sees_no_press_is_wrong_only_where_the_press_is_long_enough(
    hold_ms: int, wrong: bool, new_scenario: NewScenario, new_module: Callable[[str, str], None]
) -> None:
    new_module("deaf_firmware", DEAF)
    step = f'{{ do = "save", by = "switch", hold_ms = {hold_ms} }}'
    violation = pressed(new_scenario, step, 5000, 'controller = "deaf_firmware:Deaf"').violation
    assert (violation is not None) is wrong
    if violation:
        assert violation.detail == f"a press of {hold_ms} ms gives 0 commands, and should give 1"
