"""``deltabench image``: builds images of a board's memory, and looks into them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deltabench.hwsim.devboard.spec import DEFAULT_BOARD
from deltabench.tools.console import make_console
from deltabench.tools.exits import Exit
from deltabench.tools.numbers import Address
from deltabench.tools.result_files import check_result_files, force_option, json_option

if TYPE_CHECKING:
    from deltabench.scenarios.images.decode import Decoded
    from deltabench.scenarios.images.device import Device
    from deltabench.scenarios.images.memory_image import Format
    from deltabench.scenarios.scenario import Variant


FORMATS = ("hex", "srec", "bin")
REGIONS = ("firmware", "configuration", "labels", "maps", "volume-a", "volume-b", "nand")
given_file = click.Path(path_type=Path, dir_okay=False)


@click.group("image", short_help="Build, inspect, compare and take apart images for real boards.")
def image_group() -> None:
    """Images of a board's memory: the firmware, its configuration, and what it keeps on the storage devices."""


@image_group.command("build", short_help="Write an image to be flashed.")
@click.argument("variant", metavar="[SCENARIO[:VARIANT]]", required=False)
@click.option("-o", "--output", type=given_file, required=True, help="The image file to write.")
@click.option("--format", "format_name", type=click.Choice(FORMATS), help="Its format.  [default: as its name ends]")
@click.option(
    "--board",
    metavar="BOARD",
    default=DEFAULT_BOARD,
    show_default=True,
    help="A board that comes with deltabench, or a board file.",
)
@click.option("--elf", type=given_file, help="Put in the firmware of an ELF file.")
@click.option("--at", type=click.IntRange(min=0), metavar="N", help="The device after N actions of the scenario.")
@click.option("--crash", metavar="ID", help="The device as a crash leaves it, before the recovery; names the scenario.")
@click.option("--save-point", type=given_file, help="The volume's save-point image: a raw file, the rest is zeros.")
@click.option("--live", type=given_file, help="The volume's live image likewise.  [default: as the save point]")
@click.option("--on-b", metavar="UNITS", help="Units with their primary on B, as 0-3,7 or all.  [default: none]")
@click.option("--written", metavar="UNITS", help="Units written since the save point.  [default: those that differ]")
@click.option(
    "--region", "regions", multiple=True, type=click.Choice(REGIONS), help="Only this region (may be repeated)."
)
@json_option
@force_option
def build_command(
    variant: str | None,
    output: Path,
    format_name: str | None,
    board: str,
    elf: Path | None,
    at: int | None,
    crash: str | None,
    save_point: Path | None,
    live: Path | None,
    on_b: str | None,
    written: str | None,
    regions: tuple[str, ...],
    json_file: Path | None,
    force: bool,
) -> int:
    """Write an image of the device of a scenario, of a firmware, or of both.

    The device is factory-fresh, unless --at, --crash, or contents are given. The same input gives the same bytes.
    """
    from deltabench.hwsim.devboard.spec import FIRMWARE, load_board
    from deltabench.scenarios.images.build import build_image
    from deltabench.scenarios.images.elf import read_elf
    from deltabench.scenarios.images.memory_image import write_image
    from deltabench.scenarios.verdict import write_whole
    from deltabench.tools.image_build_view import build_as_json, print_build

    contents = {"--save-point": save_point, "--live": live, "--on-b": on_b, "--written": written}
    contents = {option: value for option, value in contents.items() if value is not None}
    _check_together(variant, elf, at, crash, tuple(contents))
    check_result_files({"--output": output, "--json": json_file}, force=force)
    file_format = _format(output, format_name)
    file = load_board(board)
    firmware = read_elf(elf, file.regions[FIRMWARE]) if elf else None
    device = None
    if crash is not None or variant is not None:
        device = _device(variant, at, crash, save_point, live, on_b, written)
    built = build_image(file, device, firmware, elf, regions)
    write_image(built.image, output, file_format)
    if json_file is not None:
        write_whole(json_file, build_as_json(built, file, output))
    print_build(make_console(), built, file, output)
    return Exit.OK


