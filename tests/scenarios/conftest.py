"""Scenarios as small as a test wants them, written to files as a user's are."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deltabench.scenarios.scenario import Scenario, load_scenario

SMALL_BOARD = """
[board.devices]
disk0 = { part = "generic-disk", sectors = 64 }
nor0 = { part = "W25Q64JV" }
fram0 = { part = "generic-nvram" }

[board.switches.save]
"""

NewScenario = Callable[..., Scenario]


@pytest.fixture
def new_scenario(tmp_path: Path) -> NewScenario:
    """Writes a scenario of ``top`` (keys and steps), the ``board``, and other ``tables``; reads it back."""

    def new(top: str, tables: str = "", *, board: str = SMALL_BOARD, name: str = "small") -> Scenario:
        path = tmp_path / f"{name}.scenario.toml"
        title = "" if "title =" in top else 'title = "A small scenario"\n'
        path.write_text(f"{title}{top}\n{board}\n{tables}\n", encoding="utf-8")
        return load_scenario(path, name)

    return new


@pytest.fixture
def new_module(tmp_path: Path) -> Iterator[Callable[[str, str], None]]:
    """Writes a module of a user's own beside the scenario; what was imported of it is forgotten after the test."""
    names: list[str] = []

    def new(name: str, text: str) -> None:
        names.append(name)
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")

    yield new
    for name in names:
        sys.modules.pop(name, None)
