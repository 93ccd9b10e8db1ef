"""What a command line names: scenarios of the library, files, folders of files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from deltabench.firmware_model.errors import FirmwareError
from deltabench.hwsim.errors import HardwareError
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.scenario import SUFFIX, Scenario, Trace, Variant, find_scenario, load_scenario
from deltabench.scenarios.selection import selection
from deltabench.scenarios.session import Session
from deltabench.tools.exits import Exit

scheme_option = click.option("--scheme", multiple=True, help="Only variants with this map scheme (may be repeated).")
store_option = click.option("--store", multiple=True, help="Only variants with this atom store (may be repeated).")
wrap_option = click.option(
    "--wrap", is_flag=True, help="Fold traces into the volume, as wrap = true in each trace step does."
)


def selected(
    references: Sequence[str], schemes: Sequence[str], stores: Sequence[str], *, wrap: bool = False
) -> tuple[list[Variant], Exit]:
    """The variants that a command line names; if one is wrong, or there are none, says so, and with what to exit."""
    found, problems = find_all(references)
    known = [variant for scenario in found for variant in (wrapped(scenario) if wrap else scenario).variants()]
    variants = [
        variant
        for variant in known
        if (not schemes or variant.scheme in schemes) and (not stores or variant.firmware.store.value in stores)
    ]
    if problems:
        for problem in problems + build_problems(variants):
            click.echo(f"deltabench: {problem}", err=True)
        return [], Exit.USAGE
    if not variants:
        known_schemes = ", ".join(dict.fromkeys(variant.scheme for variant in known))
        known_stores = ", ".join(dict.fromkeys(variant.firmware.store.value for variant in known))
        click.echo(
            f"deltabench: nothing selected: no variant has this scheme and store; "
            f"the schemes there are: {known_schemes}; the stores: {known_stores}",
            err=True,
        )
    return variants, Exit.NOTHING


def find_all(references: Sequence[str]) -> tuple[list[Scenario], list[str]]:
    """All scenarios that are named, and what is wrong with those that cannot be read, a message each."""
    scenarios: list[Scenario] = []
    problems: dict[str, None] = {}
    for reference in references:
        path = Path(reference)
        files = sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else []
        if path.is_dir() and not files:
            raise click.UsageError(f"{reference}: the folder has no file that ends in {SUFFIX}")
        names = [str(file) for file in files] if files else [reference]
        for name in names:
            try:
                scenarios.append(load_scenario(Path(name)) if files else find_scenario(name))
            except ScenarioError as error:
                problems[str(error)] = None
    return scenarios, list(problems)


def build_problems(variants: Sequence[Variant]) -> list[str]:
    """What is wrong with the variants that can be read and cannot be built, a message each."""
    problems: dict[str, None] = {}
    for variant in variants:
        try:
            Session(variant)
            selection(variant)
        except (ScenarioError, HardwareError, FirmwareError) as error:
            problems[str(error)] = None
    return list(problems)


def wrapped(scenario: Scenario) -> Scenario:
    """The scenario with ``wrap = true`` in each of its trace steps."""
    steps = tuple(
        msgspec.structs.replace(step, wrap=True) if isinstance(step, Trace) else step
        for step in scenario.document.steps
    )
    return msgspec.structs.replace(scenario, document=msgspec.structs.replace(scenario.document, steps=steps))
