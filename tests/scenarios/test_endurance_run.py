"""Endurance runs: years of a workload, when what is worn out, and what is kept of a run that was cut short."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import numba
import pytest

from deltabench.firmware_model.config import FirmwareConfig, StoreKind
from deltabench.scenarios.counters import Counts
from deltabench.scenarios.documents import MOST_YEARS, Endurance, EnduredRun, WearOut, read_document, to_json
from deltabench.scenarios.endurance import compiled, flash_kernel
from deltabench.scenarios.endurance.causes import atom_name
from deltabench.scenarios.endurance.compiled import NO_NUMBA, Kernel, load_kernel
from deltabench.scenarios.endurance.device import device_of, refitted
from deltabench.scenarios.endurance.run import MOST_SAMPLES, endure
from deltabench.scenarios.endurance.state import State, new_state, shape_of
from deltabench.scenarios.endurance.workload import (
    DEFAULT_COMMANDS_PER_DAY,
    RandomMix,
    RepeatedTrace,
    Workload,
    order_share,
    plan,
)
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.scenario import Scenario

NewScenario = Callable[..., Scenario]
PURE, COMPILED = load_kernel(jit=False), load_kernel(jit=True)
FIRMWARE = "[firmware]\nunits = 16\nlog_records = 3\n"
BOARD = """
[board.devices]
disk0 = { part = "generic-disk", sectors = 256 }
nor0 = { part = "W25Q64JV" }
fram0 = { part = "FM25V10" }
"""
EVEN = RandomMix(reads=0, sectors=1, hot_fraction=1, hot_share=1)
PACE = 1_000_000.0


def years_of(commands: int) -> float:
    return commands / PACE / 365.25


@pytest.fixture
def run_of(new_scenario: NewScenario) -> Callable[..., EnduredRun]:
    """Runs a workload on a small device; its years are given in commands."""

    def run(commands: int, firmware: str = FIRMWARE, model: Kernel = COMPILED, **workload: object) -> EnduredRun:
        scenario = new_scenario("steps = []", firmware, board=BOARD)
        settings = {"source": EVEN, "save_every": 20, "commands_per_day": PACE, **workload}
        (result,), interrupted = endure(scenario.variants(), Workload(years=years_of(commands), **settings), model)
        assert not interrupted
        return result

    return run


def of_maps(run: EnduredRun) -> WearOut:
    (row,) = (row for row in run.wear_out if row.device != "disk0")
    return row


def test_a_run_ends_when_the_map_store_is_worn_out_and_says_when_that_was(run_of: Callable[..., EnduredRun]) -> None:
    run = run_of(10_000_000)
    row = of_maps(run)
    assert (run.ended, row.device, row.what, row.reached) == ("worn out", "nor0", "erase", True)
    assert row.years is not None
    assert row.endurance == 100_000 < row.most < 101_000
    assert Counts.of_series(run.counters).of("past_endurance", "nor0") > 0
    at = round(row.years * 365.25 * PACE)
    for commands, worn in ((0.99 * at, False), (1.01 * at, True)):
        assert (of_maps(run_of(round(commands))).most > 100_000) is worn


def test_what_is_not_worn_out_is_told_by_the_pace_of_the_second_half(run_of: Callable[..., EnduredRun]) -> None:
    whole, part = of_maps(run_of(10_000_000)), of_maps(run_of(200_000))
    assert not part.reached
    assert part.years == pytest.approx(whole.years, rel=0.02)


def test_what_wears_no_more_never_wears_out(run_of: Callable[..., EnduredRun]) -> None:
    run = run_of(1_000_000, save_every=0)
    assert (run.ended, of_maps(run).reached, of_maps(run).years) == ("all done", False, None)
    assert of_maps(run).most > 0


def test_of_too_little_wear_nothing_is_concluded(run_of: Callable[..., EnduredRun]) -> None:
    few, some = of_maps(run_of(160)), of_maps(run_of(600))
    assert (few.most, few.too_little, few.years, few.reached) == (17, True, None, False)
    assert (some.most, some.too_little) == (65, False)
    assert some.years == pytest.approx(of_maps(run_of(200_000)).years, rel=0.1)


def test_little_wear_is_enough_where_even_more_of_it_would_take_over_a_thousand_years(
    run_of: Callable[..., EnduredRun],
) -> None:
    slowness = 10**7
    row = of_maps(run_of(160 * slowness, commands_per_day=PACE / slowness))
    assert (row.most, row.too_little) == (17, False)
    assert row.years is not None
    assert row.years > MOST_YEARS


def test_what_is_written_once_more_in_the_second_half_is_not_said_to_wear_no_more(
    run_of: Callable[..., EnduredRun], tmp_path: Path
) -> None:
    found = []
    for at in (7, 15):
        lbas = [lba if lba < 7 else 7 if lba == at else 0 for lba in range(20)]
        trace = msr_trace(tmp_path, [(0, "Write", lba, 1) for lba in lbas])
        row = of_maps(run_of(20, source=trace._replace(path=trace.path.rename(tmp_path / f"{at}.csv")), save_every=0))
        found.append((row.most, row.years, row.too_little))
    assert found == [(1, None, False), (1, None, True)]


def test_the_fullest_ddm_is_known_whatever_was_sampled(run_of: Callable[..., EnduredRun]) -> None:
    run = run_of(1_000_000, source=RandomMix(reads=0, sectors=1, hot_fraction=0, hot_share=0), save_every=5)
    assert run.most_ddm == 4
    assert run_of(1_000_000, save_every=0).most_ddm == 16


def test_the_run_says_what_the_hot_region_came_to(run_of: Callable[..., EnduredRun], tmp_path: Path) -> None:
    mix = RandomMix(reads=0, sectors=1, hot_fraction=0.1)
    assert run_of(100, source=mix).workload["hot_part"] == 2 / 16
    assert run_of(100, source=mix._replace(hot_fraction=0.01)).workload["hot_part"] == 0
    assert "hot_part" not in run_of(100, source=msr_trace(tmp_path, [(0, "Write", 3, 1)])).workload


def test_what_has_no_rating_is_counted_and_never_ends_a_run(run_of: Callable[..., EnduredRun]) -> None:
    run = run_of(300_000, f'{FIRMWARE}store = "disk"\n')
    assert run.ended == "all done"
    assert [(row.device, row.endurance, row.years, row.reached) for row in run.wear_out] == [
        ("disk0", None, None, False)
    ]


def test_the_timeline_rises_from_the_factory_to_the_end(run_of: Callable[..., EnduredRun]) -> None:
    run = run_of(1_000_000)
    commands = [day.command for day in run.timeline]
    assert commands == sorted(set(commands))
    assert (commands[0], commands[-1]) == (0, run.commands)
    assert MOST_SAMPLES // 4 < len(commands) <= MOST_SAMPLES + 1
    last = run.timeline[-1]
    assert last.day == run.simulated_days == pytest.approx(run.commands / PACE)
    assert last.moved == sum(run.unit_moves)
    (erases,) = (sum(wear.counts) for wear in run.wear if wear.what == "erase")
    assert last.erases == {"nor0": erases}
    assert last.most_worn == {"nor0": of_maps(run).most}


@pytest.mark.parametrize("scheme", ["plain", "flagged", "versioned", "history"])
def test_pure_python_and_any_chunks_give_the_same_run(scheme: str, run_of: Callable[..., EnduredRun]) -> None:
    firmware = f'{FIRMWARE}sectors_per_unit = 2\nscheme = "{scheme}"\n'
    runs = [
        run_of(20_000, firmware, model, source=RandomMix(sectors=1), restore_every=170)
        for model in (COMPILED, PURE, PURE._replace(chunk=7))
    ]
    assert runs[0] == runs[1] == runs[2]


def test_a_run_can_be_written_and_read(run_of: Callable[..., EnduredRun], tmp_path: Path) -> None:
    document = Endurance(runs=(run_of(50_000),))
    (tmp_path / "years.json").write_text(to_json(document))
    assert read_document(tmp_path / "years.json") == document


def test_ctrl_c_keeps_what_is_done(new_scenario: NewScenario) -> None:
    variants = new_scenario(
        "steps = []", f'{FIRMWARE}[matrix]\nscheme = ["plain", "flagged", "history"]', board=BOARD
    ).variants()
    workload = Workload(EVEN, save_every=20, years=years_of(100_000), commands_per_day=PACE)

    def press(done: int, _total: int) -> None:
        if done > 150_000:
            signal.raise_signal(signal.SIGINT)

    handler = signal.getsignal(signal.SIGINT)
    runs, interrupted = endure(variants, workload, COMPILED, press)
    assert signal.getsignal(signal.SIGINT) is handler
    assert interrupted
    assert [run.ended for run in runs] == ["all done", "interrupted"]
    cut = runs[1]
    assert 50_000 < cut.commands < 55_000, "the run goes on after Ctrl-C"
    (as_far,), _ = endure(variants[1:2], workload._replace(years=years_of(cut.commands)), COMPILED)
    assert (as_far.commands, as_far.counters, as_far.wear) == (cut.commands, cut.counters, cut.wear)


def test_progress_counts_up_to_all_variants(new_scenario: NewScenario) -> None:
    variants = new_scenario("steps = []", f'{FIRMWARE}[matrix]\nscheme = ["plain", "flagged"]', board=BOARD).variants()
    told: list[tuple[int, int]] = []
    endure(
        variants,
        Workload(years=years_of(3000), commands_per_day=PACE),
        COMPILED,
        lambda done, total: told.append((done, total)),
    )
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert {total for _, total in told} == {6000}
    assert told[-1] == (6000, 6000)


def test_every_variant_is_checked_before_the_first_is_run(new_scenario: NewScenario) -> None:
    board = BOARD.replace("fram0", "# fram0")
    variants = new_scenario("steps = []", f'{FIRMWARE}[matrix]\nstore = ["nor", "nvram"]', board=board).variants()
    with pytest.raises(ScenarioError, match="the board has no NVRAM"):
        endure(variants, Workload(), COMPILED, lambda done, _: pytest.fail(f"{done} commands were run"))


@pytest.mark.parametrize(
    ("top", "firmware", "what"),
    [
        ("", 'cache = "write-back"', "firmware.cache = 'write-back': .* allowed: 'write-through'"),
        ("", 'scheme = "mine:Scheme"', "a firmware of your own, .* plain, flagged, versioned, history"),
        ('controller = "mine:Controller"', "", "a firmware of your own"),
    ],
)
def test_a_firmware_that_the_kernel_does_not_know_is_refused(
    top: str, firmware: str, what: str, new_scenario: NewScenario
) -> None:
    (variant,) = new_scenario(f"{top}\nsteps = []", f"{FIRMWARE}{firmware}\n", board=BOARD).variants()
    with pytest.raises(ScenarioError, match=what):
        device_of(variant)


@pytest.mark.parametrize(
    ("workload", "what"),
    [
        (Workload(RandomMix(reads=1.5)), "reads = 1.5: allowed: a share from 0 to 1"),
        (Workload(RandomMix(hot_share=-0.1)), "hot_share = -0.1"),
        (Workload(RandomMix(sectors=129)), "sectors = 129: allowed: 1 to 128"),
        (Workload(RandomMix(sectors=0)), "sectors = 0"),
        (Workload(save_every=-1), "save_every = -1: allowed: 0 for never, or a number of commands"),
        (Workload(years=0), "years = 0: allowed: more than 0"),
        (Workload(years=float("nan")), "years = nan"),
        (Workload(commands_per_day=float("inf")), "commands_per_day = inf"),
        (Workload(years=1e-9), "are 0.36525 commands; allowed: 1 to"),
        (Workload(years=1e300), "commands; allowed: 1 to"),
        (Workload(save_every=10**26), "a number of commands up to 4,611,686,018,427,387,904"),
        (Workload(years=1e9), "commands; allowed: 1 to 4,503,599,627,370,496; choose other years or commands_per_day"),
        (Workload(years=1000, save_every=50), "as far as the map store counts versions; choose fewer years"),
    ],
)
def test_a_workload_that_makes_no_sense_is_refused(workload: Workload, what: str) -> None:
    with pytest.raises(ScenarioError, match=what):
        plan(workload, 16, 8, compiled=False)


def msr_trace(folder: Path, rows: list[tuple[int, str, int, int]]) -> RepeatedTrace:
    """A trace of ``rows``: microseconds, kind, first sector, sectors."""
    lines = [f"{128166372000000000 + us * 10},hm,1,{kind},{lba * 512},{count * 512},1" for us, kind, lba, count in rows]
    (folder / "some.csv").write_text("\n".join(lines) + "\n")
    return RepeatedTrace(folder / "some.csv", "msr", wrap=True)


HOUR_US = 3_600_000_000


def test_a_trace_is_repeated_at_its_own_pace_with_saves_on_top(tmp_path: Path) -> None:
    trace = msr_trace(tmp_path, [(n * HOUR_US, "Write", n, 1) for n in range(6)])
    found = plan(Workload(trace, save_every=4, years=1), 16, 1, compiled=False)
    assert found.commands_per_day == pytest.approx(24 / 0.75), "a request an hour, and a save for each three"
    assert found.commands == round(365.25 * 32)
    assert plan(Workload(trace, commands_per_day=5.0), 16, 1, compiled=False).commands_per_day == 5


def test_a_trace_without_times_has_the_pace_of_a_mix(tmp_path: Path) -> None:
    trace = msr_trace(tmp_path, [(0, "Write", 3, 1), (0, "Read", 3, 2)])
    assert plan(Workload(trace), 16, 1, compiled=False).commands_per_day == DEFAULT_COMMANDS_PER_DAY


def test_a_repeated_trace_writes_what_it_says_again_and_again(
    tmp_path: Path, run_of: Callable[..., EnduredRun]
) -> None:
    trace = msr_trace(tmp_path, [(0, "Write", 3, 2), (10, "Read", 0, 16), (20, "Write", 15 + 16, 1)])
    run = run_of(400, source=trace, save_every=0, restore_every=0)
    counts = Counts.of_series(run.counters)
    assert counts.of("host_commands", "WRITE DMA EXT") == 267
    assert counts.of("host_commands", "READ DMA EXT") == 133
    assert counts["host_sectors_written"] == 134 * 2 + 133
    assert counts["first_writes"] == 3
    assert run.workload["trace"] == {"path": str(trace.path), "format": "msr", "wrap": True}


@pytest.mark.parametrize(("save", "restore"), [(4, 6), (10, 1 << 62), (3, 9), (1, 5)])
def test_the_share_of_saves_and_restores_is_exact(save: int, restore: int) -> None:
    orders = sum(number % save == 0 or number % restore == 0 for number in range(1, 1801))
    workload = Workload(save_every=save, restore_every=restore)
    schedule = plan(workload, 16, 8, compiled=False).schedule
    assert order_share(schedule) == pytest.approx(orders / 1800)


def test_schemes_stores_and_sizes_can_be_replaced(new_scenario: NewScenario) -> None:
    scenario = new_scenario("steps = []", f'{FIRMWARE}[matrix]\nscheme = ["plain"]\nunits = [4, 8]', board=BOARD)
    assert refitted(scenario) == scenario
    other = refitted(scenario, ["history", "flagged"], [StoreKind.NVRAM], units=20_000, sectors_per_unit=1)
    assert [variant.name for variant in other.variants()] == ["history-nvram", "flagged-nvram"]
    for variant in other.variants():
        assert device_of(variant).shape[1:3] == (20_000, 1), "disks have all sectors of their part"


def test_numba_can_be_kept_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NO_NUMBA, raising=False)
    assert load_kernel() == COMPILED
    monkeypatch.setenv(NO_NUMBA, "1")
    assert load_kernel() == PURE


def test_the_kernel_is_compiled_anew_where_nothing_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    njit = numba.njit

    def without_cache(*, cache: bool = False, **options: bool) -> object:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(**options)

    monkeypatch.setattr(numba, "njit", without_cache)
    model = compiled._compiled.__wrapped__()
    config = FirmwareConfig(units=40, sectors_per_unit=2)
    source = plan(Workload(RandomMix(sectors=2)), 40, 2, compiled=True)
    states = [new_state(shape_of(config), 1, compiled=True) for _ in range(2)]
    for one, state in zip((model, COMPILED), states, strict=True):
        one.run_mix(state, shape_of(config), source.schedule, source.source, 0, 5000)
    assert all((one == other).all() for one, other in zip(*states, strict=True))


def test_what_numba_kept_is_made_anew_where_it_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    config = FirmwareConfig(units=40, sectors_per_unit=2)
    source = plan(Workload(RandomMix(sectors=2)), 40, 2, compiled=True)

    def state_after_a_run() -> State:
        state = new_state(shape_of(config), 1, compiled=True)
        compiled._compiled.__wrapped__().run_mix(state, shape_of(config), source.schedule, source.source, 0, 5000)
        return state

    def kept() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in tmp_path.rglob("kernel.*")}

    whole, files = state_after_a_run(), kept()
    assert files
    for suffix, left in ((".nbi", 40), (".nbc", 0)):
        for path in files:
            if path.suffix == suffix:
                path.write_bytes(path.read_bytes()[: min(left, path.stat().st_size // 2)])
        damaged = kept()
        assert all((one == other).all() for one, other in zip(whole, state_after_a_run(), strict=True))
        mended = kept()
        assert mended.keys() == files.keys()
        assert all(mended[path] > damaged[path] for path in files if path.suffix == suffix), "kept again"
        state_after_a_run()
        assert kept() == mended, "what is kept now is whole: the next run compiles nothing"


NAND_BOARD = """
[board.devices]
nand0 = { part = "generic-mlc", blocks = 40 }
nor0 = { part = "W25Q64JV" }
"""
ON_NAND = """
[firmware]
units = 70
log_records = 300
"""


@pytest.fixture
def nand_run(new_scenario: NewScenario) -> Callable[..., EnduredRun]:
    """Runs a workload on a small device with both volumes on MLC."""

    def run(commands: int, more: str = "", model: Kernel = COMPILED, **workload: object) -> EnduredRun:
        scenario = new_scenario("steps = []", f"{ON_NAND}{more}", board=NAND_BOARD)
        settings = {"source": EVEN, "save_every": 50, "commands_per_day": PACE, **workload}
        (result,), _ = endure(scenario.variants(), Workload(years=years_of(commands), **settings), model)
        return result

    return run


def test_nand_flash_wears_out_too_and_a_run_ends_when_all_has(nand_run: Callable[..., EnduredRun]) -> None:
    run = nand_run(2_000_000)
    assert run.ended == "all done", "the map store lasts"
    nand, nor = sorted(run.wear_out, key=lambda row: row.device)
    assert (nand.device, nand.what, nand.endurance, nand.reached) == ("nand0", "erase", 3000, True)
    assert nand.years is not None
    assert not nor.reached
    at = round(nand.years * 365.25 * PACE)
    for commands, worn in ((0.99 * at, False), (1.01 * at, True)):
        (row,) = (row for row in nand_run(round(commands)).wear_out if row.device == "nand0")
        assert (row.most > 3000) is worn
    assert {*run.timeline[-1].erases} == {*run.timeline[-1].most_worn} == {"nand0", "nor0"}
    alone = nand_run(2_000_000, 'store = "nand"\n')
    assert alone.ended == "worn out"
    assert [row.device for row in alone.wear_out] == ["nand0"]


def test_the_pace_of_nand_flash_is_told_from_the_second_half(nand_run: Callable[..., EnduredRun]) -> None:
    def years(commands: int) -> float | None:
        return next(row.years for row in nand_run(commands).wear_out if row.device == "nand0")

    assert years(60_000) == pytest.approx(years(2_000_000), rel=0.05)


def test_the_cause_of_wear_on_nand_flash_is_what_most_pages_are_programmed_for(
    nand_run: Callable[..., EnduredRun],
) -> None:
    run = nand_run(100_000)
    (row,) = (row for row in run.wear_out if row.device == "nand0")
    (flash,) = run.flash
    most = max(flash.pages, key=lambda cause: flash.pages[cause])
    share = f"{100 * flash.pages[most] / flash.programmed_pages:.0f} % of pages"
    words = {"host": "host data and maps", "collected": "garbage collection", "levelled": "wear levelling"}
    assert row.driven_by == f"{words.get(most, most)}, {share}"
    counts = Counts.of_series(run.counters)
    (erases,) = (wear.counts for wear in run.wear if (wear.device, wear.what) == ("nand0", "erase"))
    assert counts.of("media_operations", "nand0", "erase") == sum(erases)
    # Each command writes a page, and so does each label.
    pages = counts["host_sectors_written"] + run.commands // 50
    assert flash.host_pages == pytest.approx(pages, rel=0.01)
    assert flash.programmed_pages == counts.of("media_operations", "nand0", "program")
    assert flash.write_amplification == flash.programmed_pages / flash.host_pages
    assert flash.spread == pytest.approx(max(erases) / (sum(erases) / 40))


def test_nand_flash_runs_in_pure_python_and_in_any_chunks(nand_run: Callable[..., EnduredRun]) -> None:
    runs = [
        nand_run(5_000, 'store = "nand"\n', model, source=RandomMix(sectors=3), restore_every=170)
        for model in (COMPILED, PURE, PURE._replace(chunk=7))
    ]
    assert runs[0] == runs[1] == runs[2]


@pytest.mark.parametrize(("key", "what"), [("cycles", "100"), ("failing", '[{ block = 3, on = "erase", after = 10 }]')])
def test_nand_flash_in_which_bits_flip_or_blocks_fail_is_refused(
    key: str, what: str, new_scenario: NewScenario
) -> None:
    board = NAND_BOARD.replace("blocks = 40", f"blocks = 40, {key} = {what}")
    (variant,) = new_scenario("steps = []", ON_NAND, board=board).variants()
    with pytest.raises(ScenarioError, match=rf"board.devices.nand0.{key}: .* run `deltabench measure`"):
        device_of(variant)


def test_what_is_compiled_from_other_constants_is_not_taken_from_what_was_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    before = compiled._digest()
    monkeypatch.setattr(flash_kernel, "MOST_BEHIND", 3)
    assert compiled._digest() != before


def test_what_wears_a_cell_is_named(new_scenario: NewScenario, run_of: Callable[..., EnduredRun]) -> None:
    text = f"{FIRMWARE}[matrix]\nscheme = ['plain', 'flagged', 'versioned', 'history']\n"
    names = [
        [atom_name(device.shape, atom) for atom in range(device.atoms)]
        for device in map(device_of, new_scenario("steps = []", text, board=BOARD).variants())
    ]
    assert names[0] == ["identity", "VSM block 0", "DDM block 0"]
    assert names[1] == ["identity", "control atom", "VSM block 0", "DDM block 0"]
    assert names[2] == names[3] == ["identity", "system atom", "entry block 0", "entry block 1"]
    nvram = run_of(20_000, f'{FIRMWARE}store = "nvram"\n', save_every=2)
    assert [(row.device, row.driven_by) for row in nvram.wear_out] == [
        ("disk0", "device label"),
        ("fram0", "control atom: saves and restores"),
    ]
    # Of seven atoms a save writes five: three times control, VSM, DDM; the others are its unit's DDM, and the identity.
    assert of_maps(run_of(20_000, save_every=2)).driven_by == "saves and restores, 71 % of atoms"
