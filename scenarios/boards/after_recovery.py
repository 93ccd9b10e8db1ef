"""The rules, on a board that has just recovered from a power cut."""

from __future__ import annotations

from typing import Final

from deltabench.firmware_model import commands
from deltabench.firmware_model.commands import Command
from deltabench.scenarios.boards.target import BoardController, BoardTarget
from deltabench.scenarios.oracle import Candidate, Rule, Violation, expect_image, judge_live, judge_saved

WHY: Final = "after recovery"


def check(
    target: BoardTarget,
    controller: BoardController,
    candidates: list[Candidate],
    in_flight: Command | None,
    number: int,
    held_ms: int,
) -> None:
    """All rules; raises Violation.  ``number`` is how many crash states were judged before.

    A board cannot go back, so that of every two crash states one is asked for its save point after another boot, and
    one goes on working at once.
    """
    if held_ms and controller.elapse(held_ms):
        raise Violation(Rule.USABILITY, "a switch that was held when power came back counts as pressed")
    image = target.read_all(controller)
    left = judge_live(candidates, image, in_flight)
    lba = (number + 1) * 7 % target.volume_sectors
    probed = in_flight.lba if in_flight is not None and in_flight.count else lba
    if number % 2 == 0:
        controller = target.power_cycle()
        expect_image(target.read_all(controller), image, Rule.STABILITY, "after one more boot")
        target.write_probe(controller, probed, b"a probe after one more boot", fua=True)
        target.must(controller, commands.RESTORE, WHY)
        image = target.read_all(controller)
        judge_saved(left, image)
    elif number % 4 == 1:
        target.must(controller, commands.SAVE, WHY)
        controller = target.power_cycle()
        expect_image(target.read_all(controller), image, Rule.USABILITY, "after a SAVE and a power cycle")
    else:
        target.must(controller, commands.RESTORE, WHY)
        image = target.read_all(controller)
        judge_saved(left, image)
    wanted = list(image)
    wanted[lba] = target.write_probe(controller, lba, b"a probe after recovery")
    target.must(controller, commands.SAVE, WHY)
    controller = target.power_cycle()
    why = "after a write, a SAVE and a power cycle"
    expect_image(target.read_all(controller), wanted, Rule.USABILITY, why)
    target.must(controller, commands.RESTORE, why)
    expect_image(target.read_all(controller), wanted, Rule.USABILITY, f"{why}, and then a RESTORE")
