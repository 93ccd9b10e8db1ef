"""``deltabench plot``, ``report`` and ``compare``: pictures of results, in files, on one page, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.verdict import write_whole
from deltabench.tools.console import make_console, print_table
from deltabench.tools.exits import Exit
from deltabench.tools.result_files import check_result_files, force_option

if TYPE_CHECKING:
    from rich.console import Console

    from deltabench.scenarios.documents import Document
    from deltabench.tools.comparing import Comparison, Line, Pair, Value
    from deltabench.tools.pictures.style import Picture

FIGURE_COLUMNS = 34
"""Of a comparison: so wide are the names of what is compared, at 80 columns."""


@click.command("plot", short_help="Draw pictures of a result.")
@click.argument("result", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder to write to; it is made if it is not there.",
)
@click.option("--only", multiple=True, metavar="NAME", help="Only pictures whose name begins so (may be repeated).")
@click.option("--format", "suffix", type=click.Choice(["svg", "png"]), default="svg", show_default=True)
@click.option("--list", "only_list", is_flag=True, help="Print names and titles, and write nothing.")
@force_option
def plot_command(result: Path, folder: Path, only: tuple[str, ...], suffix: str, only_list: bool, force: bool) -> int:
    """Draw what is in RESULT, a file that --json of run, measure, holdup or endure wrote: one file a picture.

    Prints the name and the title of each, and exits with 5 if there is none to draw.
    """
    from deltabench.scenarios.documents import read_document
    from deltabench.tools.pictures.gallery import chapters

    found = [picture for chapter in chapters(read_document(result)) for picture in chapter.pictures]
    wanted = [picture for picture in found if not only or picture.name.startswith(only)]
    if not wanted:
        names = ", ".join(picture.name for picture in found)
        why = f"no picture has a name that begins so; there is {names}" if names else "there are no runs in it"
        click.echo(f"deltabench: {result}: {why}", err=True)
        return Exit.NOTHING
    drawn = [picture for picture in wanted if picture.draw]
    if not only_list:
        folder.mkdir(parents=True, exist_ok=True)
        files = {picture.name: folder / f"{picture.name}.{suffix}" for picture in drawn}
        check_result_files({str(path): path for path in files.values()}, force=force)
        for picture in drawn:
            write_whole(files[picture.name], _drawn(picture, suffix))
    for picture in wanted:
        if picture.draw:
            shown = picture.name if only_list else str(folder / f"{picture.name}.{suffix}")
            click.echo(f"{shown}\n  {picture.title}")
        else:
            click.echo(f"no picture: {picture.title}. {picture.caption}")
    return Exit.OK if drawn else Exit.NOTHING


def _drawn(picture: Picture, suffix: str) -> str | bytes:
    from deltabench.tools.pictures.style import to_png, to_svg_file

    return to_png(picture) if suffix == "png" else to_svg_file(picture)


@click.command("report", short_help="Put all results of a folder on one HTML page.")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "-o",
    "--output",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write.  [default: report.html in the folder]",
)
@force_option
def report_command(folder: Path, page: Path | None, force: bool) -> int:
    """Write one HTML page with the pictures and tables of every JSON result in FOLDER. It needs nothing else to open.

    Files that are no results are named and left out; it exits with 5 if no file is left.
    """
    page = page or folder / "report.html"
    check_result_files({"--output": page}, force=force)
    documents, skipped = read_folder(folder)
    for reason in skipped:
        click.echo(f"left out: {reason}", err=True)
    if not documents:
        click.echo(f"deltabench: {folder}: there is no result in the folder to report on", err=True)
        return Exit.NOTHING
    from deltabench.tools.pictures.page import report_page

    write_whole(page, report_page(documents, skipped))
    click.echo(f"{page}: {', '.join(path.name for path, _ in documents)}")
    return Exit.OK


def read_folder(folder: Path) -> tuple[list[tuple[Path, Document]], list[str]]:
    """The documents in a folder, by name, and why each other JSON file is none."""
    from deltabench.scenarios.documents import read_document

    documents: list[tuple[Path, Document]] = []
    skipped: list[str] = []
    for path in sorted(folder.glob("*.json")):
        try:
            documents.append((path, read_document(path)))
        except ScenarioError as error:
            skipped.append(str(error))
    return documents, skipped


@click.command("compare", short_help="Put two results side by side.")
@click.argument("one", metavar="A", type=click.Path(path_type=Path))
@click.argument("other", metavar="B", type=click.Path(path_type=Path))
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write an HTML page with the pictures of both side by side, too.",
)
@click.option("--all", "everything", is_flag=True, help="Print what is the same in both as well.")
@force_option
def compare_command(one: Path, other: Path, page: Path | None, everything: bool, force: bool) -> int:
    """Compare two results of one kind: runs of the same name, and those that are left in their order.

    Prints what differs, with the ratio of B to A.
    """
    check_result_files({"--html": page}, force=force)
    from deltabench.scenarios.documents import read_document, schema_of
    from deltabench.tools.comparing import compare

    documents = read_document(one), read_document(other)
    schemas = [schema_of(document) for document in documents]
    if schemas[0] != schemas[1]:
        raise click.UsageError(f"{one} is a {schemas[0]} and {other} a {schemas[1]}; compare two of one schema")
    comparison = compare(*documents)
    if not comparison.pairs:
        click.echo(f"deltabench: {one} and {other} have no runs to compare", err=True)
        return Exit.NOTHING
    if page:
        write_whole(page, _page(one, other, comparison))
    print_comparison(make_console(), one, other, comparison, everything=everything)
    if page:
        click.echo(f"\n{page}: the pictures of both, side by side")
    return Exit.OK


def print_comparison(
    console: Console, one: Path, other: Path, comparison: Comparison, *, everything: bool = False
) -> None:
    """A table a pair of runs."""
    from rich.markup import escape
    from rich.table import Table

    console.print(f"A  {escape(str(one))}\nB  {escape(str(other))}")
    for pair in comparison.pairs:
        console.print(f"\n[bold]{escape(_names(pair))}[/bold]")
        lines = list(pair.lines) if everything else pair.different
        if lines:
            table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
            table.add_column("", min_width=FIGURE_COLUMNS, overflow="fold")
            for heading in ("A", "B", "B / A"):
                table.add_column(heading, justify="right", overflow="fold")
            for line in lines:
                table.add_row(escape(line.name), *(escape(text) for text in _cells(line)))
            print_table(console, table)
        same = len(pair.lines) - len(lines)
        if same:
            console.print(f"{same} figures are the same in both." if lines else f"All {same} figures are the same.")
    for name, runs in (("A", comparison.only_one), ("B", comparison.only_other)):
        if runs:
            console.print(f"\nOnly in {name}: {escape(', '.join(runs))}")


def _names(pair: Pair) -> str:
    return pair.one.run if pair.one.run == pair.other.run else f"A: {pair.one.run}   B: {pair.other.run}"


def _cells(line: Line) -> Sequence[str]:
    from deltabench.tools.pictures.words import digits

    ratio = line.ratio
    return _value(line.one, line.unit), _value(line.other, line.unit), "" if ratio is None else digits(ratio)


def _value(value: Value, unit: str) -> str:
    from deltabench.tools.comparing import Life
    from deltabench.tools.pictures.words import digits, duration

    if value is None:
        return "–"
    if isinstance(value, Life):
        return value.words
    if isinstance(value, str):
        return value
    if unit == "ns":
        return duration(value)
    text = f"{value:,}" if isinstance(value, int) else digits(value)
    return f"{text} {unit}" if unit in ("days", "years", "bytes") else text


def _page(one: Path, other: Path, comparison: Comparison) -> str:
    from deltabench.tools.comparing import together
    from deltabench.tools.pictures.page import comparison_page
    from deltabench.tools.pictures.style import Table

    pairs = []
    for pair in comparison.pairs:
        rows = tuple((line.name, *_cells(line)) for line in pair.lines)
        pairs.append((_names(pair), Table(("", "A", "B", "B / A"), rows), *together(pair)))
    return comparison_page(f"{one.name} and {other.name}", f"A: {one}. B: {other}.", pairs)
