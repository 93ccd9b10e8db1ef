"""``deltabench run --target``: the same scenarios on a board at the end of a serial line."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

import click

DEFAULT_BAUD: Final = 115_200
DEFAULT_CUTS: Final = 100
SERIAL: Final = "serial"
RELAY: Final = "relay:"


class Line(NamedTuple):
    """A serial line as ``--target`` names it: a pyserial URL, and the baud rate."""

    url: str
    baud: int


def parse_target(text: str) -> Line:
    """``serial:///dev/ttyUSB0?baud=115200``, or any URL of pyserial's; raises UsageError."""
    parts = urlsplit(text)
    if parts.scheme != SERIAL:
        return Line(text, DEFAULT_BAUD)
    query = parse_qs(parts.query, keep_blank_values=True)
    baud = query.pop("baud", [str(DEFAULT_BAUD)])[-1]
    if query:
        raise click.UsageError(f"--target {text}: unknown {', '.join(query)}; allowed behind the '?': baud=NUMBER")
    if not baud.isdecimal() or not int(baud):
        raise click.UsageError(f"--target {text}: baud = {baud!r} is no number of bits a second")
    port = parts.netloc + parts.path
    if not port:
        raise click.UsageError(f"--target {text}: names no port; it looks like serial:///dev/ttyUSB0?baud=115200")
    return Line(port, int(baud))


target_option = click.option(
    "--target",
    metavar="URL",
    help="Run on a board: serial:///dev/ttyUSB0?baud=115200, or any pyserial URL (socket://localhost:3155).",
)
cuts_option = click.option(
    "--cuts",
    type=click.IntRange(min=0),
    default=DEFAULT_CUTS,
    show_default=True,
    help="With --target: power cuts a variant at most.",
)
power_option = click.option(
    "--power",
    metavar="WHO",
    default="fixture",
    show_default=True,
    help="With --target: who switches the board's power: fixture (of an emulated board), or relay:PORT.",
)
board_option = click.option(
    "--board", "board_name", metavar="BOARD", help="With --target: the board file, or the name of a board."
)


class Target(NamedTuple):
    """What the command line says of the board."""

    line: Line
    cuts: int
    power: str
    board_name: str | None


def check_together(context: click.Context, target: str | None) -> None:
    """Options that mean nothing without --target, or with it; raises UsageError for the first that was given."""
    given = {
        option: context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        for option, name in (
            ("--cuts", "cuts"), ("--power", "power"), ("--board", "board_name"), ("--jobs", "jobs"),
        )
    }  # fmt: skip
    for option in ("--cuts", "--power", "--board"):
        if given[option] and target is None:
            raise click.UsageError(f"{option} is for runs on a board: add --target URL")
    if given["--jobs"] and target is not None:
        raise click.UsageError("--jobs has no meaning with --target: there is one board")
