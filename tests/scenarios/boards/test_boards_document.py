"""docs/boards.md: its tables are what the code says, and its examples run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from deltabench.hwsim.board import BoardSpec, DeviceSpec
from deltabench.hwsim.devboard.spec import load_board
from deltabench.scenarios.reference import BOARD_TABLES, explanation, renewed

PAGE = (Path(__file__).parents[3] / "docs" / "boards.md").read_text(encoding="utf-8")


def test_the_tables_are_what_the_code_says() -> None:
    assert renewed(PAGE) == PAGE, "run: python -m deltabench.scenarios.reference docs/boards.md"


def test_every_key_of_a_board_file_is_explained() -> None:
    for table in BOARD_TABLES.values():
        for key in table.__struct_fields__:
            assert f"`{key}`" in explanation(table), (table, key)


def test_the_board_file_of_the_page_is_one(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "mine.board.toml"
    path.write_text(text, encoding="utf-8")
    spec = BoardSpec(devices={"nor0": DeviceSpec(part="W25Q64JV"), "disk0": DeviceSpec(part="generic-disk")})
    assert load_board(str(path)).places(spec)["nor0"].address == 0x9000_0000


def test_the_power_switch_of_the_page_does_what_is_shown(tmp_path: Path) -> None:
    (script,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (shown,) = re.findall(r"prints\n\n```\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "supply.py").write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "supply.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == (shown, "")
