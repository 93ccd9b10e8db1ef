"""Repositories of users, and a shell in them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deltabench.tools.cli import invoke

Shell = Callable[..., subprocess.CompletedProcess[str]]

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON"))},
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "NO_COLOR": "1",
}

ON_FLASH = """
title = "Both volumes and the maps on NAND flash"
steps = [{ do = "random", commands = 60 }]

[board.devices]
nand0 = { part = "generic-nand", blocks = 24 }
nor0 = { part = "W25Q64JV" }

[firmware]
units = 16
log_records = 20

[matrix]
scheme = ["flagged", "history"]
store = ["nand", "nor"]
"""

SCENARIO = """
title = "A save of two map blocks, cut everywhere"
steps = [{ do = "write", lba = 3 }, { do = "write", lba = 11 }, { do = "save" }]

[board.devices]
disk0 = { part = "generic-disk", sectors = 64 }
fram0 = { part = "FM25V10" }

[firmware]
store = "nvram"
units = 12
"""


@pytest.fixture(scope="session")
def shell() -> Shell:
    """Runs a command line in a folder, with the ``deltabench`` and ``pytest`` of this environment."""

    def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, shell=True, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=300, check=False
        )

    return run


@pytest.fixture(scope="session")
def scenario_text() -> str:
    """A scenario file that holds with ``flagged``, and is violated where ``plain`` is added to it."""
    return SCENARIO


@pytest.fixture(scope="session")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a document of each schema, as the commands write them."""
    folder = tmp_path_factory.mktemp("documents")
    flash = folder / "flash.scenario.toml"
    flash.write_text(ON_FLASH, encoding="utf-8")
    for name, command in {
        "cuts": "run maps-step-by-step --store nvram -j1",
        "measured": "measure maps-step-by-step random-work-on-nor --store nor",
        "holdup": "holdup maps-step-by-step --store nvram",
        "endured": "endure random-work-on-nor --scheme flagged --scheme history --years 0.0002 --no-jit",
        "measured-flash": f"measure {flash}",
        "endured-flash": f"endure {flash} --sectors 1 --years 0.00005 --no-jit",
    }.items():
        assert invoke([*command.split(), "--json", str(folder / f"{name}.json")]) == 0, command
    return folder


@pytest.fixture(scope="session")
def report_page(documents: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on these documents, and on a file that is none."""
    folder = tmp_path_factory.mktemp("report")
    for path in documents.glob("*.json"):
        shutil.copy(path, folder)
    (folder / "notes.json").write_text("{}", encoding="utf-8")
    assert invoke(["report", str(folder)]) == 0
    return folder / "report.html"
