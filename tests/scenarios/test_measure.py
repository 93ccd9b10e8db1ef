"""Variants run in simulated time: what is counted, how long it takes, what is left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deltabench.firmware_model.commands import SAVE, Command
from deltabench.firmware_model.steps import STEPS
from deltabench.firmware_model.steps import as_markdown as steps_as_markdown
from deltabench.scenarios.counters import Counts
from deltabench.scenarios.documents import MeasuredRun
from deltabench.scenarios.latencies import Latencies, edge_ns
from deltabench.scenarios.measure import MeasureError, Recorder, measure, measure_all
from deltabench.scenarios.scenario import Scenario

NewScenario = Callable[..., Scenario]
STEPS_OF_TWO_SAVES = """
steps = [
    { do = "write", lba = 3 },
    { do = "write", lba = 11, count = 3 },
    { do = "read", lba = 0, count = 12 },
    { do = "save" },
    { do = "write", lba = 3 },
    { do = "restore" },
    { do = "save" },
]
"""
OURS_INSIDE = (
    "from deltabench.firmware_model.controller import DeltaController\n"
    "class Controller:\n"
    "    def __init__(self, *given):\n"
    "        self._it = DeltaController(*given)\n"
    + "".join(
        f"    def {name}(self, *given):\n        return self._it.{name}(*given)\n"
        for name in ("initialise", "boot", "execute", "tick")
    )
)
"""A controller of one's own that has ours inside, and no layout."""
SMALL = "[firmware]\nunits = 24\n"
PAGE = Path(__file__).parents[2] / "docs" / "measuring.md"


@pytest.fixture
def measured(new_scenario: NewScenario) -> Callable[..., MeasuredRun]:
    """Measures a scenario of one variant."""

    def run(top: str = STEPS_OF_TWO_SAVES, tables: str = SMALL, **given: str) -> MeasuredRun:
        (variant,) = new_scenario(top, tables, **given).variants()
        return measure(variant)

    return run


def test_every_counter_is_what_can_be_counted_by_hand(measured: Callable[..., MeasuredRun]) -> None:
    tables = '[firmware]\nstore = "nvram"\nunits = 8\nsectors_per_unit = 2\n'
    counts = Counts.of_series(measured(tables=tables).counters)
    assert counts.of("host_commands", "WRITE DMA EXT") == 3
    assert counts.of("host_commands", "SAVE") == counts["saves"] == 2
    assert counts["restores"] == 1
    assert (counts["host_sectors_written"], counts["host_sectors_read"]) == (5, 12)
    # LBA 3 is half of unit 1; LBA 11 to 13 are half of unit 5 and all of unit 6.
    assert counts["first_writes"] == 3 + 1
    assert counts["copies_on_first_write"] == counts["copied_sectors"] == 2 + 1
    assert (counts["direct_reads"], counts["redirected_reads"]) == (4, 2)
    assert counts["unit_moves"] == 3
    assert (counts["boots"], counts["recoveries"]) == (1, 0)
    assert counts.of("bytes_written", "data") == 5 * 512
    assert counts.of("bytes_written", "copies") == 3 * 512
    # The system version changes with each save and restore, and a label is renewed before the next write: once.
    assert counts.of("bytes_written", "labels") == 512
    # Identity; a DDM block each for two writes; control, VSM, control, DDM, control for the save; a DDM block;
    # control, DDM, control for the restore; control twice for the save of nothing.
    assert counts["atom_writes"] == 1 + 2 + 5 + 1 + 3 + 2
    assert counts.of("bytes_written", "maps") == 14 * 16
    assert counts.of("media_operations", "fram0", "write") == 14


def test_what_the_phases_took_adds_up_to_the_latency(measured: Callable[..., MeasuredRun]) -> None:
    run = measured()
    for latency in run.latency:
        assert sum(latency.phases_ns.values()) == latency.total_ns
        assert sum(each.count for each in latency.histogram) == latency.count
        assert latency.least_ns <= latency.percentiles_ns["50"] <= latency.percentiles_ns["99.9"] <= latency.most_ns
    assert sum(latency.total_ns for latency in run.latency) == run.simulated_ns


def test_wear_is_that_of_the_media_operations(measured: Callable[..., MeasuredRun]) -> None:
    run = measured(tables='[firmware]\nstore = "nor"\nunits = 24\nlog_records = 2\n')
    counts = Counts.of_series(run.counters)
    wear = {(each.device, each.what): sum(each.counts) for each in run.wear}
    assert counts["log_compactions"] > 0
    assert wear["nor0", "erase"] == counts.of("media_operations", "nor0", "erase") == run.timeline[-1].erases
    assert wear["nor0", "program"] == counts.of("media_operations", "nor0", "program")
    written = [counts.of("media_bytes", "disk0", kind) for kind in ("write", "write FUA")]
    assert 512 * wear["disk0", "write"] == sum(written)


