"""The rules, on a board that has just recovered from a power cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from deltabench.firmware_model import commands
from deltabench.firmware_model.commands import Command
from deltabench.scenarios.boards.remote_probe import RemoteProbe
from deltabench.scenarios.boards.target import BoardTarget
from deltabench.scenarios.boards.workout import Workout
from deltabench.scenarios.oracle import Candidate, Rule, Violation, expect, judge_live, judge_saved

WHY: Final = "after recovery"


def check(
    target: BoardTarget,
    workout: Workout,
    candidates: list[Candidate],
    in_flight: Command | None,
    number: int,
    held_ms: int,
    policy: Callable[[], str],
) -> None:
    """All rules; raises Violation.  ``number`` is how many crash states were judged before.

    ``policy`` draws how unstable cells read after each power cycle: what read well in the recovery, and was relied on,
    may read otherwise in the next boot.

    A board cannot go back, so that of every two crash states one is asked for its save point after another boot, and
    one goes on working at once.  Where there is a remote, it is the one to use the device in one of two cases.
    """
    controller = workout.controller
    if held_ms and controller.elapse(held_ms):
        raise Violation(Rule.USABILITY, "a switch that was held when power came back counts as pressed")
    image = target.read_all(controller)
    left = judge_live(candidates, image, in_flight)
    lba = (number + 1) * 7 % target.volume_sectors
    if workout.has_remote and number % 4 > 1:
        RemoteProbe(target, workout, lambda: target.power_cycle(policy())).check(image, left, lba)
        return
    probed = in_flight.lba if in_flight is not None and in_flight.count else lba
    if number % 2 == 0:
        controller = target.power_cycle(policy())
        expect(target.read_all(controller), image, Rule.STABILITY, "after one more boot")
        target.write_probe(controller, probed, b"a probe after one more boot", fua=True)
        target.must(controller, commands.RESTORE, WHY)
        image = target.read_all(controller)
        judge_saved(left, image)
    elif number % 4 == 1:
        target.must(controller, commands.SAVE, WHY)
        controller = target.power_cycle(policy())
        expect(target.read_all(controller), image, Rule.USABILITY, "after a SAVE and a power cycle")
    else:
        target.must(controller, commands.RESTORE, WHY)
        image = target.read_all(controller)
        judge_saved(left, image)
    wanted = list(image)
    wanted[lba] = target.write_probe(controller, lba, b"a probe after recovery")
    target.must(controller, commands.SAVE, WHY)
    controller = target.power_cycle(policy())
    why = "after a write, a SAVE and a power cycle"
    expect(target.read_all(controller), wanted, Rule.USABILITY, why)
    target.must(controller, commands.RESTORE, why)
    expect(target.read_all(controller), wanted, Rule.USABILITY, f"{why}, and then a RESTORE")
