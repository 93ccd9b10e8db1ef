"""Scenario files that say what cannot be: each is refused with file, key, value and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.scenario import Scenario

NewScenario = Callable[..., Scenario]
NOTHING = "steps = []"


@pytest.mark.parametrize(
    ("top", "tables", "message"),
    [
        ("", "", "key 'steps' is missing"),
        (
            'steps = [{ do = "writ", lba = 1 }]',
            "",
            "steps[0].do = 'writ': invalid value 'writ'; allowed: 'write', 'read', 'flush', 'save', 'restore', "
            "'power-cycle', 'idle', 'swap', 'snapshot', 'put-back', 'random', 'trace'",
        ),
        ('steps = [{ do = "write" }]', "", "key 'steps[0].lba' is missing"),
        ('steps = [{ do = "write", lbs = 1 }]', "", "unknown key 'steps[0].lbs'; did you mean 'lba'?"),
        (NOTHING, "[power]\ndepth = 5", "power.depth = 5: expected `int` <= 4"),
        (NOTHING, "[power]\ncuts = 'some'", "allowed: 'none', 'at', 'random', 'exhaustive'"),
        (
            NOTHING,
            "[power]\noutcome = 3",
            "power.outcome = 3: has no meaning with cuts = 'exhaustive'; allowed with cuts = 'at'",
        ),
        (
            NOTHING,
            "[expect.exceptions.plian]\nverdict = 'violated'",
            "expect.exceptions.plian: no such scheme; allowed: plain, flagged, versioned, history",
        ),
        (
            NOTHING,
            "[matrix]\nstore = ['nor', 'disk', 'nor']",
            "[matrix] gives two variants of the name flagged-nor",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_key_value_and_what_is_allowed(
    top: str, tables: str, message: str, new_scenario: NewScenario
) -> None:
    with pytest.raises(ScenarioError, match=rf"small\.scenario\.toml: .*{re.escape(message)}"):
        new_scenario(top, tables)


def test_an_exception_may_name_a_scheme_that_the_scenario_does_not_run_now(new_scenario: NewScenario) -> None:
    scenario = new_scenario(NOTHING, "[expect.exceptions.plain]\nverdict = 'violated'")
    (variant,) = scenario.variants()
    assert variant.expected.verdict == "holds"


def test_the_opening_comment_is_what_the_scenario_is_about(new_scenario: NewScenario) -> None:
    assert new_scenario("# Two lines\n# of words.\n\n# Not this one.\ntitle = 'x'\nsteps = []").about == (
        "Two lines of words."
    )
