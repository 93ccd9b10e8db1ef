"""Which mutants there are, and what they are called: in our catalogue, in one of the user's own, on the command line.

Crash ids name a mutant's scenario: ``mutants/no-flag`` of ours, ``mutants/module:NAME/no-flag`` of the catalogue NAME
in a module, ``mutants/FILE/module:Class`` of a class in the place of the firmware of a scenario file.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from deltabench.firmware_model.schemes.scheme import MapScheme
from deltabench.hwsim.explain_invalid import meant
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.guest import load_class, load_named
from deltabench.scenarios.mutants.mutant import PREFIX, SAFE, Mutant, kebab
from deltabench.scenarios.scenario import Scenario, find_scenario


class Catalogue(NamedTuple):
    """Mutants; ``prefix`` begins the names of their scenarios, ``title`` says whose they are."""

    title: str
    prefix: str
    mutants: tuple[Mutant, ...]

    def scenario(self, mutant: Mutant) -> Scenario:
        """A mutant of this catalogue, under the name that its crash ids have."""
        named = mutant.reference if isinstance(mutant.under, Scenario) else mutant.name
        return mutant.scenario(self.prefix + named)

    def choose(self, names: Sequence[str]) -> list[Mutant]:
        """Those of these names or patterns, all if there are none; raises ScenarioError for one that nobody has."""
        known = [mutant.name for mutant in self.mutants]
        chosen: set[str] = set()
        for name in names:
            found = fnmatch.filter(known, kebab(name))
            if not found:
                raise ScenarioError(
                    f"{name}: no such mutant in {self.title}{meant(kebab(name), known)}; "
                    f"`deltabench mutants --list` lists them"
                )
            chosen.update(found)
        return [mutant for mutant in self.mutants if not names or mutant.name in chosen]


def our_catalogue() -> Catalogue:
    """The mutants of our firmware."""
    from deltabench.scenarios.mutants.catalogue import MUTANTS

    return Catalogue("our catalogue", PREFIX, MUTANTS)


def load_catalogue(reference: str) -> Catalogue:
    """The user's own catalogue ``module:NAME``, a sequence of Mutant; the module lies here or is installed.

    Raises ScenarioError if it cannot be had, or is something else.
    """
    found = load_named(f"--catalogue {reference}", reference, Path(), "catalogue")
    rows = tuple(found) if isinstance(found, list | tuple) else ()
    if not rows or not all(isinstance(row, Mutant) for row in rows):
        raise ScenarioError(f"--catalogue {reference}: is no sequence of deltabench.scenarios.mutants.mutant.Mutant")
    names = [row.name for row in rows]
    for name in names:
        if names.count(name) > 1:
            raise ScenarioError(f"--catalogue {reference}: two mutants are called {name!r}; allowed: one of each name")
    return Catalogue(reference, f"{PREFIX}{reference}/", rows)


def classes_as_mutants(reference: str, classes: Sequence[str]) -> Catalogue:
    """Each of ``classes`` (``module:Class``) in the place of the firmware of a scenario.

    Raises ScenarioError if the scenario or a class cannot be had, or one is neither a controller nor a map scheme.
    """
    scenario = find_scenario(reference)
    rows = []
    for name in classes:
        kind = load_class("the mutant", name, scenario.path)
        if not issubclass(kind, MapScheme) and not hasattr(kind, "boot"):
            raise ScenarioError(f"{name}: is neither a Controller nor a MapScheme")
        rows.append(Mutant(kind, under=scenario))
    return Catalogue(reference, f"{PREFIX}{reference}/", tuple(rows))


def find_mutant(name: str) -> Scenario | None:
    """The scenario that is called so in crash ids; None if it is no name of a mutant.

    Raises ScenarioError for a name that begins as one, and is none.
    """
    if not name.startswith(PREFIX):
        return None
    where, _, who = name.removeprefix(PREFIX).rpartition("/")
    if ":" in who:
        catalogue = classes_as_mutants(where, [who])
        return catalogue.scenario(catalogue.mutants[0])
    catalogue = load_catalogue(where) if where else our_catalogue()
    for mutant in catalogue.mutants:
        if not isinstance(mutant.under, Scenario | str) and kebab(mutant.under.name) == who:
            everywhere = Mutant(mutant.firmware, under=mutant.under, schemes=SAFE, stores=mutant.under.STORES)
            return everywhere.unbroken()
    (mutant,) = catalogue.choose([who])
    return catalogue.scenario(mutant)
