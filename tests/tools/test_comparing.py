"""Which runs of two results belong together, and what is told of them."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from deltabench.scenarios.documents import Endurance, EnduredRun, HeldUp, HoldUp, HoldUpStep, WearOut
from deltabench.scenarios.flash_summary import Blocks, summary_of
from deltabench.scenarios.flash_use import Use
from deltabench.tools.comparing import Life, Line, compare


def held_up(*names: str) -> HoldUp:
    """A result with runs of these names."""
    run = HeldUp(
        run="",
        scenario="",
        title="",
        scheme="plain",
        atom_store="nor",
        media_time="typical",
        least_us=0,
        needed_during={},
        steps=(HoldUpStep(holdup_us=0, violations=0),),
        generated=1,
    )
    runs = tuple(msgspec.structs.replace(run, run=name) for name in names)
    return HoldUp(from_mv=5000, to_mv=3000, load_mw=2500, runs=runs)


def pairs(one: HoldUp, other: HoldUp) -> list[tuple[str, str]]:
    return [(pair.one.run, pair.other.run) for pair in compare(one, other).pairs]


def test_runs_of_two_scenarios_are_paired_by_their_variant() -> None:
    one, other = held_up("a:plain-nor", "a:flagged-nor", "a:history-nor"), held_up("b:flagged-nor", "b:history-nor")
    assert pairs(one, other) == [("a:flagged-nor", "b:flagged-nor"), ("a:history-nor", "b:history-nor")]
    assert compare(one, other).only_one == ("a:plain-nor",)


def test_names_come_before_variants_and_order_comes_last() -> None:
    one, other = held_up("a:plain-nor", "b:plain-nor", "a:flagged-nor"), held_up("b:plain-nor", "c:history-nor")
    assert pairs(one, other) == [("b:plain-nor", "b:plain-nor"), ("a:plain-nor", "c:history-nor")]


RANDOM: dict[str, Any] = {"random": {"reads": 0.3, "sectors": 8}, "save_every": 1000, "seed": 1, "hot_part": 0.1}


def endured(
    years: float | None, *, reached: bool = False, too_little: bool = False, workload: dict[str, Any] = RANDOM
) -> Endurance:
    """A run whose flash lasts so long."""
    row = WearOut(
        device="nor0",
        part="W25Q64JV",
        what="erase",
        endurance=100_000,
        most=5,
        years=years,
        reached=reached,
        too_little=too_little,
    )
    run = EnduredRun(
        run="a:flagged-nor",
        scheme="flagged",
        atom_store="nor",
        units=8,
        sectors_per_unit=8,
        seed=1,
        workload=workload,
        commands=9,
        simulated_days=1.0,
        counters=(),
        wear=(),
        unit_moves=(),
        timeline=(),
        wear_out=(row, msgspec.structs.replace(row, device="disk0", endurance=None)),
    )
    return Endurance(runs=(run,))


def different(one: Endurance, other: Endurance) -> list[Line]:
    (pair,) = compare(one, other).pairs
    return pair.different


def test_workloads_are_compared_setting_by_setting() -> None:
    trace = {"trace": {"path": "hm_1.csv", "wrap": True, "later": [[]]}, "save_every": 100, "years": None}
    lines = different(endured(None), endured(None, workload=trace))
    assert {line.name: (line.one, line.other) for line in lines} == {
        "workload: save every": (1000, 100),
        "workload: hot part": (0.1, None),
        "workload: random reads": (0.3, None),
        "workload: random sectors": (8, None),
        "workload: trace path": (None, "hm_1.csv"),
        "workload: trace wrap": (None, "yes"),
    }


def test_flashes_are_compared_by_amplification_and_spread() -> None:
    one, other = endured(None), endured(None)
    flash = summary_of("nand0", "generic-nand", Use({"host": 8, "headers": 4}), 7, np.array([1, 3]), Blocks((), 0, 2))
    worse = summary_of("nand0", "generic-nand", Use({"host": 8, "headers": 8}), 7, np.array([0, 4]), Blocks((), 1, 1))
    documents = [
        msgspec.structs.replace(document, runs=(msgspec.structs.replace(document.runs[0], flash=(summary,)),))
        for document, summary in ((one, flash), (other, worse))
    ]
    lines = different(*documents)
    assert {line.name: (line.one, line.other, line.ratio) for line in lines} == {
        "nand0: write amplification": (1.5, 2.0, 2 / 1.5),
        "nand0: spread of erases, most to mean": (1.5, 2.0, 2 / 1.5),
        "nand0: spare blocks left": (2, 1, 0.5),
    }


@pytest.mark.parametrize(
    ("other", "value", "ratio"),
    [
        (endured(6.0, reached=True), Life(6.0, "6.00 years"), 0.5),
        (endured(12.0, reached=True), Life(12.0, "12 years"), 1.0),
        (endured(70_000.0), "over 1,000 years", None),
        (endured(None), "wears no more", None),
        (endured(None, too_little=True), "too little wear to tell", None),
    ],
)
def test_lives_say_how_they_are_known(other: Endurance, value: object, ratio: float | None) -> None:
    (line,) = different(endured(12.0), other)
    assert (line.name, line.one) == ("nor0 erases: worn out after", Life(12.0, "about 12 years"))
    assert (line.other, line.ratio) == (value, ratio)
