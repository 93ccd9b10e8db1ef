"""Classes of the user's own: ``module:Class`` in a scenario, for the controller or the map scheme."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from deltabench.scenarios.errors import ScenarioError


def load_class(reference: str, near: Path) -> type:
    """The class that ``module:Class`` names; the module may lie in ``near``, the scenario file's folder.

    Raises ScenarioError if it is not to be had, with the reason.
    """
    module_name, colon, class_name = reference.partition(":")
    if not colon or not module_name or not class_name:
        raise ScenarioError(f"{reference!r} does not name a class; it should look like 'package.module:Class'")
    folder = str(near.resolve())
    sys.path.insert(0, folder)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        # A guest's module may raise anything while it is imported.
        raise ScenarioError(
            f"{reference!r}: module {module_name!r} cannot be imported ({type(error).__name__}: {error}); "
            f"it must be installed or lie in {near}"
        ) from error
    finally:
        sys.path.remove(folder)
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        raise ScenarioError(f"{reference!r}: module {module_name!r} has no class {class_name!r}")
    return found
