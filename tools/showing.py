"""``deltabench scenarios`` and ``deltabench parts``: what comes with deltabench."""

from __future__ import annotations

import json

import click
from rich.markup import escape
from rich.table import Table

from deltabench.hwsim.parts import DiskPart, McuPart, Part, list_parts, load_part
from deltabench.scenarios.scenario import find_scenario, library_names
from deltabench.tools.console import make_console, print_table


@click.command("scenarios", short_help="List the scenario library.")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def scenarios_command(name: str | None, as_json: bool) -> None:
    """List the scenarios that come with deltabench, or print the file of one."""
    if name is not None:
        click.echo(find_scenario(name).path.read_text(encoding="utf-8"), nl=False)
        return
    library = [find_scenario(known) for known in library_names()]
    if as_json:
        rows = [
            {
                "name": scenario.name,
                "title": scenario.document.title,
                "about": scenario.about,
                "covers": scenario.document.covers,
                "variants": [variant.name for variant in scenario.variants()],
            }
            for scenario in library
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("scenario", style="bold", no_wrap=True)
    table.add_column("runs", justify="right")
    table.add_column("what it is about")
    for scenario in library:
        table.add_row(escape(scenario.name), str(len(scenario.variants())), escape(scenario.document.title))
    console = make_console()
    print_table(console, table)
    console.print(f"\n{len(library)} scenarios. Read one: deltabench scenarios NAME. Run it: deltabench run NAME.")


@click.command("parts", short_help="List the real parts.")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def parts_command(name: str | None, as_json: bool) -> None:
    """List the real parts that a board can be built from, or the figures of one and their sources."""
    console = make_console()
    if name is not None:
        part = load_part(name)
        figures = {
            figure: getattr(part, figure)
            for figure in part.__struct_fields__
            if isinstance(getattr(part, figure), int | str | bool) and figure != "name"
        }
        if as_json:
            click.echo(json.dumps({"name": part.name, **figures}, indent=2))
            return
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        for heading in (part.name, "", "source"):
            table.add_column(heading)
        for figure, value in figures.items():
            shown = f"{value:,}" if type(value) is int else str(value)
            table.add_row(figure, escape(shown), escape(_source(part, figure)))
        print_table(console, table)
        return
    parts = list_parts()
    if as_json:
        click.echo(json.dumps([{"name": part.name, "kind": part.kind} for part in parts], indent=2))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("part", style="bold", no_wrap=True)
    table.add_column("kind")
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("what it is")
    for part in parts:
        table.add_row(escape(part.name), part.kind, _size(part), escape(part.description))
    print_table(console, table)
    console.print(
        f"\n{len(parts)} parts. Figures of one, with sources: deltabench parts NAME. How to add one: docs/parts.md."
    )


def _size(part: Part) -> str:
    if isinstance(part, DiskPart):
        size = part.sectors * part.sector_bytes
    else:
        size = part.flash_bytes if isinstance(part, McuPart) else part.size_bytes
    for unit in ("B", "KiB", "MiB"):
        if size < 1 << 10 or (unit == "MiB" and size < 1 << 14):
            return f"{size:,} {unit}"
        size >>= 10
    return f"{size:,} GiB"


def _source(part: Part, figure: str) -> str:
    try:
        return str(part.source_of(figure))
    except KeyError:
        return ""
