"""Classes of the user's own: ``module:Class`` in a scenario, for the controller or the map scheme.

A catalogue of mutants is named in the same way.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import PathFinder
from pathlib import Path

from deltabench.scenarios.errors import ScenarioError


def load_class(key: str, reference: str, scenario: Path) -> type:
    """The class that ``module:Class`` names, the value of ``key`` in a scenario file; it may lie beside the file.

    Raises ScenarioError if it is not to be had, with the reason.
    """
    where = f"{scenario}: {key} = {reference!r}"
    found = load_named(where, reference, scenario.parent, "class")
    if not isinstance(found, type):
        module_name, _, class_name = reference.partition(":")
        raise ScenarioError(f"{where}: module {module_name!r} has no class {class_name!r}")
    return found


def load_named(where: str, reference: str, near: Path, what: str) -> object:
    """What ``module:NAME`` names, None if the module has nothing of that name; it may lie in the folder ``near``.

    Raises ScenarioError, which begins with ``where``, if the module is not to be had; ``what`` is wanted of it.
    """
    module_name, colon, name = reference.partition(":")
    if not colon or not module_name or not name:
        raise ScenarioError(f"{where}: does not name a {what}; it should look like 'package.module:{what.title()}'")
    folder = str(near.resolve())
    sys.path.insert(0, folder)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        # A guest's module may raise anything while it is imported.
        raise ScenarioError(
            f"{where}: module {module_name!r} cannot be imported ({type(error).__name__}: {error}); "
            f"it must be installed or lie in {near}"
        ) from error
    finally:
        sys.path.remove(folder)
    top = module_name.partition(".")[0]
    beside, loaded = PathFinder.find_spec(top, [folder]), sys.modules[top].__spec__
    if beside and beside.origin and loaded and loaded.origin and not _same(beside.origin, loaded.origin):
        # One process runs many scenarios: two folders may each hold a module of this name.
        raise ScenarioError(
            f"{where}: means {beside.origin}, but a module {top!r} from {loaded.origin} is loaded already; "
            f"modules of scenarios that run together need names of their own"
        )
    found: object = getattr(module, name, None)
    return found


def _same(one: str, other: str) -> bool:
    return Path(one).resolve() == Path(other).resolve()
