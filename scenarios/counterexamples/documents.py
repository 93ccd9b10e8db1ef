"""What ``deltabench explain --json`` writes; docs/counterexamples.md explains each key."""

from __future__ import annotations

from typing import Literal

import msgspec

from deltabench.scenarios.documents import Number
from deltabench.scenarios.images.documents import Difference

Need = Literal["whole", "stable", "order", "together", "durable", "never", "recovery"]


class _Object(msgspec.Struct, frozen=True, kw_only=True):
    """An object of the document."""


class Tried(_Object, frozen=True, kw_only=True):
    """One media operation near the cut, and what came of making it otherwise.

    ``state``: what the cut made of it; ``cached`` is one that was over and lost in the cache of its drive.  ``tried``:
    it was undone, or completed; ``holds``: that helps; ``then``: the rule that is violated all the same, if one is.
    """

    operation: Number
    what: str
    about: str
    state: Literal["over", "cut", "to come", "cached"]
    tried: Literal["undone", "completed"]
    holds: bool
    then: str = ""


class BytesChanged(_Object, frozen=True, kw_only=True):
    """Bytes in a row that differ, in hexadecimal; ``address`` counts bytes of the device, on a disk, too, and
    on NAND flash with all spare bytes.

    ``or_new``: what they may read as, too, where cells were left unstable.
    """

    device: str
    address: Number
    place: str
    old: str
    new: str
    or_new: str = ""


class MediaChange(_Object, frozen=True, kw_only=True):
    """From one moment to another: by structure, where the structures are known, and byte by byte."""

    structures: tuple[Difference, ...]
    bytes: tuple[BytesChanged, ...]


class Explanation(_Object, frozen=True, kw_only=True, tag="deltabench.explanation/1", tag_field="schema"):
    """Why a crash violates a rule: what was needed, and was not there.

    ``explained``: the crash that this is about: ``id``, or what is left of it without cuts that it does not take.

    ``need``: of the operations ``first`` and ``then``.  ``whole``: ``first`` must not be torn.  ``stable``: cells must
    read the same each time.  ``order``: ``first`` must not persist before ``then``.  ``together``: neither without the
    other.  ``durable``: ``then`` had to be.  ``never``: ``first`` must not be done.  ``recovery``: none of these, so
    that it is the boot that does wrong.
    """

    id: str
    explained: str
    rule: str
    detail: str
    doing: str
    cut: str
    left: str
    need: Need
    first: tuple[Number, ...] = ()
    then: tuple[Number, ...] = ()
    sentences: tuple[str, ...]
    tried: tuple[Tried, ...]
    by_the_command: MediaChange
    by_the_recovery: MediaChange | None
