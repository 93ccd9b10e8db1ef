"""docs/scenarios.md: its reference is what the code says, its examples run, and every key is explained."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from deltabench.hwsim.tearing import Detail, torn_programs
from deltabench.scenarios.campaign import run_campaign
from deltabench.scenarios.reference import TABLES, explanation, renewed
from deltabench.scenarios.scenario import Scenario, load_scenario
from deltabench.scenarios.session import Session
from deltabench.scenarios.verdict import Result

PAGE = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text(encoding="utf-8")
PROSE = PAGE.partition("<!-- keys")[0]
BLOCKS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
FIRST, MATRIX, EXPECT, DEPTH, RANDOM, PLACES, SCHEME, CONTROLLER = BLOCKS
ON_FRAM = FIRST + 'fram0 = { part = "FM25V10" }\n'


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Scenario]:
    def write(text: str, name: str = "example") -> Scenario:
        path = tmp_path / f"{name}.scenario.toml"
        path.write_text(text, encoding="utf-8")
        return load_scenario(path, path.name)

    return write


def run(scenario: Scenario) -> dict[str, Result]:
    results, _ = run_campaign(scenario.variants())
    return {result.variant.name: result for result in results}


def test_the_reference_is_what_the_code_says() -> None:
    assert renewed(PAGE) == PAGE, "run: python -m deltabench.scenarios.reference docs/scenarios.md"


@pytest.mark.parametrize("heading", TABLES)
def test_every_key_is_explained(heading: str) -> None:
    table = TABLES[heading]
    explained = set(re.findall(r"`([\w.]+)`", explanation(table) + PROSE))
    kinds_of_commands = {"write", "read", "save", "restore", "flush", "fua"}
    keys = {field.encode_name for field in msgspec.structs.fields(table)}
    assert keys - kinds_of_commands <= explained


def test_the_first_scenario_holds_and_plain_is_violated_on_all_three_stores_of_the_matrix(
    written: Callable[..., Scenario],
) -> None:
    assert len(FIRST.splitlines()) <= 12
    assert all(result.holds for result in run(written(FIRST)).values())
    results = run(written(ON_FRAM + MATRIX))
    assert len(results) == 12
    assert {name for name, result in results.items() if not result.holds} == {"plain-nvram", "plain-disk", "plain-nor"}
    assert all(result.as_expected for result in run(written(ON_FRAM + MATRIX + EXPECT + DEPTH)).values())


def test_the_crash_id_of_the_page_is_one_that_the_first_scenario_finds(written: Callable[..., Scenario]) -> None:
    crash_id = re.search(r"deltabench replay (first\.scenario\.toml:\S+)`", PAGE)
    assert crash_id
    scenario = written(ON_FRAM + MATRIX, "first")
    result = run(scenario)["plain-nor"]
    assert crash_id[1] in [result.crash_id(finding) for finding in result.findings]


def test_the_example_with_random_steps_holds(written: Callable[..., Scenario]) -> None:
    board = FIRST[FIRST.index("[board.devices]") :]
    scenario = written(f'title = "Random steps"\n{RANDOM}\n{board}')
    assert all(result.as_expected for result in run(scenario).values())


def test_the_example_of_places_fits_its_board(written: Callable[..., Scenario]) -> None:
    scenario = written(FIRST + 'disk1 = { part = "generic-disk", sectors = 512 }\n' + PLACES)
    (variant,) = scenario.variants()
    assert Session(variant).rig.volume_sectors == 64


@pytest.mark.parametrize(
    ("module", "text"), [("forgetful_scheme", SCHEME), ("hasty_controller", CONTROLLER)], ids=["scheme", "controller"]
)
def test_the_examples_of_a_guest_are_caught(
    module: str, text: str, written: Callable[..., Scenario], new_module: Callable[[str, str], None]
) -> None:
    code = re.search(rf"`{module}\.py`.*?```python\n(.*?)```", PAGE, re.DOTALL)
    assert code
    assert len([line for line in code[1].splitlines() if line]) <= 10
    new_module(module, code[1])
    results = run(written(text))
    assert all(result.as_expected for result in results.values())
    violated = {name for name, result in results.items() if not result.holds}
    expected = {name for name in results if name.startswith("Forgetful")} or {"flagged-nor"}
    assert violated == expected


def test_the_page_counts_the_outcomes_of_a_torn_program_right() -> None:
    assert "For a record of 16 bytes that is more than 250 outcomes in place of about ten." in " ".join(PAGE.split())
    every = {len(torn_programs(16, position, Detail.EVERY)) for position in range(128)}
    sampled = {len(torn_programs(16, position, Detail.SAMPLED)) for position in range(128)}
    assert min(every) > 250
    assert sampled <= set(range(7, 13))
