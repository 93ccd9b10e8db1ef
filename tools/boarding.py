"""``deltabench board``: an emulated development board on a pseudo-terminal or a TCP port, to be flashed and used."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from deltabench.hwsim.board import BoardSpec, DeviceSpec
from deltabench.hwsim.clock import MediaTime
from deltabench.hwsim.devboard.spec import DEFAULT_BOARD, DevBoardFile, load_board, storage_part
from deltabench.tools.exits import Exit
from deltabench.tools.flashing import BAUDS

if TYPE_CHECKING:
    from deltabench.scenarios.boards.emulated import EmulatedBoard
    from deltabench.tools.emulation.endpoints import Endpoint

SENSIBLE: Final = {
    "disk0": DeviceSpec(part="generic-disk", sectors=4096),
    "disk1": DeviceSpec(part="generic-disk", sectors=4096),
    "nor0": DeviceSpec(part="W25Q64JV"),
    "nand0": DeviceSpec(part="MT29F1G08ABADA"),
    "fram0": DeviceSpec(part="FM25V10"),
}
KIND_OF: Final = {"disk0": "disk", "disk1": "disk", "nor0": "nor", "nand0": "nand", "fram0": "nvram"}
DARK_S: Final = 1.0
"""How long the power stays away after --cut-after."""


class Device(click.ParamType[tuple[str, DeviceSpec]]):
    """``NAME=PART`` or, of a disk, ``NAME=PART:SECTORS``, and of NAND flash, ``NAME=PART:BLOCKS``."""

    name = "device"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, DeviceSpec]:
        if not isinstance(value, str):
            return tuple(value)
        name, _, part = value.partition("=")
        part, colon, digits = part.partition(":")
        if not name or not part or (colon and not digits.isdecimal()):
            self.fail(f"{value!r} is no device; examples: nor0=W25Q64JV, disk0=generic-disk:4096", param, ctx)
        size = int(digits) if digits else None
        if size is not None and storage_part(part, None).kind == "nand":
            return name, DeviceSpec(part=part, blocks=size)
        return name, DeviceSpec(part=part, sectors=size)


class HostAndPort(click.ParamType[tuple[str, int]]):
    """``HOST:PORT``."""

    name = "host:port"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        if not isinstance(value, str):
            return tuple(value)
        host, _, port = value.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 0xFFFF:
            self.fail(f"{value!r} is no place to listen; an example: localhost:3155 (port 0: any free one)", param, ctx)
        return host, int(port)


@click.command("board", short_help="Emulate a development board on a serial line.")
@click.argument("scenario", required=False, metavar="[SCENARIO]")
@click.option("--board", default=DEFAULT_BOARD, show_default=True, help="A board that comes along, or a board file.")
@click.option(
    "--device",
    "devices",
    type=Device(),
    multiple=True,
    metavar="NAME=PART[:SIZE]",
    help="A part in a socket; SIZE: sectors of a disk, or blocks of NAND flash.  [default: the devices of SCENARIO; or "
    "two disks, a NOR flash, a NAND flash and an FRAM, as they fit]",
)
@click.option("--link", type=click.Path(path_type=Path), help="Make a symbolic link to the pseudo-terminal.")
@click.option("--listen", type=HostAndPort(), metavar="HOST:PORT", help="A TCP port instead of a pseudo-terminal.")
@click.option("--baud", type=BAUDS, help="Let the line take its time: 11 bits a character.  [default: no time]")
@click.option(
    "--timing",
    type=click.Choice([media_time.value for media_time in MediaTime]),
    help="Let the media take their time, by their datasheets.  [default: no time]",
)
@click.option(
    "--cut-after",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Power fails inside the N-th media operation, and comes back {DARK_S:g} s later.",
)
@click.option("--quiet", is_flag=True, help="Do not say on standard error what happens.")
def board_command(
    scenario: str | None,
    board: str,
    devices: tuple[tuple[str, DeviceSpec], ...],
    link: Path | None,
    listen: tuple[str, int] | None,
    baud: int | None,
    timing: str | None,
    cut_after: int | None,
    quiet: bool,
) -> int:
    """Run a board, with the devices of SCENARIO in its sockets, until Ctrl-C; it begins blank, and in its bootloader.

    Prints the port that clients connect to. They may go and come back: the board stays as it is.
    """
    if scenario is not None and devices:
        raise click.UsageError("SCENARIO says which devices there are; give --device or SCENARIO")
    if link is not None and listen is not None:
        raise click.UsageError("--link is for a pseudo-terminal, and --listen takes a TCP port instead")
    from deltabench.scenarios.boards.emulated import EmulatedBoard
    from deltabench.tools.emulation.log import BoardLog
    from deltabench.tools.emulation.paced_line import PacedLine
    from deltabench.tools.emulation.server import Server
    from deltabench.tools.stm32.line_rate import character_s

    file = load_board(board)
    spec = _spec(file, scenario, devices)
    log = BoardLog((lambda _: None) if quiet else _say, time.monotonic)
    with _endpoint(link, listen) as endpoint, _ended_by_signal():
        emulated = EmulatedBoard(file, spec, timed=MediaTime(timing) if timing else None, told=log.told)
        supply = _Supply(emulated)
        if cut_after is not None:
            supply.cut_after(cut_after)
        click.echo(endpoint.url)
        line = PacedLine(emulated, character_s(baud, "even") if baud else 0.0, lambda: emulated.chip.media_ns)

        def between() -> None:
            log.look()
            supply.look()

        Server(line, endpoint, time.monotonic, between).run()
    log.flush()
    return Exit.OK


class _Supply:
    """The power cut of --cut-after.  Any other is its own client's affair, who switches power on again."""

    def __init__(self, emulated: EmulatedBoard) -> None:
        self._emulated = emulated
        self._armed = False
        self._dark_since_s: float | None = None

    def cut_after(self, operations: int) -> None:
        """Let power fail inside that operation, half-way as far as its outcomes say."""
        self._emulated.chip.cut_at(operations, lambda many: many // 2)
        self._armed = True

    def look(self) -> None:
        """Bring power back when its time has come, once."""
        if not self._armed or self._emulated.chip.on:
            return
        now_s = time.monotonic()
        if self._dark_since_s is None:
            self._dark_since_s = now_s
        elif now_s - self._dark_since_s >= DARK_S:
            self._armed = False
            self._emulated.chip.power_on()


def _spec(file: DevBoardFile, scenario: str | None, devices: tuple[tuple[str, DeviceSpec], ...]) -> BoardSpec:
    if scenario is not None:
        from deltabench.scenarios.build import parts_named_from_anywhere
        from deltabench.scenarios.scenario import find_scenario

        found = find_scenario(scenario)
        return parts_named_from_anywhere(found.document.board, found.path.parent)
    if devices:
        names = [name for name, _ in devices]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise click.UsageError(f"--device {twice}=…: there are two of that name")
        return BoardSpec(devices=dict(devices))
    return BoardSpec(devices={name: device for name, device in SENSIBLE.items() if KIND_OF[name] in file.spec.sockets})


@contextmanager
def _endpoint(link: Path | None, listen: tuple[str, int] | None) -> Iterator[Endpoint]:
    from deltabench.tools.emulation.endpoints import PseudoTerminal, TcpPort

    endpoint = TcpPort(*listen) if listen is not None else PseudoTerminal(link)
    try:
        yield endpoint
    finally:
        endpoint.close()


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    """Ctrl-C, or being told to terminate, is how a board is switched off: nothing has gone wrong."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        return
    finally:
        signal.signal(signal.SIGTERM, before)


def _say(line: str) -> None:
    click.echo(line, err=True)
