"""The pages that say what is in the JSON documents name every key of theirs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from deltabench.scenarios.documents import Endurance, HoldUp, Measurement

DOCS = Path(__file__).parents[2] / "docs"


def structs_in(kind: Any) -> set[type[msgspec.Struct]]:
    """The structures that a type is made of."""
    found: set[type[msgspec.Struct]] = set()
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        found.add(kind)
        for inner in get_type_hints(kind).values():
            found |= structs_in(inner)
    for inner in get_args(kind):
        found |= structs_in(inner)
    return found


@pytest.mark.parametrize(
    ("document", "pages"),
    [
        (Measurement, ["measuring.md"]),
        (HoldUp, ["holdup.md"]),
        # What is as in a measurement is explained there.
        (Endurance, ["endurance.md", "measuring.md"]),
    ],
)
def test_the_page_names_every_key(document: type[msgspec.Struct], pages: list[str]) -> None:
    text = "".join((DOCS / page).read_text(encoding="utf-8") for page in pages)
    named = {key for name in re.findall(r"`([a-z_.\[\]]+)`", text) for key in re.split(r"[.\[\]]+", name)}
    keys = {field for struct in structs_in(document) for field in struct.__struct_fields__}
    assert not keys - named
