"""Trace files as numbered lines of text, whether plain, .gz or .xz, and the error that names them.

Whatever is wrong with a file (absent, cut short, damaged, not text) comes out as a TraceError.
"""

from __future__ import annotations

import gzip
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from deltabench.scenarios.errors import ScenarioError

_SHOWN_CHARACTERS = 80


class TraceError(ScenarioError):
    """A trace that cannot be used; the message names the file, the line and what was expected."""


class Line(NamedTuple):
    """One line of a trace file, without its line end; `number` counts from 1."""

    path: Path
    number: int
    text: str

    @property
    def where(self) -> str:
        """`file:line`, as messages give it."""
        return f"{self.path}:{self.number}"

    def error(self, why: str) -> TraceError:
        """Return the error to raise about this line; `why` says what was expected of it."""
        text = self.text
        if len(text) > _SHOWN_CHARACTERS:
            text = text[:_SHOWN_CHARACTERS] + "…"
        return TraceError(f"{self.where}: {why}; the line is {text!r}")


def read_lines(path: Path) -> Iterator[Line]:
    """Yield the lines of `path`, unpacked as its suffix (.gz, .xz) says; blank lines are left out.

    Raises TraceError if the file cannot be opened, is damaged or cut short, or is not UTF-8 text.
    """
    number = 0
    try:
        with _open(path) as stream:
            for number, raw in enumerate(stream, 1):
                text = raw.decode("utf-8").rstrip("\r\n")
                if text.strip():
                    yield Line(path, number, text)
    except UnicodeDecodeError as problem:
        raise TraceError(
            f"{path}:{number}: not text ({problem.reason} at byte {problem.start} of the line); "
            "a trace is plain text, or text packed as .gz or .xz"
        ) from problem
    except (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile) as problem:
        raise TraceError(
            f"{path}:{number + 1}: cannot be unpacked from here on ({problem}); "
            "the file is damaged, cut short, or not what its suffix says"
        ) from problem
    except OSError as problem:
        raise TraceError(f"{path}: cannot be read: {problem.strerror or problem}") from problem
    except ValueError as problem:
        raise TraceError(f"{path}: cannot be read: {problem}") from problem


def _open(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    if path.suffix == ".xz":
        return cast(BinaryIO, lzma.open(path, "rb"))
    return path.open("rb")
