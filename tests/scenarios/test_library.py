"""The scenario library: everything comes out as expected, and every figure, rule and kind of power loss is covered."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec
import pytest

from deltabench.firmware_model import layout
from deltabench.firmware_model.atoms.nor import PROVEN, NorAtoms
from deltabench.firmware_model.commands import Command, Opcode
from deltabench.firmware_model.controller import DeltaController
from deltabench.firmware_model.schemes import SCHEMES
from deltabench.hwsim.medium import Operation
from deltabench.scenarios.campaign import run_campaign
from deltabench.scenarios.scenario import Cuts, Random, Scenario, Variant, find_scenario, library_names
from deltabench.scenarios.session import Session
from deltabench.scenarios.verdict import Result

LIBRARY = {name: find_scenario(name) for name in library_names()}
VARIANTS = {
    f"{name}:{variant.name}": variant
    for name, scenario in LIBRARY.items()
    if name != "demo"  # minutes of work: `make demo` runs it
    for variant in scenario.variants()
}
SAFE = [scheme for scheme in SCHEMES if scheme != "plain"]
STORES = ("nvram", "disk", "nor")

FIGURES = [
    "1",
    "2",
    "3A",
    "3B",
    "4",
    "5",
    "6A",
    "6B",
    "7",
    "8",
    "9A",
    "9B",
    "9C",
    "9D",
    "9E",
    "10",
    "11",
    "12",
    "13",
    "14",
]
POWER_LOSS = {
    "NOR page program": [
        "nothing",
        r"a prefix of \d+ bytes",
        r"\d+ bytes and half a byte",
        r"all, but byte \d+ half",
        r"only the bytes from \d+ on",
        "every other byte",
        r"all but bit \d of byte \d+",
        r"a prefix of \d+ bytes, unstable",
        r"all, byte \d+ unstable",
        "all, unstable",
        "all",
    ],
    "NOR sector erase": [
        "nothing",
        r"\d+ pages and half a page blank",
        "random bits set",
        "blank or as before, unstable",
        "blank, but weak",
        "all",
    ],
    "NAND page program": [
        "nothing",
        r"a prefix of \d+ codewords",
        r"\d+ codewords and half a codeword",
        r"all, but codeword \d+ half",
        r"only the codewords from \d+ on",
        "every other codeword",
        r"all but a bit of codeword \d+",
        "page uncorrectable",
        r"a prefix of \d+ codewords, unstable",
        r"all, codeword \d+ unstable",
        "all, unstable",
        "all",
    ],
    "NAND block erase": [
        "nothing",
        r"\d+ pages and half a page blank",
        "all pages uncorrectable",
        "blank or as before, unstable",
        "blank, but weak",
        "all",
    ],
    "disk sector write": ["nothing", r"sector \d+ uncorrectable", "all"],
    "disk volatile write cache": [
        "nothing",
        r"\d of \d sectors \(.*\)",
        "all",
        r"[^;]+; disk1 cache: \d of \d sectors .*",
    ],
    "NVRAM word write": ["nothing", r"a prefix of \d+ bytes", "all"],
}
"""The rows of the specification's power-loss table, and what each has to leave, as operations describe it."""

KINDS = {
    "NAND page program": "program",
    "NAND block erase": "erase",
    "NOR page program": "program",
    "NOR sector erase": "erase",
    "disk sector write": "write FUA",
    "disk volatile write cache": "flush cache",
    "NVRAM word write": "write",
}


def run(variant: Variant, jobs: int = 1) -> Result:
    (result,), interrupted = run_campaign([variant], jobs)
    assert not interrupted
    return result


def ids(result: Result) -> list[str]:
    return [result.crash_id(finding) for finding in result.findings]


def covering(what: str) -> list[Scenario]:
    return [scenario for scenario in LIBRARY.values() if what in scenario.document.covers]


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_every_scenario_comes_out_as_it_expects(variant: Variant) -> None:
    result = run(variant)
    assert result.as_expected, f"{result.problem()} {ids(result)}"


def test_every_figure_rule_and_row_of_the_power_loss_table_is_covered() -> None:
    wanted = {f"figure {figure}" for figure in FIGURES}
    wanted |= {f"rule {number}" for number in range(1, 7)}
    wanted |= {f"power loss: {row}" for row in POWER_LOSS}
    wanted |= {"device labels", "NAND", "beyond power loss"}
    covered = {what for scenario in LIBRARY.values() for what in scenario.document.covers}
    assert covered == wanted


@pytest.mark.parametrize("row", POWER_LOSS)
def test_every_outcome_of_a_row_of_the_power_loss_table_is_generated(row: str) -> None:
    seen = {
        label
        for scenario in covering(f"power loss: {row}")
        for variant in scenario.variants()[-3:]
        for label in outcomes_of(variant, KINDS[row])
    }
    missing = [pattern for pattern in POWER_LOSS[row] if not any(re.fullmatch(pattern, label) for label in seen)]
    assert not missing, f"no cut in the scenarios that cover {row!r} leaves {missing}"


