"""Runs mutants until something kills them, and the unbroken firmware beside them, which nothing may kill."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from deltabench.scenarios import campaign
from deltabench.scenarios.mutants.documents import Control, Explored, Hunted, Mutation, Verdict
from deltabench.scenarios.mutants.mutant import Mutant
from deltabench.scenarios.mutants.naming import Catalogue
from deltabench.scenarios.scenario import Variant
from deltabench.scenarios.verdict import Result


class Hunt(NamedTuple):
    """A mutant with its variants."""

    mutant: Mutant
    variants: tuple[Variant, ...]


class Plan(NamedTuple):
    """What a campaign runs.  ``controls``: the unbroken firmware, once under all settings that a hunt has, by name."""

    catalogue: Catalogue
    hunts: tuple[Hunt, ...]
    controls: tuple[tuple[str, Variant], ...]

    @property
    def variants(self) -> list[Variant]:
        """In the order in which their results are wanted: controls first, as nothing means anything without them."""
        return [*(variant for _, variant in self.controls), *(each for hunt in self.hunts for each in hunt.variants)]


class Campaign(NamedTuple):
    """What came out: the results of ``plan.variants``, in their order."""

    plan: Plan
    results: tuple[Result, ...]
    interrupted: bool

    @property
    def document(self) -> Mutation:
        """With one entry for each control and each mutant."""
        left = iter(self.results)
        controls = [_control(settings, next(left)) for settings, _ in self.plan.controls]
        return Mutation(
            interrupted=self.interrupted,
            catalogue=self.plan.catalogue.title,
            controls=tuple(controls),
            mutants=tuple(_hunted(hunt, [next(left) for _ in hunt.variants]) for hunt in self.plan.hunts),
        )


def plan(
    catalogue: Catalogue, names: Sequence[str] = (), schemes: Sequence[str] = (), stores: Sequence[str] = ()
) -> Plan:
    """The mutants of these names, on these schemes and stores; all, where none are given.  A hunt may have no variant.

    Raises ScenarioError for a name that no mutant has.
    """

    def wanted(variant: Variant) -> bool:
        return (not schemes or variant.scheme in schemes) and (not stores or variant.firmware.store.value in stores)

    hunts = []
    controls: dict[tuple[str, str], tuple[str, Variant]] = {}
    for mutant in catalogue.choose(names):
        variants = tuple(filter(wanted, catalogue.scenario(mutant).variants()))
        if not variants:
            continue
        hunts.append(Hunt(mutant, variants))
        unbroken = mutant.unbroken()
        for variant in filter(wanted, unbroken.variants()):
            controls.setdefault((unbroken.name, variant.name), (mutant.settings_name, variant))
    return Plan(catalogue, tuple(hunts), tuple(controls.values()))


def run_mutants(planned: Plan, jobs: int = 1, report: campaign.Report = lambda _: None) -> Campaign:
    """Run what is planned on ``jobs`` processes; raises ScenarioError before that if something cannot be built."""
    results, interrupted = campaign.run_campaign(planned.variants, jobs, report)
    return Campaign(planned, tuple(results), interrupted)


def exit_code(document: Mutation) -> int:
    """0: every mutant is killed, or equivalent as it is said to be, and every control holds.  1: not."""
    killed = all(mutant.verdict in ("killed", "equivalent") for mutant in document.mutants)
    return 0 if killed and all(control.verdict == "holds" for control in document.controls) else 1


def _explored(result: Result) -> Explored:
    judged = result.judged
    return Explored(
        variant=result.variant.name,
        scheme=judged.scheme,
        atom_store=judged.atom_store,
        crash_states=result.counts.generated,
        elapsed_s=judged.elapsed_s,
        complete=result.complete,
        violation=next(iter(judged.violations), None),
    )


def _control(settings: str, result: Result) -> Control:
    return Control(
        scenario=result.variant.scenario.name,
        settings=settings,
        verdict="violated" if not result.holds else "holds" if result.complete else "unfinished",
        run=_explored(result),
    )


def _hunted(hunt: Hunt, results: Sequence[Result]) -> Hunted:
    mutant, runs = hunt.mutant, tuple(map(_explored, results))
    return Hunted(
        name=mutant.name,
        part=mutant.part,
        mistake=mutant.mistake,
        breaks=mutant.breaks,
        firmware=mutant.reference,
        settings=mutant.settings_name,
        needs=mutant.needs,
        equivalent=mutant.equivalent,
        verdict=_verdict(mutant, runs),
        runs=runs,
    )


def _verdict(mutant: Mutant, runs: Sequence[Explored]) -> Verdict:
    """A mutant is killed if it is on every scheme and store; one kill refutes that it is equivalent."""
    if mutant.equivalent and any(run.violation for run in runs):
        return "refuted"
    if not mutant.equivalent and any(run.complete and not run.violation for run in runs):
        return "survived"
    if not all(run.violation or run.complete for run in runs):
        return "unfinished"
    return "equivalent" if mutant.equivalent else "killed"
