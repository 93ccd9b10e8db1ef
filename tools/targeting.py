"""``deltabench run --target``: the same scenarios on a board at the end of a serial line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from deltabench.scenarios.boards.campaign import BoardRun
    from deltabench.scenarios.boards.power_switch import PowerSwitch
    from deltabench.scenarios.campaign import Report
    from deltabench.scenarios.scenario import Variant
    from deltabench.tools.stm32.transport import SerialPort

DEFAULT_BAUD: Final = 115_200
DEFAULT_CUTS: Final = 100
SERIAL: Final = "serial"
FIXTURE: Final = "fixture"
RELAY: Final = "relay:"


class Line(NamedTuple):
    """A serial line as ``--target`` names it: a pyserial URL, and the baud rate."""

    url: str
    baud: int


def parse_target(text: str) -> Line:
    """``serial:///dev/ttyUSB0?baud=115200``, or any URL of pyserial's; raises UsageError."""
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise click.UsageError(f"--target {text}: is no URL: {error}") from error
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
    type=click.IntRange(min=1),
    default=DEFAULT_CUTS,
    show_default=True,
    help="With --target: power cuts a variant at most.",
)
power_option = click.option(
    "--power",
    metavar="WHO",
    default=FIXTURE,
    show_default=True,
    help="With --target: who switches the board's power: fixture (of an emulated board), or relay:PORT.",
)
board_option = click.option(
    "--board", "board_name", metavar="BOARD", help="With --target: the board file, or the name of a board."
)


class _Port:
    """A serial port as the link wants it: one that goes away is a board that does not answer."""

    def __init__(self, port: SerialPort) -> None:
        self._port = port

    def write(self, data: bytes) -> None:
        with _as_link_error():
            self._port.write(data)

    def receive(self, timeout_s: float) -> bytes:
        with _as_link_error():
            return self._port.receive(timeout_s)


@contextmanager
def _as_link_error() -> Iterator[None]:
    from deltabench.scenarios.boards.link import LinkError
    from deltabench.tools.stm32.errors import PortError

    try:
        yield
    except PortError as error:
        raise LinkError(str(error)) from error


class Target(NamedTuple):
    """What the command line says of the board."""

    line: Line
    cuts: int
    power: str
    board_name: str | None


def target_of(context: click.Context) -> Target | None:
    """The board that a command line names; None for the model.  Raises UsageError for what does not go together."""
    text = context.params["target"]
    for option, name in (("--cuts", "cuts"), ("--power", "power"), ("--board", "board_name")):
        if text is None and _given(context, name):
            raise click.UsageError(f"{option} is for runs on a board: add --target URL")
    if text is None:
        return None
    for name in ("jobs", "share", "resume", "scheduler"):
        if _given(context, name):
            raise click.UsageError(f"--{name} has no meaning with --target: there is one board")
    for name in ("coverage", "max_states", "max_seconds"):
        if _given(context, name):
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{option} has no meaning with --target: the model knows it; --cuts bounds the cuts")
    power = context.params["power"]
    if power != FIXTURE and (not power.startswith(RELAY) or power == RELAY):
        raise click.UsageError(f"--power {power}: allowed: {FIXTURE}, or relay:PORT, as in relay:/dev/ttyUSB1")
    return Target(parse_target(text), context.params["cuts"], power, context.params["board_name"])


def run_on(target: Target, variants: Sequence[Variant], report: Report) -> BoardRun:
    """Run on the board at the end of the line; raises HardwareError or ScenarioError if there is none to begin with."""
    # Imported here, so that the command line answers before pyserial is loaded.
    from deltabench.hwsim.devboard.spec import load_board
    from deltabench.scenarios.boards.campaign import run_on_board
    from deltabench.scenarios.boards.clock import SystemClock
    from deltabench.scenarios.boards.link import Link
    from deltabench.scenarios.boards.power_switch import FixturePower, SerialRelay
    from deltabench.tools.stm32.transport import SerialPort

    file = load_board(target.board_name)
    with ExitStack() as ports:

        def opened(url: str, baud: int, option: str) -> _Port:
            with _as_link_error():
                port = SerialPort(url, baud, "none", option)
            ports.callback(port.close)
            return _Port(port)

        link = Link(opened(*target.line, "--target"))
        power: PowerSwitch = FixturePower(link)
        if target.power != FIXTURE:
            relay = opened(target.power.removeprefix(RELAY), SerialRelay.BAUD, "--power")
            power = SerialRelay(relay, SystemClock().sleep)
        return run_on_board(variants, link, power, file, target.cuts, report)


def _given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE
