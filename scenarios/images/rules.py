"""The structural rules of an image: what docs/format.md and the firmware's own arguments say must hold of it.

A cut may leave some of them broken for the boot to mend (rule 5 of the specification); the others hold at every moment
of a sound device.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from deltabench.scenarios.images import layer_checks, map_checks, store_checks
from deltabench.scenarios.images.boot import Booted
from deltabench.scenarios.images.decode import Decoded, unreadable
from deltabench.scenarios.images.documents import RuleSeen
from deltabench.scenarios.images.store_checks import Check, Faults
from deltabench.scenarios.images.units import shown_units

Need = Literal["labels", "store", "volumes", "layers"]
MOST_PLACES: Final = 8
SCHEMES: Final = ("plain", "flagged", "versioned", "history")
WITH_VERSION: Final = SCHEMES[1:]
WITH_FLAG: Final = ("flagged", "versioned")
WITH_UNIT_VERSIONS: Final = ("versioned", "history")
TWINS: Final = ("nvram", "disk")
NOR: Final = ("nor",)
NAND: Final = ("nand",)


class Rule(NamedTuple):
    """A rule of what lies on the media: ``check`` yields each place where it is broken.

    ``needs``: what must be in the image to say.  ``schemes``, ``stores``, ``remote`` and ``layers`` (of translation):
    where there is such a thing.
    """

    name: str
    means: str
    check: Check
    needs: tuple[Need, ...] = ("store",)
    schemes: tuple[str, ...] = SCHEMES
    stores: tuple[str, ...] = (*TWINS, *NOR, *NAND)
    remote: bool = False
    layers: bool = False


def judge(decoded: Decoded, booted: Booted, after: Decoded | None) -> tuple[RuleSeen, ...]:
    """Every rule; ``after`` is what the boot left."""
    return (*(_judged(rule, decoded, after) for rule in RULES), *_of_the_boot(decoded, booted, after))


def _judged(rule: Rule, decoded: Decoded, after: Decoded | None) -> RuleSeen:
    firmware = decoded.places.firmware
    if firmware.scheme not in rule.schemes or firmware.store.value not in rule.stores:
        return RuleSeen(rule=rule.name, state="none", means=rule.means)
    if (rule.remote and firmware.remote is None) or (rule.layers and not decoded.places.flashes):
        return RuleSeen(rule=rule.name, state="none", means=rule.means)
    if not all(_has(decoded, need) for need in rule.needs):
        return RuleSeen(
            rule=rule.name, state="open", means=rule.means, place="the image does not have what it is about"
        )
    faults = list(_first(rule.check(decoded)))
    if not faults:
        return RuleSeen(rule=rule.name, state="held", means=rule.means)
    mendable = rule.name in MENDED
    mended = mendable and after is not None and all(_has(after, need) for need in rule.needs)
    mended = mended and after is not None and not any(rule.check(after))
    state: Literal["mended", "open", "broken"] = "mended" if mended else "broken"
    if mendable and after is None:
        state = "open"
    return RuleSeen(rule=rule.name, state=state, means=rule.means, place="; ".join(faults))


def _first(faults: Faults) -> Iterator[str]:
    """The first few, and that there are more."""
    for count, fault in enumerate(faults):
        if count == MOST_PLACES:
            yield "and more"
            return
        yield fault


def _has(decoded: Decoded, need: Need) -> bool:
    match need:
        case "labels":
            return all(label is not None for label in decoded.labels)
        case "store":
            return decoded.store.held
        case "volumes":
            return unreadable(decoded) is not None
        case "layers":
            return None not in decoded.layers


def _of_layers(name: str, means: str, check: Check) -> Rule:
    return Rule(name, means, check, ("layers",), layers=True)


RULES: Final = (
    _of_layers("layer-counts", "a checkpoint of each translation layer counts", layer_checks.checkpoint_counts),
    _of_layers("layer-settled", "that checkpoint counts for good", layer_checks.checkpoint_settled),
    _of_layers("layer-log-whole", "the log behind it ends in a whole page", layer_checks.log_ends_whole),
    _of_layers("layer-in-order", "no two blocks that count have one place in the log", layer_checks.sequences_differ),
    _of_layers("layer-map-sound", "each logical page is in a page of its own", layer_checks.map_names_pages),
    _of_layers(
        "layer-pages-agree", "a page that counts says which logical page it holds", layer_checks.pages_name_themselves
    ),
    _of_layers("layer-bad-empty", "a bad block holds nothing that counts", layer_checks.bad_blocks_are_empty),
    _of_layers(
        "layer-free-empty", "a block called free holds nothing that is mapped", layer_checks.free_blocks_are_empty
    ),
    Rule("labels-good", "every disk with a volume has a label with a good slot", store_checks.labels_good, ("labels",)),
    Rule(
        "labels-belong",
        "labels are of the map store's volume, each disk in its place",
        store_checks.labels_belong,
        ("labels", "store"),
    ),
    Rule(
        "labels-in-step",
        "labels are of the identity's system version",
        store_checks.labels_in_step,
        ("labels", "store"),
    ),
    Rule(
        "identity-not-ahead",
        "the identity is not ahead of the maps' system version",
        store_checks.identity_not_ahead,
        schemes=WITH_VERSION,
    ),
    Rule("atoms-good", "every atom has a good copy", store_checks.atoms_good),
    Rule(
        "newest-area-proven", "the newest area of the map store is proven", store_checks.newest_area_proven, stores=NOR
    ),
    Rule(
        "other-area-before",
        "the other area is whole, and the one before it",
        store_checks.other_area_before,
        stores=NOR,
    ),
    Rule(
        "log-in-order",
        "the log is open, and its records are of atoms that there are",
        store_checks.log_records_name_atoms,
        stores=NOR,
    ),
    Rule("log-ends-blank", "the log ends in blank flash", store_checks.log_ends_in_blank, stores=NOR),
    Rule("twins-follow", "the sequences of two good slots are one apart", store_checks.twins_follow, stores=TWINS),
    Rule("flag-consistent", "flag, progress and target fit together", map_checks.flag_consistent, schemes=WITH_FLAG),
    Rule("no-command-pending", "no save or restore is half done", map_checks.no_command_pending, schemes=WITH_FLAG),
    Rule(
        "request-consistent",
        "the remote's last request is one that there is",
        map_checks.request_consistent,
        remote=True,
    ),
    Rule("no-request-pending", "no request of the remote is half done", map_checks.no_request_pending, remote=True),
    Rule(
        "versions-in-window",
        "no unit is older than its version can tell",
        map_checks.versions_in_window,
        schemes=WITH_UNIT_VERSIONS,
    ),
    Rule("padding", "what is unused is blank", map_checks.padding),
    Rule("live-readable", "every sector of the live image is there", map_checks.live_readable, ("store", "volumes")),
    Rule(
        "save-point-readable",
        "every sector of the save point is there",
        map_checks.save_point_readable,
        ("store", "volumes"),
    ),
)
MENDED: Final = (
    "layer-settled",
    "layer-log-whole",
    "layer-bad-empty",
    "labels-in-step",
    "newest-area-proven",
    "other-area-before",
    "log-ends-blank",
    "no-command-pending",
    "no-request-pending",
)
"""Rules that a cut may leave broken, for the boot to mend."""


def _of_the_boot(decoded: Decoded, booted: Booted, after: Decoded | None) -> Iterator[RuleSeen]:
    """Rules of what the boot does."""
    seen = booted.seen
    tried = seen.outcome != "not-tried"

    def rule(name: str, means: str, fault: str) -> RuleSeen:
        state: Literal["open", "broken", "held"] = "broken" if fault else "held"
        return RuleSeen(rule=name, state=state if tried else "open", means=means, place=fault if tried else seen.reason)

    # A flash without spare blocks can still be read, and has nothing wrong with what lies on it.
    ends_well = seen.outcome in ("ready", "read-only")
    yield rule("boot-ends-ready", "a boot ends ready, or read-only without spare blocks",
               "" if ends_well else seen.reason or seen.outcome)  # fmt: skip
    count = len(seen.operations)
    yield rule("boot-bounded", f"a boot takes at most {seen.limit} media operations" if tried else "a boot is bounded",
               f"{count}" if seen.outcome == "stopped" and count >= seen.limit else "")  # fmt: skip
    changed = []
    if after is not None and decoded.maps is not None and after.maps is not None:
        before, now = decoded.maps, after.maps
        for name, old, new in (("VSM", before.vsm, now.vsm), ("DDM", before.ddm, now.ddm)):
            if units := (int(old, 16) ^ int(new, 16)) & ~int(before.lost, 16):
                changed.append(f"{name} of units {shown_units(units)}")
    yield rule("boot-keeps-maps", "a boot leaves VSM and DDM as it read them", "; ".join(changed))
    unrest = ""
    if seen.later_differ:
        unrest = "a later boot comes to another state"
    elif any(seen.later[-1:]):
        unrest = f"the third takes {seen.later[-1]} media operations"
    yield rule("boots-settle", "boots come to one state, and the third has nothing to do", unrest)
