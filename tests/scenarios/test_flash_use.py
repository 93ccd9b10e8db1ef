"""What NAND flash is used for: every page under one cause, held against the flash itself and what is written there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from deltabench.firmware_model.layout import MAPS, Home, Layout, Region
from deltabench.firmware_model.steps import COLLECTED, EVACUATED, LEVELLED, PAGE, SCRUBBED
from deltabench.firmware_model.translation.geometry import geometry_of
from deltabench.firmware_model.translation.layer import TranslationLayer
from deltabench.hwsim.board import Board, BoardSpec, DeviceSpec
from deltabench.hwsim.clock import MediaTime
from deltabench.hwsim.meter import Meter
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nand_pages import Units
from deltabench.scenarios.counters import Counts
from deltabench.scenarios.documents import FlashSummary, MeasuredRun
from deltabench.scenarios.flash_summary import Blocks, count_flash, summary_of
from deltabench.scenarios.flash_use import PAGE_CAUSES, FlashUse, Use
from deltabench.scenarios.measure import Recorder
from deltabench.scenarios.scenario import Scenario

NewScenario = Callable[..., Scenario]
BOARD = """
[board.devices]
nand0 = {{ part = "generic-nand", blocks = {blocks}{more} }}
fram0 = {{ part = "FM25V10" }}
"""
FIRMWARE = '[firmware]\nunits = {units}\natom_bytes = 16\ncheckpoint_blocks = 3\nstore = "{store}"\n'
RANDOM = 'steps = [{{ do = "random", commands = {commands}, most_sectors = 3, mix = {{ {mix} }} }}]'
BUSY = "write = 70, read = 5, save = 7, restore = 5"
DATA_BLOCK, CHECKPOINT_BLOCK, DATA, CHECKPOINT, COPY = 1, 3, 2, 4, 5
"""What the first spare byte of a page says that it is: docs/format.md."""


class Tallied:
    """What a flash was asked to do, noted by the flash itself."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kinds: Counter[int] = Counter()
        self.failed = 0
        self.erases: Counter[int] = Counter()
        program, erase = NandFlash.program, NandFlash.erase

        def programmed(nand: NandFlash, page: int, units: Units, first: int = 0) -> bool:
            works = program(nand, page, units, first)
            spare = units[-1]
            assert spare is not None
            self.kinds[spare[0]] += works
            self.failed += not works
            return works

        def erased(nand: NandFlash, block: int) -> bool:
            self.erases[block] += 1
            return erase(nand, block)

        monkeypatch.setattr(NandFlash, "program", programmed)
        monkeypatch.setattr(NandFlash, "erase", erased)

    @property
    def programs(self) -> int:
        return self.kinds.total() + self.failed


@pytest.fixture
def recorder(new_scenario: NewScenario) -> Callable[..., Recorder]:
    """Measures a device with both volumes on one NAND flash."""

    def new(
        top: str, *, store: str = "nvram", blocks: int = 24, units: int = 16, more: str = "", seed: int = 1
    ) -> Recorder:
        board = BOARD.format(blocks=blocks, more=more)
        scenario = new_scenario(f"seed = {seed}\n{top}", FIRMWARE.format(store=store, units=units), board=board)
        (variant,) = scenario.variants()
        return Recorder(variant)

    return new


def work(commands: int, mix: str = BUSY) -> str:
    return RANDOM.format(commands=commands, mix=mix)


def flash_of(run: MeasuredRun) -> FlashSummary:
    (flash,) = run.flash
    return flash


