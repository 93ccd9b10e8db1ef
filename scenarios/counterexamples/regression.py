"""A shrunken crash as a scenario file, to be kept as a test: it fails until the firmware is mended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from deltabench.hwsim.instability import Adversary
from deltabench.scenarios.counterexamples.explicit import changed, moved, to_toml
from deltabench.scenarios.counterexamples.shrink import Shrunk
from deltabench.scenarios.crash_id import format_path
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.replay import Event
from deltabench.scenarios.scenario import Cuts, Power, Variant


def as_file(shrunk: Shrunk, path: Path, *, only_this_cut: bool = False) -> str:
    """The text of the scenario file ``path``: it fails until the firmware is mended.

    All cuts of the small workload are in it, so that it is a test of what the mended firmware does, too, whatever
    operations that has; with ``only_this_cut``, just the one that was found.  Raises ScenarioError if the file cannot
    be there: a class of one's own is imported from the folder of its scenario.
    """
    _check_guests(shrunk.variant, path)
    cuts, rule = shrunk.story.crash.path, shrunk.rule.value
    replace = msgspec.structs.replace
    document = shrunk.variant.scenario.document
    power = Power(depth=max(len(cuts), 1), boot_limit=document.power.boot_limit)
    if not cuts:
        power = replace(power, cuts=Cuts.NONE)
    elif only_this_cut:
        power = replace(power, cuts=Cuts.AT, operation=cuts[0].operation, outcome=cuts[0].outcome)
    title = f"{rule} is violated during {shrunk.story.doing}"
    final = moved(changed(shrunk.variant, title=title, power=power), path)
    about = [
        f"Shrunk from {shrunk.original}, {shrunk.actions:,} actions, to {len(document.steps)}.",
        f"The device is doing: {shrunk.story.doing}.",
        *_cuts_in_words(shrunk.story.events),
        f"{rule} is violated: {_one_line(shrunk.story.violation)}",
        f"It is told step by step by: deltabench replay {path}:{final.name}:{format_path(cuts)}",
    ]
    return to_toml(final, about)


def _check_guests(variant: Variant, path: Path) -> None:
    near = variant.scenario.path.parent
    for reference in (variant.scenario.document.controller, variant.firmware.scheme):
        module, colon, _ = (reference or "").partition(":")
        beside = near / f"{module.partition('.')[0]}.py"
        if colon and near.resolve() != path.parent.resolve() and (beside.is_file() or beside.with_suffix("").is_dir()):
            raise ScenarioError(
                f"{path}: would name {reference}, which lies in {near}; a scenario with it must be in that folder, too"
            )


def _cuts_in_words(events: Sequence[Event]) -> Iterator[str]:
    """Where power is cut, and how the unstable cells read then, if that is not as before."""
    for before, event in zip((None, *events), events, strict=False):
        if event.kind == "cut":
            at = f"operation {event.number}, {before.text}" if before and before.kind == "operation" else "no operation"
            yield f"Power is cut in {at}; it {event.text.partition('; this operation ')[2]}."
        elif event.kind == "boot" and not event.text.endswith(Adversary.MEANING[Adversary.FIRST_POLICY]):
            yield f"In the boot behind it {event.text.partition('; ')[2]}."


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
