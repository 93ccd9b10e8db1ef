"""How much of a variant may be explored, as the command line says it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import click
import msgspec

from deltabench.scenarios.scenario import Variant


class _Seconds(click.FloatRange):
    """A number of seconds; "nan", which would be no bound at all, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds: float = super().convert(value, param, ctx)
        if not math.isfinite(seconds):
            self.fail(f"{value} is no number of seconds", param, ctx)
        return seconds


most_states_option = click.option(
    "--max-states", type=click.IntRange(min=1), help="Judge no more than so many recoveries of a variant."
)
most_seconds_option = click.option(
    "--max-seconds",
    type=_Seconds(min=0, min_open=True),
    help="Spend no more than so much CPU time on a variant.",
)


def with_budget(variants: Sequence[Variant], most_states: int | None, most_seconds: float | None) -> list[Variant]:
    """The variants, explored no further than that; what is None stays as the scenario has it."""
    given = {"most_states": most_states, "most_seconds": most_seconds}
    changes = {key: value for key, value in given.items() if value is not None}
    return [_changed(variant, changes) for variant in variants] if changes else list(variants)


def _changed(variant: Variant, changes: dict[str, float]) -> Variant:
    replace, scenario = msgspec.structs.replace, variant.scenario
    power = replace(scenario.document.power, **changes)
    return replace(variant, scenario=replace(scenario, document=replace(scenario.document, power=power)))
