"""How fast `deltabench flash` writes to an emulated board on a pseudo-terminal of 115,200 baud, in wall time.

The line allows 256/268 of baud/11 bytes a second (tools/stm32/line_rate.py).  Exits with 1 below 90 % of that.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from deltabench.hwsim.devboard.spec import load_board
from deltabench.scenarios.images.memory_image import MemoryImage
from deltabench.tools.flashing import open_session
from deltabench.tools.stm32.chip_map import ChipMap
from deltabench.tools.stm32.flashing import Flashing
from deltabench.tools.stm32.line_rate import most_bytes_per_s
from deltabench.tools.stm32.plan import plan

BAUD: Final = 115_200
LEAST_SHARE: Final = 0.9
IMAGE: Final = MemoryImage([(0x0800_0000, random.Random(1).randbytes(0x1_0000))])


def measure(*options: str) -> float:
    """The share of what the line allows that a board with these options is written with."""
    command = [str(Path(sys.executable).parent / "deltabench"), "board", "--quiet", "--baud", str(BAUD), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as board:
        assert board.stdout is not None
        port = board.stdout.readline().strip()
        session = open_session(port, BAUD, "even", load_board(), retries=3)
        try:
            session.open()
            began_s = time.monotonic()
            flashed = Flashing(session, diff=False, verify=True).run(plan(ChipMap(load_board(), IMAGE), IMAGE))
            whole_s = time.monotonic() - began_s
        finally:
            session.close()
            board.send_signal(signal.SIGINT)
    most = most_bytes_per_s(BAUD, "even")
    share = flashed.bytes_per_s / most
    print(
        f"flash {' '.join(options) or 'without timing':15}  {flashed.written_bytes:,} bytes at "
        f"{flashed.bytes_per_s:,.0f} of {most:,.0f} B/s: {share:.1%}; with erasing and reading back {whole_s:.1f} s"
    )
    return share


if __name__ == "__main__":
    shares = [measure(), measure("--timing", "typical")]
    sys.exit(min(shares) < LEAST_SHARE)
