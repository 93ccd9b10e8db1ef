"""How a campaign is run, as the command line says it: by whom, how much of it, and taking up what was done before."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click
from click.core import ParameterSource

from deltabench.scenarios.campaign import Report, run_campaign
from deltabench.scenarios.crew import Crew
from deltabench.scenarios.division import WHOLE, Share
from deltabench.scenarios.documents import Judged, Results, read_document
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.processes import crew_of
from deltabench.scenarios.record import Record

if TYPE_CHECKING:
    from deltabench.scenarios.scenario import Variant
    from deltabench.scenarios.verdict import Result

F = TypeVar("F", bound=Callable[..., Any])


class ShareType(click.ParamType[Share]):
    """``NUMBER/OF``."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Share:
        if isinstance(value, Share):
            return value
        number, slash, of = value.partition("/")
        if not slash or not (number.isdecimal() and of.isdecimal()) or not 1 <= int(number) <= int(of):
            self.fail(f"{value!r} is no share; allowed: 1/1, or as 3/8, the third of eight", param, ctx)
        return Share(int(number), int(of))


jobs_option = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    default=lambda: len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
    show_default="one a core",
    help="Processes to use; counts and ids do not depend on it.",
)
share_option = click.option(
    "-B",
    "--share",
    type=ShareType(),
    default=WHOLE,
    show_default="all of it",
    metavar="NUMBER/OF",
    help="Run one share, as 3/8 for the third of eight; `deltabench merge` puts the results together.",
)
resume_option = click.option(
    "--resume",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Record finished work in DIR, and take what is recorded there as done.",
)
scheduler_option = click.option(
    "--scheduler", metavar="ADDRESS", help="Run on the Dask cluster of this scheduler, as tcp://host:8786."
)
only_failed_option = click.option(
    "--only-failed",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="RESULT.json",
    help="Run again just what did not come out as expected in these results, or was not finished.",
)


def campaign_options(command: F) -> F:
    """All that a command needs to be asked by ``way_of``."""
    for option in (scheduler_option, resume_option, share_option, jobs_option):
        command = option(command)
    return command


class Way(NamedTuple):
    """How a campaign is run."""

    jobs: int = 1
    share: Share = WHOLE
    resume: Path | None = None
    scheduler: str | None = None

    def run(self, variants: Sequence[Variant], report: Report) -> tuple[list[Result], bool]:
        """See run_campaign.  Raises OSError if the record cannot be written."""
        with self._crew() as crew:
            record = None if self.resume is None else Record(self.resume)
            return run_campaign(variants, report=report, crew=crew, share=self.share, record=record)

    @contextmanager
    def _crew(self) -> Iterator[Crew]:
        if self.scheduler is None:
            yield crew_of(self.jobs)
            return
        from deltabench.scenarios.cluster import cluster

        with cluster(self.scheduler) as crew:
            yield crew


def way_of(context: click.Context) -> Way:
    """As a command line with ``campaign_options`` says; raises UsageError for what does not go together."""
    given = context.params
    if given["scheduler"] is not None and context.get_parameter_source("jobs") is ParameterSource.COMMANDLINE:
        raise click.UsageError("--jobs has no meaning with --scheduler: the workers of the cluster do the work")
    return Way(given["jobs"], given["share"], given["resume"], given["scheduler"])


def read_results(path: Path) -> Results:
    """The results of a run; raises ScenarioError if the file holds none, or something else."""
    document = read_document(path)
    if not isinstance(document, Results):
        raise ScenarioError(f"{path}: is not a result of `deltabench run`; allowed: the schema deltabench.result/1")
    return document


class Before(NamedTuple):
    """An earlier run: its results, and the file that they are in."""

    path: Path
    results: tuple[Judged, ...]

    @property
    def scenarios(self) -> tuple[str, ...]:
        """All that have something left to do."""
        return tuple(dict.fromkeys(result.scenario for result in self.results if not _is_settled(result)))

    def left(self, variants: Sequence[Variant]) -> list[Variant]:
        """The variants that did not come out as expected, or were not finished."""
        left = {result.run for result in self.results if not _is_settled(result)}
        return [variant for variant in variants if f"{variant.scenario.name}:{variant.name}" in left]


def _is_settled(result: Judged) -> bool:
    return result.as_expected and result.complete
