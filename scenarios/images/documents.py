"""What the commands on images write as JSON; docs/images.md explains each key."""

from __future__ import annotations

import msgspec

from deltabench.scenarios.documents import Number


class _Object(msgspec.Struct, frozen=True, kw_only=True):
    """An object of a document."""


class RegionBuilt(_Object, frozen=True, kw_only=True):
    """A region of a built image; ``device`` is "" in the flash of the chip."""

    name: str
    device: str
    address: Number
    size_bytes: Number
    held_bytes: Number
    crc32: Number
    unstable_pages: Number
    unreadable_sectors: Number


class ImageBuilt(_Object, frozen=True, kw_only=True, tag="deltabench.image-build/1", tag_field="schema"):
    """Written by ``deltabench image build --json``."""

    file: str
    board: str
    device: str
    producers: tuple[str, ...] = ()
    compile_units: tuple[str, ...] = ()
    regions: tuple[RegionBuilt, ...]


def as_json(document: msgspec.Struct) -> str:
    """The text of a document."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
