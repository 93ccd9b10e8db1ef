"""Part files: TOML that gives each figure of a part together with its source.

A source is a document and the place in it; a figure without one is refused. ``docs/parts.md`` shows
such a file. The parts that come with the bench are described by the files beside this module.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from deltabench.hwsim.errors import HardwareError
from deltabench.hwsim.parts.kinds import KINDS, ROWS_OF_A_LIST, Figure, Part, PartError, figures_of
from deltabench.hwsim.toml_file import TomlFileError, read_toml


class UnknownPart(HardwareError):
    """No part has that name. ``known`` are the names that there are."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.known = tuple(known)
        super().__init__(
            f"there is no part {name!r}.{_meant(name, self.known)}"
            f" Known are: {', '.join(self.known)}."
            " A part of your own is named by the path of its file, which ends in .toml."
        )


class _PartFile(Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    name: str
    manufacturer: str
    description: str
    documents: dict[str, str]
    figures: dict[str, Any]


class _Entry(Struct, frozen=True, forbid_unknown_fields=True):
    value: Any
    source: str


def is_part_file(name_or_path: str) -> bool:
    """Whether this is the path of a part file, and not the name of a part that comes with the bench."""
    return name_or_path.endswith(".toml") or "/" in name_or_path


def load_part(name_or_path: str, *, near: Path | None = None) -> Part:
    """The part of that name, in upper or lower case, or the one that a file describes.

    What ends in ``.toml`` or contains ``/`` is a path, relative to the folder ``near`` (if none is
    given, to the working folder). Raises UnknownPart, which lists the known names, or PartError,
    which names the file, the key, the value and what is allowed.
    """
    if is_part_file(name_or_path):
        return _read((near or Path()) / name_or_path)
    part = _library().get(name_or_path.casefold())
    if part is None:
        raise UnknownPart(name_or_path, (known.name for known in list_parts()))
    return part


def list_parts() -> list[Part]:
    """The parts that come with the bench, by kind and then by name."""
    kinds = list(KINDS)
    return sorted(_library().values(), key=lambda part: (kinds.index(part.kind), part.name))


@functools.cache
def _library() -> dict[str, Part]:
    files = resources.files("deltabench.hwsim.parts").iterdir()
    parts = [_read(file) for file in files if file.name.endswith(".toml")]
    return {part.name.casefold(): part for part in parts}


def _read(file: Path | Traversable) -> Part:
    where = str(file)
    try:
        described = read_toml(file, _PartFile).document
    except TomlFileError as error:
        raise PartError(where, "", str(error)) from error
    if described.kind not in KINDS:
        raise PartError(where, "kind", f"{described.kind!r}; allowed: {', '.join(KINDS)}")
    kind = KINDS[described.kind]
    known = figures_of(kind)
    values: dict[str, Any] = {}
    sources = []
    for name, given in described.figures.items():
        if name not in known:
            fault = f"a part of kind {described.kind} has no such figure.{_meant(name, known)}"
            raise PartError(where, f"figures.{name}", f"{fault} Allowed: {', '.join(known)}")
        values[name], source = _value_and_source(where, known[name], given, described.documents)
        sources.append((name, source))
    missing = [name for name, figure in known.items() if figure.required and name not in values]
    if missing:
        fault = f"not given, but needed for a part of kind {described.kind}: {', '.join(missing)}"
        raise PartError(where, "figures", fault)
    try:
        return kind(
            name=described.name,
            manufacturer=described.manufacturer,
            description=described.description,
            sources=tuple(sources),
            **values,
        )
    except PartError as error:
        raise PartError(where, f"figures.{error.key}", error.fault) from None


def _value_and_source(where: str, figure: Figure, given: object, documents: dict[str, str]) -> tuple[object, str]:
    """The value, and the source in full, of an entry of the table ``figures``."""
    key = f"figures.{figure.name}"
    try:
        entry = msgspec.convert(given, _Entry)
    except msgspec.ValidationError:
        fault = f"{given!r}; allowed: {{ value = …, source = … }} and nothing else"
        raise PartError(where, key, fault) from None
    try:
        value = msgspec.convert(entry.value, figure.hint)
    except msgspec.ValidationError as error:
        # msgspec says after a dollar sign where in a list of tables the fault is.
        place = str(error).partition("`$")[2].rstrip("`")
        culprit = entry.value
        for number, name in re.findall(r"\[(\d+)\]|\.(\w+)", place):
            culprit = culprit[int(number)] if number else culprit[name]
            for row in ROWS_OF_A_LIST:
                figure = figures_of(row).get(name, figure)
        unit = f" ({figure.unit})" if figure.unit else ""
        fault = f"{culprit!r}; allowed: {figure.allowed}{unit}. {error}"
        raise PartError(where, f"{key}.value{place}", fault) from None
    document, _, place = entry.source.partition(" ")
    if document not in documents or not place.strip():
        keys = ", ".join(documents) or "which is empty"
        fault = f"{entry.source!r}; allowed: a key of [documents] ({keys}), a space, a place in it"
        raise PartError(where, f"{key}.source", fault)
    return value, f"{documents[document]}: {place.strip()}"


def _meant(name: str, known: Iterable[str]) -> str:
    """A sentence that proposes the known name most like ``name``, or nothing if none is alike."""
    by_case = {each.casefold(): each for each in known}
    alike = difflib.get_close_matches(name.casefold(), by_case, n=1)
    return f" Is {by_case[alike[0]]} meant?" if alike else ""
