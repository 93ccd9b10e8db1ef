"""The ``deltabench`` command.  Each command is a thin layer over functions that a script can call as well.

Exit codes are pytest's: 0 all as expected, 1 a rule violated (or an expected violation missing), 2 interrupted,
3 internal error, 4 usage or bad input, 5 nothing selected.
"""

from __future__ import annotations

import enum
import sys
import traceback
from importlib.metadata import version

import click

from deltabench.firmware_model.errors import FirmwareError
from deltabench.hwsim.errors import HardwareError
from deltabench.scenarios.errors import ScenarioError
from deltabench.tools.replaying import replay_command
from deltabench.tools.running import demo_command, run_command
from deltabench.tools.showing import parts_command, scenarios_command


class Exit(enum.IntEnum):
    """Exit codes."""

    OK = 0
    VIOLATED = 1
    INTERRUPTED = 2
    INTERNAL = 3
    USAGE = 4
    NOTHING = 5


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("deltabench"), prog_name="deltabench")
def cli() -> None:
    """Cut the power of a disk controller's firmware at every media operation, and judge every recovery."""


for command in (run_command, replay_command, scenarios_command, parts_command, demo_command):
    cli.add_command(command)


def main() -> None:
    """Entry point: runs the command and turns what went wrong into a message and an exit code."""
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: list[str]) -> int:
    """Run a command line; returns its exit code."""
    try:
        code = cli.main(arguments, prog_name="deltabench", standalone_mode=False)
        return int(code or Exit.OK)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return Exit.USAGE
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except (ScenarioError, HardwareError, FirmwareError) as error:
        click.echo(f"deltabench: {error}", err=True)
        return Exit.USAGE
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        click.echo(f"deltabench: {name}{error.strerror or error}", err=True)
        return Exit.USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("deltabench: interrupted", err=True)
        return Exit.INTERRUPTED
    except Exception:
        traceback.print_exc()
        click.echo("deltabench: internal error; the lines above are what a bug report needs", err=True)
        return Exit.INTERNAL
