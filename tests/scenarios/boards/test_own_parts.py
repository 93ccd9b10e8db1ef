"""A scenario with a part of its own, named by a path: a NOR flash whose sectors are longer than a message."""

from __future__ import annotations

from pathlib import Path

import pytest

import deltabench.hwsim.parts
from deltabench.hwsim.devboard.spec import load_board
from deltabench.scenarios.boards.contents import Place, keep, load, put_back
from deltabench.scenarios.boards.emulated import EmulatedBoard
from deltabench.scenarios.boards.link import Link
from deltabench.scenarios.boards.power_switch import FixturePower
from deltabench.scenarios.boards.session import BoardSession
from deltabench.scenarios.boards.target import BoardTarget
from deltabench.scenarios.boards.transport import Loopback
from deltabench.scenarios.build import parts_named_from_anywhere
from deltabench.scenarios.scenario import Variant, find_scenario

NOR = 0x9000_0000
SCENARIO = """
title = "Maps in a flash with long sectors"
board.devices.disk0 = { part = "generic-disk", sectors = 1024 }
board.devices.nor0 = { part = "parts/long.part.toml" }
firmware.units = 64
firmware.store = "nor"
steps = [{ do = "write", lba = 3 }, { do = "save" }, { do = "write", lba = 3 }]
"""


@pytest.fixture
def variant(tmp_path: Path) -> Variant:
    part = Path(deltabench.hwsim.parts.__path__[0]) / "w25q64jv.toml"
    text = part.read_text(encoding="utf-8").replace("value = 4_096", "value = 65_536")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "long.part.toml").write_text(text, encoding="utf-8")
    (tmp_path / "mine.scenario.toml").write_text(SCENARIO, encoding="utf-8")
    (only,) = find_scenario(str(tmp_path / "mine.scenario.toml")).variants()
    return only


def test_it_runs_on_a_board(variant: Variant) -> None:
    spec = parts_named_from_anywhere(variant.scenario.document.board, variant.scenario.path.parent)
    board = EmulatedBoard(load_board(), spec)
    board.start_without_firmware()
    link = Link(Loopback(board))
    result = BoardSession(variant, BoardTarget(variant, link, FixturePower(link), load_board()), 5).run()
    assert result.as_expected, result.findings
    assert result.counts.verified == 5


def test_a_sector_longer_than_a_message_is_put_back_as_it_was() -> None:
    board = EmulatedBoard(load_board(), find_scenario("save-by-host").document.board)
    board.start_without_firmware()
    link = Link(Loopback(board))
    contents = bytes(range(251)) * 262
    load(link, {NOR: contents[:0x10000]})
    kept = keep(link, (Place(NOR, 0x10000, 0x10000, erased=True),))
    assert kept.blocks == {NOR: contents[:0x10000]}
    load(link, {NOR + 0x8000: b"other"})
    put_back(link, kept)
    assert board.chip.bus.read(NOR, 0x10000) == contents[:0x10000]