def test_a_small_run_counted_by_hand(recorder: Callable[..., Recorder], monkeypatch: pytest.MonkeyPatch) -> None:
    top = """
    steps = [
        { do = "write", lba = 0, count = 16 },
        { do = "save" },
        { do = "write", lba = 3, count = 4 },
        { do = "write", lba = 3 },
    ]
    """
    measured = recorder(top)
    tallied = Tallied(monkeypatch)
    run = measured.run()
    flash, counts = flash_of(run), Counts.of_series(run.counters)
    # A page is a sector.  After the save a label is renewed before the next write; the maps are in the FRAM.
    given = 16 + 4 + 1 + 1
    assert flash.host_pages == flash.pages["host"] == tallied.kinds[DATA] == given
    assert flash.pages["headers"] == tallied.kinds[DATA_BLOCK] + tallied.kinds[CHECKPOINT_BLOCK]
    assert flash.pages["checkpoints"] == tallied.kinds[CHECKPOINT]
    assert flash.pages.get("recovered", 0) == tallied.kinds[COPY]
    assert flash.programmed_pages == sum(flash.pages.values()) == tallied.programs
    assert flash.write_amplification == tallied.programs / given
    assert (flash.blocks_collected, flash.collection_efficiency) == (0, None)
    erases = [tallied.erases[block] for block in range(24)]
    assert (flash.most_erases, flash.least_erases) == (max(erases), min(erases))
    assert flash.mean_erases == sum(erases) / 24
    assert flash.spread == pytest.approx(max(erases) / (sum(erases) / 24))
    assert {cause: counts.of("bytes_written", cause) for cause in ("data", "labels", "translation")} == {
        "data": 21 * 512,
        "labels": 512,
        "translation": (tallied.programs - given) * 512,
    }
    # What the factory has left in the log is made firm at the first power-on.
    assert counts.of("flash_mounts_that_wrote", "nand0") == counts["recoveries"] == 1


