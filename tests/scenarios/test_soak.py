"""Every safe scheme on every store: random work cut twice in a row, with logs of every small size; hold-up."""

from __future__ import annotations

from pathlib import Path

import pytest

from deltabench.scenarios.campaign import run_campaign
from deltabench.scenarios.holdup import needed_holdup
from deltabench.scenarios.scenario import Cuts, Random, Variant, find_scenario, library_names, load_scenario

SOAK = """
title = "random work, cut twice in a row"
seed = {seed}
[board.devices]
disk0 = {{ part = "generic-disk", sectors = 1024 }}
nor0 = {{ part = "W25Q64JV" }}
fram0 = {{ part = "FM25V10" }}
[firmware]
units = 64
log_records = {log_records}
[matrix]
scheme = ["{scheme}"]
store = ["nvram", "disk", "nor"]
[[steps]]
do = "random"
commands = 200
mix = {{ crash = 3, power_cycle = 2 }}
[power]
depth = 2
"""


@pytest.mark.soak
@pytest.mark.parametrize("scheme", ["flagged", "versioned", "history"])
@pytest.mark.parametrize(("log_records", "seed"), [(3, 1), (7, 2), (12, 3)])
def test_no_rule_is_violated_by_two_cuts_in_a_row(tmp_path: Path, scheme: str, log_records: int, seed: int) -> None:
    path = tmp_path / "soak.scenario.toml"
    path.write_text(SOAK.format(scheme=scheme, log_records=log_records, seed=seed))
    results, _ = run_campaign(load_scenario(path).variants())
    for result in results:
        print(result.variant.name, result.counts)
        assert result.as_expected, result.problem()
        assert result.complete


def held_up() -> list[Variant]:
    """Every variant of a safe scheme in the library that a hold-up can be told for."""
    variants = [variant for name in library_names() for variant in find_scenario(name).variants()]
    return [
        variant
        for variant in variants
        if variant.scheme in ("flagged", "versioned", "history")
        and variant.scenario.document.power.cuts is Cuts.EXHAUSTIVE
        and not any(isinstance(step, Random) and step.mix.crash for step in variant.scenario.document.steps)
    ]


@pytest.mark.soak
@pytest.mark.parametrize("variant", held_up(), ids=lambda variant: f"{variant.scenario.name}:{variant.name}")
def test_no_safe_scheme_needs_any_hold_up(variant: Variant) -> None:
    assert needed_holdup(variant).least_us == 0
