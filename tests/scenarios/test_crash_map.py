from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
import pytest

from deltabench.hwsim.board import Board, BoardSpec, DeviceSpec
from deltabench.hwsim.disk import Disk, TornSector
from deltabench.hwsim.medium import Operation
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nor import NorFlash
from deltabench.hwsim.nvram import Nvram
from deltabench.hwsim.tearing import Detail
from deltabench.scenarios.campaign import run_campaign
from deltabench.scenarios.crash_map import CutRow, kind_of, table_of
from deltabench.scenarios.scenario import Scenario

KINDS = {
    "nothing",
    "all",
    "all but half a byte",
    "all but one bit",
    "all, one byte unstable",
    "all, unstable",
    "a prefix",
    "a prefix, unstable",
    "a prefix and half a byte",
    "only the end",
    "every other byte",
    "all but half a codeword",
    "all, one codeword unstable",
    "a prefix and half a codeword",
    "only one codeword",
    "all but one codeword",
    "page uncorrectable",
    "paired page uncorrectable",
    "paired page unstable",
    "all or uncorrectable, unstable",
    "all pages uncorrectable",
    "a prefix and half a page blank",
    "random bits set",
    "blank or as before, unstable",
    "blank or as before, the other way round, unstable",
    "blank, but weak",
    "some sectors",
    "one or more uncorrectable",
    "all, one or more uncorrectable",
    "some sectors, one or more uncorrectable",
}


@pytest.fixture
def labels() -> set[str]:
    """Of every operation of every medium on a board whose disks have full caches, what a cut may leave."""
    devices = {
        "disk0": DeviceSpec(part="generic-disk", sectors=64, torn_sector=TornSector.UNCORRECTABLE),
        "nor0": DeviceSpec(part="W25Q64JV"),
        "fram0": DeviceSpec(part="FM25V10"),
        "mlc0": DeviceSpec(part="generic-mlc"),
    }
    board = Board(BoardSpec(devices=devices, tearing=Detail.EVERY))
    found: set[str] = set()

    def note(operation: Operation) -> None:
        found.update(outcome.label for outcome in operation.outcomes())
        found.update(outcome.label for outcome in board.cut_outcomes(operation))

    board.rail.listeners = (note,)
    disk, nor, fram = board.media["disk0"], board.media["nor0"], board.media["fram0"]
    assert isinstance(disk, Disk)
    assert isinstance(nor, NorFlash)
    assert isinstance(fram, Nvram)
    fram.write(3, b"twelve bytes")
    nor.program(0, b"0123456789abcdef")
    nor.erase(0)
    for lba in (1, 2, 3, 9, 11, 12):
        disk.write(lba, [bytes(512)] * 2, fua=False)
    fram.write(3, b"TWELVE BYTES")
    nor.program(4096, b"0123456789abcdef")
    nor.program(4096, b"\0" * 16)
    disk.flush()
    mlc = board.media["mlc0"]
    assert isinstance(mlc, NandFlash)
    for page in range(5):
        mlc.program(page, (bytes(512), b"spare bytes"))
    mlc.erase(0)
    return found


def test_each_outcome_of_each_medium_is_of_a_kind_that_names_no_place(labels: set[str]) -> None:
    kinds = {part for label in labels for part in kind_of(label).split("; ") if " cache: " not in part}
    assert kinds <= KINDS
    assert not [kind for kind in kinds if re.search(r"\d", kind)]
    assert len(labels) > 10 * len(kinds)


def test_what_the_cache_of_another_device_leaves_stays_apart_from_the_operation(labels: set[str]) -> None:
    assert "a prefix; disk0 cache: some sectors" not in labels
    assert "nothing; disk0 cache: some sectors" in {kind_of(label) for label in labels}


def test_no_label_is_that_nothing_was_left() -> None:
    assert kind_of("") == "nothing"


def test_of_several_outcomes_of_a_kind_the_worst_verdict_counts() -> None:
    row = CutRow(6, "SAVE", "fram0 write", {})
    for label, verdict in [("a prefix of 1 bytes", "d"), ("a prefix of 2 bytes", "h"), ("all", "h"), ("all", "d")]:
        row.add(label, verdict)
    assert row.verdicts == {"a prefix": "h", "all": "h"}
    row.add("a prefix of 3 bytes", "v")
    row.add("a prefix of 4 bytes", "h")
    assert row.verdicts == {"a prefix": "v", "all": "h"}


def test_kinds_stand_in_order_of_first_appearance_and_rows_that_were_not_cut_are_left_out() -> None:
    rows = [
        CutRow(0, "boot", "nor0 erase", {"nothing": "h"}),
        CutRow(1, "boot", "nor0 program", {}),
        CutRow(2, "SAVE", "nor0 program", {"all": "v", "nothing": "d"}),
    ]
    assert msgspec.json.decode(msgspec.json.encode(table_of(rows))) == {
        "outcomes": ["nothing", "all"],
        "operations": [
            {"operation": 0, "during": "boot", "what": "nor0 erase", "verdicts": "h."},
            {"operation": 2, "during": "SAVE", "what": "nor0 program", "verdicts": "dv"},
        ],
    }


@pytest.mark.parametrize("depth", [1, 2])
def test_the_map_of_a_save_that_plain_does_in_two_blocks_shows_where_it_breaks(
    depth: int, new_scenario: Callable[..., Scenario]
) -> None:
    steps = 'steps = [{ do = "write", lba = 1 }, { do = "write", lba = 11 }, { do = "save" }]'
    tables = f'[firmware]\nscheme = "plain"\nstore = "nvram"\nunits = 12\n[power]\ndepth = {depth}'
    (result,), _ = run_campaign(new_scenario(steps, tables).variants())
    rows = [row for row in result.cut_rows if "v" in row.verdicts.values()]
    assert result.counts.violations > 0
    assert {row.during for row in rows} == {"SAVE"}
    assert {row.operation for row in rows} >= {finding.path[0].operation for finding in result.findings}
    assert [row.operation for row in result.cut_rows] == list(range(result.operations + 1))
    assert (result.cut_rows[-1].what, result.cut_rows[-1].during) == (
        "between two operations",
        "nothing, at the end of the workload",
    )
