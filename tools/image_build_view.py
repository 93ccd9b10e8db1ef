"""What ``deltabench image build`` prints: which region lies where, and what was left out or chosen."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deltabench.hwsim.devboard.spec import DevBoardFile
from deltabench.scenarios.images.build import BuiltImage, BuiltRegion
from deltabench.scenarios.images.documents import ImageBuilt, RegionBuilt, as_json
from deltabench.scenarios.images.places import NAND
from deltabench.tools.console import print_table

MOST_NAMES = 5
SHOWN_DIGITS = 12


def build_as_json(built: BuiltImage, file: DevBoardFile, output: Path) -> str:
    """The document of a built image."""
    elf = built.elf
    return as_json(
        ImageBuilt(
            file=str(output),
            board=file.name,
            device=built.about,
            producers=elf.producers if elf else (),
            compile_units=elf.compile_units if elf else (),
            regions=tuple(
                RegionBuilt(
                    name=region.name,
                    device=region.device,
                    address=region.place.address,
                    size_bytes=region.place.size_bytes,
                    held_bytes=region.held_bytes,
                    sha256=region.sha256,
                    unstable_pages=region.unstable,
                    unreadable_sectors=region.unreadable,
                )
                for region in built.regions
            ),
        )
    )


def print_build(console: Console, built: BuiltImage, file: DevBoardFile, output: Path) -> None:
    """The file, what it is of, and a line a region."""
    sources = ["a firmware"] if built.elf else []
    if built.about:
        sources.append(built.about)
    console.print(f"[bold]{escape(str(output))}[/bold]: {escape(' and '.join(sources))}, for {escape(file.name)}\n")
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("region", no_wrap=True)
    table.add_column("on", no_wrap=True)
    table.add_column("addresses", no_wrap=True)
    table.add_column("bytes", justify="right", no_wrap=True)
    table.add_column("SHA-256", no_wrap=True)
    for region in built.regions:
        held = region.image.segments
        span = f"0x{held[0].address:08X}–0x{held[-1].end - 1:08X}" if held else "–"
        table.add_row(
            region.name, escape(region.device or "chip"), span, f"{region.held_bytes:,}", region.sha256[:SHOWN_DIGITS]
        )
    print_table(console, table)
    notes = [note for region in built.regions for note in _notes(region)]
    if built.elf and built.elf.compile_units:
        units = built.elf.compile_units
        more = f" and {len(units) - MOST_NAMES} more" if len(units) > MOST_NAMES else ""
        notes.append(f"The firmware was compiled from {', '.join(units[:MOST_NAMES])}{more}")
        if built.elf.producers:
            notes[-1] += f" by {', '.join(built.elf.producers[:MOST_NAMES])}"
        notes[-1] += "."
    if notes:
        console.print()
    for note in notes:
        console.print(escape(note))


def _notes(region: BuiltRegion) -> list[str]:
    notes = []
    if region.unstable:
        pages = "1 page" if region.unstable == 1 else f"{region.unstable} pages"
        notes.append(
            f"{region.name}: {pages} may read otherwise next time; the image has the reading that a crash id "
            "names, or the earlier one."
        )
    if region.unreadable and region.name == NAND:
        pages = "1 page has" if region.unreadable == 1 else f"{region.unreadable} pages have"
        notes.append(f"{region.name}: {pages} codewords that cannot be corrected; the image has zeros there.")
    elif region.unreadable:
        sectors = "1 sector" if region.unreadable == 1 else f"{region.unreadable} sectors"
        notes.append(f"{region.name}: {sectors} cannot be read; the image has a gap there.")
    return notes
