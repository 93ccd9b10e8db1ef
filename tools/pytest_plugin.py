"""Makes pytest collect scenarios: a ``*.scenario.toml`` file is a test file, each of its variants a test.

``pytest some/dir`` runs them; docs/ci.md shows how, in a CI job.  pytest loads this module at each of its starts, so it
imports the bench only once there is a scenario to read.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from deltabench.scenarios.scenario import Expected, Variant
    from deltabench.scenarios.verdict import Result

SUFFIX: Final = ".scenario.toml"
MARKER: Final = "deltabench"
MOST_SHOWN: Final = 3
"""So many findings stand in the report of a failure; the rest are counted."""


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, also where unknown markers are errors."""
    config.addinivalue_line("markers", f"{MARKER}: a variant of a *{SUFFIX} file, run by deltabench")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take the files that are scenarios."""
    if not file_path.name.endswith(SUFFIX):
        return None
    file: ScenarioFile = ScenarioFile.from_parent(parent, path=file_path)
    return file


class ScenarioFile(pytest.File):
    """A scenario file; an invalid one is a collection error that says what is wrong with it."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item for each variant."""
        from deltabench.scenarios.errors import ScenarioError
        from deltabench.scenarios.scenario import load_scenario

        root = self.config.rootpath
        name = self.path.relative_to(root) if self.path.is_relative_to(root) else self.path
        try:
            scenario = load_scenario(self.path, name.as_posix())
        except ScenarioError as error:
            raise self.CollectError(str(error)) from error
        for variant in scenario.variants():
            yield ScenarioItem.from_parent(self, name=variant.name, variant=variant)


class ScenarioItem(pytest.Item):
    """A variant of a scenario; it fails if it does not come out as the scenario expects."""

    def __init__(self, *, variant: Variant, **facts: Any) -> None:
        super().__init__(**facts)
        self.variant = variant
        self.add_marker(MARKER)

    def runtest(self) -> None:
        """Run the variant, in this process: pytest-xdist is what spreads items over several."""
        from deltabench.scenarios.campaign import run_campaign

        (result,), interrupted = run_campaign([self.variant], jobs=1)
        if interrupted:
            raise KeyboardInterrupt
        self.user_properties += [
            ("commands", result.commands),
            ("operations", result.operations),
            *result.counts._asdict().items(),
        ]
        if not result.as_expected:
            root = self.config.rootpath
            elsewhere = self.config.invocation_params.dir != root
            raise NotAsExpectedError(failure_report(result, f"cd {shlex.quote(str(root))} && " if elsewhere else ""))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **options: Any) -> Any:
        """Words for what the user has to mend; a traceback only for what is wrong with the bench itself."""
        from deltabench.scenarios.errors import ScenarioError

        if isinstance(excinfo.value, NotAsExpectedError | ScenarioError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, *args, **options)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where the test stands, and its heading."""
        return self.path, None, f"{self.variant.scenario.document.title} ({self.name})"


class NotAsExpectedError(Exception):
    """A variant came out otherwise than its scenario expects; the message is the whole report."""


def failure_report(result: Result, before: str = "") -> str:
    """What came out and what was expected, the first findings, and how to look at each of them.

    ``before`` stands before each command: what takes a shell to the folder that ids are relative to.
    """
    scenario = result.variant.scenario
    lines = [
        result.problem(),
        "",
        f"scenario  {scenario.document.title}",
        f"variant   {result.variant.name}",
        f"expected  {_in_words(result.variant.expected)}",
    ]
    for finding in result.findings[:MOST_SHOWN]:
        crash = result.crash_id(finding)
        lines += [
            "",
            crash,
            f"  rule    {finding.rule.value}",
            f"  during  {finding.doing}",
            f"  cut     {finding.cut}",
            f"  then    {finding.detail}",
            f"  replay  {before}deltabench replay {shlex.quote(crash)}",
        ]
    more = result.counts.violations - min(len(result.findings), MOST_SHOWN)
    if more:
        lines += ["", f"and {more} more: {before}deltabench run {shlex.quote(scenario.name)} --json results.json"]
    return "\n".join(lines)


def _in_words(expected: Expected) -> str:
    if expected.verdict == "holds":
        return "that every rule holds after every cut"
    if expected.rule is None:
        return "that some rule is violated"
    return f"that the rule {expected.rule.value} is violated"
