"""Boards: parts by name, and a cut that falls on all of them at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from deltabench.hwsim.board import Board, BoardError, BoardSpec, DeviceSpec, SwitchSpec
from deltabench.hwsim.disk import Disk, DiskOutOfRangeError, TornSector
from deltabench.hwsim.gpio import SwitchError
from deltabench.hwsim.medium import Operation, Outcome
from deltabench.hwsim.nand import Failing, NandFlash
from deltabench.hwsim.nor import NorFlash
from deltabench.hwsim.nvram import Nvram
from deltabench.hwsim.onfi import read_parameters
from deltabench.hwsim.parts import UnknownPart
from deltabench.hwsim.tearing import Detail

OLD, NEW = bytes(512), b"new".ljust(512, b"\0")


def two_disks_and_a_flash(**settings: Any) -> Board:
    disk = DeviceSpec(part="generic-disk", sectors=8)
    return Board(BoardSpec(devices={"disk0": disk, "disk1": disk, "nor0": DeviceSpec(part="AT25SF041")}, **settings))


def disk_of(board: Board, name: str) -> Disk:
    disk = board.media[name]
    assert isinstance(disk, Disk)
    return disk


def cut_in(board: Board, act: Any) -> list[Outcome]:
    """What a cut inside the one operation of ``act`` may leave on the whole board."""
    heard: list[list[Outcome]] = []

    def listener(operation: Operation) -> None:
        heard.append(board.cut_outcomes(operation))

    mark = len(board.cells.journal)
    board.rail.listeners = (listener,)
    act()
    board.rail.listeners = ()
    board.cells.rollback(mark)
    (outcomes,) = heard
    return outcomes


def left(board: Board, outcomes: list[Outcome], *places: tuple[str, int]) -> list[tuple[bytes, ...]]:
    """The sectors at ``places`` after each outcome, without any cache."""
    volatile = board.lose_power()
    states = []
    for outcome in outcomes:
        mark = len(board.cells.journal)
        for index, value in outcome.changes:
            board.cells.put(index, value)
        states.append(tuple(disk_of(board, name).read(lba, 1)[0] for name, lba in places))
        board.cells.rollback(mark)
    board.regain(volatile)
    return states


def test_devices_get_the_part_that_they_name() -> None:
    board = Board(
        BoardSpec(
            devices={
                "a": DeviceSpec(part="generic-disk", sectors=100),
                "b": DeviceSpec(part="at25sf041"),
                "c": DeviceSpec(part="generic-nvram"),
                "d": DeviceSpec(part="generic-disk"),
            },
            tearing=Detail.EVERY,
        )
    )
    a, b, c, d = board.media.values()
    assert isinstance(a, Disk)
    assert isinstance(b, NorFlash)
    assert isinstance(c, Nvram)
    assert (a.size, b.size, c.size, d.size) == (100, 524_288, 65_536, 65_536)
    assert b.detail is Detail.EVERY
    assert list(board.media) == ["a", "b", "c", "d"]


def test_a_cut_on_one_part_meets_what_the_caches_of_others_may_still_write() -> None:
    board = two_disks_and_a_flash()
    disk0, disk1 = disk_of(board, "disk0"), disk_of(board, "disk1")
    disk1.write(3, [NEW], fua=False)
    outcomes = cut_in(board, lambda: disk0.write(1, [NEW, NEW], fua=True))
    places = (("disk0", 1), ("disk0", 2), ("disk1", 3))
    states = left(board, outcomes, *places)
    assert states[0] == (OLD, OLD, OLD)
    assert sorted(states) == sorted((a, b, c) for a in (OLD, NEW) for b in (OLD, NEW) for c in (OLD, NEW))
    assert outcomes[-1].label == "all; disk1 cache: all"


def test_partly_written_caches_of_others_meet_the_first_and_last_outcome_of_the_operation() -> None:
    board = two_disks_and_a_flash()
    nor, disk1 = board.media["nor0"], disk_of(board, "disk1")
    assert isinstance(nor, NorFlash)
    disk1.write(0, [NEW, NEW], fua=False)
    outcomes = cut_in(board, lambda: nor.program(0, bytes(16)))
    states = left(board, outcomes, ("disk1", 0), ("disk1", 1))
    own = sum(state == (OLD, OLD) for state in states)
    assert own > 5, "each outcome of the program, with nothing of the cache"
    assert sum(state == (NEW, NEW) for state in states) == own
    assert sum(state == (OLD, NEW) for state in states) == sum(state == (NEW, OLD) for state in states) == 2


def test_a_cut_between_operations_leaves_any_subset_of_every_cache() -> None:
    board = two_disks_and_a_flash()
    assert [outcome.changes for outcome in board.idle_outcomes()] == [()]
    disk_of(board, "disk0").write(0, [NEW], fua=False)
    disk_of(board, "disk1").write(0, [NEW], fua=False)
    states = left(board, board.idle_outcomes(), ("disk0", 0), ("disk1", 0))
    assert sorted(states) == [(OLD, OLD), (OLD, NEW), (NEW, OLD), (NEW, NEW)]


def test_parts_without_a_cache_add_no_outcomes_to_a_cut() -> None:
    board = two_disks_and_a_flash()
    outcomes = cut_in(board, lambda: disk_of(board, "disk0").write(1, [NEW], fua=True))
    assert [outcome.label for outcome in outcomes] == ["nothing", "all"]


def test_power_loss_empties_caches_and_serial_lines_and_regain_puts_both_back() -> None:
    board = two_disks_and_a_flash(uarts=("remote",))
    disk = disk_of(board, "disk1")
    disk.write(0, [NEW], fua=False)
    board.uarts["remote"].remote.write(b"frame")
    volatile = board.lose_power()
    assert disk.read(0, 1) == [OLD]
    assert board.uarts["remote"].device.read(99) == b""
    board.regain(volatile)
    assert disk.read(0, 1) == [NEW]
    assert board.uarts["remote"].device.read(99) == b"frame"


def test_hands_stay_on_the_switches_while_power_is_lost() -> None:
    board = two_disks_and_a_flash(switches={"save": SwitchSpec(bounce_us=0)})
    board.switches["save"].press(at_ns=0, hold_ns=100)
    board.lose_power()
    assert board.switches["save"].pin.level()


def test_two_switches_of_one_board_bounce_differently_and_alike_in_every_run() -> None:
    def edges(seed: int) -> list[tuple[int, ...]]:
        board = Board(BoardSpec(devices={}, switches={"save": SwitchSpec(), "restore": SwitchSpec()}), seed=seed)
        return [board.switches[name].press(0, 10_000_000).edges_ns for name in ("save", "restore")]

    assert edges(1) == edges(1)
    assert edges(1) != edges(5)
    assert edges(1)[0] != edges(1)[1]


def test_a_board_takes_part_files_from_beside_its_scenario(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "hwsim" / "parts" / "generic-nvram.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(text.replace("65_536", "128"), encoding="utf-8")
    board = Board(BoardSpec(devices={"maps": DeviceSpec(part="mine.toml")}), near=tmp_path)
    assert board.media["maps"].size == 128


def test_an_unknown_part_is_refused_with_its_name() -> None:
    with pytest.raises(UnknownPart, match="W25Q99"):
        Board(BoardSpec(devices={"nor0": DeviceSpec(part="W25Q99")}))


@pytest.mark.parametrize(
    ("settings", "part"),
    [({"sectors": 5}, "generic-nvram"), ({"torn_sector": "uncorrectable"}, "AT25SF041")],
)
def test_what_is_said_of_disks_is_refused_for_other_parts(settings: dict[str, object], part: str) -> None:
    spec = msgspec.convert({"devices": {"maps": {"part": part, **settings}}}, BoardSpec)
    with pytest.raises(BoardError, match=rf"board\.devices\.maps\.{next(iter(settings))}: is for disks; {part}"):
        Board(spec)


def test_a_nand_flash_has_the_blocks_and_faults_that_the_board_says() -> None:
    table = {
        "part": "generic-nand",
        "blocks": 40,
        "bad_blocks": [3, 5],
        "failing": [{"block": 1, "on": "erase", "after": 1}, {"block": 1, "on": "program"}],
        "cycles": 50_000,
    }
    board = Board(msgspec.convert({"devices": {"nand0": table}, "tearing": "every"}, BoardSpec))
    nand = board.media["nand0"]
    assert isinstance(nand, NandFlash)
    assert (nand.size, nand.blocks, nand.detail) == (40 * 8, 40, Detail.EVERY)
    assert [block for block in range(40) if nand.is_bad(block)] == [3, 5]
    assert [nand.erase(1), nand.erase(1)] == [True, False]
    assert not nand.program(8, (bytes(512), bytes(16)))
    assert nand.aging is not None
    told = read_parameters(nand.parameter_page())
    assert (told.blocks, told.most_bad_blocks) == (40, 2), "no more may be bad than in proportion"


def test_a_nand_flash_of_which_nothing_is_said_has_all_its_blocks_and_ages_not() -> None:
    nand = Board(BoardSpec(devices={"nand0": DeviceSpec(part="generic-nand")})).media["nand0"]
    assert isinstance(nand, NandFlash)
    assert (nand.blocks, nand.bad_blocks, nand.aging, nand.part.most_bad_blocks) == (64, frozenset(), None, 2)


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"blocks": 65}, r"blocks = 65: allowed: 2 to 64$"),
        ({"blocks": 1}, r"blocks = 1: allowed: 2 to 64$"),
        ({"blocks": 20, "bad_blocks": (3, 4)}, r"bad_blocks: 2 blocks; allowed: at most 1 of 20$"),
        ({"bad_blocks": (3, 3)}, r"bad_blocks: a block is named twice; name it once$"),
        ({"part": "MT29F8G08ABBCA", "blocks": 7}, r"blocks = 7: allowed: 2 to 4096 in steps of 2, its planes$"),
        ({"bad_blocks": (0, 64)}, r"bad_blocks\[1\] = 64: allowed: 0 to 63, as there are 64 blocks$"),
        ({"blocks": 8, "bad_blocks": (8,)}, r"bad_blocks\[0\] = 8: allowed: 0 to 7, as there are 8 blocks$"),
        ({"failing": (Failing(block=64, on="erase"),)}, r"failing\[0\]\.block = 64: allowed: 0 to 63"),
        (
            {"bad_blocks": (4,), "failing": (Failing(block=4, on="erase"),)},
            r"failing\[0\]\.block = 4: is one of bad_blocks, and never used$",
        ),
        (
            {"failing": (Failing(block=4, on="erase"), Failing(block=4, on="erase", after=3))},
            r"failing\[1\]: block 4 fails on erase already; name it once$",
        ),
        ({"sectors": 5}, r"sectors: is for disks; generic-nand is a part of kind nand$"),
        ({"torn_sector": TornSector.OLD_OR_NEW}, r"torn_sector: is for disks; generic-nand is a part of kind nand$"),
    ],
)
def test_what_a_nand_flash_cannot_have_is_refused_with_the_key(settings: dict[str, Any], fault: str) -> None:
    spec = BoardSpec(devices={"flash": DeviceSpec(**{"part": "generic-nand", **settings})})
    with pytest.raises(BoardError, match=rf"^board\.devices\.flash\.{fault}"):
        Board(spec)


@pytest.mark.parametrize(
    "settings",
    [{"blocks": 4}, {"bad_blocks": (1,)}, {"failing": (Failing(block=1, on="erase"),)}, {"cycles": 0}],
)
@pytest.mark.parametrize("part", ["generic-disk", "generic-nvram", "AT25SF041"])
def test_what_is_said_of_nand_flash_is_refused_for_other_parts(part: str, settings: dict[str, Any]) -> None:
    (key,) = settings
    with pytest.raises(BoardError, match=rf"board\.devices\.maps\.{key}: is for NAND flash; {part} is a part of kind"):
        Board(BoardSpec(devices={"maps": DeviceSpec(part=part, **settings)}))


def test_a_disk_larger_than_its_part_is_refused_with_both_sizes() -> None:
    spec = BoardSpec(devices={"disk0": DeviceSpec(part="generic-disk", sectors=65_537)})
    with pytest.raises(DiskOutOfRangeError, match="disk0: 65537 sectors asked of generic-disk, which has 65536"):
        Board(spec)


def test_a_switch_that_cannot_be_is_refused() -> None:
    with pytest.raises(SwitchError, match="open or closed"):
        Board(BoardSpec(devices={}, switches={"save": SwitchSpec(stuck="half")}))


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ({"devices": {"d": {"part": "generic-disk", "size": 3}}}, "size"),
        ({"devices": {"d": {"sectors": 3}}}, "part"),
        ({"devices": {"d": {"part": "generic-disk", "sectors": "many"}}}, r"devices\[...\].sectors"),
        ({"devices": {"d": {"part": "generic-disk", "torn_sector": "lost"}}}, "lost"),
        ({"devices": {"d": {"part": "generic-nand", "blocks": 0}}}, r"blocks"),
        ({"devices": {"d": {"part": "generic-nand", "bad_blocks": [-1]}}}, r"bad_blocks"),
        ({"devices": {"d": {"part": "generic-nand", "cycles": -1}}}, r"cycles"),
        ({"devices": {"d": {"part": "generic-nand", "failing": [{"block": 1}]}}}, "on"),
        ({"devices": {"d": {"part": "generic-nand", "failing": [{"block": 1, "on": "read"}]}}}, "read"),
        ({"devices": {}, "tearing": "some"}, "tearing"),
        ({"devices": {}, "switches": {"save": {"bounce": 3}}}, "bounce"),
        ({}, "devices"),
    ],
)
def test_a_table_that_describes_no_board_is_refused_with_the_key(table: object, fault: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=fault):
        msgspec.convert(table, BoardSpec)