@pytest.mark.parametrize("store", ["nand", "nvram"])
@pytest.mark.parametrize("seed", range(1, 4))
def test_each_program_has_one_cause_and_the_steps_say_the_same(
    store: str, seed: int, recorder: Callable[..., Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = recorder(
        work(250),
        store=store,
        blocks=36,
        units=64,
        seed=seed,
        more=', failing = [{ block = 6, on = "program", after = 9 }, { block = 9, on = "erase", after = 2 }]',
    )
    tallied = Tallied(monkeypatch)
    run = measured.run()
    flash, steps = flash_of(run), measured.meter.steps
    for cause, step in (
        ("host", PAGE),
        ("collected", COLLECTED),
        ("levelled", LEVELLED),
        ("scrubbed", SCRUBBED),
        ("evacuated", EVACUATED),
    ):
        assert flash.pages.get(cause, 0) == steps[step].amount, cause
    assert flash.pages["collected"] > 0
    assert flash.pages["failed"] == tallied.failed == 1
    assert flash.programmed_pages == tallied.programs
    assert (
        sum(flash.pages.get(cause, 0) for cause in ("host", "collected", "levelled", "evacuated"))
        == (tallied.kinds[DATA])
    )
    # A block has 8 pages, the header among them.
    assert flash.collection_efficiency == 1 - steps[COLLECTED].amount / (7 * steps[COLLECTED].times)
    assert flash.blocks_collected == steps[COLLECTED].times
    assert (flash.factory_bad_blocks, flash.grown_bad_blocks) == (0, 2)


def test_bytes_go_to_what_a_page_is_given_for(recorder: Callable[..., Recorder]) -> None:
    run = recorder(work(200), store="nand").run()
    counts = Counts.of_series(run.counters)
    assert counts.of("bytes_written", "data") == 512 * counts["host_sectors_written"]
    # An atom takes a page, and so does a label; the identity is an atom.
    assert counts.of("bytes_written", "maps") == 512 * counts["atom_writes"]
    pages = counts["host_sectors_written"] + counts["atom_writes"] + counts.of("bytes_written", "labels") // 512
    assert flash_of(run).host_pages == pages
    assert counts["bytes_written"] == counts.of("media_bytes", "nand0", "program")


def test_a_page_that_is_written_in_part_counts_whole_but_for_copies(new_scenario: NewScenario) -> None:
    board = '[board.devices]\nnand0 = { part = "MT29F1G08ABADA", blocks = 40 }\nfram0 = { part = "FM25V10" }\n'
    firmware = '[firmware]\nunits = 8\nsectors_per_unit = 4\nstore = "nvram"\nvolume_a = { start = 4 }\n'
    top = 'steps = [{ do = "write", lba = 5 }, { do = "write", lba = 6, count = 4 }]'
    (variant,) = new_scenario(top, firmware, board=board).variants()
    run = Recorder(variant).run()
    counts = Counts.of_series(run.counters)
    # Unit 1, with three sectors copied; then half of unit 1 and half of unit 2, with two copied: pages of four sectors.
    assert flash_of(run).host_pages == 3
    assert counts["copied_sectors"] == 3 + 2
    assert counts.of("bytes_written", "data") == (3 * 4 - 5) * 512
    assert counts.of("bytes_written", "copies") == 5 * 512


@pytest.mark.parametrize("seed", range(1, 6))
def test_nothing_is_lost_count_of_where_power_is_lost(seed: int, recorder: Callable[..., Recorder]) -> None:
    run = recorder(work(120, f"{BUSY}, crash = 20, power_cycle = 4"), store="nand", seed=seed).run()
    flash, counts = flash_of(run), Counts.of_series(run.counters)
    assert flash.programmed_pages == counts.of("media_operations", "nand0", "program")
    assert set(flash.pages) <= set(PAGE_CAUSES) - {"other", "failed"}
    assert flash.pages["recovered"] > 0
    assert counts["bytes_written"] == counts.of("media_bytes", "nand0", "program")
    assert 1 < counts["flash_mounts_that_wrote"] <= counts["recoveries"] <= counts["boots"]
    for latency in run.latency:
        assert sum(latency.phases_ns.values()) == latency.total_ns


def test_a_mount_that_finds_all_firm_does_not_write(recorder: Callable[..., Recorder]) -> None:
    cycle = '{ do = "power-cycle" }'
    run = recorder(f'steps = [{{ do = "write", lba = 1 }}, {cycle}, {cycle}, {cycle}]').run()
    counts = Counts.of_series(run.counters)
    assert (counts["boots"], counts.of("flash_mounts_that_wrote", "nand0")) == (4, 2)


def test_time_goes_to_what_is_read_and_written_for_the_firmware(recorder: Callable[..., Recorder]) -> None:
    top = 'steps = [{ do = "write", lba = 0, count = 2 }, { do = "read", lba = 0, count = 2 }]'
    measured = recorder(top, store="nand")
    latencies = {latency.command: latency for latency in measured.run().latency}
    reading = latencies["READ DMA EXT"].phases_ns
    assert reading["data"] > 0
    assert not {"maps", "labels", "translation"} & {name for name, ns in reading.items() if ns}
    nand = measured.session.rig.board.media["nand0"]
    assert isinstance(nand, NandFlash)
    assert latencies["WRITE DMA EXT"].phases_ns["data"] >= 2 * 1000 * nand.part.page_program_typ_us
    boot = latencies["boot"].phases_ns
    assert boot["translation"] > boot["maps"] > 0
    assert boot["labels"] > 0
    assert "data" not in boot


def test_bad_blocks_are_told_apart_by_where_they_come_from(recorder: Callable[..., Recorder]) -> None:
    run = recorder(work(120), more=', bad_blocks = [2], failing = [{ block = 9, on = "erase" }]', blocks=36).run()
    counts, flash = Counts.of_series(run.counters), flash_of(run)
    assert counts.of("flash_bad_blocks", "nand0", "factory") == flash.factory_bad_blocks == 1
    assert counts.of("flash_bad_blocks", "nand0", "grown") == flash.grown_bad_blocks == 1
    assert flash.least_erases > 0, "blocks that the factory has marked are never erased, and not counted"


def test_a_page_that_fades_is_written_anew_under_a_cause_of_its_own(recorder: Callable[..., Recorder]) -> None:
    top = """
    steps = [
        { do = "write", lba = 0, count = 8 },
        { do = "bit-errors", lba = 2, bits = 4 },
        { do = "read", lba = 0, count = 8 },
    ]
    """
    run = recorder(top).run()
    assert flash_of(run).pages["scrubbed"] == 1
    (reading,) = (latency for latency in run.latency if latency.command == "READ DMA EXT")
    assert reading.phases_ns["translation"] > 0


def test_a_controller_without_a_layout_has_no_figures_of_its_flash(
    new_scenario: NewScenario, new_module: Callable[[str, str], None]
) -> None:
    new_module(
        "bare",
        "from deltabench.firmware_model.controller import DeltaController\n"
        "class Controller:\n"
        "    def __init__(self, *given):\n"
        "        self._it = DeltaController(*given)\n"
        + "".join(
            f"    def {name}(self, *given):\n        return self._it.{name}(*given)\n"
            for name in ("initialise", "boot", "execute", "tick")
        ),
    )
    board = BOARD.format(blocks=24, more="")
    top = 'controller = "bare:Controller"\nsteps = [{ do = "write", lba = 1 }]'
    (variant,) = new_scenario(top, FIRMWARE.format(store="nand", units=16), board=board).variants()
    run = Recorder(variant).run()
    counts = Counts.of_series(run.counters)
    assert run.flash == ()
    assert counts["flash_pages"] == 0
    assert counts["bytes_written"] == counts.of("bytes_written", "other") > 0


def test_the_figures_of_a_flash_follow_from_its_sums() -> None:
    use = Use({"host": 100, "collected": 21, "levelled": 0, "checkpoints": 12, "headers": 17}, 12, 21, 1)
    blocks = Blocks(frozenset({3}), 2, 5)
    flash = summary_of("nand0", "generic-nand", use, 7, np.array([4, 2, 3, 0, 3]), blocks)
    assert flash == FlashSummary(
        device="nand0",
        part="generic-nand",
        host_pages=100,
        programmed_pages=150,
        pages={"host": 100, "collected": 21, "checkpoints": 12, "headers": 17},
        write_amplification=1.5,
        blocks_collected=12,
        collection_efficiency=0.75,
        most_erases=4,
        mean_erases=3.0,
        least_erases=2,
        spread=4 / 3,
        factory_bad_blocks=1,
        grown_bad_blocks=1,
        spare_blocks_left=5,
    )
    counts = Counts()
    count_flash(counts, "nand0", use, blocks)
    assert counts["flash_pages"] == 150
    assert [counts.of("flash_bad_blocks", "nand0", cause) for cause in ("factory", "grown")] == [1, 1]


def test_of_a_flash_that_was_not_used_no_ratio_is_told() -> None:
    flash = summary_of("nand0", "generic-nand", Use({}), 7, np.zeros(5, np.int64), Blocks((), 0, 1))
    assert (flash.write_amplification, flash.collection_efficiency, flash.spread) == (None, None, None)


class _CutError(Exception):
    """Power is gone."""


def levelling(stop_at: int) -> tuple[FlashUse, int, list[int]]:
    """Hot pages beside cold ones, until operation ``stop_at``: how many there were, and which ended a levelling."""
    board = Board(BoardSpec(devices={"nand0": DeviceSpec(part="generic-nand", blocks=32)}))
    nand = board.media["nand0"]
    assert isinstance(nand, NandFlash)
    geometry = geometry_of(nand, 10)
    TranslationLayer(nand, geometry, 8).format()
    home = Home("nand0", 0)
    whole = Region("volume A", "nand0", 0, geometry.sectors)
    use = FlashUse(board, Layout(Region(MAPS, "fram0", 0, 1), (home, home), ("nand0",), (whole,), board.core))
    meter = Meter(board, MediaTime.TYPICAL, 1_000_000, {}, use)
    meter.attach()
    levelled: list[int] = []

    def listen(_: object) -> None:
        if len(levelled) < meter.steps[LEVELLED].times:
            levelled.append(meter.change_count)
        if meter.change_count == stop_at:
            raise _CutError

    board.rail.listeners = (listen,)
    layer = TranslationLayer(nand, geometry, 8, board.core)
    layer.mount()
    try:
        for page in range(geometry.logical_pages):
            layer.write(page, [bytes(512)])
        for number in range(3000):
            layer.write(number % 4, [bytes(512)])
    except _CutError:
        pass
    use.power_on()
    assert sum(use.use_of("nand0").pages.values()) == meter.gauges["nand0"].tallies["program"].times
    return use, meter.change_count, levelled


def test_pages_that_were_being_moved_to_level_wear_count_as_that_though_power_is_lost() -> None:
    whole, operations, levelled = levelling(-1)
    assert whole.use_of("nand0").pages["levelled"] > 0
    # The step is heard with the operation after it: the last page was moved just before.
    cut, until, _ = levelling(levelled[0] - 1)
    assert until == levelled[0] - 1 < operations
    assert cut.use_of("nand0").pages["levelled"] > 0
    assert cut.use_of("nand0").pages.get("evacuated", 0) == 0
