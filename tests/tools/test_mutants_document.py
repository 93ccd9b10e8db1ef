"""docs/mutants.md: its examples do what is shown, typed as a reader types them; its tables are those of the code."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

from deltabench.scenarios.mutants import rules
from deltabench.scenarios.mutants.catalogue import MUTANTS
from deltabench.scenarios.mutants.documents import Control, Explored, Hunted, Mutation
from deltabench.scenarios.mutants.mutant import Mutant
from deltabench.tools.cli import invoke

DOC = (Path(__file__).parents[2] / "docs" / "mutants.md").read_text(encoding="utf-8")
OURS, OWN = DOC.split("## Mutants of your own")
Shell = Callable[..., CompletedProcess[str]]


def untimed(text: str) -> list[str]:
    text = re.sub(r" *[\d,]+ ms$", " T ms", text, flags=re.MULTILINE)
    text = re.sub(r"\d+\.\d s", "T s", text)
    return [re.sub(" +", " ", line).rstrip() for line in text.strip().splitlines()]


def test_what_is_typed_prints_what_is_shown(shell: Shell, tmp_path: Path) -> None:
    session = re.search(r"```\n\$ (.*)\n((?:.|\n)*?)```", OURS)
    assert session
    command, shown = session.groups()
    done = shell(command, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    wanted = untimed(shown)
    assert untimed(done.stdout)[: len(wanted)] == wanted


def test_the_controller_of_ones_own_is_broken_as_shown(shell: Shell, tmp_path: Path) -> None:
    controller, mutants, catalogue = re.findall(r"```python\n(.*?)```", OWN, re.DOTALL)
    scenario, step = re.findall(r"```toml\n(.*?)```", OWN, re.DOTALL)
    first, second = re.findall(r"```\n\$ (.*)\n((?:.|\n)*?)```", OWN)
    for name, text in {
        "piecemeal.py": controller,
        "piecemeal_mutants.py": mutants,
        "piecemeal_catalogue.py": catalogue,
        "piecemeal.scenario.toml": scenario,
    }.items():
        assert name in OWN
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert shell("deltabench run piecemeal.scenario.toml -j1", tmp_path).returncode == 0
    done = shell(first[0], tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    wanted = untimed(first[1])
    assert untimed(done.stdout)[: len(wanted)] == wanted

    save = '    { do = "save" },\n'
    (tmp_path / "piecemeal.scenario.toml").write_text(scenario.replace(save, step + save), encoding="utf-8")
    done = shell(second[0], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert untimed(done.stdout) == untimed(second[1])


def test_the_crash_that_is_named_is_one() -> None:
    crash = re.search(r"deltabench replay (mutants/\S+)", OURS)
    assert crash
    assert invoke(["replay", crash[1]]) == 1


def test_the_page_counts_the_mutants_and_has_their_rules_and_settings() -> None:
    assert f"\n{len(MUTANTS)} mutants stand in" in DOC
    assert "Eight mutants are equivalent" in DOC
    assert sum(bool(mutant.equivalent) for mutant in MUTANTS) == 8
    known = {value for name, value in vars(rules).items() if name.isupper()}
    assert known == {mutant.breaks for mutant in MUTANTS if mutant.breaks}
    for name in known | {mutant.settings_name for mutant in MUTANTS} - {"standard"}:
        assert f"`{name}`" in DOC, name


def test_the_page_names_every_field_of_a_row_and_every_key_of_the_document() -> None:
    named = {key for name in re.findall(r"`([a-z_.\[\]]+)`", DOC) for key in re.split(r"[.\[\]]+", name)}
    fields = {field for kind in (Mutant, Mutation, Control, Hunted, Explored) for field in kind.__struct_fields__}
    assert not fields - named
