from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.guest import load_class


def load(reference: str, folder: Path) -> type:
    return load_class("controller", reference, folder / "some.scenario.toml")


def test_a_class_is_found_in_a_module_beside_the_scenario(
    tmp_path: Path, new_module: Callable[[str, str], None]
) -> None:
    new_module("guest_found", "class Found: pass")
    before = list(sys.path)
    assert load("guest_found:Found", tmp_path).__name__ == "Found"
    assert sys.path == before


@pytest.mark.parametrize("reference", ["guest", "guest:", ":Guest", ""])
def test_what_names_no_class_is_shown_how_one_is_named(reference: str, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"it should look like 'package\.module:Class'"):
        load(reference, tmp_path)


def test_a_module_that_is_nowhere_is_said_to_be_wanted_beside_the_scenario(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="must be installed or lie in") as caught:
        load("guest_nowhere:Guest", tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'some.scenario.toml'}: controller = 'guest_nowhere:Guest': ")


def test_whatever_a_module_raises_at_its_import_is_told(tmp_path: Path, new_module: Callable[[str, str], None]) -> None:
    new_module("guest_breaks", "1 / 0")
    with pytest.raises(ScenarioError, match=r"cannot be imported \(ZeroDivisionError: division by zero\)"):
        load("guest_breaks:Guest", tmp_path)


@pytest.mark.parametrize("name", ["Missing", "NUMBER"])
def test_a_module_without_that_class_is_told(name: str, tmp_path: Path, new_module: Callable[[str, str], None]) -> None:
    new_module("guest_empty", "NUMBER = 1")
    with pytest.raises(ScenarioError, match=f"module 'guest_empty' has no class '{name}'"):
        load(f"guest_empty:{name}", tmp_path)


def test_two_modules_of_one_name_are_never_taken_for_one_another(
    tmp_path: Path, new_module: Callable[[str, str], None]
) -> None:
    new_module("guest_twice", "class Guest: pass")
    other = tmp_path / "other"
    other.mkdir()
    (other / "guest_twice.py").write_text("class Guest: pass")
    load("guest_twice:Guest", tmp_path)
    with pytest.raises(ScenarioError, match="modules of scenarios that run together need names of their own"):
        load("guest_twice:Guest", other)
    assert load("guest_twice:Guest", tmp_path)


def test_a_folder_that_is_reached_by_a_link_holds_the_same_module(
    tmp_path: Path, new_module: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    new_module("guest_linked", "class Guest: pass")
    link = tmp_path / "link"
    link.symlink_to(tmp_path, target_is_directory=True)
    monkeypatch.syspath_prepend(link)
    __import__("guest_linked")
    assert load("guest_linked:Guest", tmp_path)
