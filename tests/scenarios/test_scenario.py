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
            "'radio', 'power-cycle', 'crash', 'idle', 'swap', 'snapshot', 'put-back', 'bit-errors', 'age', "
            "'read-only', 'wear-out', 'random', 'trace'",
        ),
        ('steps = [{ do = "write" }]', "", "key 'steps[0].lba' is missing"),
        ('steps = [{ do = "write", lbs = 1 }]', "", "unknown key 'steps[0].lbs' (did you mean 'lba'?)"),
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
        (
            NOTHING,
            "[matrix]\nscheme = ['plain', 'flagged', 'versoined']",
            "matrix.scheme[2] = 'versoined': no such scheme (did you mean 'versioned'?); "
            "allowed: plain, flagged, versioned, history, or module:Class",
        ),
        (
            NOTHING,
            "[firmware]\nscheme = 'flaged'",
            "firmware.scheme = 'flaged': no such scheme (did you mean 'flagged'?)",
        ),
        (
            NOTHING,
            "[expect.exceptions]\nflagged = {}\nplain = { rule = 'sound' }",
            "expect.exceptions.plain.rule = 'sound': invalid enum value 'sound'; allowed: ",
        ),
        (
            NOTHING,
            "[board.devices.nor1]\npart = 'AT25SF041'\nsectors = 'many'",
            "board.devices.nor1.sectors = 'many': expected `int`, got text",
        ),
        (NOTHING, "[board.switches.restore]\nstuck = 'half'", "board.switches.restore.stuck = 'half': invalid enum"),
        (NOTHING, "[board.switches.restore]\nbounce_us = -1", "board.switches.restore.bounce_us = -1: expected"),
        (NOTHING, "[power]\ncuts = 'at'", "power.operation is missing: cuts = 'at' needs it"),
        (
            NOTHING,
            "[power]\ncount = 100",
            "power.count = 100: has no meaning with cuts = 'exhaustive'; allowed with cuts = 'random'",
        ),
        (NOTHING, "[firmware]\nvolume_id = 'DELTA42'", "firmware.volume_id = 'DELTA42': expected"),
        (
            NOTHING,
            "[firmware]\nvolume_id = 'ÄÖÜß'",
            "firmware.volume_id = 'ÄÖÜß': takes 8 bytes in UTF-8; allowed: at most 6",
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


def test_of_a_table_by_name_the_entry_that_is_wrong_is_named_and_shown_alone(new_scenario: NewScenario) -> None:
    board = "[board.devices]\nnor0 = { part = 'AT25SF041' }\ndisk0 = 'generic-disk'"
    with pytest.raises(ScenarioError, match=r": board\.devices\.disk0 = 'generic-disk': expected a table, got text$"):
        new_scenario(NOTHING, board=board)


def test_a_controller_of_the_users_own_may_have_schemes_of_its_own(new_scenario: NewScenario) -> None:
    scenario = new_scenario("controller = 'mine:Mine'\nsteps = []", "[firmware]\nscheme = 'mirrored'")
    assert scenario.variants()[0].scheme == "mirrored"
