"""Runs variants on a board, one after the other: there is one board, and it can do one thing at a time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from deltabench.firmware_model.errors import ConfigurationError
from deltabench.hwsim.devboard.spec import DevBoardFile
from deltabench.scenarios.boards.clock import WaitingClock
from deltabench.scenarios.boards.link import Link, LinkError
from deltabench.scenarios.boards.power_switch import PowerSwitch
from deltabench.scenarios.boards.session import BoardSession
from deltabench.scenarios.boards.target import BoardTarget, meet, refuse_what_no_board_runs
from deltabench.scenarios.campaign import Progress, Report
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.scenario import Variant
from deltabench.scenarios.verdict import Result


class BoardRun(NamedTuple):
    """What came of it: ``results`` of the variants whose workload was begun, and why it ended early, if it did."""

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
    """Run each variant with at most ``most_cuts`` power cuts; nothing is run if one of them cannot be.

    A board that no longer answers ends it; what was found before stays.  It is left powered on.
    """
    results: list[Result] = []
    try:
        refuse_what_no_board_runs(variants)
        refuse_what_no_board_runs(variants, meet(link, power))
    except KeyboardInterrupt:
        return BoardRun(results, interrupted=True)
    except LinkError as error:
        return BoardRun(results, problem=str(error))
    total = len(variants) * most_cuts
    for number, variant in enumerate(variants):

        def advance(done: int, _total: int, before: int = number * most_cuts) -> None:
            report(Progress(before + done, total))

        try:
            target = BoardTarget(variant, link, power, file, clock)
            session = BoardSession(variant, target, most_cuts)
            results.append(session.run(advance))
        except KeyboardInterrupt:
            _leave_on(power)
            return BoardRun(results, interrupted=True)
        except ConfigurationError as error:
            return BoardRun(results, problem=f"{variant.scenario.path}: {error} (variant {variant.name})")
        except (ScenarioError, LinkError) as error:
            return BoardRun(results, problem=f"{error} (variant {variant.name})")
        if session.problem:
            return BoardRun(results, problem=f"{session.problem} (variant {variant.name})")
        if not results[-1].complete:
            _leave_on(power)
            return BoardRun(results, interrupted=True)
    _leave_on(power)
    return BoardRun(results)


def _leave_on(power: PowerSwitch) -> None:
    """A board that no longer answers is told of elsewhere."""
    with suppress(LinkError):
        power.on()
