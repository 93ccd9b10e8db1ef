"""Faults of NAND flash in scenarios: what befalls it, what must come of that, and what cannot be asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from deltabench.scenarios.campaign import run_campaign
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.scenario import Scenario
from deltabench.scenarios.session import Session

NewScenario = Callable[..., Scenario]
NAND = '[board.devices]\nnand0 = { part = "generic-nand", blocks = 20 }\n'
OLD = '[board.devices]\nnand0 = { part = "generic-mlc", blocks = 20, cycles = 6_000 }\n'
WEAK = """[board.devices.nand0]
part = "generic-nand"
blocks = 20
failing = [{ block = 4, on = "erase" }, { block = 6, on = "erase" }]
"""
FIRMWARE = '[firmware]\nunits = 8\natom_bytes = 16\nstore = "nand"\ncheckpoint_blocks = 2\n'
WITHOUT_CUTS = f'{FIRMWARE}[power]\ncuts = "none"\n'


def steps(*rows: str) -> str:
    return "steps = [\n" + "".join(f"    {{ {row} }},\n" for row in rows) + "]\n"


def session_of(scenario: Scenario) -> Session:
    (variant,) = scenario.variants()
    session = Session(variant)
    session.run()
    return session


def test_past_the_limit_the_host_is_told_of_that_sector_and_the_others_are_as_they_were(
    new_scenario: NewScenario,
) -> None:
    top = steps(
        'do = "write", lba = 0, count = 8', 'do = "bit-errors", lba = 3, bits = 5', 'do = "read", lba = 0, count = 8'
    )
    session = session_of(new_scenario(top, WITHOUT_CUTS, board=NAND))
    assert session.violation is None
    assert [lba for lba, sector in enumerate(session.oracle.live) if sector == b"(unreadable)"] == [3]


def test_at_the_limit_nothing_is_lost(new_scenario: NewScenario) -> None:
    top = steps('do = "write", lba = 3', 'do = "bit-errors", lba = 3, bits = 4', 'do = "read", lba = 3')
    session = session_of(new_scenario(top, WITHOUT_CUTS, board=NAND))
    assert session.violation is None
    assert b"(unreadable)" not in session.oracle.live


def test_a_firmware_that_invents_data_for_a_lost_sector_is_caught(
    new_scenario: NewScenario, new_module: Callable[[str, str], None]
) -> None:
    new_module(
        "inventive",
        "from deltabench.firmware_model.controller import DeltaController\n"
        "from deltabench.firmware_model.translation.layer import TranslationLayer\n"
        "from deltabench.hwsim.medium import UncorrectableError\n\n"
        "class Layer(TranslationLayer):\n"
        "    def read(self, lba, count):\n"
        "        try:\n"
        "            return super().read(lba, count)\n"
        "        except UncorrectableError:\n"
        "            return [bytes(512)] * count\n\n"
        "class Inventive(DeltaController):\n"
        "    layer_type = Layer\n",
    )
    top = 'controller = "inventive:Inventive"\n' + steps(
        'do = "write", lba = 3', 'do = "bit-errors", lba = 3, bits = 5', 'do = "read", lba = 3'
    )
    session = session_of(new_scenario(top, WITHOUT_CUTS, board=NAND))
    assert session.violation is not None


def test_years_pass_and_what_fades_is_written_anew(new_scenario: NewScenario) -> None:
    rows = ['do = "write", lba = 0, count = 8', *(['do = "age", years = 1', 'do = "idle", ms = 60'] * 20)]
    session = session_of(new_scenario(steps(*rows), WITHOUT_CUTS, board=OLD))
    assert session.violation is None
    assert session.rig.board.clock.now_ns > 19 * 365 * 86_400 * 10**9


def test_a_device_that_never_becomes_read_only_does_not_pass_wear_out(new_scenario: NewScenario) -> None:
    session = session_of(new_scenario(steps('do = "wear-out", writes = 20'), WITHOUT_CUTS, board=NAND))
    assert session.violation is not None
    assert "is to be read-only" in session.violation.detail


def test_a_device_without_spare_blocks_refuses_and_keeps_what_it_has_wherever_power_is_cut(
    new_scenario: NewScenario,
) -> None:
    first = 'do = "write", lba = 0, count = 8'
    top = steps(first, 'do = "wear-out", writes = 70', 'do = "power-cycle"', 'do = "read-only"', 'do = "read", lba = 0')
    ((result,), _) = run_campaign(new_scenario(top, f"{FIRMWARE}[power]\nboot_limit = 256\n", board=WEAK).variants())
    assert result.holds
    assert result.counts.verified > 200


@pytest.mark.parametrize(
    ("row", "board", "message"),
    [
        ('do = "bit-errors", lba = 1, bits = 5', NAND, "LBA 1 was never written; write it before"),
        ('do = "age", years = 1', NAND, r"ages if board\.devices\.nand0\.cycles says how worn it is"),
        ('do = "bit-errors", lba = 9, bits = 5', NAND, r"steps\[0\]: lba = 9, count = 1 runs beyond the volume"),
    ],
)
def test_what_cannot_befall_a_flash_is_refused(new_scenario: NewScenario, row: str, board: str, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        session_of(new_scenario(steps(row), WITHOUT_CUTS, board=board))


def test_faults_of_flash_need_flash(new_scenario: NewScenario) -> None:
    for step, named in (
        ('do = "bit-errors", lba = 1, bits = 5', "bit-errors is"),
        ('do = "age", years = 1', "age is"),
        ('do = "wear-out", writes = 3', "read-only and wear-out are"),
    ):
        with pytest.raises(ScenarioError, match=f"{named} for NAND flash, and the board has none"):
            session_of(new_scenario(steps(step), "[firmware]\nunits = 8\n"))


def test_a_trace_in_mqsims_format_runs_on_flash(new_scenario: NewScenario, tmp_path: Path) -> None:
    rows = [f"{number * 1000} 0 {number * 37} {1 + number % 8} {number % 5 == 0:d}" for number in range(300)]
    (tmp_path / "work.trace").write_text("\n".join(rows) + "\n", encoding="utf-8")
    top = steps('do = "trace", file = "work.trace", format = "mqsim", wrap = true, saves = [100, 200]')
    board = '[board.devices]\nnand0 = { part = "MT29F1G08ABADA", blocks = 15 }\n'
    firmware = '[firmware]\nunits = 24\nsectors_per_unit = 8\nstore = "nand"\n[power]\ncuts = "none"\n'
    session = session_of(new_scenario(top, firmware, board=board))
    assert session.violation is None
    assert session.commands >= 302
