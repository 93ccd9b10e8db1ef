"""The endurance kernel against the full model: the same commands, counter by counter and cell by cell."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltabench.firmware_model.config import FirmwareConfig, Placement, StoreKind
from deltabench.firmware_model.controller import DeltaController
from deltabench.hwsim.board import BoardSpec, DeviceSpec
from deltabench.scenarios import scenario as steps
from deltabench.scenarios.counters import Counts
from deltabench.scenarios.documents import FlashSummary
from deltabench.scenarios.endurance import kernel
from deltabench.scenarios.endurance.compiled import Kernel, load_kernel
from deltabench.scenarios.endurance.device import device_of
from deltabench.scenarios.endurance.flash import Flash, new_flash
from deltabench.scenarios.endurance.state import SCHEME_NUMBERS, State, new_state
from deltabench.scenarios.endurance.wear import cell_wear, counters, flash_summaries, most_ddm, unit_moves
from deltabench.scenarios.endurance.workload import NEVER, Mix, RandomMix, Requests, Schedule, mix_of
from deltabench.scenarios.measure import Recorder
from deltabench.scenarios.scenario import Document, Scenario, Variant

OF_TIME = ("media_operations", "media_bytes", "media_busy_ns", "firmware_cycles")
"""What only the full model counts, but for programs and erases of NAND flash."""
PURE, COMPILED = load_kernel(jit=False), load_kernel(jit=True)
Source = Mix | Requests
Step = steps.Step


class Outcome(NamedTuple):
    """All that a device has come to."""

    counters: dict[tuple[str, tuple[str, ...]], int]
    flash: list[FlashSummary]
    cells: dict[tuple[str, str], list[int]]
    unit_moves: list[int]
    most_ddm: int
    vsm: int
    ddm: int
    system_version: int


def variant_of(
    firmware: FirmwareConfig,
    disks: int = 1,
    sectors: int = 4096,
    work: tuple[Step, ...] = (),
    nand: tuple[DeviceSpec, ...] = (),
) -> Variant:
    """A device of small parts, with something for it to do; a map store on NAND flash has one to lie on."""
    disk = DeviceSpec(part="generic-disk" if sectors < 65536 else "ST32171W", sectors=sectors)
    devices = {f"disk{number}": disk for number in range(disks)}
    if firmware.store is StoreKind.NAND and not nand:
        nand = (DeviceSpec(part="generic-nand"),)
    board = BoardSpec(
        devices={
            **devices,
            **{f"nand{number}": spec for number, spec in enumerate(nand)},
            "nor0": DeviceSpec(part="AT25SF041"),
            "nvram0": DeviceSpec(part="generic-nvram"),
        },
        uarts=("radio",),
    )
    document = Document(title="Two models", board=board, steps=work, firmware=firmware)
    return Variant(Scenario("two", Path("two.scenario.toml"), "", document), firmware)


def in_full(variant: Variant) -> Outcome:
    """Run by the firmware itself, on a board, as ``deltabench measure`` does it."""
    recorder = Recorder(variant)
    run = recorder.run()
    controller = recorder.session.controller
    assert isinstance(controller, DeltaController)
    view = controller.view
    return Outcome(
        comparable(Counts.of_series(run.counters)),
        list(run.flash),
        {(wear.device, wear.what): list(wear.counts) for wear in run.wear},
        list(run.unit_moves),
        run.most_ddm or 0,
        view.vsm,
        view.ddm,
        view.system_version,
    )


def in_kernel(
    model: Kernel, variant: Variant, schedule: Schedule, source: Source, *lasts: int, seed: int = 0
) -> Outcome:
    """Run by the kernel, up to each of ``lasts`` in turn."""
    state, flash = kernel_state(model, variant, schedule, source, *lasts, seed=seed)
    device = device_of(variant)
    wears = cell_wear(device, state, flash)
    bits = [[int(entry) >> bit & 1 for entry in state.maps] for bit in (0, 1)]
    vsm, ddm = (sum(value << unit for unit, value in enumerate(column)) for column in bits)
    return Outcome(
        comparable(counters(device, state, flash, wears)),
        flash_summaries(device, flash),
        {(wear.device, wear.what): np.trim_zeros(wear.counts, "b").tolist() for wear in wears if wear.counts.any()},
        unit_moves(device.shape, state).tolist(),
        most_ddm(state),
        vsm,
        ddm,
        int(state.totals[kernel.SYSTEM_VERSION]),
    )


def kernel_state(
    model: Kernel, variant: Variant, schedule: Schedule, source: Source, *lasts: int, seed: int = 0
) -> tuple[State, Flash]:
    device = device_of(variant)
    state = new_state(device.shape, seed, compiled=model.compiled)
    flash = new_flash(device.layers, device.layout, compiled=model.compiled)
    first = 0
    for last in lasts:
        model.run(state, flash, device.shape, schedule, source, first, last)
        first = last
    return state, flash


def comparable(counts: Counts) -> dict[tuple[str, tuple[str, ...]], int]:
    """The counters that both models have."""
    return {
        (name, labels): value
        for (name, labels), value in counts
        if name not in OF_TIME or (name == "media_operations" and labels[0].startswith("nand") and labels[1] != "read")
    }


def split_mix(seed: int) -> Iterator[int]:
    """SplitMix64, written from the paper a second time."""
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) % 2**64
        z = seed
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            z = (z ^ z >> shift) * factor % 2**64
        yield z ^ z >> 31


def transfers_of(mix: Mix, seed: int) -> Iterator[Step]:
    """The transfers of a random mix, as the documentation describes them."""
    for number in split_mix(seed):
        place, hot, kind = number >> 32, number >> 16 & 0xFFFF, number & 0xFFFF
        if hot < mix.hot_share:
            slot = place * mix.hot_slots >> 32
        else:
            slot = mix.hot_slots + (place * (mix.slots - mix.hot_slots) >> 32)
        step = steps.Read if kind < mix.read_share else steps.Write
        yield step(lba=slot * mix.sectors, count=mix.sectors)


def repeated(requests: Requests) -> Iterator[Step]:
    while True:
        for kind, lba, count in zip(*requests, strict=True):
            if kind == kernel.FLUSH:
                yield steps.Flush()
            elif kind == kernel.READ:
                yield steps.Read(lba=lba, count=count)
            else:
                yield steps.Write(lba=lba, count=count, fua=kind == kernel.WRITE_FUA)


def commands_of(schedule: Schedule, transfers: Iterator[Step], count: int) -> tuple[Step, ...]:
    """Saves and restores where they are due, and transfers everywhere else."""
    return tuple(
        steps.Restore()
        if number % schedule.restore_every == 0
        else steps.Save()
        if number % schedule.save_every == 0
        else next(transfers)
        for number in range(1, count + 1)
    )


def some_requests(seed: int, volume: int, most: int, count: int = 40) -> Requests:
    """Transfers of any length at any place, flushes and FUA among them."""
    draw = random.Random(seed)
    kinds = draw.choices((kernel.READ, kernel.WRITE, kernel.WRITE_FUA, kernel.FLUSH), (25, 60, 10, 5), k=count)
    counts = [draw.randint(1, min(most, volume)) for _ in kinds]
    return Requests(kinds, [draw.randrange(volume - length + 1) for length in counts], counts)


def as_columns(model: Kernel, source: Source) -> Source:
    if isinstance(source, Mix) or not model.compiled:
        return source
    return Requests(*(np.array(column, np.int64) for column in source))


def compare(
    firmware: FirmwareConfig,
    schedule: Schedule,
    source: Source,
    count: int,
    *,
    disks: int = 1,
    seed: int = 0,
    sectors: int = 4096,
    nand: tuple[DeviceSpec, ...] = (),
) -> Outcome:
    """Run both models and the kernel both ways; the outcome, which must be one and the same."""
    transfers = transfers_of(source, seed) if isinstance(source, Mix) else repeated(source)
    variant = variant_of(firmware, disks, sectors, commands_of(schedule, transfers, count), nand)
    wanted = in_full(variant)
    for model in (PURE, COMPILED):
        # In two pieces, as it must not matter where a run is divided.
        found = in_kernel(model, variant, schedule, as_columns(model, source), count // 3, count, seed=seed)
        assert found == wanted, f"compiled: {model.compiled}"
    return wanted


firmwares = st.builds(
    FirmwareConfig,
    scheme=st.sampled_from(list(SCHEME_NUMBERS)),
    store=st.sampled_from(StoreKind),
    units=st.integers(1, 70),
    sectors_per_unit=st.sampled_from([1, 2, 3, 8]),
    atom_bytes=st.sampled_from([10, 11, 13, 32, 64]),
    log_records=st.sampled_from([1, 2, 3, 7, 40]),
    version_bits=st.sampled_from([8, 16, 32]),
)
intervals = st.sampled_from([1, 2, 3, 5, 17, 60, NEVER])
schedules = st.builds(Schedule, intervals, intervals)


@settings(max_examples=250)
@given(firmwares, schedules, st.data())
def test_a_random_mix_wears_each_cell_as_in_the_full_model(
    firmware: FirmwareConfig, schedule: Schedule, data: st.DataObject
) -> None:
    shares = st.sampled_from([0.0, 0.1, 0.3, 0.9, 1.0])
    mix = RandomMix(
        reads=data.draw(shares),
        sectors=data.draw(st.integers(1, min(20, firmware.volume_sectors))),
        hot_fraction=data.draw(shares),
        hot_share=data.draw(shares),
    )
    compare(
        firmware,
        schedule,
        mix_of(mix, firmware.units, firmware.sectors_per_unit),
        data.draw(st.integers(0, 150)),
        disks=data.draw(st.integers(1, 2)),
        seed=data.draw(st.integers(0, 2**64 - 1)),
    )


@settings(max_examples=250)
@given(firmwares, schedules, st.integers(1, 40), st.integers(0, 150), st.integers(1, 2), st.integers())
def test_a_repeated_trace_wears_each_cell_as_in_the_full_model(
    firmware: FirmwareConfig, schedule: Schedule, most: int, count: int, disks: int, seed: int
) -> None:
    compare(firmware, schedule, some_requests(seed, firmware.volume_sectors, most), count, disks=disks)


@pytest.mark.parametrize("scheme", SCHEME_NUMBERS)
@pytest.mark.parametrize("store", StoreKind)
def test_versions_and_logs_come_round_many_times(scheme: str, store: StoreKind) -> None:
    firmware = FirmwareConfig(scheme=scheme, store=store, units=50, sectors_per_unit=2, log_records=5)
    mix = mix_of(RandomMix(reads=0.2, sectors=1), firmware.units, firmware.sectors_per_unit)
    counts = compare(firmware, Schedule(2, 7), mix, 2500).counters
    assert counts["saves", ()] + counts["restores", ()] > 4 * 256, "or 8 bits of version do not come round"
    assert store is not StoreKind.NOR or counts["log_compactions", ()] > 100


@pytest.mark.parametrize("scheme", SCHEME_NUMBERS)
def test_regions_may_lie_anywhere(scheme: str) -> None:
    firmware = FirmwareConfig(
        scheme=scheme,
        store=StoreKind.NVRAM,
        units=40,
        atom_bytes=11,
        maps=Placement(start=1235),
        volume_a=Placement(device="disk1", start=600),
        volume_b=Placement(device="disk1", start=77),
    )
    compare(firmware, Schedule(10, 55), some_requests(3, 40, 9), 400, disks=2)
    compare(firmware_on_nor(firmware), Schedule(10, 55), some_requests(3, 40, 9), 400, disks=2)


@pytest.mark.parametrize("store", StoreKind)
@pytest.mark.parametrize("scheme", SCHEME_NUMBERS)
def test_a_remote_that_nobody_presses_is_one_more_atom(scheme: str, store: StoreKind) -> None:
    firmware = FirmwareConfig(scheme=scheme, store=store, units=30, log_records=5, remote="radio")
    compare(firmware, Schedule(9, 21), some_requests(3, 30, 5), 300)


def firmware_on_nor(firmware: FirmwareConfig) -> FirmwareConfig:
    return FirmwareConfig(
        scheme=firmware.scheme,
        store=StoreKind.NOR,
        units=40,
        maps=Placement(start=3 * 4096),
        log_records=300,
    )


SLC, MLC = DeviceSpec(part="generic-nand"), DeviceSpec(part="generic-mlc", blocks=60)
LARGE_PAGES = DeviceSpec(part="MT29F1G08ABADA", blocks=20)
ONE, OTHER = Placement(device="nand0"), Placement(device="nand1")
ON_NAND: dict[str, tuple[tuple[DeviceSpec, ...], FirmwareConfig]] = {
    "both volumes and maps": ((SLC,), FirmwareConfig(store=StoreKind.NAND, units=34, sectors_per_unit=4)),
    "bad blocks": (
        (DeviceSpec(part="generic-nand", bad_blocks=(0, 63)),),
        FirmwareConfig(store=StoreKind.NVRAM, units=36, sectors_per_unit=4, checkpoint_blocks=3),
    ),
    "MLC": ((MLC,), FirmwareConfig(store=StoreKind.NAND, units=24, sectors_per_unit=5, over_provisioning=7)),
    "volumes apart": (
        (SLC, MLC),
        FirmwareConfig(store=StoreKind.NOR, units=86, sectors_per_unit=3, volume_a=OTHER, volume_b=ONE),
    ),
    "a volume on disk": (
        (SLC,),
        FirmwareConfig(store=StoreKind.NAND, units=46, sectors_per_unit=6, maps=ONE, volume_b=ONE),
    ),
    "three of them": (
        (SLC, MLC, DeviceSpec(part="generic-nand", blocks=24)),
        FirmwareConfig(store=StoreKind.NAND, units=50, maps=Placement(device="nand2"), volume_a=OTHER, volume_b=ONE),
    ),
    "pages of four sectors": (
        (LARGE_PAGES,),
        FirmwareConfig(store=StoreKind.NAND, units=168, sectors_per_unit=5, checkpoint_blocks=9),
    ),
}


@pytest.mark.parametrize("scheme", SCHEME_NUMBERS)
@pytest.mark.parametrize("what", ON_NAND)
def test_blocks_and_pages_of_nand_flash_wear_as_in_the_full_model(what: str, scheme: str) -> None:
    nand, firmware = ON_NAND[what]
    disks = int(what == "a volume on disk")
    firmware = msgspec.structs.replace(firmware, scheme=scheme)
    found = compare(
        firmware, Schedule(11, 50), some_requests(5, firmware.volume_sectors, 20), 900, disks=disks, nand=nand
    )
    for number, spec in enumerate(nand):
        erases = found.cells[f"nand{number}", "erase"]
        assert what == "three of them" or sum(erases) > 2 * len(erases), f"{spec.part}: no block is collected"


layouts = st.sampled_from([((SLC,), 0), ((MLC,), 0), ((SLC, MLC), 0), ((SLC,), 1), ((LARGE_PAGES,), 0)])


@settings(max_examples=150)
@given(firmwares, schedules, layouts, st.integers(1, 60), st.integers(0, 150), st.integers(1, 40), st.integers())
def test_a_device_with_nand_flash_wears_as_in_the_full_model(
    firmware: FirmwareConfig,
    schedule: Schedule,
    layout: tuple[tuple[DeviceSpec, ...], int],
    most: int,
    count: int,
    interval: int,
    seed: int,
) -> None:
    nand, disks = layout
    firmware = msgspec.structs.replace(
        firmware,
        units=min(firmware.units, 110 // firmware.sectors_per_unit),
        checkpoint_blocks=interval,
        store=StoreKind.NAND if seed % 2 else firmware.store,
    )
    if firmware.store is StoreKind.DISK and not disks:
        disks = 1
    requests = some_requests(seed, firmware.volume_sectors, most)
    compare(firmware, schedule, requests, count, disks=disks, nand=nand)


@pytest.mark.parametrize(("reads", "sectors"), [(0.0, 4), (0.3, 3)])
def test_a_random_mix_collects_blocks_as_the_full_model_does(reads: float, sectors: int) -> None:
    firmware = FirmwareConfig(
        store=StoreKind.NVRAM, units=215, sectors_per_unit=4, volume_a=Placement(start=4), checkpoint_blocks=6
    )
    mix = mix_of(RandomMix(reads=reads, sectors=sectors), firmware.units, firmware.sectors_per_unit)
    found = compare(firmware, Schedule(200, 900), mix, 5000, disks=0, nand=(LARGE_PAGES,), seed=3)
    assert min(found.cells["nand0", "erase"]) > 3


@pytest.mark.parametrize("scheme", SCHEME_NUMBERS)
def test_a_large_volume_wears_as_in_the_full_model(scheme: str) -> None:
    firmware = FirmwareConfig(scheme=scheme, store=StoreKind.NOR, units=16_384, sectors_per_unit=8, log_records=500)
    mix = mix_of(RandomMix(), firmware.units, firmware.sectors_per_unit)
    compare(firmware, Schedule(300, 1000), mix, 2500, sectors=300_000, seed=7)


@pytest.mark.parametrize("scheme", SCHEME_NUMBERS)
@pytest.mark.parametrize(("sectors", "size"), [(8, 8), (2, 8), (3, 8), (8, 2)])
def test_the_compiled_kernel_does_what_the_pure_one_does(scheme: str, sectors: int, size: int) -> None:
    variant = variant_of(FirmwareConfig(scheme=scheme, units=500, sectors_per_unit=size), sectors=10_000)
    mix = mix_of(RandomMix(sectors=sectors), 500, size)
    pure, compiled = (
        kernel_state(model, variant, Schedule(90, 1000), mix, 30_000, seed=2**64 - 5)[0] for model in (PURE, COMPILED)
    )
    for name, column in pure._asdict().items():
        assert column == getattr(compiled, name).tolist(), name


def test_the_random_numbers_are_those_of_splitmix64() -> None:
    # The first outputs of the reference implementation for seed 1234567.
    wanted = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    found = [kernel.scrambled((1234567 + (n + 1) * kernel.GOLDEN_GAMMA) & kernel.MASK_64) for n in range(4)]
    assert found == wanted
