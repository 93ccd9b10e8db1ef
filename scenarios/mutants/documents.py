"""The document of a mutation campaign, ``deltabench.mutation/1``; docs/mutants.md explains each key.

Keys may be added to the schema; those that are here keep their name and meaning.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from deltabench.scenarios.documents import Number, Seconds, Violated

Verdict = Literal["killed", "survived", "equivalent", "refuted", "unfinished"]


class _Object(msgspec.Struct, frozen=True, kw_only=True):
    """An object of the document."""


class Explored(_Object, frozen=True, kw_only=True):
    """A firmware on one scheme and store; ``crash_states`` were generated until ``violation``, or in all."""

    variant: str
    scheme: str
    atom_store: str
    crash_states: Number
    elapsed_s: Seconds
    complete: bool
    violation: Violated | None = None


class Control(_Object, frozen=True, kw_only=True):
    """The unbroken firmware under settings that mutants were explored under."""

    scenario: str
    settings: str
    verdict: Literal["holds", "violated", "unfinished"]
    run: Explored


class Hunted(_Object, frozen=True, kw_only=True):
    """A mutant; what is known about it, and what came out of its runs together."""

    name: str
    part: str
    mistake: str
    breaks: str
    firmware: str
    settings: str
    needs: str
    equivalent: str
    verdict: Verdict
    runs: tuple[Explored, ...]


class Mutation(_Object, frozen=True, kw_only=True, tag="deltabench.mutation/1", tag_field="schema"):
    """Written by ``deltabench mutants --json``."""

    interrupted: bool = False
    catalogue: str
    controls: tuple[Control, ...]
    mutants: tuple[Hunted, ...]
