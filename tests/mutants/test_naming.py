"""Mutants of a user's own: a catalogue, and classes in the place of a scenario's firmware."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.mutants.naming import classes_as_mutants, find_mutant, load_catalogue
from deltabench.scenarios.scenario import find_scenario

CLASSES = """
from deltabench.firmware_model.controller import DeltaController
from deltabench.firmware_model.schemes.flagged import Flagged
from deltabench.scenarios.mutants.mutant import Mutant


class Shy(DeltaController):
    \"\"\"It answers no STATUS.

    More about it.
    \"\"\"


class Lazy(Flagged):
    pass


MUTANTS = [Mutant(Shy, under="own.scenario.toml"), Mutant(Lazy)]
TWICE = [Mutant(Shy), Mutant(Shy)]
EMPTY = ()
"""
SCENARIO = """
title = "One write"
steps = [{ do = "write", lba = 3 }]

[board.devices]
disk0 = { part = "generic-disk", sectors = 64 }
fram0 = { part = "FM25V10" }

[firmware]
store = "nvram"
units = 12
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    Path("own_mutants.py").write_text(CLASSES, encoding="utf-8")
    Path("own.scenario.toml").write_text(SCENARIO, encoding="utf-8")
    yield tmp_path
    sys.modules.pop("own_mutants", None)


def test_a_catalogue_is_a_list_in_a_module_and_its_mutants_are_found_again(folder: Path) -> None:
    catalogue = load_catalogue("own_mutants:MUTANTS")
    shy, lazy = catalogue.mutants
    assert (shy.name, shy.mistake, lazy.mistake) == ("shy", "It answers no STATUS.", "(its class has no docstring)")
    scenario = catalogue.scenario(shy)
    assert scenario.name == "mutants/own_mutants:MUTANTS/shy"
    assert [variant.name for variant in scenario.variants()] == ["flagged-nvram"]
    assert find_scenario(scenario.name) == scenario


def test_a_scheme_takes_the_place_of_the_scheme_on_each_store(folder: Path) -> None:
    catalogue = load_catalogue("own_mutants:MUTANTS")
    variants = catalogue.scenario(catalogue.mutants[1]).variants()
    assert [variant.name for variant in variants] == ["Lazy-nvram", "Lazy-disk", "Lazy-nor"]


def test_a_class_takes_the_place_of_a_scenarios_firmware_and_is_found_again(folder: Path) -> None:
    catalogue = classes_as_mutants("own.scenario.toml", ["own_mutants:Shy", "own_mutants:Lazy"])
    names = [catalogue.scenario(mutant).name for mutant in catalogue.mutants]
    assert names == [f"mutants/own.scenario.toml/own_mutants:{name}" for name in ("Shy", "Lazy")]
    for mutant in catalogue.mutants:
        scenario = catalogue.scenario(mutant)
        assert find_scenario(scenario.name) == scenario


def test_a_file_in_a_folder_of_that_name_is_still_a_file(folder: Path) -> None:
    Path("mutants").mkdir()
    Path("mutants/no-flag").write_text(SCENARIO, encoding="utf-8")
    assert find_scenario("mutants/no-flag").document.title == "One write"


def test_other_names_are_none_of_a_mutant() -> None:
    assert find_mutant("demo") is None


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("own_mutants", "--catalogue own_mutants: does not name a catalogue"),
        ("none:MUTANTS", "--catalogue none:MUTANTS: module 'none' cannot be imported"),
        ("own_mutants:NONE", "--catalogue own_mutants:NONE: is no sequence of"),
        ("own_mutants:EMPTY", "--catalogue own_mutants:EMPTY: is no sequence of"),
        ("own_mutants:Shy", "--catalogue own_mutants:Shy: is no sequence of"),
        ("own_mutants:TWICE", "--catalogue own_mutants:TWICE: two mutants are called 'shy'"),
    ],
)
def test_what_is_no_catalogue_is_told(reference: str, message: str, folder: Path) -> None:
    with pytest.raises(ScenarioError) as error:
        load_catalogue(reference)
    assert str(error.value).startswith(message)


def test_what_is_no_firmware_is_told(folder: Path) -> None:
    with pytest.raises(ScenarioError, match="pathlib:Path: is neither a Controller nor a MapScheme"):
        classes_as_mutants("own.scenario.toml", ["pathlib:Path"])


def test_a_mutant_that_is_not_there_is_told(folder: Path) -> None:
    with pytest.raises(ScenarioError, match="nobody: no such mutant in our catalogue"):
        find_mutant("mutants/nobody")
