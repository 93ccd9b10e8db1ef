"""Puts the results of shares together: what comes out is what one run of the whole would have written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from deltabench.scenarios.coverage import added, as_document, from_document
from deltabench.scenarios.crash_id import CrashIdError, parse_crash_id
from deltabench.scenarios.crash_map import ABSENT
from deltabench.scenarios.documents import CrashMap, Explored, Judged, OfShare, RecoveryCoverage, Results, Violated
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.explorer import Finding, most_telling
from deltabench.scenarios.oracle import Rule


class Merged(NamedTuple):
    """``missing``: the shares that were not there, by name of the run; such a run is not complete."""

    document: Results
    missing: dict[str, tuple[str, ...]]


class _Part(NamedTuple):
    path: Path
    judged: Judged
    share: OfShare


def merge(documents: Sequence[tuple[Path, Results]]) -> Merged:
    """The runs of all documents, each put together from its shares; raises ScenarioError for what is not of one whole.

    Runs that are no shares are taken over as they are.
    """
    runs: dict[str, list[tuple[Path, Judged]]] = {}
    for path, document in documents:
        for judged in document.results:
            runs.setdefault(judged.run, []).append((path, judged))
    results: list[Judged] = []
    missing: dict[str, tuple[str, ...]] = {}
    for run, given in runs.items():
        parts = [_Part(path, judged, judged.share) for path, judged in given if judged.share is not UNSET]
        if not parts and len(given) == 1:
            results.append(given[0][1])
            continue
        _check(run, given, parts)
        of = parts[0].share.of
        there = {part.share.number for part in parts}
        if len(there) < of:
            missing[run] = tuple(f"{number}/{of}" for number in range(1, of + 1) if number not in there)
        results.append(_whole(parts, complete=len(there) == of))
    interrupted = bool(missing) or any(document.interrupted for _, document in documents)
    return Merged(Results(interrupted=interrupted, results=tuple(results)), missing)


def _check(run: str, given: Sequence[tuple[Path, Judged]], parts: Sequence[_Part]) -> None:
    """Raises ScenarioError unless these are different shares of the same work."""
    whole = [path for path, judged in given if judged.share is UNSET]
    if whole:
        other = next(path for path, _ in reversed(given) if path != whole[0] or len(whole) > 1)
        raise ScenarioError(
            f"{whole[0]}: {run} is the result of a whole run, and is in {other} as well; allowed: a whole run once, or "
            f"its shares"
        )
    first = parts[0]
    numbers: dict[int, Path] = {}
    for path, _, share in parts:
        if share.number in numbers:
            raise ScenarioError(
                f"{path}: share {share.number}/{share.of} of {run} is in {numbers[share.number]} already; "
                f"allowed: each share once"
            )
        numbers[share.number] = path
        if share.of != first.share.of:
            raise ScenarioError(
                f"{path}: {run} was divided into {share.of} shares, and into {first.share.of} in {first.path}; "
                f"allowed: shares of one division"
            )
        if share.digest != first.share.digest:
            raise ScenarioError(
                f"{path}: {run} is not the same work as in {first.path}: the scenario, a file that it names, "
                f"deltabench or Python differ; run all shares from the same sources"
            )


def _whole(parts: Sequence[_Part], *, complete: bool) -> Judged:
    """One result from its shares, as verdict.py makes it from the pieces."""
    first = parts[0]
    parts = sorted(parts, key=lambda part: part.share.actions)
    in_order = [part.judged for part in parts]
    violations = _most_telling(parts)
    counts = {name: sum(getattr(judged.counts, name) for judged in in_order) for name in Explored.__struct_fields__}
    holds = not counts["violations"]
    complete = complete and all(judged.complete for judged in in_order)
    rule = first.share.expected_rule
    as_expected = any(rule in (None, violation.rule) for violation in violations)
    if first.judged.expected == "holds":
        as_expected = holds and complete and all(judged.as_expected for judged in in_order)
    return msgspec.structs.replace(
        first.judged,
        verdict="holds" if holds else "violated",
        as_expected=as_expected,
        complete=complete,
        closed=complete and all(judged.closed for judged in in_order),
        commands=max(judged.commands for judged in in_order),
        operations=max(judged.operations for judged in in_order),
        counts=Explored(**counts),
        elapsed_s=round(sum(judged.elapsed_s for judged in in_order), 3),
        violations=tuple(violations),
        coverage=_one_coverage([judged.coverage for judged in in_order if judged.coverage is not None]),
        crash_map=_one_map([judged.crash_map for judged in in_order if judged.crash_map is not None]),
        share=UNSET,
    )


def _one_coverage(parts: Sequence[RecoveryCoverage]) -> RecoveryCoverage | None:
    if not parts:
        return None
    known = {name for part in parts for name in (*part.unreached, *(taken.branch for taken in part.branches))}
    return as_document(added(map(from_document, parts)), sorted(known))


def _most_telling(parts: Sequence[_Part]) -> list[Violated]:
    """Those that a run keeps, chosen as it chooses them."""
    found = {_finding(part.path, violation): violation for part in parts for violation in part.judged.violations}
    return [found[finding] for finding in most_telling(list(found))]


def _finding(path: Path, violation: Violated) -> Finding:
    try:
        cuts, rule = parse_crash_id(violation.id).path, Rule(violation.rule)
    except (CrashIdError, ValueError) as error:
        raise ScenarioError(f"{path}: violation {violation.id!r} of {violation.rule!r}: {error}") from error
    return Finding(cuts, rule, violation.doing, violation.cut, violation.detail)


def _one_map(maps: Sequence[CrashMap]) -> CrashMap:
    """The operations of all, in order, in one table."""
    outcomes = tuple(dict.fromkeys(kind for crash_map in maps for kind in crash_map.outcomes))
    operations = [
        msgspec.structs.replace(
            operation,
            verdicts="".join(
                dict(zip(crash_map.outcomes, operation.verdicts, strict=True)).get(kind, ABSENT) for kind in outcomes
            ),
        )
        for crash_map in maps
        for operation in crash_map.operations
    ]
    return CrashMap(outcomes=outcomes, operations=tuple(operations))
