"""The emulated board with clients that a user has: stm32flash (Debian package) and ``deltabench flash``."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from deltabench.hwsim.board import BoardSpec, DeviceSpec
from deltabench.hwsim.devboard.chip import Chip
from deltabench.hwsim.devboard.spec import load_board
from deltabench.tools.cli import invoke
from deltabench.tools.emulation.endpoints import Endpoint, PseudoTerminal, TcpPort
from deltabench.tools.emulation.paced_line import PacedLine
from deltabench.tools.emulation.server import Server

FLASH = 0x0800_0000
DELTABENCH = Path(sys.executable).parent / "deltabench"
CONTENTS = random.Random(405).randbytes(3000)
SPEC = BoardSpec(devices={"disk0": DeviceSpec(part="generic-disk", sectors=64), "fram0": DeviceSpec(part="FM25V10")})


class Emulated(NamedTuple):
    """A chip of which this process has the media, and the port at which it is served."""

    chip: Chip
    port: str


Serve = Callable[..., Emulated]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves a board in a thread, on a pseudo-terminal or a TCP port."""
    ended = threading.Event()
    running: list[tuple[threading.Thread, Endpoint]] = []

    def served(board: str = "stm32f405", *, tcp: bool = False) -> Emulated:
        chip = Chip(load_board(board), SPEC)
        chip.power_on()
        endpoint: Endpoint = TcpPort("127.0.0.1", 0) if tcp else PseudoTerminal()
        server = Server(PacedLine(chip, 0.0), endpoint, time.monotonic)
        thread = threading.Thread(target=server.run, args=(lambda: not ended.is_set(),))
        thread.start()
        running.append((thread, endpoint))
        return Emulated(chip, endpoint.url)

    yield served
    ended.set()
    for thread, endpoint in running:
        thread.join()
        endpoint.close()