def outcomes_of(variant: Variant, kind: str) -> Iterable[str]:
    """What cuts in operations of this kind may leave, over the whole workload of a variant."""
    session = Session(variant)
    labels: set[str] = set()

    def collect(operation: Operation) -> None:
        if operation.kind == kind:
            labels.update(outcome.label for outcome in session.rig.board.cut_outcomes(operation))

    session.listener, session.idle_listener = collect, None
    session.run()
    return labels


def test_every_safe_pair_runs_random_work_with_two_cuts_and_a_small_log() -> None:
    pairs = {
        (variant.scheme, variant.firmware.store.value)
        for scenario in LIBRARY.values()
        for variant in scenario.variants()
        if any(isinstance(step, Random) for step in scenario.document.steps)
        and scenario.document.power.cuts is Cuts.EXHAUSTIVE
        and scenario.document.power.depth >= 2
        and (variant.firmware.store.value != "nor" or variant.firmware.log_records <= 3)
    }
    assert pairs >= {(scheme, store) for scheme in SAFE for store in STORES}


def test_plain_is_expected_to_be_violated_on_every_store_and_the_others_nowhere() -> None:
    violated = {
        (variant.scheme, variant.firmware.store.value)
        for variant in VARIANTS.values()
        if variant.expected.verdict == "violated"
    }
    assert violated == {("plain", store) for store in STORES}


@pytest.mark.parametrize("name", LIBRARY)
def test_every_scenario_opens_with_a_few_lines_on_what_it_is_about(name: str) -> None:
    scenario = LIBRARY[name]
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name), "names are kebab-case"
    lines = scenario.path.read_text(encoding="utf-8").splitlines()
    comment = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    assert 2 <= comment <= 5
    assert scenario.about.endswith(".")
    assert max(map(len, lines)) <= 120
    assert not scenario.document.title.endswith(".")


def test_counts_and_ids_are_the_same_on_one_process_and_on_two() -> None:
    variant = LIBRARY["random-work-on-nvram"].variant("plain-nvram")
    alone, shared = run(variant, 1), run(variant, 2)
    assert alone.counts == shared.counts
    assert ids(alone) == ids(shared) != []


@pytest.mark.parametrize(
    ("name", "variant_name"), [("versions-wrap", "history-nor"), ("random-work-on-disk", "plain-disk")]
)
def test_a_seed_gives_the_same_counts_and_ids_twice_and_another_seed_others(name: str, variant_name: str) -> None:
    variant = LIBRARY[name].variant(variant_name)
    first, second = run(variant), run(variant)
    assert (first.counts, ids(first)) == (second.counts, ids(second))
    scenario = variant.scenario
    document = msgspec.structs.replace(scenario.document, seed=scenario.document.seed + 100)
    other = msgspec.structs.replace(scenario, document=document).variant(variant_name)
    assert run(other).counts != first.counts


def test_versions_wrap_makes_more_system_versions_than_eight_bits_can_tell_apart() -> None:
    for variant in LIBRARY["versions-wrap"].variants():
        assert variant.firmware.version_bits == 8
        orders = [
            action.opcode
            for action in Session(variant).actions
            if isinstance(action, Command) and action.opcode in (Opcode.SAVE, Opcode.RESTORE)
        ]
        assert len(orders) > 512
        assert orders.count(Opcode.SAVE) > 256  # all that `versioned` counts


def test_the_log_fills_up_in_every_phase_of_a_save() -> None:
    session = Session(LIBRARY["log-fills-up-in-mid-save"].variant("flagged-nor"))
    flags = set()

    def collect(operation: Operation) -> None:
        if operation.kind == "erase":
            controller = session.controller
            assert isinstance(controller, DeltaController)
            flags.add(controller.view.flag)

    session.listener, session.idle_listener = collect, None
    session.run()
    assert flags == {"idle", "switching", "clearing"}


@pytest.mark.parametrize("scheme", SAFE)
def test_half_born_area_comes_alive_finds_the_bug_where_its_mend_is_taken_out(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Forgets(NorAtoms):
        """Overlooks an area that is whole, but whose mark `proven` reads as not set."""

        def _checked(self, image: bytes) -> int:
            return super()._checked(image) if image[PROVEN] == 0 else 0

    variant = LIBRARY["half-born-area-comes-alive"].variant(f"{scheme}-nor")
    assert run(variant).holds
    monkeypatch.setattr(layout, "NorAtoms", Forgets)
    result = run(variant)
    assert {finding.rule.value for finding in result.findings} == {"usability"}
    assert all(len(finding.path) >= 2 for finding in result.findings)
