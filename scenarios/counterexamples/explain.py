"""Why a crash violates a rule: which order, or atomicity, was needed and not there.

Found by trying it out.  Each operation that was over when power was cut is undone, alone and then with others; each
that was torn, still to come, or lost in a cache is completed.  Whatever makes all rules hold says what had to be
otherwise.  What is named is minimal: nothing less mends it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from deltabench.hwsim.instability import Adversary
from deltabench.hwsim.nand import NandFlash
from deltabench.scenarios.counterexamples.ddmin import ddmin
from deltabench.scenarios.counterexamples.documents import Explanation, MediaChange, Need, Tried
from deltabench.scenarios.counterexamples.incident import Altered, Incident
from deltabench.scenarios.counterexamples.media import (
    Moment,
    after_the_recovery,
    as_the_cut_left_them,
    before_the_command,
    bytes_changed,
    structures_changed,
)
from deltabench.scenarios.counterexamples.naming import DATA, is_housekeeping, opens_block
from deltabench.scenarios.counterexamples.operations import Done
from deltabench.scenarios.crash_id import CrashId, CrashIdError
from deltabench.scenarios.oracle import Rule, Violation
from deltabench.scenarios.replay import tell
from deltabench.scenarios.scenario import Variant


class _Needed(NamedTuple):
    """What had to be otherwise, and that in words."""

    need: Need
    first: tuple[Done, ...]
    then: tuple[Done, ...]
    sentences: tuple[str, ...]


def explain(variant: Variant, crash: CrashId) -> Explanation:
    """Explain a crash; raises CrashIdError if it is none, or violates no rule."""
    incident = Incident(variant, crash)
    violation = incident.judge()
    if violation is None:
        raise CrashIdError(f"{crash}: all rules hold after this crash; there is nothing to explain")
    explained = _without_needless_cuts(variant, crash, violation.rule)
    if explained != crash:
        incident = Incident(variant, explained)
        violation = incident.judge()
        assert violation is not None, "it was tried"
    trial = _Trial(incident)
    needed = trial.needed()
    if needed.need == "recovery":
        # A firmware may have more wrong with it: what would have kept this rule, at least?
        lenient = _Trial(incident, violation.rule)
        needed = min(needed, lenient.needed(), key=lambda found: found.need == "recovery")
        trial = trial if needed.need == "recovery" else lenient
    before, left, recovered = (
        before_the_command(incident), as_the_cut_left_them(incident), after_the_recovery(incident)
    )  # fmt: skip
    return Explanation(
        id=str(crash),
        explained=str(explained),
        rule=violation.rule.value,
        detail=violation.detail,
        doing=incident.doing,
        cut=incident.torn.text if incident.torn else "between two operations",
        left=incident.left,
        need=needed.need,
        first=tuple(done.number for done in needed.first),
        then=tuple(done.number for done in needed.then),
        sentences=needed.sentences,
        tried=tuple(trial.tried),
        by_the_command=_change(incident, before, left),
        by_the_recovery=_change(incident, left, recovered) if recovered else None,
    )


def _without_needless_cuts(variant: Variant, crash: CrashId, rule: Rule) -> CrashId:
    """The crash with the fewest of its cuts, however unstable cells read after them, that violates the same rule."""
    for count in range(1, len(crash.path)):
        *before, last = crash.path[:count]
        for policy in Adversary.POLICIES:
            shorter = crash._replace(path=(*before, last._replace(policy=policy)))
            violation = tell(variant, shorter).violation
            if violation is not None and violation.rule is rule:
                return shorter
    return crash


def _change(incident: Incident, one: Moment, other: Moment) -> MediaChange:
    return MediaChange(structures=structures_changed(one, other), bytes=bytes_changed(incident, one, other))


class _Trial:
    """Tries alternatives to what a cut left; ``tried`` are those of single operations."""

    def __init__(self, incident: Incident, rule: Rule | None = None) -> None:
        """``rule``: it is enough that this one is not violated any more."""
        self._incident = incident
        self._rule = rule
        self._hold = "all rules hold" if rule is None else f"{rule.value} is not violated any more"
        self.tried: list[Tried] = []
        torn, before, behind = incident.torn, incident.before, incident.behind
        here = incident.action
        self._lost = incident.lost
        over = [done for done in before if done not in self._lost]
        self._over = [done for done in over if done.action == here]
        self._to_come = [*self._lost, *(done for done in behind if done.action == here)]
        self._over_before = [done for done in over if done.action != here]
        self._to_come_later = [done for done in behind if done.action != here]
        self._torn: Done | None = None
        """The operation that was cut, if it takes its being torn to do harm."""
        self._base = Altered()
        """What all else is tried with: a tear that does not matter is no tear."""
        if torn is not None:
            self._place(torn)

    def _place(self, torn: Done) -> None:
        """Is the operation that was cut over, or to come, or torn?"""
        undone, completed = Altered(undone=(torn.number,)), Altered(completed=(torn.number,))
        clean = self._incident.left in ("nothing", "all")
        over = self._incident.left == "all" or (not clean and not self._holds(completed))
        to_come = self._incident.left == "nothing" or (not clean and not over and not self._holds(undone))
        if over:
            self._base = completed if not clean else Altered()
            self._over.insert(0, torn)
        elif to_come:
            self._base = undone if not clean else Altered()
            self._to_come.insert(0, torn)
        else:
            self._torn = torn

    def needed(self) -> _Needed:
        """What had to be otherwise."""
        self._tell([*self._cut_first(self._over), *self._over_before], self._undone)
        self._tell(self._cut_first(self._to_come), self._completed)
        if self._torn is not None:
            return self._not_torn(self._torn)
        first = self._least(self._over, self._undone)
        then = self._least(self._to_come, self._completed)
        first = first or self._least(self._over_before, self._undone, alone=True)
        if not then:
            self._tell(self._to_come_later, self._completed)
            then = self._least(self._to_come_later, self._completed, alone=True)
        if first and then:
            return self._both(first, then)
        if then:
            return self._durable(then)
        if first:
            return self._never(first)
        return self._recovery()

    def _cut_first(self, some: Sequence[Done]) -> list[Done]:
        return [*([self._torn] if self._torn else []), *some]

    def _undone(self, some: Sequence[Done]) -> Altered:
        numbers = tuple(done.number for done in some)
        return Altered(numbers, tuple(number for number in self._base.completed if number not in numbers))

    def _completed(self, some: Sequence[Done]) -> Altered:
        numbers = self._with_blocks(some)
        return Altered(tuple(number for number in self._base.undone if number not in numbers), numbers)

    def _with_blocks(self, some: Sequence[Done]) -> tuple[int, ...]:
        """Their numbers, and of pages in blocks of NAND flash that were still to be opened, how that is done."""
        numbers = {done.number for done in some}
        opening = [done for done in (*self._to_come, *self._to_come_later) if opens_block(done.about)]
        media = self._incident.rig.board.media
        for done in some:
            nand = media[done.device]
            if isinstance(nand, NandFlash):
                block = done.address // nand.pages_per_block
                numbers |= {
                    one.number
                    for one in opening
                    if one.device == done.device
                    and one.address // nand.pages_per_block == block
                    and one.number < done.number
                }
        return tuple(sorted(numbers))

    def _holds(self, altered: Altered) -> bool:
        return self._passes(self._incident.judge(altered))

    def _passes(self, violation: Violation | None) -> bool:
        return violation is None or (self._rule is not None and violation.rule is not self._rule)

    def _least(
        self, candidates: Sequence[Done], alter: Callable[[Sequence[Done]], Altered], *, alone: bool = False
    ) -> tuple[Done, ...]:
        """The least that makes all rules hold: one operation, the nearest to the cut, or several that only do together.

        A checkpoint has everything in it, so that it comes last.

        ``alone``: only one will do.
        """
        plain = [done for done in candidates if not is_housekeeping(done.about)]
        for some in (plain, candidates):
            for done in some:
                if self._holds(alter([done])):
                    return (done,)
            if not alone and len(some) > 1 and self._holds(alter(some)):
                least = ddmin(some, lambda some: self._holds(alter(some)))
                return tuple(sorted(least, key=lambda done: done.number))
        return ()

    def _tell(self, candidates: Sequence[Done], alter: Callable[[Sequence[Done]], Altered]) -> None:
        for done in candidates:
            violation = self._incident.judge(alter([done]))
            self.tried.append(
                Tried(
                    operation=done.number,
                    what=done.text,
                    about=done.about,
                    state=self._state(done),
                    tried="undone" if done.number in alter([done]).undone else "completed",
                    holds=self._passes(violation),
                    then="" if violation is None else f"{violation.rule.value}: {violation.detail}",
                )
            )

    def _state(self, done: Done) -> Literal["over", "cut", "to come", "cached"]:
        if self._incident.torn is not None and done.number == self._incident.torn.number:
            return "cut"
        if done in self._lost:
            return "cached"
        return "over" if done.number < self._incident.path[-1].operation else "to come"

    def _not_torn(self, torn: Done) -> _Needed:
        if all(self._holds(Altered(stable=reading)) for reading in "on"):
            return _Needed(
                "stable", (torn,), (),
                (
                    f"What {torn.name} leaves must read the same each time.",
                    f"If its cells read as before the cut for good, or as after it, {self._hold}: the boot relies on a "
                    "reading that the next one need not find (rule 5: what is relied on is written again first).",
                ),
            )  # fmt: skip
        return _Needed(
            "whole", (torn,), (),
            (
                f"{_capital(torn.name)} must persist whole, or not at all.",
                f"It is torn: {self._incident.left}. With nothing of it there, and with all of it, {self._hold}.",
            ),
        )  # fmt: skip

    def _both(self, first: tuple[Done, ...], then: tuple[Done, ...]) -> _Needed:
        """Undoing the ones mends it, and so does completing the others: is there an order of the two that is safe?"""
        ones, others = _named(first), _named(then)
        remedy = f"With {_numbers(first)} undone, and with {_numbers(then)} complete, {self._hold}"
        swapped = self._swapped(first, then)
        violation = self._incident.judge(swapped) if swapped else None
        if violation is not None and not self._passes(violation):
            some = then[: len(swapped.appended)] if swapped and swapped.appended else then
            why = f"; with {_numbers(some)} and not {_numbers(first)} they do not ({_told(violation)})"
            return _Needed(
                "together", first, then,
                (
                    f"{_capital(ones)} and {others} must persist together, or neither of them.",
                    f"{remedy}{why}.",
                    "No order of them is safe: it takes one atom for both, or a record by which a boot can finish "
                    "what was begun.",
                ),
            )  # fmt: skip
        rule = ""
        if all(done.about.startswith(DATA) for done in then) and not any(d.about.startswith(DATA) for d in first):
            rule = " This is rule 1: data before maps."
        return _Needed(
            "order", first, then,
            (
                f"{_capital(ones)} must not persist before {others}.",
                f"{remedy}{'; the other way round they hold as well' if swapped else ''}.{rule}",
            ),
        )  # fmt: skip

    def _swapped(self, first: Sequence[Done], then: Sequence[Done]) -> Altered | None:
        """The others are done, and the ones are not; None if nobody can say what that would have left.

        In the log of a flash, what comes first also lies first.
        """
        altered = Altered(tuple(done.number for done in first), self._with_blocks(then))
        logs = [done for done in (*first, *then) if done.kind == "program"]
        if not logs or {done.device for done in first}.isdisjoint(done.device for done in then):
            return altered
        if len(logs) < len(first) + len(then) or len({done.length for done in logs}) > 1:
            return None
        # Of several others, as many as there is room for: an order that is cut there must be safe as well.
        numbers = [done.number for done in then]
        return Altered(altered.undone, appended=tuple(zip(numbers, altered.undone, strict=False)))

    def _durable(self, then: tuple[Done, ...]) -> _Needed:
        verb = "were" if len(then) > 1 else "was"
        why = f"With {_numbers(then)} complete, {self._hold}; nothing that persisted needs to be undone."
        if all(done in self._lost for done in then):
            lost = f"{'They' if len(then) > 1 else 'It'} {verb} over, and lost in the cache of {then[0].device}."
            return _Needed("durable", (), then, (f"{_capital(_named(then))} had to be durable by now.", lost, why))
        return _Needed("durable", (), then, (f"{_capital(_named(then))} had to be done, and durable, by now.", why))

    def _never(self, first: tuple[Done, ...]) -> _Needed:
        return _Needed(
            "never", first, (),
            (
                f"{_capital(_named(first))} must not be done here.",
                f"With {_numbers(first)} undone, {self._hold}; nothing that was still to come mends it.",
            ),
        )  # fmt: skip

    def _recovery(self) -> _Needed:
        return _Needed(
            "recovery", (), (),
            (
                "It is not the order of these operations: one is missing, or the recovery does wrong.",
                "Whichever operation near the cut is undone or completed, a rule is violated: no other order of them "
                "would help.",
            ),
        )  # fmt: skip


def _named(some: Sequence[Done]) -> str:
    names = [done.name for done in some]
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def _numbers(some: Sequence[Done]) -> str:
    numbers = [str(done.number) for done in some]
    return " and ".join(part for part in (", ".join(numbers[:-1]), numbers[-1]) if part)


def _told(violation: Violation) -> str:
    return f"{violation.rule.value}: {violation.detail}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
