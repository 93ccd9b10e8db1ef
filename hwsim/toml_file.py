"""The TOML files that users write: read, checked against a structure, and refused in words."""

from __future__ import annotations

import tomllib
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from deltabench.hwsim.explain_invalid import explain

D = TypeVar("D", bound=msgspec.Struct)


class TomlFileError(Exception):
    """What is wrong with a file; whoever asked for it says which file that is."""


class TomlFile(NamedTuple, Generic[D]):
    """A file as text, as the tables that its text gives, and as the structure that those make."""

    text: str
    table: dict[str, Any]
    document: D


def read_toml(file: Path | Traversable, document: type[D]) -> TomlFile[D]:
    """Read a file that describes a ``document``; raises TomlFileError with key, value and what is allowed."""
    try:
        text = file.read_text(encoding="utf-8")
        table = tomllib.loads(text)
        return TomlFile(text, table, msgspec.convert(table, document))
    except OSError as error:
        raise TomlFileError(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TomlFileError(f"is not UTF-8 text (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise TomlFileError(f"is not valid TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise TomlFileError(explain(error, table, document)) from error
