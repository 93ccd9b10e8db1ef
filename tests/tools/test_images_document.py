"""docs/images.md shows what the commands print, lists every rule, and names every key of the documents."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from deltabench.scenarios.images.documents import ImageBuilt, ImageDiff, Inspected
from deltabench.scenarios.images.rules import MENDED, RULES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "images.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```\n(\$ .*?)\n```", PAGE, re.DOTALL)


def masked(text: str) -> list[str]:
    """The lines, without the version of the assembler."""
    return [re.sub(r"GNU AS [\d.]+\d", "GNU AS", line).rstrip() for line in text.strip().splitlines()]


def test_every_command_prints_what_is_shown(
    tmp_path: Path, shell: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "fuzzing"))
    import image_targets

    (tmp_path / "firmware.elf").write_bytes(image_targets.firmware_elf(symbols=True))
    assert len(BLOCKS) >= 7
    for block in BLOCKS:
        printed: list[str] = []
        for line in (line for line in block.splitlines() if line.startswith("$ ")):
            done = shell(line.removeprefix("$ "), tmp_path)
            assert done.stderr == "", line
            printed += [line, *masked(done.stdout)]
        assert printed == masked(block)


def test_every_rule_is_listed_with_whether_a_boot_mends_it() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| [^|]+ \| (yes)? ?\|$", PAGE, re.MULTILINE))
    of_the_media = {rule.name: "yes" if rule.name in MENDED else "" for rule in RULES}
    assert {name: mends for name, mends in rows.items() if name in of_the_media} == of_the_media
    assert set(rows) - set(of_the_media) == {"boot-ends-ready", "boot-bounded", "boot-keeps-maps", "boots-settle"}
    for rule in RULES:
        assert f"| `{rule.name}` | {rule.means} |" in PAGE


def structs_in(kind: Any) -> set[type[msgspec.Struct]]:
    found: set[type[msgspec.Struct]] = set()
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        found.add(kind)
        for inner in get_type_hints(kind).values():
            found |= structs_in(inner)
    for inner in get_args(kind):
        found |= structs_in(inner)
    return found


@pytest.mark.parametrize("document", [ImageBuilt, Inspected, ImageDiff])
def test_every_key_of_the_documents_is_named(document: type[msgspec.Struct]) -> None:
    named = {key for name in re.findall(r"`([a-z0-9_.\[\]]+)`", PAGE) for key in re.split(r"[.\[\]]+", name)}
    assert not {field for struct in structs_in(document) for field in struct.__struct_fields__} - named
    assert str(document.__struct_config__.tag) in PAGE


def test_the_pages_that_are_linked_are_there() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / link).is_file(), link
