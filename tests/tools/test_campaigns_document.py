"""What docs/campaigns.md shows is tried: commands as typed, the jobs of both servers, the executor of one's own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from distributed.cli import dask_scheduler, dask_worker

from deltabench.scenarios.documents import OfShare

DOCUMENT = (Path(__file__).parents[2] / "docs" / "campaigns.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
JOBS = [text for language, text in BLOCKS if language == "yaml"]
TYPED = [line for language, text in BLOCKS if not language for line in text.splitlines()]
MATRIX = '\n[matrix]\nscheme = ["flagged", "plain"]\n[expect.exceptions.plain]\nverdict = "violated"\n'


@pytest.fixture
def repository(tmp_path: Path, scenario_text: str) -> Path:
    (tmp_path / "tests" / "power").mkdir(parents=True)
    (tmp_path / "tests" / "power" / "save.scenario.toml").write_text(scenario_text + MATRIX, encoding="utf-8")
    return tmp_path


def test_every_command_runs_as_typed(shell: Callable[..., Any], repository: Path) -> None:
    codes = {}
    for line in TYPED:
        if line.startswith("deltabench ") and "--scheduler" not in line:
            for used in re.findall(r"--json (\S+)", line):
                (repository / used).unlink(missing_ok=True)
            codes[line] = shell(line, repository).returncode
    assert len(codes) == 6 + 1
    left = [code for line, code in codes.items() if "--only-failed" in line]
    assert left == [5, 5]  # all has come out as expected before
    assert set(codes.values()) - {5} == {0}
    assert list((repository / "state").glob("*.piece"))


@pytest.mark.parametrize(
    ("job", "variables"),
    [
        (JOBS[0], lambda number: {"${{ matrix.share }}": number}),
        (JOBS[1], lambda number: {"$CI_NODE_INDEX": number, "$CI_NODE_TOTAL": "4"}),
    ],
    ids=["GitHub", "GitLab"],
)
def test_the_jobs_of_a_server_give_what_one_run_gives(
    job: str, variables: Callable[[str], dict[str, str]], shell: Callable[..., Any], repository: Path
) -> None:
    run, merge = re.findall(r"^ +- (?:run: )?(deltabench .*)$", job, re.MULTILINE)
    for number in "1234":
        line = run
        for name, value in variables(number).items():
            line = line.replace(name, value)
        assert "$" not in line
        assert shell(line, repository).returncode == 0
        (kept,) = set(
            re.findall(r"^ +(?:path: |- )(share-\S+\.json)$", job.replace("${{ matrix.share }}", number), re.M)
        )
        assert (repository / kept.replace("*", number)).is_file()
    assert shell(merge, repository).returncode == 0
    assert shell("deltabench run tests/power --json whole.json", repository).returncode == 0
    merged, whole = (json.loads((repository / name).read_text()) for name in ("power-fail.json", "whole.json"))
    for result in [*merged["results"], *whole["results"]]:
        del result["elapsed_s"]
    assert merged == whole
    assert re.search(r"^ +(?:path: |- )power-fail\.json$", job, re.MULTILINE)


def test_the_commands_of_dask_are_understood_by_dask() -> None:
    lines = [line.split() for line in TYPED if line.startswith("dask ")]
    assert [line[1] for line in lines] == ["scheduler", "worker"]
    for (_, name, *arguments), command in zip(lines, (dask_scheduler.main, dask_worker.main), strict=True):
        command.make_context(name, list(arguments))
        assert CliRunner().invoke(command, ["--help"]).exit_code == 0


def test_an_executor_of_ones_own_does_the_work(tmp_path: Path) -> None:
    (program,) = [text for language, text in BLOCKS if language == "python"]
    run = subprocess.run(
        (sys.executable, "-c", program), cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines()
    assert all(line.endswith((" holds", " violated")) for line in run.stdout.splitlines())


def test_every_key_of_a_share_is_explained() -> None:
    named = re.findall(r"^\| `results\[\]\.share\.(\w+)` \|", DOCUMENT, re.MULTILINE)
    assert named == list(OfShare.__struct_fields__)
