"""Each mutant of the catalogue is killed, and our unbroken firmware holds where they are not.

Each is run on one of its schemes and stores here, in turn, so that all come up; on every one of them by the soak.
"""

from __future__ import annotations

import re

import pytest

from deltabench.firmware_model.config import StoreKind
from deltabench.scenarios.campaign import run_campaign
from deltabench.scenarios.mutants.catalogue import MUTANTS
from deltabench.scenarios.mutants.mutant import SAFE, Mutant
from deltabench.scenarios.mutants.naming import our_catalogue
from deltabench.scenarios.mutants.settings import Settings
from deltabench.scenarios.scenario import Variant
from deltabench.scenarios.verdict import Result

SETTINGS = list(dict.fromkeys(mutant.under for mutant in MUTANTS if isinstance(mutant.under, Settings)))
PAIRS = [(settings, scheme, store) for settings in SETTINGS for scheme in SAFE for store in settings.STORES]
LONG = 100
CATALOGUE = our_catalogue()


def variants(mutant: Mutant) -> list[Variant]:
    return CATALOGUE.scenario(mutant).variants()


def one_of(on: list[Variant], number: int) -> Variant:
    """In turn; what goes on until versions come round, only where an atom is written at once."""
    if len(on[0].scenario.document.steps) > LONG:
        on = [variant for variant in on if variant.firmware.store is StoreKind.DISK]
    return on[number % len(on)]


def run(variant: Variant) -> Result:
    (result,), interrupted = run_campaign([variant])
    assert result.complete
    assert not interrupted
    return result


def check(mutant: Mutant, variant: Variant) -> None:
    """Killed, and by what it says is broken in it; or equivalent, as it says."""
    result = run(variant)
    if mutant.equivalent:
        assert result.holds, f"{mutant.name} is killed on {variant.name}: {result.findings[0]}"
        return
    assert result.findings, f"{mutant.name} survives {result.counts.generated} states on {variant.name}"
    (finding,) = result.findings
    stopped = re.search(r"the firmware stopped in .*: (NameError|AttributeError|TypeError)", finding.detail)
    assert stopped is None, f"{mutant.name} is broken in another way than it says: {finding.detail}"


@pytest.mark.parametrize("number", range(len(MUTANTS)), ids=[mutant.name for mutant in MUTANTS])
def test_a_mutant_is_killed(number: int) -> None:
    mutant = MUTANTS[number]
    on = variants(mutant)
    check(mutant, one_of(on, number))


@pytest.mark.soak
@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_mutant_is_killed_on_each_of_its_schemes_and_stores(mutant: Mutant) -> None:
    for variant in variants(mutant):
        check(mutant, variant)


def check_control(settings: Settings, variant: Variant) -> None:
    result = run(variant)
    assert result.holds, f"{settings.name}, {variant.name}: {result.findings[0]}"
    assert result.counts.verified > 0


@pytest.mark.parametrize("number", range(len(SETTINGS)), ids=[settings.name for settings in SETTINGS])
def test_our_firmware_holds_under_the_same_settings(number: int) -> None:
    users = [mutant for mutant in MUTANTS if mutant.under is SETTINGS[number]]
    on = users[0].unbroken().variants()
    check_control(SETTINGS[number], one_of(on, number))


@pytest.mark.soak
@pytest.mark.parametrize(("settings", "scheme", "store"), PAIRS)
def test_our_firmware_holds_under_all_settings_on_every_pair(settings: Settings, scheme: str, store: object) -> None:
    mutant = next(mutant for mutant in MUTANTS if mutant.under is settings)
    everywhere = Mutant(mutant.firmware, under=settings, stores=settings.STORES)
    for variant in everywhere.unbroken().variants():
        if (variant.scheme, variant.firmware.store) == (scheme, store):
            check_control(settings, variant)
