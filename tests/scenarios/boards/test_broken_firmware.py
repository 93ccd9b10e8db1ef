"""A board catches firmware that is broken where only a second boot, a second request or a long time shows it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deltabench.firmware_model.commands import Command, Opcode, Response
from deltabench.firmware_model.config import FirmwareConfig
from deltabench.firmware_model.controller import DeltaController
from deltabench.firmware_model.link import service
from deltabench.hwsim.board import Board
from deltabench.hwsim.clock import NS_PER_MS
from deltabench.hwsim.nvram import Nvram
from deltabench.scenarios.boards.session import BoardSession
from deltabench.scenarios.boards.target import BoardTarget
from deltabench.scenarios.mutants import broken_nor, broken_remote
from deltabench.scenarios.oracle import Rule
from deltabench.scenarios.scenario import Variant, find_scenario
from deltabench.scenarios.verdict import Result

MakeTarget = Callable[[Variant], BoardTarget]


class OnBoard(DeltaController):
    """Knows its board, and an NVRAM on it."""

    def __init__(self, board: Board, config: FirmwareConfig) -> None:
        super().__init__(board, config)
        self.board = board
        (self.scratch,) = (medium for medium in board.media.values() if isinstance(medium, Nvram))


class HangsInCommand(OnBoard):
    """A SAVE flushes a drive for ever so long, and comes to an end all the same."""

    def execute(self, command: Command) -> Response:
        if command.opcode == Opcode.SAVE:
            for _ in range(50_000):
                self.scratch.write(0, b"x")
        return super().execute(command)


class StopsInTick(OnBoard):
    """Does not survive the first press that it samples."""

    def tick(self) -> bool:
        if self.board.clock.now_ns > 20 * NS_PER_MS:
            raise KeyError("no such switch")
        return super().tick()


class EndlessTick(OnBoard):
    """A tick never comes to its end."""

    def tick(self) -> bool:
        while True:
            self.scratch.write(0, b"x")


class NeverStarts(DeltaController):
    """Stops before it can boot."""

    def __init__(self, board: Board, config: FirmwareConfig) -> None:
        raise KeyError("map store")


def run(monkeypatch: pytest.MonkeyPatch, make_target: MakeTarget, broken: type, variant: Variant, cuts: int) -> Result:
    target = make_target(variant)
    monkeypatch.setattr(service, "DeltaController", broken)
    return BoardSession(variant, target, cuts).run()


@pytest.mark.parametrize("broken", [broken_nor.TrustsLastRecord, broken_nor.ServesBeforeDurable])
def test_what_read_well_once_and_was_relied_on_is_caught_in_the_boot_after(
    monkeypatch: pytest.MonkeyPatch, make_target: MakeTarget, broken: type
) -> None:
    variant = find_scenario("random-work-on-nor").variant("flagged-nor")
    result = run(monkeypatch, make_target, broken, variant, 400)
    assert result.findings
    assert any("; boot " in finding.cut for finding in result.findings)


@pytest.mark.parametrize(
    "broken",
    [
        broken_remote.CountsLate,
        broken_remote.CountsInRam,
        broken_remote.FinishesInRam,
        broken_remote.EqualIsNew,
        broken_remote.OtherIsNew,
        broken_remote.AnswersReplays,
        broken_remote.SilentToDuplicates,
    ],
)
def test_a_remote_that_is_not_heeded_exactly_once_is_caught(
    monkeypatch: pytest.MonkeyPatch, make_target: MakeTarget, broken: type
) -> None:
    variant = find_scenario("remote-command-cut-twice").variant("flagged-nor")
    assert run(monkeypatch, make_target, broken, variant, 150).findings


def test_a_command_that_takes_more_operations_than_any_may_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, make_target: MakeTarget
) -> None:
    variant = find_scenario("save-by-host").variant("flagged-nvram")
    (finding,) = run(monkeypatch, make_target, HangsInCommand, variant, 1).findings
    assert finding.rule is Rule.USABILITY
    assert "SAVE takes 50" in finding.detail


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (StopsInTick, "the firmware stopped in a tick: KeyError"),
        (EndlessTick, "a tick does not end"),
        (NeverStarts, "the firmware stopped in the start of the controller: KeyError"),
    ],
)
def test_a_firmware_that_stops_outside_of_a_command_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, make_target: MakeTarget, broken: type, said: str
) -> None:
    variant = find_scenario("switches-that-bounce").variant("flagged-nvram")
    (finding,) = run(monkeypatch, make_target, broken, variant, 1).findings
    assert said in finding.detail
