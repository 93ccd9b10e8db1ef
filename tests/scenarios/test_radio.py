"""Scenarios with a remote: what the bench demands without any cut, and after each."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deltabench.scenarios.campaign import run_campaign
from deltabench.scenarios.crash_id import CrashId, Cut
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.measure import measure
from deltabench.scenarios.ram import RamCamera
from deltabench.scenarios.replay import tell
from deltabench.scenarios.scenario import Hostile, Scenario, find_scenario
from deltabench.scenarios.session import Session
from deltabench.scenarios.workload import actions

NewScenario = Callable[..., Scenario]
NewModule = Callable[[str, str], None]
BOARD = """
[board]
uarts = ["radio", "debug"]
[board.devices]
disk0 = { part = "generic-disk", sectors = 64 }
fram0 = { part = "generic-nvram" }
"""
FIRMWARE = '[firmware]\nstore = "nvram"\nunits = 8\nremote = "radio"\n'
NO_CUTS = FIRMWARE + '[power]\ncuts = "none"\n'
WRITE = '{ do = "write", lba = 1 }'
SAVE = '{ do = "save", by = "remote" }'
RESTORE = '{ do = "restore", by = "remote" }'


def steps(*texts: str) -> str:
    return f"steps = [{', '.join(texts)}]"


def radio(kind: Hostile) -> str:
    return f'{{ do = "radio", frame = "{kind.value}" }}'


def message(scenario: Scenario) -> str:
    with pytest.raises(ScenarioError) as caught:
        actions(scenario, 8)
    return str(caught.value).removeprefix(f"{scenario.path}: ")


@pytest.mark.parametrize(
    ("step", "key"),
    [(SAVE, "steps[0].by = 'remote'"), (radio(Hostile.NOISE), "steps[0].frame = 'noise'")],
)
def test_a_step_for_a_remote_without_one_is_refused_with_what_to_add(
    step: str, key: str, new_scenario: NewScenario
) -> None:
    assert message(new_scenario(steps(step), "[firmware]\nunits = 8", board=BOARD)) == (
        f"{key}: the firmware listens to no remote; name a serial line in uarts of [board] and in firmware.remote"
    )


def test_a_remote_on_a_line_that_is_not_there_is_refused_with_those_that_are(new_scenario: NewScenario) -> None:
    with pytest.raises(ScenarioError) as caught:
        new_scenario(steps(SAVE), FIRMWARE.replace('"radio"', '"raido"'), board=BOARD)
    assert str(caught.value).endswith(
        "firmware.remote = 'raido': no such serial line (did you mean 'radio'?); the board has radio, debug; name it "
        "in uarts of [board]"
    )


@pytest.mark.parametrize(
    ("before", "kind", "needed"),
    [
        ((), Hostile.DUPLICATED, 1),
        ((), Hostile.OUT_OF_ORDER, 1),
        ((), Hostile.REFLECTED, 1),
        ((SAVE,), Hostile.REPLAYED, 2),
    ],
)
def test_what_nobody_can_have_recorded_yet_is_refused(
    before: tuple[str, ...], kind: Hostile, needed: int, new_scenario: NewScenario
) -> None:
    scenario = new_scenario(steps(*before, radio(kind)), FIRMWARE, board=BOARD)
    assert message(scenario) == (
        f"steps[{len(before)}].frame = {kind.value!r}: needs {needed} saves or restores by the remote before it; "
        f"there are {len(before)}"
    )


def test_a_remote_does_no_more_and_no_less_than_the_host_would(new_scenario: NewScenario) -> None:
    work = (WRITE, SAVE, '{ do = "write", lba = 1, count = 3 }', '{ do = "save" }', WRITE, RESTORE, SAVE)
    (variant,) = new_scenario(steps(*work, '{ do = "read", lba = 0, count = 8 }'), NO_CUTS, board=BOARD).variants()
    session = Session(variant)
    assert session.run()
    assert session.violation is None
    counted = {series.name: series.value for series in measure(variant).counters}
    assert (counted["saves"], counted["restores"]) == (3, 1)


def test_every_kind_of_attack_is_survived_anywhere(new_scenario: NewScenario) -> None:
    attacks = [radio(kind) for kind in Hostile]
    work = (SAVE, WRITE, SAVE, *attacks, WRITE, *attacks, '{ do = "power-cycle" }', *attacks, RESTORE, *attacks)
    for cache in ("write-through", "write-back"):
        (variant,) = new_scenario(
            steps(*work), NO_CUTS.replace("units", f'cache = "{cache}"\nunits'), board=BOARD
        ).variants()
        session = Session(variant)
        session.run()
        assert session.violation is None


GUEST = """
from deltabench.firmware_model.commands import Error, failed
from deltabench.firmware_model.controller import DeltaController

