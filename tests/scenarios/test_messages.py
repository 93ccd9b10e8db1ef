"""Messages about what only shows when a scenario is built or expanded: each names file, key, value and the remedy."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from deltabench.scenarios.build import build_rig
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.scenario import Scenario, find_scenario
from deltabench.scenarios.workload import actions

NewScenario = Callable[..., Scenario]
NOTHING = "steps = []"
DISKSIM = "0.0 0 1 1 0\n1.0 0 60 8 0\n"


def build_message(scenario: Scenario) -> str:
    """The message with which the scenario's first variant cannot be built."""
    with pytest.raises(ScenarioError) as caught:
        build_rig(scenario.variants()[0])
    return str(caught.value).removeprefix(f"{scenario.path}: ")


def work_message(scenario: Scenario) -> str:
    """The message with which the scenario's steps cannot be done on a volume of 64 sectors."""
    with pytest.raises(ScenarioError) as caught:
        actions(scenario, 64)
    assert str(caught.value).startswith(f"{scenario.path}: ")
    return str(caught.value).removeprefix(f"{scenario.path}: ")


def trace_step(file: str, more: str = "", *, format: str = "disksim") -> str:
    return f'steps = [{{ do = "flush" }}, {{ do = "trace", file = "{file}", format = "{format}"{more} }}]'


def test_a_trace_that_cannot_be_read_is_named_by_its_step(new_scenario: NewScenario) -> None:
    message = work_message(new_scenario(trace_step("nope.csv")))
    assert message == "steps[1].file = 'nope.csv': cannot be read: No such file or directory"


def test_a_request_beyond_the_volume_is_named_by_step_and_line_with_what_to_do(
    new_scenario: NewScenario, tmp_path: Path
) -> None:
    trace = tmp_path / "some.trace"
    trace.write_text(DISKSIM, encoding="utf-8")
    assert work_message(new_scenario(trace_step("some.trace"))) == (
        f"steps[1].file = 'some.trace': {trace}:2: a write of 8 sectors at LBA 60 reaches beyond the volume of 64 "
        "sectors; raise units or sectors_per_unit to a volume of at least 68 sectors, or fold the trace into this one: "
        "wrap = true in the step, or --wrap on the command line"
    )
    assert len(actions(new_scenario(trace_step("some.trace", ", wrap = true")), 64)) == 4


def test_an_unknown_trace_format_is_named_by_its_step(new_scenario: NewScenario) -> None:
    message = work_message(new_scenario(trace_step("some.trace", format="disksm")))
    assert message.startswith("steps[1].format = 'disksm': is unknown (did you mean 'disksim'?); one of strace, ")


def test_a_swap_of_a_disk_with_itself_is_refused(new_scenario: NewScenario) -> None:
    message = work_message(new_scenario('steps = [{ do = "swap", devices = ["disk0", "disk0"] }]'))
    assert message == "steps[0].devices: 'disk0' twice; a swap is of two different disks"


@pytest.mark.parametrize(
    ("board", "message"),
    [
        ('devices.nor0 = { part = "W25Q64JW" }', "board.devices.nor0.part = 'W25Q64JW': there is no part 'W25Q64JW'"),
        (
            'devices.disk0 = { part = "generic-disk", sectors = 65_537 }',
            "board.devices.disk0.sectors = 65537: disk0: 65537 sectors asked of generic-disk, which has 65536",
        ),
        (
            'devices.fram0 = { part = "generic-nvram", torn_sector = "uncorrectable" }',
            "board.devices.fram0.torn_sector: is for disks; generic-nvram is a part of kind nvram",
        ),
    ],
)
def test_a_board_that_cannot_be_is_refused_with_the_key(board: str, message: str, new_scenario: NewScenario) -> None:
    assert build_message(new_scenario(NOTHING, board=f"[board]\n{board}")).startswith(message)


def test_firmware_that_lacks_a_part_is_refused_with_its_setting(new_scenario: NewScenario) -> None:
    scenario = new_scenario(NOTHING, board='[board.devices]\ndisk0 = { part = "generic-disk" }')
    message = "firmware.maps: the board has no NOR flash; add one to [board.devices] (variant flagged-nor)"
    assert build_message(scenario) == message


@pytest.mark.parametrize(
    ("units", "message"),
    [
        (
            63,
            "volume A (disk0 sectors 2 to 64) does not fit: it takes 63 sectors, and disk0 has 64 of the 65536 of "
            "generic-disk; set board.devices.disk0.sectors to at least 65, or choose fewer units or a lower start",
        ),
        (
            65_600,
            "volume A (disk0 sectors 2 to 65601) does not fit: it takes 65600 sectors, and disk0 has 64 of the 65536 "
            "of generic-disk; take a larger part, or choose fewer units or a lower start",
        ),
    ],
)
def test_a_volume_that_does_not_fit_its_disk_is_counted_in_sectors_and_told_the_remedy(
    units: int, message: str, new_scenario: NewScenario
) -> None:
    nvram_and_plain = f"[firmware]\nstore = 'nvram'\nscheme = 'plain'\nunits = {units}"
    assert build_message(new_scenario(NOTHING, nvram_and_plain)) == f"{message} (variant plain-nvram)"


def test_maps_that_do_not_fit_a_byte_addressed_part_are_located_in_hexadecimal(new_scenario: NewScenario) -> None:
    message = build_message(new_scenario(NOTHING, "[firmware]\nstore = 'nvram'\nmaps = { start = 65_530 }"))
    assert "map store (fram0 0xfffa to " in message
    assert "fram0 ends at 0x10000; choose a larger part" in message


@pytest.mark.parametrize("name", ["save-by-hots", "versions-wrp"])
def test_a_name_that_is_almost_one_of_the_library_is_answered_with_it(name: str) -> None:
    meant = {"save-by-hots": "save-by-host", "versions-wrp": "versions-wrap"}[name]
    with pytest.raises(ScenarioError, match=re.escape(f"of the library (did you mean '{meant}'?); `deltabench")):
        find_scenario(name)
