"""The jobs of docs/ci.md are tried: what they install is parsed, what they run is run in a user's repository."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

DOCUMENT = (Path(__file__).parents[2] / "docs" / "ci.md").read_text(encoding="utf-8")
JOBS = re.findall(r"^```yaml\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)


def commands(job: str) -> list[str]:
    """What a job types into its shell, in GitHub's or in GitLab's way."""
    return re.findall(r"^ +- (?:run: )?((?:pip|pytest|deltabench) .*)$", job, re.MULTILINE)


def published(job: str) -> set[str]:
    """The files that a job keeps."""
    return set(re.findall(r"\bpower-fail\.(?:xml|json)$", job.partition("artifact")[2], re.MULTILINE))


def test_there_is_a_job_for_each_server_and_each_way() -> None:
    assert [("runs-on:" in job, command.split()[0]) for job in JOBS for command in commands(job)[1:]] == [
        (True, "pytest"),
        (True, "deltabench"),
        (False, "pytest"),
        (False, "deltabench"),
    ]


@pytest.mark.parametrize("job", JOBS, ids=range(len(JOBS)))
def test_a_job_installs_what_its_commands_need(job: str) -> None:
    pip, install, *wanted = shlex.split(commands(job)[0])
    assert (pip, install) == ("pip", "install")
    names = {Requirement(one).name for one in wanted}
    assert names == ({"pytest", "pytest-xdist", "deltabench"} if "pytest " in commands(job)[1] else {"deltabench"})


@pytest.mark.parametrize("command", sorted({commands(job)[1] for job in JOBS}))
@pytest.mark.parametrize(("schemes", "code"), [('"flagged", "history"', 0), ('"flagged", "plain"', 1)])
def test_a_job_publishes_the_file_that_its_command_writes_whether_it_passes_or_fails(
    command: str, schemes: str, code: int, shell: Callable[..., Any], scenario_text: str, tmp_path: Path
) -> None:
    (tmp_path / "tests" / "power").mkdir(parents=True)
    scenario = f"{scenario_text}\n[matrix]\nscheme = [{schemes}]\n"
    (tmp_path / "tests" / "power" / "save.scenario.toml").write_text(scenario, encoding="utf-8")
    done = shell(command, tmp_path)
    assert done.returncode == code, done.stdout + done.stderr
    written = {path.name for path in tmp_path.iterdir() if path.is_file()}
    for job in JOBS:
        if commands(job)[1] == command:
            assert published(job) == written
            assert re.search(r"if: always\(\)|when: always", job)


def test_the_blocks_are_yaml_as_far_as_indentation_goes() -> None:
    for job in JOBS:
        for line in job.splitlines():
            assert re.fullmatch(r"(  )*(- )?([\w-]+:( \S.*)?|\S.*)|", line), line
            assert "\t" not in line


def test_the_commands_in_the_text_work_as_well(shell: Callable[..., Any], scenario_text: str, tmp_path: Path) -> None:
    (tmp_path / "tests" / "power").mkdir(parents=True)
    scenario = f'{scenario_text}\n[matrix]\nscheme = ["flagged", "plain"]\nstore = ["nvram"]\n'
    (tmp_path / "tests" / "power" / "save.scenario.toml").write_text(scenario, encoding="utf-8")
    (tmp_path / "test_own.py").write_text("def test_own(): pass\n")
    text = re.sub(r"^```yaml\n.*?^```$", "", DOCUMENT, flags=re.MULTILINE | re.DOTALL)
    typed = {
        "pytest tests/power -k plain-nor": 5,
        "deltabench run tests/power --scheme plain": 1,
        'pytest -m "not deltabench"': 0,
        "pytest -m deltabench": 1,
    }
    for command, code in typed.items():
        assert f"`{command}`" in text
        assert shell(command, tmp_path).returncode == code, command
