"""A digest changes with everything that decides a result, and with nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from deltabench.scenarios import digest
from deltabench.scenarios.digest import code_digest, variant_digest
from deltabench.scenarios.guest_sources import guest_sources
from deltabench.scenarios.scenario import Scenario

STEPS = 'steps = [{ do = "write", lba = 1 }, { do = "save" }]'
FIRMWARE = "[firmware]\nunits = 8\n"
NewScenario = Callable[..., Scenario]


def digest_of(scenario: Scenario) -> str:
    return variant_digest(scenario.variants()[0])


@pytest.mark.parametrize(
    ("top", "tables"),
    [
        (f"seed = 2\n{STEPS}", FIRMWARE),
        (STEPS.replace("lba = 1", "lba = 2"), FIRMWARE),
        (STEPS, FIRMWARE + "log_records = 16\n"),
        (STEPS, FIRMWARE + '[matrix]\nscheme = ["history"]\n'),
        (STEPS, FIRMWARE + "[power]\ndepth = 2\n"),
    ],
)
def test_it_changes_with_workload_board_firmware_and_cuts(new_scenario: NewScenario, top: str, tables: str) -> None:
    assert digest_of(new_scenario(STEPS, FIRMWARE)) != digest_of(new_scenario(top, tables))


@pytest.mark.parametrize(
    ("top", "tables"),
    [
        (f'title = "Another"\ncovers = ["rule 1"]\n{STEPS}', FIRMWARE),
        (STEPS, FIRMWARE + '[expect]\nverdict = "violated"\n'),
        (STEPS, FIRMWARE + '[matrix]\nscheme = ["flagged", "history"]\n'),
    ],
)
def test_it_does_not_change_with_what_is_told_and_expected(new_scenario: NewScenario, top: str, tables: str) -> None:
    assert digest_of(new_scenario(STEPS, FIRMWARE)) == digest_of(new_scenario(top, tables, name="other"))


def test_it_changes_with_the_contents_of_a_trace_and_of_a_part(new_scenario: NewScenario, tmp_path: Path) -> None:
    trace, part = tmp_path / "work.csv", tmp_path / "disk.toml"
    top = 'steps = [{ do = "trace", file = "work.csv", format = "msr" }]'
    board = '[board.devices]\ndisk0 = { part = "./disk.toml" }\n'
    digests = []
    for contents in ("one", "one"), ("two", "one"), ("two", "two"):
        trace.write_text(contents[0])
        part.write_text(contents[1])
        digests.append(digest_of(new_scenario(top, board=board)))
    assert len(set(digests)) == 3


def test_it_changes_with_a_class_of_the_users_own_and_with_all_that_it_imports(
    new_scenario: NewScenario, new_module: Callable[[str, str], None], tmp_path: Path
) -> None:
    (tmp_path / "pack" / "deep").mkdir(parents=True)
    sources = {
        "pack/guest.py": "from .deep import leaf\nimport json, late_top\nclass Guest: ...\n",
        "pack/deep/leaf.py": "def use():\n    from ..other import VALUE\n    import numpy\n    return VALUE\n",
        "pack/other.py": "VALUE = 1\n",
        "late_top.py": "",
    }
    for name, text in sources.items():
        (tmp_path / name).write_text(text)
    scenario = new_scenario(f'controller = "pack.guest:Guest"\n{STEPS}', FIRMWARE)
    assert set(guest_sources("pack.guest:Guest", tmp_path)) == {
        "pack.guest",
        "pack.deep.leaf",
        "pack.other",
        "late_top",
    }
    before = digest_of(scenario)
    for name in sources:
        path = tmp_path / name
        path.write_text(path.read_text() + "# changed\n")
        after = digest_of(scenario)
        assert after != before, name
        before = after
    (tmp_path / "unrelated.py").write_text("")
    assert digest_of(scenario) == before


def test_it_changes_with_deltabench(new_scenario: NewScenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest_of(new_scenario(STEPS, FIRMWARE))
    floor = tmp_path / "floor"
    floor.mkdir()
    (floor / "module.py").write_text("")
    monkeypatch.setattr(digest, "FLOORS", (*digest.FLOORS, floor))
    code_digest.cache_clear()
    try:
        assert digest_of(new_scenario(STEPS, FIRMWARE)) != before
    finally:
        code_digest.cache_clear()
