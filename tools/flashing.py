"""``deltabench flash``: an image into the memories of a board, by the bootloader of its microcontroller."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import click

from deltabench.hwsim.devboard.spec import DEFAULT_BOARD, FIRMWARE
from deltabench.scenarios.verdict import is_stdout
from deltabench.tools.console import transfer_bar
from deltabench.tools.exits import Exit
from deltabench.tools.numbers import Address, AddressRange, Range
from deltabench.tools.report import counted
from deltabench.tools.result_files import check_result_files, force_option

if TYPE_CHECKING:
    from deltabench.hwsim.devboard.spec import DevBoardFile
    from deltabench.scenarios.images.memory_image import MemoryImage
    from deltabench.tools.stm32.flashing import Flashed
    from deltabench.tools.stm32.session import Session
    from deltabench.tools.stm32.transport import Parity

BAUDS: Final = click.IntRange(1_200, 4_000_000)
NO_ADDRESS: Final = -1
"""Go was asked for, and nobody said where."""


class GoAddress(Address):
    """An address, or none given."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        return NO_ADDRESS if value == NO_ADDRESS else super().convert(value, param, ctx)


@click.command("flash", short_help="Flash an image to a board over its serial line.")
@click.argument("image", required=False, metavar="[IMAGE]", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--port", required=True, metavar="URL", help="Device, or any URL of pyserial: socket://localhost:3155.")
@click.option("--baud", type=BAUDS, default=115_200, show_default=True, help="Rate of the line.")
@click.option(
    "--parity",
    type=click.Choice(["even", "none"]),
    default="even",
    show_default=True,
    help="The bootloader wants even parity; an adapter that has none needs 'none'.",
)
@click.option("--board", default=DEFAULT_BOARD, show_default=True, help="A board that comes along, or a board file.")
@click.option("--address", type=Address(), help="Where the bytes of a raw binary begin.")
@click.option("--diff", is_flag=True, help="Write what differs, and keep what the image does not say.")
@click.option("--verify/--no-verify", default=True, show_default=True, help="Read back what was written.")
@click.option(
    "--go",
    "go_address",
    type=GoAddress(),
    is_flag=False,
    flag_value=NO_ADDRESS,
    metavar="[ADDRESS]",
    help="Start the firmware afterwards; without ADDRESS where the board file has it.",
)
@click.option(
    "--read",
    "read_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Read --range into a file: Intel HEX or S-record by its suffix, or else raw binary.",
)
@click.option("--range", "ranges", multiple=True, type=AddressRange(), metavar="ADDRESS:LENGTH", help="What to read.")
@click.option(
    "--retries",
    type=click.IntRange(0, 100),
    default=3,
    show_default=True,
    help="How often a command is repeated, and a lost line opened again with nothing done in between.",
)
@force_option
def flash_command(
    image: Path | None,
    port: str,
    baud: int,
    parity: str,
    board: str,
    address: int | None,
    diff: bool,
    verify: bool,
    go_address: int | None,
    read_file: Path | None,
    ranges: tuple[Range, ...],
    retries: int,
    force: bool,
) -> int:
    """Erase what has to be erased, write IMAGE (Intel HEX, S-record or raw binary), and read it back.

    Exits with 1 if the board does not hold what it acknowledged, and with 4 if it cannot be flashed.
    """
    if image is None and read_file is None and go_address is None:
        raise click.UsageError("nothing to do: give an IMAGE, --read FILE or --go")
    if (read_file is None) != (not ranges):
        raise click.UsageError("--read FILE and --range ADDRESS:LENGTH belong together")
    check_result_files({"--read": read_file}, force=force)
    # Imported here, so that the command line answers before pyserial is loaded.
    from deltabench.hwsim.devboard.spec import load_board
    from deltabench.scenarios.images.memory_image import (
        MOST_BYTES,
        Format,
        MemoryImage,
        format_of,
        load_image,
        write_image,
    )
    from deltabench.tools.stm32.chip_map import ChipMap
    from deltabench.tools.stm32.errors import VerifyError
    from deltabench.tools.stm32.flashing import Flashing
    from deltabench.tools.stm32.plan import plan

    if sum(length for _, length in ranges) > MOST_BYTES:
        raise click.UsageError(f"--range: more than the {MOST_BYTES >> 20} MiB that an image may hold")
    read_as = format_of(read_file) or Format.BIN if read_file is not None else Format.BIN
    if read_as is Format.BIN and len(ranges) > 1:
        raise click.UsageError("a raw binary has one --range; a file with addresses (.hex, .srec) may have several")
    file = load_board(board)
    if go_address not in (None, NO_ADDRESS) and not any(
        stretch.address <= go_address < stretch.end for stretch in file.executable
    ):
        where = ", ".join(map(str, file.executable))
        raise click.UsageError(f"--go 0x{go_address:08X}: nothing can be started there; allowed: {where}")
    contents = load_image(image, address) if image is not None else MemoryImage()
    steps = plan(ChipMap(file, contents), contents)
    session = open_session(port, baud, cast("Parity", parity), file, retries)
    data_on_stdout = read_file is not None and is_stdout(read_file)
    try:
        session.open()
        if image is not None:
            with transfer_bar("flashing") as advance:
                flashed = Flashing(session, diff=diff, verify=verify, advance=advance).run(steps)
            _print_flashed(flashed, session, baud, cast("Parity", parity), contents, err=data_on_stdout)
        if read_file is not None:
            with transfer_bar("reading") as advance:
                held = Flashing(session, diff=False, verify=False, advance=advance).read(ranges)
            write_image(held, read_file, read_as)
            if not data_on_stdout:
                click.echo(f"{len(held):,} bytes read to {read_file}")
        if go_address is not None:
            start = file.regions[FIRMWARE].address if go_address == NO_ADDRESS else go_address
            session.carry_through(lambda: session.client.go(start))
            click.echo(f"started at 0x{start:08X}", err=data_on_stdout)
    except VerifyError as error:
        click.echo(f"deltabench: {error}", err=True)
        return Exit.VIOLATED
    finally:
        session.close()
    return Exit.OK


def open_session(port: str, baud: int, parity: Parity, board: DevBoardFile, retries: int) -> Session:
    """A session with the board on a port, not opened yet; it tells of interruptions on standard error."""
    from deltabench.scenarios.boards.clock import SystemClock
    from deltabench.tools.stm32.line_rate import character_s
    from deltabench.tools.stm32.session import Session
    from deltabench.tools.stm32.transport import SerialPort
    from deltabench.tools.stm32.waking import leave_application

    return Session(
        lambda: SerialPort(port, baud, parity),
        board,
        SystemClock(),
        character_s=character_s(baud, parity),
        retries=retries,
        where=f"{port} at {baud:,} baud, {parity} parity",
        wake=leave_application,
        told=lambda text: click.echo(f"deltabench: {text}", err=True),
    )


def _print_flashed(
    flashed: Flashed, session: Session, baud: int, parity: Parity, image: MemoryImage, *, err: bool
) -> None:
    from deltabench.tools.stm32.line_rate import character_s

    lines = []
    if flashed.equal_bytes:
        lines.append(f"{flashed.equal_bytes:,} of {len(image):,} bytes are there already")
    if flashed.erased_blocks:
        lines.append(f"{counted(flashed.erased_blocks, 'block')} erased, {flashed.erased_bytes >> 10:,} KiB")
    if flashed.written_bytes:
        line_s = flashed.line_characters * character_s(baud, parity)
        share = line_s / flashed.writing_s if flashed.writing_s else 0
        # A pseudo-terminal or a socket may be faster than any line of that rate.
        allowed = f", {share:.1%} of what {baud:,} baud allow" if share <= 1.01 else ", which no line limits"
        lines.append(f"{flashed.written_bytes:,} bytes written at {flashed.bytes_per_s:,.0f} B/s{allowed}")
    if flashed.verified_bytes:
        lines.append(f"{flashed.verified_bytes:,} bytes read back, all as they should be")
    if session.resumptions or session.repeats:
        lines.append(
            f"{counted(session.repeats, 'command')} repeated, the line lost {counted(session.resumptions, 'time')}"
        )
    for line in lines or ["nothing to write"]:
        click.echo(line, err=err)
