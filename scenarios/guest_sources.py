"""The source files that a class of the user's own is made of: its module's, and those of what that imports.

Followed without running anything, inside functions as well.  What is installed is taken for fixed, and not looked into,
unless it is the package of the class itself.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Final

OURS: Final = "deltabench"
INSTALLED: Final = tuple(
    Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")
)


def guest_sources(reference: str, folder: Path) -> dict[str, bytes]:
    """The contents of the files behind ``module:Class``, by name of the module; ``folder``: that of the scenario."""
    first = reference.partition(":")[0]
    top = first.partition(".")[0]
    found: dict[str, bytes] = {}
    seen: set[str] = set()
    waiting = list(_with_parents(first))
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        spec = _spec(name, folder)
        if spec is None or not spec.has_location or spec.origin is None:
            continue
        path = Path(spec.origin)
        if name.partition(".")[0] != top and any(path.resolve().is_relative_to(place) for place in INSTALLED):
            continue
        try:
            found[name] = path.read_bytes()
        except OSError:
            continue
        if path.suffix == ".py":
            package = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
            waiting += _imported(found[name], package)
    return found


def _with_parents(name: str) -> Iterator[str]:
    """``a``, ``a.b`` and ``a.b.c`` of ``a.b.c``: importing the last runs all."""
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        yield ".".join(parts[:count])


def _spec(name: str, folder: Path) -> ModuleSpec | None:
    """Where a module would be loaded from; None for what is built in, ours or not there."""
    top, *inner = name.split(".")
    if top == OURS or top in sys.stdlib_module_names:
        return None
    loaded = sys.modules.get(top)
    # What was loaded is what runs; else a module beside the scenario comes first, as it does when it is loaded.
    spec = loaded.__spec__ if loaded else PathFinder.find_spec(top, [str(folder)]) or importlib.util.find_spec(top)
    for part in inner:
        if spec is None or spec.submodule_search_locations is None:
            return None
        # By its last name alone: the whole name of a namespace package needs its parents to have been imported.
        spec = PathFinder.find_spec(part, list(spec.submodule_search_locations))
    return spec


def _imported(source: bytes, package: str) -> Iterator[str]:
    """The modules that a source names in its imports; of ``from a import b``, b may be one or not."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_parents(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            if base:
                yield from _with_parents(base)
                yield from (f"{base}.{alias.name}" for alias in node.names)
