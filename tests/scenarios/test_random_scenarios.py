"""Random scenarios, boards and fault profiles: with the safe schemes every rule holds, however power is cut.

A few in every run; `make soak` goes on until ten million crash states have been covered.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltabench.firmware_model.config import CacheMode, FirmwareConfig, StoreKind
from deltabench.hwsim.board import BoardSpec, DeviceSpec
from deltabench.hwsim.disk import TornSector
from deltabench.hwsim.nand import Failing
from deltabench.hwsim.tearing import Detail
from deltabench.scenarios.campaign import run_campaign
from deltabench.scenarios.scenario import (
    Cuts,
    Document,
    Flush,
    Mix,
    Power,
    PowerCycle,
    Random,
    Restore,
    Save,
    Scenario,
    Step,
    Variant,
    Write,
    find_scenario,
)
from deltabench.scenarios.verdict import Result

PATH = find_scenario("save-by-host").path
SOAKED_STATES = 10_000_000


def disks(draw: st.DrawFn, sectors: int) -> dict[str, DeviceSpec]:
    """One for both volumes, or one for each, with room for volumes of so many sectors."""
    torn = draw(st.sampled_from([None, None, TornSector.UNCORRECTABLE]))
    room = 2 * sectors + 2 * 60 + 16
    disk = DeviceSpec(part="generic-disk", sectors=room, torn_sector=torn)
    return {f"disk{n}": disk for n in range(draw(st.integers(1, 2)))}


def flashes(draw: st.DrawFn) -> dict[str, DeviceSpec]:
    """One for both volumes, or one for each; a block of the first may fail sooner or later."""
    blocks = draw(st.integers(22, 25))
    failing = st.builds(
        Failing,
        block=st.integers(0, blocks - 1),
        on=st.sampled_from(["erase", "program"]),
        after=st.integers(0, 12),
    )
    first = DeviceSpec(
        part=draw(st.sampled_from(["generic-nand", "generic-mlc"])),
        blocks=blocks,
        failing=tuple(draw(st.lists(failing, max_size=1))),
    )
    second = DeviceSpec(part="generic-nand", blocks=24)
    return {"nand0": first, **({"nand1": second} if draw(st.booleans()) else {})}


@st.composite
def variants(draw: st.DrawFn, most_commands: int = 12, *, one_by_one: bool = False, on_flash: bool = False) -> Variant:
    """A safe scheme on some store of some board, a workload, and cuts of some kind; ``one_by_one``: no classes."""
    units = draw(st.integers(1, 8 if on_flash else 40))
    size = draw(st.sampled_from([1, 1, 2] if on_flash else [1, 1, 1, 2, 5, 8]))
    sectors = units * size
    devices = flashes(draw) if on_flash else disks(draw, sectors)
    devices |= {"nor0": DeviceSpec(part="AT25SF041"), "fram0": DeviceSpec(part="FM25V10")}
    stores = [StoreKind.NVRAM, StoreKind.NAND if on_flash else StoreKind.DISK, StoreKind.NOR]
    firmware = FirmwareConfig(
        scheme=draw(st.sampled_from(["flagged", "versioned", "history"])),
        store=draw(st.sampled_from(stores)),
        units=units,
        sectors_per_unit=size,
        cache=draw(st.sampled_from(list(CacheMode))),
        cache_sectors=draw(st.sampled_from([1, 3, 64])),
        atom_bytes=draw(st.sampled_from([10, 13, 24])),
        log_records=draw(st.sampled_from([4, 12, 40])),
        checkpoint_blocks=draw(st.sampled_from([1, 3, 30])),
    )

    def write() -> st.SearchStrategy[Write]:
        return st.builds(
            lambda lba, count, fua: Write(lba=lba, count=min(count, sectors - lba), fua=fua),
            st.integers(0, sectors - 1),
            st.integers(1, 4),
            st.booleans(),
        )

    plain: Any = st.sampled_from([Save(), Save(), Restore(), Flush(), PowerCycle()])
    mix = Mix(write=60, fua=10, save=10, restore=6, flush=6, crash=8)
    steps: list[Step] = draw(st.lists(st.one_of(write(), plain), min_size=1, max_size=most_commands))
    if draw(st.booleans()):
        steps.append(Random(commands=draw(st.integers(1, most_commands)), most_sectors=min(3, sectors), mix=mix))
    cuts = Cuts.EXHAUSTIVE if one_by_one else draw(st.sampled_from([Cuts.EXHAUSTIVE, Cuts.UNBOUNDED]))
    depth, classes = draw(st.integers(1, 2)), not one_by_one and draw(st.booleans())
    # The budget keeps any example from taking for ever; what it leaves out is counted.
    power = Power(cuts=cuts, depth=1 if cuts is Cuts.UNBOUNDED else depth, classes=classes, most_states=3_000)
    document = Document(
        title="Drawn at random",
        board=BoardSpec(devices=devices, tearing=draw(st.sampled_from([Detail.SAMPLED, Detail.SAMPLED, Detail.EVERY]))),
        steps=tuple(steps),
        seed=draw(st.integers(0, 1 << 20)),
        firmware=firmware,
        power=power,
    )
    return Variant(Scenario("random", PATH, "", document), firmware)


def explored(variant: Variant) -> Result:
    (result,), _ = run_campaign([variant])
    assert result.holds, (result.findings, variant.scenario.document)
    assert not result.counts.unlike
    return result


@settings(max_examples=40)
@given(variants())
def test_every_rule_holds_in_random_scenarios_on_random_boards(variant: Variant) -> None:
    assert explored(variant).complete


@settings(max_examples=5)
@given(variants(on_flash=True))
def test_every_rule_holds_in_random_scenarios_on_nand_flash(variant: Variant) -> None:
    assert explored(variant).complete


@pytest.mark.soak
def test_ten_million_crash_states_of_random_scenarios_break_no_rule(capsys: pytest.CaptureFixture[str]) -> None:
    covered, judged, scenarios, goal = 0, 0, 0, int(os.environ.get("SOAKED_STATES", SOAKED_STATES))

    @settings(max_examples=100_000)
    @given(st.one_of(variants(40, one_by_one=True), variants(40, one_by_one=True, on_flash=True)))
    def soak(variant: Variant) -> None:
        nonlocal covered, judged, scenarios
        if covered < goal:
            counts = explored(variant).counts
            covered, judged, scenarios = covered + counts.generated, judged + counts.verified, scenarios + 1

    soak()
    with capsys.disabled():
        print(f"\nsoak: {scenarios:,} random scenarios, {covered:,} crash states, {judged:,} judged, no violation")
    assert covered >= goal
