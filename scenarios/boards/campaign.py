"""Runs variants on a board, one after the other: there is one board, and it can do one thing at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from deltabench.firmware_model.errors import ConfigurationError
from deltabench.hwsim.devboard.spec import DevBoardFile
from deltabench.scenarios.boards.clock import WaitingClock
from deltabench.scenarios.boards.link import Link, LinkError
from deltabench.scenarios.boards.power_switch import PowerSwitch
from deltabench.scenarios.boards.session import BoardSession
from deltabench.scenarios.boards.target import BoardTarget
from deltabench.scenarios.campaign import Progress, Report
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.scenario import Variant
from deltabench.scenarios.verdict import Result


class BoardRun(NamedTuple):
    """What came of it: ``results`` of the variants that were begun, and why it ended early, if it did."""

    results: list[Result]
    interrupted: bool = False
    problem: str = ""


def run_on_board(
    variants: Sequence[Variant],
    link: Link,
    power: PowerSwitch,
    file: DevBoardFile,
    most_cuts: int,
    report: Report = lambda _: None,
    clock: WaitingClock | None = None,
) -> BoardRun:
    """Run each variant with at most ``most_cuts`` power cuts.

    A board that no longer answers ends it; what was found before stays.
    """
    results: list[Result] = []
    total = len(variants) * most_cuts
    for number, variant in enumerate(variants):

        def advance(done: int, _total: int, before: int = number * most_cuts) -> None:
            report(Progress(before + done, total))

        try:
            target = BoardTarget(variant, link, power, file, clock)
            results.append(BoardSession(variant, target, most_cuts).run(advance))
        except KeyboardInterrupt:
            return BoardRun(results, interrupted=True)
        except ConfigurationError as error:
            return BoardRun(results, problem=f"{variant.scenario.path}: {error} (variant {variant.name})")
        except (ScenarioError, LinkError) as error:
            return BoardRun(results, problem=f"{error} (variant {variant.name})")
        if not results[-1].complete:
            return BoardRun(results, interrupted=True)
    return BoardRun(results)