def test_the_maps_are_shown_step_by_step(measured: Callable[..., MeasuredRun]) -> None:
    run = measured()
    assert [(maps.number, maps.command, maps.vsm, maps.ddm) for maps in run.maps] == [
        (-1, "power on", "0", "0"),
        (0, "WRITE DMA EXT LBA 3+1", "0", "8"),
        (1, "WRITE DMA EXT LBA 11+3", "0", "3808"),
        (2, "READ DMA EXT LBA 0+12", "0", "3808"),
        (3, "SAVE", "3808", "0"),
        (4, "WRITE DMA EXT LBA 3+1", "3808", "8"),
        (5, "RESTORE", "3808", "0"),
        (6, "SAVE", "3808", "0"),
    ]
    assert [unit for unit, moves in enumerate(run.unit_moves) if moves] == [3, 11, 12, 13]
    assert run.unit_sides == "3808"


def test_the_maps_before_a_save_are_those_that_it_finds(new_scenario: NewScenario) -> None:
    writes = ", ".join(f'{{ do = "write", lba = {number % 24} }}' for number in range(60))
    top = f'steps = [{{ do = "save" }}, {writes}, {{ do = "save" }}]'
    (variant,) = new_scenario(top, SMALL).variants()
    run = measure(variant)
    before, after = run.maps[-2:]
    assert (before.number, before.command, before.ddm) == (60, "WRITE DMA EXT LBA 11+1", "ffffff")
    assert (after.command, after.vsm, after.ddm) == ("SAVE", "ffffff", "0")
    assert run.unit_moves == (1,) * 24


@pytest.mark.parametrize(
    ("scheme", "grows"), [("plain", True), ("flagged", True), ("versioned", False), ("history", False)]
)
def test_a_save_costs_with_the_size_of_the_maps_in_plain_and_flagged_only(
    new_scenario: NewScenario, scheme: str, grows: bool
) -> None:
    top = 'steps = [{ do = "random", commands = 400, mix = { write = 99, read = 0, save = 1, restore = 0 } }]'
    board = '[board.devices]\ndisk0 = { part = "ST32171W", sectors = 9000 }\nfram0 = { part = "FM25V10" }\n'
    firmware = f'[firmware]\nstore = "nvram"\nscheme = "{scheme}"\natom_bytes = 64\nversion_bits = 16\n'
    tables = f"{firmware}[matrix]\nunits = [256, 4096]\n"
    runs = [measure(variant) for variant in new_scenario(top, tables, board=board).variants()]
    small, large = (next(each for each in run.latency if each.command == "SAVE").percentiles_ns["50"] for run in runs)
    assert (large > 1.5 * small) is grows
    assert [run.run for run in runs] == [f"small:{scheme}-nvram-u256", f"small:{scheme}-nvram-u4096"]


def test_what_the_bench_looks_up_for_itself_is_not_measured(measured: Callable[..., MeasuredRun]) -> None:
    steps = '{ do = "write", lba = 3 }, { do = "save" }, '
    plain = measured(f"steps = [{steps}]")
    cycled = measured(f'steps = [{steps}{{ do = "power-cycle" }}]', name="cycled")
    before, after = Counts.of_series(plain.counters), Counts.of_series(cycled.counters)
    assert after["boots"] == before["boots"] + 1
    assert after["recoveries"] == 1
    assert after["host_sectors_read"] == before["host_sectors_read"] == 0
    (boot,) = (latency for latency in cycled.latency if latency.command == "boot")
    assert cycled.simulated_ns - plain.simulated_ns == boot.total_ns - sum(
        latency.total_ns for latency in plain.latency if latency.command == "boot"
    )


def test_the_same_scenario_takes_the_same_time_in_every_run(measured: Callable[..., MeasuredRun]) -> None:
    one, other = measured(), measured()
    assert one.latency == other.latency
    assert one.counters == other.counters


def test_a_controller_without_a_layout_is_measured_by_device_only(
    measured: Callable[..., MeasuredRun], new_module: Callable[[str, str], None]
) -> None:
    new_module("no_layout", OURS_INSIDE)
    run = measured(f'controller = "no_layout:Controller"\n{STEPS_OF_TWO_SAVES}')
    counts = Counts.of_series(run.counters)
    assert counts["bytes_written"] == counts.of("bytes_written", "other") > 0
    assert run.maps == run.regions == ()


