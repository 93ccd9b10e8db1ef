"""Finished pieces of campaigns, kept in a folder, so that a run that was ended, by whatever, can be taken up again.

Each piece has a file of its own, named for a digest of what decides its outcome.  It is written beside its place,
forced to the medium, and only then renamed: it is there whole or not at all, whenever the process is killed or power
fails.  What fails its check is not there.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from deltabench.scenarios.division import Piece
from deltabench.scenarios.portion import Portion
from deltabench.scenarios.verdict import write_whole

SUFFIX: Final = ".piece"
ABANDONED_S: Final = 3600
"""A file that is being written is done in a fraction of it; one that is older was left by a process that was killed."""


def piece_key(digest: str, piece: Piece) -> str:
    """The name of a piece of the variant with this digest."""
    return hashlib.sha256(f"{digest} {piece.first} {piece.last}".encode()).hexdigest()


class Record:
    """The pieces in a ``folder``, which is made if it is not there; many processes may use it at a time."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError if the folder cannot be made."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob(f".*{SUFFIX}.*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - ABANDONED_S:
                    path.unlink()

    def find(self, key: str) -> Portion | None:
        """What came out of a piece; None if it is not there, whole and unchanged."""
        try:
            check, _, content = self._path(key).read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        if check.decode("ascii", "replace") != _check(key, content):
            return None
        return msgspec.convert(json.loads(content), Portion)

    def keep(self, key: str, portion: Portion) -> None:
        """Write down what came out of a finished piece; raises OSError if it cannot be."""
        assert portion.complete, "what is kept is never explored again"
        # The text of a firmware's error may hold what is no text in UTF-8, which this writes as an escape.
        content = json.dumps(msgspec.to_builtins(portion)).encode()
        write_whole(self._path(key), f"{_check(key, content)}\n".encode() + content)
        _force(self.folder)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{SUFFIX}"


def _check(key: str, content: bytes) -> str:
    return hashlib.sha256(key.encode() + content).hexdigest()


def _force(folder: Path) -> None:
    """A file that was renamed is in its place after a power failure only if its folder was written, too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