class Guest(DeltaController):
"""
GUESTS = {
    "is not answered within 50 ms": """
    def tick(self):
        return False
""",
    "is answered, and done 0 times": """
    def tick(self):
        super().tick()
        return False
""",
    "with a remote: REMOTE STATUS ends with error ABRT": """
    def execute(self, command):
        return failed(Error.ABRT) if command.opcode == 0x83 else super().execute(command)
""",
    "is counted as 1 accepted, 1 forged, and should be 1 accepted": """
    def tick(self):
        done = super().tick()
        self._remote.forged += done
        return done
""",
}
"""What the bench says of a firmware -> what it does otherwise than ours."""


@pytest.mark.parametrize("detail", GUESTS)
def test_a_firmware_that_heeds_its_remote_in_another_way_is_found_out(
    detail: str, new_scenario: NewScenario, new_module: NewModule
) -> None:
    new_module("radio_guest", GUEST + GUESTS[detail])
    text = f'controller = "radio_guest:Guest"\n{steps(WRITE, SAVE)}'
    (variant,) = new_scenario(text, NO_CUTS, board=BOARD).variants()
    session = Session(variant)
    session.run()
    assert session.violation is not None
    assert detail in session.violation.detail


def test_a_crash_in_a_command_of_the_remote_can_be_told_again() -> None:
    variant = find_scenario("save-by-remote").variant("plain-nvram")
    (result,), _ = run_campaign([variant])
    finding = result.findings[0]
    story = tell(variant, CrashId("save-by-remote", "plain-nvram", finding.path))
    assert story.doing == "SAVE by the remote"
    assert story.violation is not None
    assert (story.violation.rule, story.violation.detail) == (finding.rule, finding.detail)
    held = tell(variant, CrashId("save-by-remote", "plain-nvram", (Cut(0, 0),)))
    assert held.violation is None


def test_counts_are_the_same_on_one_process_and_on_two() -> None:
    variant = find_scenario("save-by-remote").variant("flagged-nor")
    (alone,), _ = run_campaign([variant], 1)
    session = Session(variant, (4, 9))
    session.run()
    rows = [row for row in alone.cut_rows if row in session.explorer.cut_rows]
    assert rows == session.explorer.cut_rows


def test_a_picture_of_ram_has_what_came_in_and_not_the_key(new_scenario: NewScenario) -> None:
    (variant,) = new_scenario(steps(), FIRMWARE, board=BOARD).variants()
    rig = Session(variant).rig
    camera, line = RamCamera(), rig.board.uarts["radio"]
    controller = rig.power_on()
    before = camera.picture(controller)
    assert before is not None
    assert rig.board.otp_key not in before
    rig.board.otp_key = bytes(32)
    assert camera.picture(controller) == before
    line.remote.write(b"\0half a frame")
    assert camera.picture(controller) == before, "what waits in the line's FIFO is not in RAM yet"
    rig.tick(controller)
    after = camera.picture(controller)
    assert after is not None
    assert b"half a frame" in after
