"""Which runs of two results belong together."""

from __future__ import annotations

import msgspec

from deltabench.scenarios.documents import HeldUp, HoldUp, HoldUpStep
from deltabench.tools.comparing import compare


def held_up(*names: str) -> HoldUp:
    """A result with runs of these names."""
    run = HeldUp(
        run="",
        scenario="",
        title="",
        scheme="plain",
        atom_store="nor",
        media_time="typical",
        least_us=0,
        needed_during={},
        steps=(HoldUpStep(holdup_us=0, violations=0),),
        generated=1,
    )
    runs = tuple(msgspec.structs.replace(run, run=name) for name in names)
    return HoldUp(from_mv=5000, to_mv=3000, load_mw=2500, runs=runs)


def pairs(one: HoldUp, other: HoldUp) -> list[tuple[str, str]]:
    return [(pair.one.run, pair.other.run) for pair in compare(one, other).pairs]


def test_runs_of_two_scenarios_are_paired_by_their_variant() -> None:
    one, other = held_up("a:plain-nor", "a:flagged-nor", "a:history-nor"), held_up("b:flagged-nor", "b:history-nor")
    assert pairs(one, other) == [("a:flagged-nor", "b:flagged-nor"), ("a:history-nor", "b:history-nor")]
    assert compare(one, other).only_one == ("a:plain-nor",)


def test_names_come_before_variants_and_order_comes_last() -> None:
    one, other = held_up("a:plain-nor", "b:plain-nor", "a:flagged-nor"), held_up("b:plain-nor", "c:history-nor")
    assert pairs(one, other) == [("b:plain-nor", "b:plain-nor"), ("a:plain-nor", "c:history-nor")]
