"""Fuzzes a target with inputs that libFuzzer chooses by coverage; `make fuzz` runs it.

python tests/fuzzing/fuzz.py TARGET [options of libFuzzer]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["deltabench.scenarios.images", "bincopy", "elftools"]):
    import image_targets


def main() -> None:
    target = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        for name, content in image_targets.seeds(target).items():
            (Path(folder) / name).write_bytes(content)
        atheris.Setup([sys.argv[0], *sys.argv[2:], folder], image_targets.TARGETS[target])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
