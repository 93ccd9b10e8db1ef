from __future__ import annotations

from itertools import pairwise

import pytest

from deltabench.scenarios.counterexamples.timeline import BOOT, READ, Timeline, record
from deltabench.scenarios.crash_id import CrashIdError, parse_crash_id
from deltabench.scenarios.scenario import find_scenario, library_names

NOR_ERASE_TYP_NS = 45_000_000
"""W25Q64JV datasheet, rev. J, 9.6: sector erase, typical."""


def recorded(crash_id: str) -> Timeline:
    crash = parse_crash_id(crash_id)
    return record(find_scenario(crash.scenario).variant(crash.variant), crash)


def test_widths_are_those_of_the_parts() -> None:
    line = recorded("save-by-host:plain-nor:5.6n")
    erases = [span for span in line.spans if span.kind == "erase"]
    assert [span.about for span in erases] == ["area 1 of the map store"]
    assert NOR_ERASE_TYP_NS <= erases[0].ended_ns - erases[0].began_ns < NOR_ERASE_TYP_NS + 10_000
    for device, _ in line.devices:
        mine = [span for span in line.spans if span.device == device]
        assert all(one.ended_ns <= other.began_ns for one, other in pairwise(mine)), device


def test_the_cut_falls_inside_the_operation_that_was_torn() -> None:
    line = recorded("save-by-host:plain-nor:5.6n")
    (cut,) = line.cuts
    (torn,) = [span for span in line.spans if span.is_cut]
    whole = next(span for span in line.spans if span.kind == "program" and span.number == 4)
    assert torn.about == "VSM of units 0 to 63"
    assert torn.ended_ns == cut.ns < cut.back_ns
    assert 2 * (torn.ended_ns - torn.began_ns) == pytest.approx(whole.ended_ns - whole.began_ns, abs=2)
    assert not [span for span in line.spans if cut.ns < span.began_ns < cut.back_ns or span.began_ns == cut.ns]


@pytest.mark.parametrize(("outcome", "share"), [(0, 0.0), (10, 1.0)])
def test_a_clean_cut_falls_before_the_operation_or_behind_it(outcome: int, share: float) -> None:
    line = recorded(f"save-by-host:plain-nor:5.{outcome}")
    (torn,) = [span for span in line.spans if span.is_cut]
    whole = next(span for span in line.spans if span.kind == "program" and span.number == 4)
    assert line.cuts[0].left == ("nothing", "all")[int(share)]
    assert torn.ended_ns - torn.began_ns == pytest.approx(share * (whole.ended_ns - whole.began_ns), abs=2)


def test_flag_and_maps_are_told_from_instant_to_instant() -> None:
    line = recorded("save-by-host:flagged-nor:7.3")
    flags = [sample.flag for sample in line.samples]
    assert flags[0] == "idle"
    assert "switching" in flags[: flags.index(None, 1)]
    assert flags[-1] == "idle", "the boot finishes the save"
    assert (line.samples[-1].ddm, line.samples[-1].vsm_b) == (0, 3)
    off = next(sample for sample in line.samples if sample.ns == line.cuts[0].ns)
    assert off[1:] == (None,) * 5


def test_commands_boots_and_cuts_follow_one_another() -> None:
    line = recorded("save-by-host:plain-nor:5.6/1.1n")
    assert [doing.text for doing in line.doings] == [
        BOOT, "WRITE DMA EXT LBA 3+2", "WRITE DMA EXT LBA 30+1", "SAVE", BOOT, BOOT,
    ]  # fmt: skip
    assert all(doing.began_ns < doing.ended_ns for doing in line.doings)
    assert all(one.ended_ns <= other.began_ns for one, other in pairwise(line.doings))
    assert len(line.cuts) == 2
    assert line.end_ns > line.doings[-1].ended_ns


def test_a_cut_right_behind_a_recovery_is_in_it() -> None:
    line = recorded("random-work-on-nor:plain-nor:13.6/3.0n")
    assert [cut.number for cut in line.cuts] == [13, 3]


def test_power_cycles_of_the_workload_are_no_cuts() -> None:
    line = recorded("power-cycles-between-commands:flagged-nor:-")
    steps = find_scenario("power-cycles-between-commands").document.steps
    assert not line.cuts
    assert len(line.cycles) == sum(step.__struct_config__.tag == "power-cycle" for step in steps) > 0
    assert [doing.text for doing in line.doings].count(BOOT) == 1 + len(line.cycles)


THOUSANDS_OF_COMMANDS = ("demo", "sqlite-cut-at-random", "sqlite-without-cuts")


@pytest.mark.parametrize("name", sorted({*library_names()} - {*THOUSANDS_OF_COMMANDS}))
def test_every_scenario_of_the_library_has_a_timeline(name: str) -> None:
    variant = find_scenario(name).variants()[-1]
    line = record(variant, parse_crash_id(f"{name}:{variant.name}:-"))
    assert any(span.kind == READ for span in line.spans)
    assert line.end_ns >= max(span.ended_ns for span in line.spans)


def test_a_crash_that_there_is_not_has_no_timeline() -> None:
    with pytest.raises(CrashIdError, match="the workload has only 9 media operations; none was cut"):
        recorded("save-by-host:plain-nor:999.0")
