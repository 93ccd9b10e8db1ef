"""The plugin in a repository of a user, which has packages named as ours: pytest runs there as a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from deltabench.scenarios import scenario
from deltabench.scenarios.explorer import Counts
from deltabench.tools import pytest_plugin

Shell = Callable[..., "subprocess.CompletedProcess[str]"]

OWN_TEST = """
import scenarios
from tools.mine import VALUE

def test_own():
    assert VALUE == 7
    assert scenarios.OWNER == "user"
"""
NEEDS_NOTHING_HEAVY = """
import sys, pytest
code = pytest.main(["-q", "test_own.py"])
loaded = [name for name in sys.modules if name.startswith(("deltabench.scenarios", "msgspec"))]
sys.exit(code or loaded or 0)
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, scenario_text: str) -> Path:
    """A repository with its own ``tools`` and ``scenarios``, a test of its own, and scenarios of each fate."""
    root = tmp_path_factory.mktemp("repository")
    for name, text in {
        "pytest.ini": "[pytest]\naddopts = --strict-markers\nfilterwarnings = error\n",
        "tools/__init__.py": "",
        "tools/mine.py": "VALUE = 7\n",
        "scenarios/__init__.py": "OWNER = 'user'\n",
        "test_own.py": OWN_TEST,
        "power/holds.scenario.toml": f'{scenario_text}\n[matrix]\nscheme = ["flagged", "history"]\nstore = ["nvram"]\n',
        "power/lost save.scenario.toml": f'{scenario_text}\nscheme = "plain"\n',
        "wrong/text.scenario.toml": "title = 3\n",
        "wrong/board.scenario.toml": scenario_text.replace("FM25V10", "FM25V11"),
    }.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


class Run(NamedTuple):
    """What a run of pytest printed, its exit code, and the test cases of its JUnit file by id."""

    text: str
    code: int
    cases: dict[str, ET.Element]


@pytest.fixture(scope="module")
def everything(repository: Path, shell: Shell) -> Run:
    """All of the repository in one run."""
    done = shell(f"{sys.executable} -m pytest --continue-on-collection-errors --junitxml=junit.xml", repository)
    cases = ET.parse(repository / "junit.xml").iter("testcase")
    found = {f"{case.get('classname')}::{case.get('name')}": case for case in cases}
    return Run(done.stdout, done.returncode, found)


def test_each_variant_of_each_file_is_a_test_beside_those_of_the_user(repository: Path, shell: Shell) -> None:
    done = shell(f"{sys.executable} -m pytest --collect-only -q power test_own.py", repository)
    assert done.stdout.splitlines()[:4] == [
        "power/holds.scenario.toml::flagged-nvram",
        "power/holds.scenario.toml::history-nvram",
        "power/lost save.scenario.toml::plain-nvram",
        "test_own.py::test_own",
    ]


def test_the_users_own_tools_and_scenarios_packages_are_what_their_tests_import(everything: Run) -> None:
    assert everything.cases["test_own::test_own"].find("failure") is None
    assert everything.cases["test_own::test_own"].find("error") is None


def test_a_scenario_passes_where_it_comes_out_as_expected(everything: Run) -> None:
    case = everything.cases["power.holds.scenario.toml::flagged-nvram"]
    assert [child.tag for child in case] == ["properties"]
    assert everything.code == 1
    assert "2 failed, 3 passed, 1 error" in everything.text


def test_the_counts_stand_in_the_junit_file(everything: Run) -> None:
    case = everything.cases["power.holds.scenario.toml::flagged-nvram"]
    properties = {entry.attrib["name"]: int(entry.attrib["value"]) for entry in case.iter("property")}
    assert list(properties) == ["commands", "operations", *Counts._fields]
    assert properties["commands"] == 3
    assert properties["violations"] == 0
    assert properties["generated"] >= properties["distinct"] > 0