def test_commands_that_power_was_lost_in_are_counted_and_copies_only_once_they_are_written(
    new_scenario: NewScenario,
) -> None:
    top = 'steps = [{ do = "random", commands = 40, mix = { write = 4, read = 0, save = 1, restore = 0, crash = 5 } }]'
    board = '[board.devices]\ndisk0 = { part = "generic-disk", sectors = 4096 }\nfram0 = { part = "FM25V10" }\n'
    for seed in range(1, 9):
        tables = '[firmware]\nunits = 16\nsectors_per_unit = 64\nstore = "nvram"\n'
        (variant,) = new_scenario(f"seed = {seed}\n{top}", tables, board=board).variants()
        run = measure(variant)
        counts = Counts.of_series(run.counters)
        assert counts["host_commands"] == run.commands == 40
        assert counts.of("bytes_written", "data") >= 0
        written = [counts.of("media_bytes", "disk0", kind) for kind in ("write", "write FUA")]
        assert sum(written) == sum(counts.of("bytes_written", cause) for cause in ("data", "copies", "labels"))


def test_nothing_is_put_down_to_copies_of_a_controller_that_has_no_layout(
    measured: Callable[..., MeasuredRun], new_module: Callable[[str, str], None]
) -> None:
    new_module("wraps_ours", OURS_INSIDE)
    tables = '[firmware]\nunits = 4\nsectors_per_unit = 4\nstore = "nvram"\n'
    counts = Counts.of_series(
        measured('controller = "wraps_ours:Controller"\nsteps = [{ do = "write", lba = 1 }]', tables).counters
    )
    media = sum(counts.of("media_bytes", device, kind) for device, kind in (("disk0", "write FUA"), ("fram0", "write")))
    assert counts["bytes_written"] == counts.of("bytes_written", "other") == media
    assert counts["copied_sectors"] == 3


def test_a_run_that_breaks_a_rule_has_no_figures(
    measured: Callable[..., MeasuredRun], new_module: Callable[[str, str], None]
) -> None:
    new_module(
        "wrong_reads",
        "from deltabench.firmware_model.controller import DeltaController\n"
        "class Controller(DeltaController):\n"
        "    def _read(self, lba, count):\n"
        "        return [bytes(512)] * count\n",
    )
    with pytest.raises(MeasureError, match="durability is violated without any cut, during READ DMA EXT LBA 0"):
        measured(f'controller = "wrong_reads:Controller"\n{STEPS_OF_TWO_SAVES}')


def test_an_interrupted_run_keeps_what_was_measured(new_scenario: NewScenario) -> None:
    (variant,) = new_scenario(STEPS_OF_TWO_SAVES, SMALL).variants()
    run = Recorder(variant).run(lambda done, _: done < 4)
    assert not run.complete
    assert run.commands == 4

    def interrupt(done: int, _total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    runs, interrupted = measure_all([variant, variant], interrupt)
    assert interrupted
    assert [run.commands for run in runs] == [3]


def test_a_percentile_is_a_latency_that_occurred() -> None:
    latencies = Latencies()
    for ns in range(1, 1001):
        latencies.add(ns, {"firmware": ns})
    summary = latencies.summary("READ DMA EXT")
    assert summary.percentiles_ns == {"50": 500, "90": 900, "99": 990, "99.9": 999}
    assert [edge.up_to_ns for edge in summary.histogram] == sorted({edge_ns(number) for number in range(61)})


def test_the_page_has_the_table_of_cycles() -> None:
    assert steps_as_markdown() in PAGE.read_text(encoding="utf-8")
    assert len({step.name for step in STEPS}) == len(STEPS)


def test_moments_are_thinned_evenly(new_scenario: NewScenario) -> None:
    (variant,) = new_scenario('steps = [{ do = "random", commands = 3000 }]', SMALL).variants()
    run = measure(variant)
    numbers = np.array([moment.command for moment in run.timeline])
    assert len(numbers) <= 1000
    assert (np.diff(numbers) >= 0).all()
    assert np.diff(numbers).max() <= 6
    assert numbers[-1] == 2999


def test_the_fullest_ddm_and_the_largest_save_are_known_whatever_was_sampled(new_scenario: NewScenario) -> None:
    top = 'steps = [{ do = "random", commands = 9000, mix = { write = 8, read = 0, save = 3, restore = 1 } }]'
    (variant,) = new_scenario(top, SMALL).variants()
    recorder = Recorder(variant)
    actions, written = recorder.session.actions, set[int]()
    most = moving = largest = 0
    for action in actions:
        assert isinstance(action, Command)
        if action.count:
            written |= set(range(action.lba, action.lba + action.count))
            most = max(most, len(written))
            continue
        if action == SAVE and written:
            moving, largest = moving + 1, max(largest, len(written))
        written.clear()
    run = recorder.run()
    assert moving > len(run.timeline) - 600 > 0, "there are more saves than moments"
    assert (run.most_ddm, run.moving_saves, run.largest_save) == (most, moving, largest)
    assert sum(run.unit_moves) == Counts.of_series(run.counters)["unit_moves"]
