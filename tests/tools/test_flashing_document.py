"""docs/flashing.md: its shell examples run as they are written, and its tables name what there is."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from deltabench.hwsim.devboard import bootloader
from deltabench.tools.stm32.line_rate import most_bytes_per_s
from deltabench.tools.stm32.session import BACKOFF_S

DOCUMENT = (Path(__file__).parents[2] / "docs" / "flashing.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```shell\n(.*?)```", DOCUMENT, re.DOTALL)

Shell = Callable[..., subprocess.CompletedProcess[str]]


def script(examples: list[str]) -> str:
    """The examples as somebody types them, in one shell with job control; whatever happens no board is left running."""
    return "set -em\ntrap 'kill $(jobs -p) 2>&-' EXIT\n" + "\n".join(examples).replace(".venv/bin/", "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert shutil.which("stm32flash"), "apt install stm32flash"
    return tmp_path


def test_the_examples_run_as_written(shell: Shell, folder: Path) -> None:
    (folder / "examples.sh").write_text(script(EXAMPLES), encoding="utf-8")
    done = shell("bash examples.sh", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "20,000 bytes read back, all as they should be" in done.stdout
    assert "16,384 of 20,000 bytes are there already" in done.stdout
    assert "the line lost 1 time" in done.stdout
    assert not (folder / "board.tty").is_symlink()


def test_the_table_names_every_command_of_the_bootloader() -> None:
    named = {int(code, 16) for code in re.findall(r"\b([0-9A-F]{2}) [0-9A-F]{2}\b", DOCUMENT)}
    known = {
        value
        for name, value in vars(bootloader).items()
        if name.isupper() and isinstance(value, int) and 0 <= value < 0xFF and name not in ("SYNC", "MOST_PAGES")
    }
    assert known <= named


def test_the_figures_are_those_of_the_code() -> None:
    assert f"{most_bytes_per_s(115_200, 'even'):,.0f} at 115,200 baud" in DOCUMENT
    assert f"up to {sum(BACKOFF_S):.0f} s in all" in DOCUMENT
    assert f"lists at most {bootloader.MOST_PAGES} pages" in DOCUMENT