def stm32flash(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Debian's stm32flash; a pseudo-terminal has no parity, so that it has to be told 8n1."""
    return subprocess.run(
        ["stm32flash", "-m", "8n1", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("board", "device", "version"), [("stm32f405", "0x0413", "0x31"), ("stm32f103", "0x0410", "0x22")]
)
def test_stm32flash_knows_the_chip(serve: Serve, board: str, device: str, version: str) -> None:
    emulated = serve(board)
    for _ in range(2):
        told = stm32flash(emulated.port)
        assert told.returncode == 0, told.stderr
        assert f"Device ID    : {device}" in told.stdout
        assert f"Version      : {version}" in told.stdout


@pytest.mark.parametrize("board", ["stm32f405", "stm32f103"])
def test_stm32flash_writes_verifies_reads_back_starts_and_resets(serve: Serve, board: str, tmp_path: Path) -> None:
    emulated = serve(board)
    bus = emulated.chip.bus
    bus.write(FLASH, b"\0" * 64)
    written, read = tmp_path / "written.bin", tmp_path / "read.bin"
    written.write_bytes(CONTENTS)
    told = stm32flash("-w", str(written), "-v", emulated.port)
    assert told.returncode == 0, told.stderr
    assert bus.read(FLASH, len(CONTENTS)) == CONTENTS
    assert bus.read(FLASH + len(CONTENTS), 16) == b"\xff" * 16
    told = stm32flash("-r", str(read), "-S", f"{FLASH:#x}:{len(CONTENTS)}", emulated.port)
    assert told.returncode == 0, told.stderr
    assert read.read_bytes() == CONTENTS
    assert stm32flash("-R", emulated.port).returncode == 0
    assert not emulated.chip.boots_application
    assert stm32flash("-g", f"{FLASH:#x}", emulated.port).returncode == 0
    assert emulated.chip.hangs


def test_stm32flash_sets_and_removes_protections(serve: Serve, tmp_path: Path) -> None:
    emulated = serve()
    emulated.chip.bus.write(FLASH, b"secret")
    assert stm32flash("-j", emulated.port).returncode == 0
    assert stm32flash("-r", str(tmp_path / "read.bin"), "-S", f"{FLASH:#x}:16", emulated.port).returncode != 0
    assert stm32flash("-k", emulated.port).returncode == 0
    assert emulated.chip.bus.read(FLASH, 6) == b"\xff" * 6


@pytest.mark.parametrize("board", ["stm32f405", "stm32f103"])
@pytest.mark.parametrize("tcp", [False, True])
def test_our_client_writes_verifies_reads_back_and_starts(
    serve: Serve, board: str, tcp: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    emulated = serve(board, tcp=tcp)
    written, read = tmp_path / "written.bin", tmp_path / "read.hex"
    written.write_bytes(CONTENTS)
    at = ["--port", emulated.port, "--board", board]
    assert invoke(["flash", str(written), "--address", f"{FLASH:#x}", *at]) == 0
    assert emulated.chip.bus.read(FLASH, len(CONTENTS)) == CONTENTS
    assert "3,000 bytes read back, all as they should be" in capsys.readouterr().out
    assert invoke(["flash", *at, "--read", str(read), "--range", f"{FLASH:#x}:3000"]) == 0
    assert invoke(["flash", str(read), *at, "--diff", "--go"]) == 0
    assert "3,000 of 3,000 bytes are there already" in capsys.readouterr().out
    assert emulated.chip.hangs


def test_what_one_client_writes_the_other_reads(serve: Serve, tmp_path: Path) -> None:
    emulated = serve()
    written, read = tmp_path / "written.bin", tmp_path / "read.bin"
    written.write_bytes(CONTENTS)
    at = ["--port", emulated.port]
    assert stm32flash("-w", str(written), "-v", emulated.port).returncode == 0
    assert invoke(["flash", *at, "--read", str(read), "--range", f"{FLASH:#x}:3000"]) == 0
    assert read.read_bytes() == CONTENTS
    written.write_bytes(CONTENTS[::-1])
    assert invoke(["flash", str(written), "--address", f"{FLASH:#x}", *at]) == 0
    assert stm32flash("-r", str(read), "-S", f"{FLASH:#x}:3000", emulated.port).returncode == 0
    assert read.read_bytes() == CONTENTS[::-1]


def test_a_power_cut_while_stm32flash_writes_leaves_an_outcome_and_our_client_repairs_it(
    serve: Serve, tmp_path: Path
) -> None:
    emulated = serve()
    written = tmp_path / "written.bin"
    written.write_bytes(CONTENTS)
    emulated.chip.cut_at(5, 3)
    assert stm32flash("-w", str(written), "-v", emulated.port).returncode != 0
    cut = emulated.chip.last_cut
    assert cut is not None
    assert cut.operation == "STM32F405 bank 0 program 0x300+256"
    emulated.chip.power_on()
    assert emulated.chip.bus.read(FLASH, 0x300) == CONTENTS[:0x300]
    assert emulated.chip.bus.read(FLASH, 3000) != CONTENTS
    assert invoke(["flash", str(written), "--address", f"{FLASH:#x}", "--port", emulated.port, "--diff"]) == 0
    assert emulated.chip.bus.read(FLASH, 3000) == CONTENTS


class Started:
    """``deltabench board`` in a process of its own."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [str(DELTABENCH), "board", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.port = self.process.stdout.readline().strip()

    def ended(self, by: int = signal.SIGINT) -> tuple[int, str]:
        """Exit code, and what it said."""
        self.process.send_signal(by)
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said


def test_the_command_prints_its_port_says_what_happens_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    link = tmp_path / "board"
    image = tmp_path / "image.bin"
    image.write_bytes(CONTENTS)
    started = Started("--link", str(link))
    assert link.readlink() == Path(started.port)
    assert invoke(["flash", str(image), "--address", f"{FLASH:#x}", "--port", str(link), "--go"]) == 0
    code, said = started.ended()
    assert code == 0
    assert said.splitlines() == [
        "power on",
        "synchronised",
        "erase 0x08000000 + 0x4000",
        "write 0x08000000 + 0xbb8",
        "read 0x08000000 + 0xbb8",
        "go to 0x08000000",
        "hangs: there is no firmware to start at 0x08000000",
    ]
    assert not link.is_symlink()


def test_on_a_tcp_port_after_a_power_cut_the_client_goes_on_by_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = tmp_path / "image.bin"
    image.write_bytes(CONTENTS)
    started = Started("--listen", "127.0.0.1:0", "--cut-after", "6", "--device", "fram0=FM25V10")
    assert started.port.startswith("socket://127.0.0.1:")
    assert invoke(["flash", str(image), "--address", f"{FLASH:#x}", "--port", started.port]) == 0
    told = capsys.readouterr()
    assert "2 blocks erased" in told.out
    assert "the line lost 1 time" in told.out
    assert "going on when the board answers again" in told.err
    code, said = started.ended(signal.SIGTERM)
    assert code == 0
    assert "power lost during STM32F405 bank 0 program 0x400+256" in said


def test_a_quiet_board_with_the_devices_of_a_scenario_says_nothing(tmp_path: Path) -> None:
    started = Started("--quiet", "--timing", "typical", "figure-5-loop")
    read = tmp_path / "read.bin"
    arguments = ["flash", "--port", started.port, "--read", str(read), "--range", "0xA0000000:1024"]
    assert invoke(arguments) == 0
    assert read.read_bytes() == bytes(1024)
    assert started.ended() == (0, "")


def test_a_nand_flash_of_so_many_blocks_is_in_a_socket(tmp_path: Path) -> None:
    started = Started("--quiet", "--device", "nand0=generic-nand:14", "--device", "disk0=generic-disk:64")
    arguments = ["flash", "--port", started.port, "--read", str(tmp_path / "there.bin"), "--range"]
    assert invoke([*arguments, "0x7000EDFF:1"]) == 0
    assert invoke([*arguments, "0x7000EE00:1", "--force"]) != 0
    assert started.ended() == (0, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "nor0"], "'nor0' is no device; examples: nor0=W25Q64JV, disk0=generic-disk:4096"),
        (["--device", "nor0=W25Q65"], "W25Q65"),
        (["--device", "a=FM25V10", "--device", "a=FM25V10"], "there are two of that name"),
        (["--device", "nor0=W25Q64JV", "demo"], "give --device or SCENARIO"),
        (["--board", "stm32f103", "--device", "nor0=W25Q64JV"], "has no socket for 'nor0'"),
        (["--board", "stm32"], "neither a file nor a board"),
        (["--listen", "3155"], "'3155' is no place to listen"),
        (["--listen", "localhost:0", "--link", "x"], "--link is for a pseudo-terminal"),
        (["no-such-scenario"], "neither a file nor a scenario"),
    ],
)
def test_a_board_that_cannot_be_is_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["board", *arguments]) == 4
    assert message in capsys.readouterr().err


def test_a_folder_that_nobody_may_write_to_is_named_and_no_port_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(os.listdir("/dev/fd"))
    assert invoke(["board", "--link", str(tmp_path / "nowhere" / "board")]) == 4
    said = capsys.readouterr().err
    assert "cannot be made: No such file or directory" in said
    assert "power on" not in said
    assert len(os.listdir("/dev/fd")) == before
