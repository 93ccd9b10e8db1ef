"""Entry point of the ``deltabench`` command: turns whatever went wrong into a message and an exit code."""

from __future__ import annotations

import errno
import sys
import traceback
from typing import Final

from deltabench.tools.exits import Exit

WRITING: Final = (errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT, errno.EBADF)
"""What a write to standard output fails with, but for a pipe that nobody reads any more."""


def main() -> None:
    """Run the command line of this process."""
    try:
        code = invoke(sys.argv[1:])
    except KeyboardInterrupt:
        print("deltabench: interrupted", file=sys.stderr)
        code = Exit.INTERRUPTED
    sys.exit(code)


def invoke(arguments: list[str]) -> int:
    """Run a command line; returns its exit code."""
    # Imported here, so that Ctrl-C is an interruption from the first moment on.
    import click

    from deltabench.firmware_model.errors import FirmwareError
    from deltabench.hwsim.errors import HardwareError
    from deltabench.scenarios.errors import ScenarioError
    from deltabench.tools.commands import cli
    from deltabench.tools.stm32.errors import FlashError

    try:
        code = int(cli.main(arguments, prog_name="deltabench", standalone_mode=False) or Exit.OK)
        # What cannot be written must be known here, and not when the interpreter ends.
        sys.stdout.flush()
        return code
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except (ScenarioError, HardwareError, FirmwareError, FlashError) as error:
        click.echo(f"deltabench: {error}", err=True)
        return Exit.USAGE
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing must be written at exit either.
        sys.stdout = None
        return Exit.OK
    except OSError as error:
        name = error.filename
        if name is None and error.errno in WRITING:
            # A file that cannot be written is named; what is not named is what we print.
            name, sys.stdout = "standard output", None
        click.echo(f"deltabench: {f'{name}: ' if name else ''}{error.strerror or error}", err=True)
        return Exit.USAGE
    except click.Abort as error:
        raise KeyboardInterrupt from error
    except Exception:
        # The last resort: a bug of ours must look like one, and not like a verdict.
        traceback.print_exc()
        click.echo("deltabench: internal error; the lines above are what a bug report needs", err=True)
        return Exit.INTERNAL
