"""Pages that show what commands print: a block that begins with ``$`` is typed as a reader types it, and compared."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from deltabench.tools.cli import invoke

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```\n\$ (?:\.venv/bin/)?deltabench ((?:measure|holdup) [^\n]*)\n(.*?)```", re.DOTALL)
BLOCKS = [
    (page, line, shown)
    for page in ("README.md", "docs/measuring.md", "docs/holdup.md")
    for line, shown in BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("page", "line", "shown"), BLOCKS, ids=[f"{page}: {line}" for page, line, _ in BLOCKS])
def test_a_command_prints_what_the_page_shows(
    page: str,
    line: str,
    shown: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert invoke(shlex.split(line)) == 0, page
    printed = [text.rstrip() for text in capsys.readouterr().out.strip().splitlines()]
    assert printed == shown.strip().splitlines()
