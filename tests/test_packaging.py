"""The wheel must hold every package of the source tree: setuptools is given them as a list."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
FLOORS = ("hwsim", "firmware_model", "scenarios", "tools")


def test_every_package_of_the_tree_is_in_the_list_of_the_distribution() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = [
        "deltabench." + ".".join(folder.relative_to(ROOT).parts)
        for floor in FLOORS
        for folder in sorted({init.parent for init in (ROOT / floor).rglob("__init__.py")})
    ]
    assert sorted(listed) == sorted(found)
