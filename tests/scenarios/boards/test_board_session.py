"""Scenarios on an emulated board come out as on the model, and what is found on it can be replayed there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from deltabench.firmware_model.atoms.twin import TwinStore
from deltabench.firmware_model.commands import WRITES, Command, Response
from deltabench.firmware_model.config import FirmwareConfig
from deltabench.firmware_model.controller import DeltaController
from deltabench.firmware_model.link import service
from deltabench.firmware_model.schemes.flagged import Flagged
from deltabench.hwsim.board import Board
from deltabench.hwsim.devboard.spec import load_board
from deltabench.scenarios.boards.campaign import run_on_board
from deltabench.scenarios.boards.emulated import EmulatedBoard
from deltabench.scenarios.boards.link import Link, LinkError
from deltabench.scenarios.boards.power_switch import FakePower, FixturePower
from deltabench.scenarios.boards.rehearsal import Rehearsal
from deltabench.scenarios.boards.session import BoardSession
from deltabench.scenarios.boards.target import BoardTarget, needs_fixture, needs_model
from deltabench.scenarios.boards.transport import Loopback
from deltabench.scenarios.campaign import run_campaign
from deltabench.scenarios.crash_id import CrashId
from deltabench.scenarios.replay import tell
from deltabench.scenarios.scenario import Cuts, Variant, find_scenario, library_names, load_scenario
from deltabench.scenarios.session import Session
from deltabench.scenarios.verdict import Result

FLASH = Path(__file__).parents[1] / "images"
BREAKS_AT = 900
"""The line, after so many requests: in the second variant."""
MakeTarget = Callable[[Variant], BoardTarget]
LIBRARY = [
    variant
    for name in library_names()
    if name != "demo"  # its 4,919 requests are done again for every cut: `make soak`
    for variant in find_scenario(name).variants()
    if not needs_model(variant)
]
ENOUGH = {"holds": 4, "violated": 200}
"""Cuts for a verdict: where a rule must be found violated, so many that it is."""


def run(make_target: MakeTarget, variant: Variant, cuts: int) -> Result:
    return BoardSession(variant, make_target(variant), cuts).run()


@pytest.mark.parametrize("variant", LIBRARY, ids=[f"{v.scenario.name}:{v.name}" for v in LIBRARY])
def test_every_scenario_comes_out_on_the_board_as_on_the_model(make_target: MakeTarget, variant: Variant) -> None:
    session = BoardSession(variant, make_target(variant), ENOUGH[variant.expected.verdict])
    result = session.run()
    assert result.as_expected, (result.problem(), result.findings)
    assert result.complete
    if variant.scenario.document.power.cuts is not Cuts.NONE:
        assert result.counts.verified
    if "nowhere" not in [finding.cut for finding in result.findings]:
        assert (result.operations, result.commands, session.spots) == on_the_model(variant)
        assert session.unreached == 0


@pytest.mark.parametrize("kind", ["nand", "mlc"])
def test_a_device_on_nand_flash_comes_out_on_the_board_as_on_the_model(
    make_target: MakeTarget, tmp_path: Path, kind: str
) -> None:
    for variant in on_flash(tmp_path, kind):
        session = BoardSession(variant, make_target(variant), 40)
        result = session.run()
        assert (result.operations, result.commands, session.spots) == on_the_model(variant)
        assert session.unreached == 0
        if variant.firmware.scheme != "plain":
            assert result.findings == (), variant.name
        for finding in result.findings:
            story = tell(variant, CrashId(variant.scenario.name, variant.name, finding.path))
            assert story.violation is not None
            assert story.violation.rule is finding.rule


def on_flash(folder: Path, kind: str, key: str = "") -> list[Variant]:
    """The small scenario on NAND flash, to be cut everywhere; ``key`` is one more of the flash."""
    text = (FLASH / f"small-{kind}.scenario.toml").read_text(encoding="utf-8").replace('"none"', '"exhaustive"')
    path = folder / f"{kind}.scenario.toml"
    path.write_text(text.replace("blocks = 17 }", f"blocks = 17, {key} }}") if key else text, encoding="utf-8")
    return load_scenario(path).variants()


@pytest.mark.parametrize("key", ["failing = [{ block = 3, on = 'erase' }]", "cycles = 100"])
def test_flash_that_wears_is_for_the_model_and_refused(make_target: MakeTarget, tmp_path: Path, key: str) -> None:
    variant = on_flash(tmp_path, "nand", key)[0]
    told = rf"plain-nand has NAND flash that wears \(board\.devices\.nand0\.{key.partition(' ')[0]}\): putting"
    with pytest.raises(LinkError, match=told):
        make_target(variant)


def on_the_model(variant: Variant) -> tuple[int, int, int]:
    """The media operations of the workload, its commands, and the places at which power can be cut."""
    session, places = Session(variant), list[int]()
    session.listener = lambda _: places.append(session.rig.board.rail.operations)
    session.idle_listener = places.append
    session.run()
    power = variant.scenario.document.power
    if power.cuts is Cuts.AT:
        places = [place for place in places if place == power.operation]
    return session.operations, session.commands, len(places)


@pytest.mark.soak
@pytest.mark.parametrize("variant", find_scenario("demo").variants(), ids=str)
def test_the_demo_comes_out_on_the_board_as_on_the_model(make_target: MakeTarget, variant: Variant) -> None:
    assert run(make_target, variant, 200).as_expected


@pytest.mark.parametrize("name", ["save-by-host", "random-work-on-nor", "plain-is-caught", "write-back-until-flushed"])
def test_what_is_found_on_the_board_is_replayed_on_the_model_by_its_id(make_target: MakeTarget, name: str) -> None:
    found = 0
    for variant in find_scenario(name).variants():
        if variant.scheme == "plain":
            for finding in run(make_target, variant, 150).findings:
                story = tell(variant, CrashId(name, variant.name, finding.path))
                assert story.violation is not None, finding
                found += 1
    assert found


def test_the_same_scenario_gives_the_same_findings_every_time(make_target: MakeTarget) -> None:
    variant = find_scenario("save-by-host").variant("plain-nor")
    one, other = (run(make_target, variant, 60) for _ in range(2))
    assert one.findings == other.findings
    assert one.counts == other.counts


def finish_nothing(flagged: Flagged) -> None:
    """A boot that does not finish a save that was cut."""
    flagged.vsm = flagged._vsm.load(flagged)
    flagged.ddm = flagged._ddm.load(flagged)


def write_in_place(store: TwinStore, index: int, data: bytes) -> None:
    """An atom written over the copy in force."""
    store._write_slot(2 * index + store._side[index], store._sealed(index, store._sequence[index], data))
    store.atoms[index] = data


@pytest.mark.parametrize(
    ("owner", "method", "broken", "variant"),
    [(Flagged, "boot", finish_nothing, "flagged-nor"), (TwinStore, "write", write_in_place, "flagged-nvram")],
)
def test_a_broken_firmware_on_the_board_is_caught(
    make_target: MakeTarget,
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    method: str,
    broken: Callable[..., None],
    variant: str,
) -> None:
    target = make_target(find_scenario("save-by-host").variant(variant))
    monkeypatch.setattr(owner, method, broken)
    result = BoardSession(find_scenario("save-by-host").variant(variant), target, 200).run()
    assert result.counts.violations


def test_of_many_places_as_many_are_cut_as_were_asked_for(make_target: MakeTarget) -> None:
    variant = find_scenario("save-by-host").variant("flagged-nor")
    assert [run(make_target, variant, cuts).counts.verified for cuts in (0, 5, 40)] == [0, 5, 40]


def test_a_board_that_falls_silent_ends_the_run_and_costs_nothing_that_was_found(
    emulated: Callable[[Variant], EmulatedBoard],
) -> None:
    variants = find_scenario("save-by-host").variants()[:2]
    board = emulated(variants[0])

    class Breaks(Loopback):
        written = 0

        def write(self, data: bytes) -> None:
            self.written += 1
            if self.written < BREAKS_AT:
                super().write(data)

    link = Link(Breaks(board))
    found = run_on_board(variants, link, FixturePower(link), load_board(), 12)
    assert [(result.variant.name, result.complete) for result in found.results] == [
        ("plain-nvram", True),
        ("plain-disk", False),
    ]
    assert all(result.findings for result in found.results)
    assert "the board does not answer" in found.problem
    assert "plain-disk" in found.problem


class RealBoard:
    """An emulated board as a real one is: in no fixture, with a power switch of its own beside the line."""

    def __init__(self, board: EmulatedBoard) -> None:
        self.board = board

    def feed(self, data: bytes) -> bytes:
        chip = self.board.chip
        return bytes(chip.feed(data)) if not chip.in_bootloader else b""


class FakeClock:
    """Each look at it takes a millisecond, and waiting takes no time at all."""

    def __init__(self) -> None:
        self._now_s = 0.0

    def now_s(self) -> float:
        self._now_s += 0.001
        return self._now_s

    def sleep(self, duration_s: float) -> None:
        self._now_s += duration_s


def test_on_a_board_in_no_fixture_power_is_cut_by_its_switch(emulated: Callable[[Variant], EmulatedBoard]) -> None:
    variant = find_scenario("save-by-host").variant("history-nor")
    board = emulated(variant)
    chip = board.chip
    power = FakePower(chip.power_off, chip.power_on)
    target = BoardTarget(variant, Link(Loopback(RealBoard(board))), power, load_board(), FakeClock())
    result = BoardSession(variant, target, 10).run()
    assert result.as_expected
    assert result.counts.verified == 10
    assert power.asked.count("off") > 20


def test_what_only_a_fixture_can_do_is_refused_without_one(emulated: Callable[[Variant], EmulatedBoard]) -> None:
    variant = find_scenario("switches-that-bounce").variants()[0]
    board = emulated(variant)
    chip = board.chip
    power = FakePower(chip.power_off, chip.power_on)
    with pytest.raises(LinkError, match="has presses of a switch, for which the board must be in a fixture"):
        BoardTarget(variant, Link(Loopback(RealBoard(board))), power, load_board(), FakeClock())


def test_one_variant_that_no_board_can_run_is_named_before_anything_is_run(
    emulated: Callable[[Variant], EmulatedBoard],
) -> None:
    attacks = find_scenario("remote-under-attack").variants()[:2]
    variants = [*find_scenario("save-by-host").variants()[:1], *attacks]
    link = Link(Loopback(emulated(variants[0])))
    run = run_on_board(variants, link, FixturePower(link), load_board(), 1)
    assert not run.results
    assert all(variant.name in run.problem for variant in attacks)


def test_a_run_that_is_interrupted_leaves_the_board_on_and_the_next_one_finds_even_one_that_is_off(
    emulated: Callable[[Variant], EmulatedBoard],
) -> None:
    variants = find_scenario("save-by-host").variants()[3:5]
    board = emulated(variants[0])
    link = Link(Loopback(board))

    class Interrupts(FixturePower):
        asked = 0

        def off(self) -> None:
            super().off()
            self.asked += 1
            if self.asked == 4:
                raise KeyboardInterrupt

    assert run_on_board(variants, link, Interrupts(link), load_board(), 3).interrupted
    assert board.chip.on
    board.chip.power_off()
    again = Link(Loopback(board))
    assert all(result.as_expected for result in run_on_board(variants, again, FixturePower(again), load_board(), 3)[0])


def test_where_nothing_was_cut_nothing_is_said_to_hold(make_target: MakeTarget) -> None:
    result = run(make_target, find_scenario("save-by-host").variant("flagged-nor"), 0)
    assert not result.as_expected
    assert "power was never cut" in result.problem()


def test_a_crash_state_that_is_met_twice_counts_once(make_target: MakeTarget) -> None:
    counts = run(make_target, find_scenario("one-cut-at-one-operation").variants()[0], 60).counts
    assert counts.verified == 60
    assert counts.distinct < 60


def test_attacks_on_the_remote_are_for_the_model_and_refused(make_target: MakeTarget) -> None:
    with pytest.raises(LinkError, match="attacks on the remote, of which only the model shows"):
        make_target(find_scenario("remote-under-attack").variants()[0])


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("save-by-host", ""),
        ("save-by-remote", "a handheld remote"),
        ("disks-swapped", "disks that are exchanged"),
        ("one-cut-at-one-operation", "a cut at a chosen media operation"),
        ("crashes-in-a-row", "cuts at chosen media operations in its workload"),
    ],
)
def test_what_a_scenario_needs_a_fixture_for(name: str, needed: str) -> None:
    assert needs_fixture(find_scenario(name).variants()[0]) == needed


def test_the_rehearsal_finds_the_places_that_the_explorer_cuts_at(make_target: MakeTarget) -> None:
    variant = find_scenario("power-cycles-between-commands").variants()[0]
    session = BoardSession(variant, make_target(variant), 0)
    rehearsal = Rehearsal(variant, session._target, session._actions, session._new_oracle())
    rehearsal.run()
    (model,), _ = run_campaign([variant])
    assert {spot.number for spot in rehearsal.spots} == {row.operation for row in model.cut_rows}


class Late(DeltaController):
    """Does each write when the next command comes, and has said before that it is done."""

    def __init__(self, board: Board, config: FirmwareConfig) -> None:
        super().__init__(board, config)
        self._due: list[Command] = []

    def execute(self, command: Command) -> Response:
        for due in self._due:
            super().execute(due)
        self._due.clear()
        if command.opcode not in WRITES:
            return super().execute(command)
        self._due.append(command)
        return Response()


def test_a_command_that_a_real_board_has_answered_before_the_power_went_must_have_been_done(
    emulated: Callable[[Variant], EmulatedBoard], monkeypatch: pytest.MonkeyPatch
) -> None:
    variant = find_scenario("save-by-host").variant("history-nor")
    board = emulated(variant)
    power = FakePower(board.chip.power_off, board.chip.power_on)
    target = BoardTarget(variant, Link(Loopback(RealBoard(board))), power, load_board(), FakeClock())
    monkeypatch.setattr(service, "DeltaController", Late)
    result = BoardSession(variant, target, 60).run()
    assert any(finding.doing.startswith("WRITE") for finding in result.findings)
    assert {violation.id for violation in result.judged.violations} == {""}
