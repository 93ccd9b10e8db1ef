"""The rules, on a board that has just recovered from a power cut."""

from __future__ import annotations

from typing import Final

from deltabench.firmware_model import commands
from deltabench.firmware_model.commands import Command, Opcode
from deltabench.firmware_model.link.remote_frames import Outcome
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
) -> None:
    """All rules; raises Violation.  ``number`` is how many crash states were judged before.

    A board cannot go back, so that of every two crash states one is asked for its save point after another boot, and
    one goes on working at once.  In one of two cases a remote that was not answered says the same again: it must be
    answered, and the command have been done once.
    """
    controller = workout.controller
    if held_ms and controller.elapse(held_ms):
        raise Violation(Rule.USABILITY, "a switch that was held when power came back counts as pressed")
    image = target.read_all(controller)
    left = judge_live(candidates, image, in_flight)
    if workout.flying is not None and number % 4 > 1:
        answer = workout.say_again()
        if answer is None or answer.outcome != Outcome.DONE:
            raise Violation(Rule.USABILITY, "the remote, saying again what it was cut in, is not told that it is done")
        # A save makes the save point of what was read; a restore leads to the save point, which the cut left alone.
        after = image if in_flight is not None and in_flight.opcode == Opcode.SAVE else left[0].saved
        left = [Candidate("after", after, {}, after)]
        image = target.read_all(controller)
        expect(image, after, Rule.ALL_OR_NOTHING, "after the remote said again what it was cut in")
    lba = (number + 1) * 7 % target.volume_sectors
    probed = in_flight.lba if in_flight is not None and in_flight.count else lba
    if number % 2 == 0:
        controller = target.power_cycle()
        expect(target.read_all(controller), image, Rule.STABILITY, "after one more boot")
        target.write_probe(controller, probed, b"a probe after one more boot", fua=True)
        target.must(controller, commands.RESTORE, WHY)
        image = target.read_all(controller)
        judge_saved(left, image)
    elif number % 4 == 1:
        target.must(controller, commands.SAVE, WHY)
        controller = target.power_cycle()
        expect(target.read_all(controller), image, Rule.USABILITY, "after a SAVE and a power cycle")
    else:
        target.must(controller, commands.RESTORE, WHY)
        image = target.read_all(controller)
        judge_saved(left, image)
    wanted = list(image)
    wanted[lba] = target.write_probe(controller, lba, b"a probe after recovery")
    target.must(controller, commands.SAVE, WHY)
    controller = target.power_cycle()
    why = "after a write, a SAVE and a power cycle"
    expect(target.read_all(controller), wanted, Rule.USABILITY, why)
    target.must(controller, commands.RESTORE, why)
    expect(target.read_all(controller), wanted, Rule.USABILITY, f"{why}, and then a RESTORE")