def test_a_failure_says_what_was_expected_and_what_was_found_with_no_traceback(everything: Run) -> None:
    failure = everything.cases["power.lost save.scenario.toml::plain-nvram"].find("failure")
    assert failure is not None
    assert failure.text is not None
    first, blank, title, variant, expected, *findings = failure.text.splitlines()
    assert re.fullmatch(r"\d+ violations; the first, of all-or-nothing: LBA 3 reads zeros, and should read .*", first)
    assert blank == ""
    assert title == "scenario  A save of two map blocks, cut everywhere"
    assert variant == "variant   plain-nvram"
    assert expected == "expected  that every rule holds after every cut"
    labels = [line.split()[0] for line in findings[2:7]]
    assert labels == ["rule", "during", "cut", "then", "replay"]
    assert len([line for line in findings if line.startswith("  replay")]) == 3
    assert re.match(r"and \d+ more: deltabench run 'power/lost save.scenario.toml' --json ", findings[-1])
    assert "Traceback" not in everything.text
    assert "pytest_plugin.py" not in everything.text


def test_the_commands_of_a_failure_can_be_typed_into_a_shell(everything: Run, repository: Path, shell: Shell) -> None:
    replay, *_ = re.findall(r"^  replay  (.*)$", everything.text, re.MULTILINE)
    done = shell(replay, repository)
    assert done.returncode == 1
    assert "all-or-nothing is violated" in done.stdout


def test_started_elsewhere_the_commands_lead_to_the_folder_that_ids_are_relative_to(
    repository: Path, shell: Shell, tmp_path: Path
) -> None:
    done = shell(f"{sys.executable} -m pytest -q --rootdir='{repository}' '{repository}/power'", tmp_path)
    replay, *_ = re.findall(r"^  replay  (.*)$", done.stdout, re.MULTILINE)
    assert replay.startswith(f"cd {repository} && deltabench replay 'power/lost save.scenario.toml:plain-nvram:")
    assert shell(replay, tmp_path).returncode == 1


def test_an_invalid_file_is_a_collection_error_that_says_what_is_wrong(everything: Run, repository: Path) -> None:
    where = repository / "wrong" / "text.scenario.toml"
    (error,) = [case.find("error") for case in everything.cases.values() if case.find("error") is not None]
    assert error is not None
    assert error.get("message") == "collection failure"
    assert error.text == f"{where}: title = 3: expected text, got `int`"


def test_a_board_that_cannot_be_built_is_a_failure_that_says_what_is_wrong(everything: Run) -> None:
    failure = everything.cases["wrong.board.scenario.toml::flagged-nvram"].find("failure")
    assert failure is not None
    assert failure.text is not None
    assert "FM25V11" in failure.text
    assert len(failure.text.splitlines()) == 1


def test_under_xdist_it_is_the_same(everything: Run, repository: Path, shell: Shell) -> None:
    done = shell(f"{sys.executable} -m pytest -n 2 power test_own.py", repository)
    assert done.returncode == 1
    assert "1 failed, 3 passed" in done.stdout
    report = everything.cases["power.lost save.scenario.toml::plain-nvram"].findtext("failure")
    assert report is not None
    assert report in done.stdout


def test_scenarios_can_be_left_out_by_their_marker(repository: Path, shell: Shell) -> None:
    done = shell(f"{sys.executable} -m pytest -q -m 'not deltabench' power test_own.py", repository)
    assert done.returncode == 0
    assert "1 passed, 3 deselected" in done.stdout


def test_a_start_of_pytest_without_scenarios_loads_none_of_the_bench(repository: Path, shell: Shell) -> None:
    (repository / "start.py").write_text(NEEDS_NOTHING_HEAVY)
    done = shell(f"{sys.executable} start.py", repository)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ctrl_c_in_a_scenario_ends_the_session(scenario_text: str, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "from deltabench.scenarios.session import Session\n"
        "def interrupted(*_):\n"
        "    raise KeyboardInterrupt\n"
        "Session.run = interrupted\n"
    )
    for name in ("first", "second"):
        (tmp_path / f"{name}.scenario.toml").write_text(scenario_text)
    done = shell("pytest", tmp_path)
    assert done.returncode == 2
    assert "KeyboardInterrupt" in done.stdout
    assert "no tests ran" in done.stdout


def test_the_plugin_takes_the_files_that_deltabench_takes() -> None:
    assert pytest_plugin.SUFFIX == scenario.SUFFIX
