"""A digest of everything that decides what comes out of exploring a variant.

The workload, the board, the firmware and its cuts as the scenario file has them; the files that it names (traces,
parts, classes of the user's own, with what these import); deltabench itself and the Python that runs it.  Not in it is
what only decides how the outcome is taken and told: the expectation, title and names.
"""

from __future__ import annotations

import functools
import hashlib
import json
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from deltabench.hwsim.parts import is_part_file
from deltabench.scenarios.guest_sources import guest_sources
from deltabench.scenarios.scenario import LIBRARY, Document, Expect, Matrix, Trace, Variant

FLOORS: Final = tuple(Path(__file__).parents[1] / floor for floor in ("hwsim", "firmware_model", "scenarios"))


def variant_digest(variant: Variant) -> str:
    """In hexadecimal.  The variant must have been built, so that all its files are known to be there."""
    document, folder = variant.scenario.document, variant.scenario.path.parent
    counted = msgspec.structs.replace(document, title="", covers=(), matrix=Matrix(), expect=Expect())
    digest = hashlib.sha256()
    _add(digest, "code", code_digest().encode())
    _add(digest, "document", _json(counted))
    _add(digest, "firmware", _json(variant.firmware))
    for path in _files(document, folder):
        _add(digest, path.name, path.read_bytes())
    for reference in (document.controller, variant.firmware.scheme):
        if reference is not None and ":" in reference:
            for name, source in sorted(guest_sources(reference, folder).items()):
                _add(digest, name, source)
    return digest.hexdigest()


@functools.cache
def code_digest() -> str:
    """Of deltabench, as far as it decides results, and of the version of Python."""
    digest = hashlib.sha256()
    _add(digest, platform.python_implementation(), platform.python_version().encode())
    for floor in FLOORS:
        for path in sorted(floor.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and LIBRARY not in path.parents:
                _add(digest, str(path.relative_to(floor.parent)), path.read_bytes())
    return digest.hexdigest()


def _files(document: Document, folder: Path) -> Iterator[Path]:
    """The files that a scenario names besides classes, those of deltabench left out."""
    for step in document.steps:
        if isinstance(step, Trace) and step.file is not None:
            yield folder / step.file
    for device in document.board.devices.values():
        if is_part_file(device.part):
            yield folder / device.part


def _json(value: object) -> bytes:
    return json.dumps(msgspec.to_builtins(value), sort_keys=True).encode()


def _add(digest: hashlib._Hash, name: str, content: bytes) -> None:
    """With lengths, so that no two lists of contents give the same stream of bytes."""
    for part in (name.encode("utf-8", "surrogateescape"), content):
        digest.update(len(part).to_bytes(8))
        digest.update(part)
