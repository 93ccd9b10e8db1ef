"""The terminal: colour and progress only where somebody looks; plain text in pipes and with NO_COLOR."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from deltabench.scenarios import campaign

PIPED_WIDTH = 100


def make_console() -> Console:
    """Standard output; text that is piped is not folded to a terminal's width."""
    piped = not sys.stdout.isatty()
    return Console(highlight=False, width=PIPED_WIDTH if piped else None, soft_wrap=piped)


@contextmanager
def progress_bar() -> Iterator[campaign.Report]:
    """A bar on standard error while a campaign runs; nothing if that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with Progress(
        TextColumn("cutting power"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("steps"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("", total=None)

        def report(progress: campaign.Progress) -> None:
            bar.update(task, completed=progress.done, total=progress.total)

        yield report