def _check_together(
    variant: str | None, elf: Path | None, at: int | None, crash: str | None, contents: tuple[str, ...]
) -> None:
    """Options that have no meaning together, or alone."""
    states = [*(("--at",) if at is not None else ()), *(("--crash",) if crash else ()), *contents[:1]]
    if len(states) > 1:
        raise click.UsageError(f"{states[0]} and {states[1]} each say what is on the device; give one of them")
    if crash is not None and variant is not None:
        raise click.UsageError(f"--crash {crash} names its scenario and variant; leave out {variant}")
    if variant is None and crash is None:
        if states:
            raise click.UsageError(f"{states[0]} is about the device of a scenario; name one, as demo:flagged-nor")
        if elf is None:
            raise click.UsageError("nothing to build an image of: name a scenario, as demo:flagged-nor, or give --elf")


def _format(output: Path, format_name: str | None) -> Format:
    from deltabench.scenarios.images.memory_image import SUFFIXES, Format, format_of

    file_format = Format(format_name) if format_name else format_of(output)
    if file_format is None:
        known = ", ".join(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
        raise click.UsageError(f"{output}: its name ends in none of {known}; say with --format what to write")
    return file_format


def _device(
    variant: str | None,
    at: int | None,
    crash: str | None,
    save_point: Path | None,
    live: Path | None,
    on_b: str | None,
    written: str | None,
) -> Device:
    from deltabench.scenarios.crash_id import parse_crash_id
    from deltabench.scenarios.images import device
    from deltabench.scenarios.images.units import parse_units
    from deltabench.scenarios.scenario import find_scenario

    if crash is not None:
        path = parse_crash_id(crash)
        return device.after_crash(find_scenario(path.scenario).variant(path.variant), path)
    assert variant is not None, "checked before"
    found = one_variant(variant)
    if at is not None:
        return device.after_actions(found, at)
    units = found.firmware.units
    if all(given is None for given in (save_point, live, on_b, written)):
        return device.factory_fresh(found)
    return device.with_contents(
        found,
        device.Contents(
            save_point=_raw(save_point) if save_point else b"",
            live=_raw(live) if live else None,
            on_b=parse_units(on_b, units, "--on-b") if on_b else 0,
            written=parse_units(written, units, "--written") if written else None,
        ),
    )


def one_variant(reference: str) -> Variant:
    """The variant that ``SCENARIO:VARIANT`` names; without a colon, the only one that the scenario has."""
    from deltabench.scenarios.errors import ScenarioError
    from deltabench.scenarios.scenario import find_scenario, library_names

    scenario, _, name = reference.rpartition(":")
    if not scenario or reference in library_names() or Path(reference).is_file():
        scenario, name = reference, ""
    found = find_scenario(scenario)
    if name:
        return found.variant(name)
    variants = found.variants()
    if len(variants) > 1:
        names = ", ".join(variant.name for variant in variants)
        raise ScenarioError(f"{reference}: has several variants; name one, as {reference}:{variants[0].name}: {names}")
    return variants[0]


address_option = click.option(
    "--address", type=Address(), metavar="ADDRESS", help="Where on the bus a raw binary begins, as 0x90000000."
)
config_option = click.option(
    "--config", metavar="SCENARIO:VARIANT", help="What a dump without a configuration block is from."
)
board_option = click.option(
    "--board", metavar="BOARD", help=f"With --config: the board or board file.  [default: {DEFAULT_BOARD}]"
)


@image_group.command("inspect", short_help="Say what is in an image, and what a boot would do with it.")
@click.argument("file", type=given_file)
@address_option
@config_option
@board_option
@click.option("--units", metavar="UNITS", help="Show the map entries of these units, as 0-3,7 or all.")
@click.option("--all", "everything", is_flag=True, help="Print every atom, record, region and rule as well.")
@json_option
@force_option
def inspect_command(
    file: Path,
    address: int | None,
    config: str | None,
    board: str | None,
    units: str | None,
    everything: bool,
    json_file: Path | None,
    force: bool,
) -> int:
    """Decode FILE, an image or a dump read from a board: Intel HEX, S-record or raw binary.

    Exits with 0 if every structural rule holds, or will once the device has booted; with 1 if one is broken.
    """
    check_result_files({"--json": json_file}, force=force)
    from deltabench.scenarios.images.documents import as_json
    from deltabench.scenarios.images.inspect import inspect
    from deltabench.scenarios.images.units import parse_units
    from deltabench.scenarios.verdict import write_whole
    from deltabench.tools.image_view import print_inspection

    decoded = _open(file, address, config, board)
    wanted = parse_units(units, decoded.places.firmware.units, "--units") if units else None
    seen = inspect(decoded, file)
    if json_file is not None:
        write_whole(json_file, as_json(seen))
    print_inspection(make_console(), seen, everything=everything, units=wanted)
    return Exit.OK if seen.rules_hold else Exit.VIOLATED


@image_group.command("diff", short_help="Say how two images differ, by structure.")
@click.argument("one", metavar="A", type=given_file)
@click.argument("other", metavar="B", type=given_file)
@address_option
@config_option
@board_option
@json_option
@force_option
def diff_command(
    one: Path,
    other: Path,
    address: int | None,
    config: str | None,
    board: str | None,
    json_file: Path | None,
    force: bool,
) -> int:
    """Compare two images: maps by unit, labels, map store, and which sectors of the volumes differ.

    Exits with 0 if they hold the same, and with 1 if they do not.
    """
    check_result_files({"--json": json_file}, force=force)
    from deltabench.scenarios.images.diff import diff_images
    from deltabench.scenarios.images.documents import as_json
    from deltabench.scenarios.verdict import write_whole
    from deltabench.tools.image_view import print_diff

    images = [_open(file, address, config, board) for file in (one, other)]
    found = diff_images(images[0], images[1], one, other)
    if json_file is not None:
        write_whole(json_file, as_json(found))
    print_diff(make_console(), found)
    return Exit.OK if found.same else Exit.VIOLATED


@image_group.command("extract", short_help="Take the volume out of an image as raw files.")
@click.argument("file", type=given_file)
@click.option("--live", type=given_file, help="Write what the host would read.")
@click.option("--save-point", type=given_file, help="Write what the host would read after a RESTORE.")
@address_option
@config_option
@board_option
@force_option
def extract_command(
    file: Path,
    live: Path | None,
    save_point: Path | None,
    address: int | None,
    config: str | None,
    board: str | None,
    force: bool,
) -> int:
    """Write the live image, the save-point image, or both, as raw files of the volume's sectors.

    Sectors that FILE does not have are zeros there, and are named; then it exits with 1.
    """
    if live is None and save_point is None:
        raise click.UsageError("nothing to write: give --live, --save-point or both")
    check_result_files({"--live": live, "--save-point": save_point}, force=force)
    from deltabench.scenarios.images.errors import ImageError
    from deltabench.scenarios.images.extract import extract
    from deltabench.scenarios.images.units import shown_units
    from deltabench.scenarios.verdict import write_whole

    try:
        found = extract(_open(file, address, config, board))
    except ImageError as error:
        raise ImageError(str(error) if str(error).startswith(str(file)) else f"{file}: {error}") from error
    code = Exit.OK
    for path, volume in ((live, found.live), (save_point, found.save_point)):
        if path is None:
            continue
        write_whole(path, volume.data)
        click.echo(f"{path}: {len(volume.data):,} bytes")
        if volume.unreadable:
            click.echo(f"  zeros in the place of sectors that the image lacks: LBA {shown_units(volume.unreadable)}")
            code = Exit.VIOLATED
    return code


def _open(file: Path, address: int | None, config: str | None, board: str | None) -> Decoded:
    from deltabench.hwsim.devboard.spec import load_board
    from deltabench.scenarios.images.build import configuration_of
    from deltabench.scenarios.images.device import factory_fresh
    from deltabench.scenarios.images.inspect import open_image
    from deltabench.scenarios.images.memory_image import load_image

    if board is not None and config is None:
        raise click.UsageError("--board says where the devices of --config lie; an image with its configuration knows")
    image = load_image(file, address)
    given = None if config is None else configuration_of(load_board(board), factory_fresh(one_variant(config)))
    return open_image(image, file, given)


def _raw(path: Path) -> bytes:
    from deltabench.scenarios.images.memory_image import read_raw

    return read_raw(path)
