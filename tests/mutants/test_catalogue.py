"""The catalogue names each mutant once, and says of each what a reader needs to judge it."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

from deltabench.firmware_model.config import StoreKind
from deltabench.firmware_model.controller import DeltaController
from deltabench.scenarios import mutants
from deltabench.scenarios.mutants.catalogue import MUTANTS
from deltabench.scenarios.mutants.mutant import SAFE, Mutant, kebab
from deltabench.scenarios.mutants.naming import our_catalogue
from deltabench.scenarios.mutants.settings import STANDARD, Settings
from deltabench.scenarios.scenario import find_scenario

BROKEN = sorted(path.stem for path in Path(next(iter(mutants.__path__))).glob("broken_*.py"))


def mistakes_in(module: str) -> set[type]:
    """The controllers that a module of mistakes makes; its bases are none."""
    found = vars(importlib.import_module(f"deltabench.scenarios.mutants.{module}")).values()
    return {
        kind
        for kind in found
        if inspect.isclass(kind)
        and issubclass(kind, DeltaController)
        and kind.__module__.endswith(module)
        and not (kind.__doc__ or "").startswith("Base of mistakes")
    }


def test_every_mistake_that_is_written_is_in_the_catalogue() -> None:
    written = set().union(*map(mistakes_in, BROKEN))
    assert written == {mutant.firmware for mutant in MUTANTS}


def test_there_are_sixty_and_each_has_a_name_of_its_own() -> None:
    names = [mutant.name for mutant in MUTANTS]
    settings = {kebab(mutant.settings_name) for mutant in MUTANTS}
    assert len(names) >= 60
    assert len(set(names)) == len(names)
    assert not settings & set(names), "both name scenarios in crash ids"


def test_each_safe_scheme_and_each_store_has_mutants() -> None:
    assert {scheme for mutant in MUTANTS for scheme in mutant.schemes} == set(SAFE)
    assert {store for mutant in MUTANTS for store in mutant.stores} == set(StoreKind)


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_row_says_what_a_reader_needs(mutant: Mutant) -> None:
    assert mutant.part
    assert mutant.mistake.endswith("."), "a sentence"
    assert bool(mutant.breaks) != bool(mutant.equivalent), "the rule that it breaks, or why it breaks none"
    special = isinstance(mutant.under, Settings) and mutant.under is not STANDARD
    assert not special or mutant.needs, "why the standard settings will not do"


def test_a_mutant_that_shares_its_settings_shares_its_control() -> None:
    by_name = {mutant.settings_name: mutant.under for mutant in MUTANTS}
    assert len(set(by_name.values())) == len(by_name)


def test_every_mutant_is_found_by_the_name_that_its_crash_ids_have() -> None:
    catalogue = our_catalogue()
    for mutant in catalogue.mutants:
        scenario = catalogue.scenario(mutant)
        assert find_scenario(scenario.name) == scenario
        control = find_scenario(mutant.unbroken().name)
        assert {variant.name for variant in mutant.unbroken().variants()} <= {v.name for v in control.variants()}
