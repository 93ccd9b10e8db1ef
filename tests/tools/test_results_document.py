from __future__ import annotations

import re
from pathlib import Path

from deltabench.tools.cli import Exit

DOCUMENT = (Path(__file__).parents[2] / "docs" / "results.md").read_text(encoding="utf-8")


def test_every_exit_code_is_documented_and_no_other() -> None:
    documented = [int(code) for code in re.findall(r"^\| (\d) \|", DOCUMENT, re.MULTILINE)]
    assert documented == [int(code) for code in Exit]
