"""Files that a command writes its results to: checked before the work, so that none of it is lost."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from pathlib import Path

import click

from deltabench.scenarios.verdict import is_stdout, is_written_in_place

json_option = click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the results to a JSON file."
)
force_option = click.option("--force", is_flag=True, help="Overwrite result files that are there already.")


def check_result_files(files: Mapping[str, Path | None], *, force: bool) -> None:
    """``files`` by option, None where it was not given; raises UsageError for the first that cannot be written."""
    given = [(option, path) for option, path in files.items() if path is not None]
    for (option, path), (other_option, other) in itertools.combinations(given, 2):
        _check_different(option, path, other_option, other)
    for _, path in given:
        _check_writable(path, force=force)


def _check_writable(path: Path, *, force: bool) -> None:
    if is_stdout(path):
        return
    if path.is_file() and not force:
        raise click.UsageError(f"{path} is there already; remove it, choose another name, or give --force")
    if is_written_in_place(path) and path.exists():
        if not os.access(path, os.W_OK):
            raise click.UsageError(f"{path}: cannot be written to")
        return
    folder = path.resolve().parent if path.is_symlink() else path.parent
    if not folder.is_dir():
        raise click.UsageError(f"{path}: the folder {folder} does not exist")
    if not os.access(folder, os.W_OK):
        raise click.UsageError(f"{path}: the folder {folder} cannot be written to")


def _check_different(option: str, path: Path, other_option: str, other: Path) -> None:
    """One of them would be lost."""
    same = path.resolve() == other.resolve()
    if same or (path.exists() and other.exists() and path.samefile(other)):
        raise click.UsageError(f"{option} {path} and {other_option} {other} name the same file; choose two")
