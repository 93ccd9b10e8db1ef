"""Fuzzes targets with inputs that libFuzzer chooses by coverage, as many as image_targets.py says, from a fixed seed.

python tests/fuzzing/fuzz.py                                  all targets, one after the other
python tests/fuzzing/fuzz.py TARGET [options of libFuzzer]    one
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["deltabench.scenarios.images", "bincopy", "elftools"]):
    import image_targets

FOUND = Path(".build/fuzz")
"""Inputs of findings are put here."""
SECONDS_AN_INPUT = 10
MEMORY_MB = 2048


def fuzz_all() -> int:
    """Every target in a process of its own, since libFuzzer ends the one it runs in."""
    FOUND.mkdir(parents=True, exist_ok=True)
    failed = 0
    for target, (runs, most_bytes) in image_targets.RUNS.items():
        began = time.monotonic()
        options = {
            "runs": runs,
            "seed": 1,
            "max_len": most_bytes,
            "timeout": SECONDS_AN_INPUT,
            "rss_limit_mb": MEMORY_MB,
            "verbosity": 0,
            "artifact_prefix": f"{FOUND}/{target}-",
        }
        command = [sys.executable, __file__, target, *(f"-{name}={value}" for name, value in options.items())]
        code = subprocess.run(command, check=False).returncode
        failed |= code
        took = f"{time.monotonic() - began:.0f} s"
        print(f"{target}: {runs:,} inputs, {took}, {f'a finding, in {FOUND}' if code else 'no finding'}", flush=True)
    return int(failed != 0)


def fuzz(target: str, options: list[str]) -> None:
    """One target; does not return."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in image_targets.seeds(target).items():
            (Path(folder) / name).write_bytes(content)
        atheris.Setup([sys.argv[0], *options, folder], image_targets.TARGETS[target])
        atheris.Fuzz()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        fuzz(sys.argv[1], sys.argv[2:])
    else:
        sys.exit(fuzz_all())
