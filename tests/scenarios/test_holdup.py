"""How long a supply must hold up, found by cutting, and held against a supply that really fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deltabench.hwsim.medium import Operation
from deltabench.hwsim.supply import FailingSupply, PowerGone
from deltabench.scenarios.errors import ScenarioError
from deltabench.scenarios.holdup import needed_for_all, needed_holdup, operations_in_time
from deltabench.scenarios.measure import Recorder
from deltabench.scenarios.scenario import Scenario, Variant, find_scenario
from deltabench.scenarios.session import Session

NewScenario = Callable[..., Scenario]
STEPS = """
steps = [{ do = "write", lba = 3 }, { do = "write", lba = 11, count = 2 }, { do = "save" }, { do = "write", lba = 3 }]
"""
FIRMWARE = '[firmware]\nunits = 24\nstore = "{store}"\nscheme = "{scheme}"\natom_bytes = 10\n'


@pytest.fixture
def variant_of(new_scenario: NewScenario) -> Callable[[str, str], Variant]:
    """A small workload with a scheme on a store."""

    def make(scheme: str, store: str) -> Variant:
        (variant,) = new_scenario(STEPS, FIRMWARE.format(scheme=scheme, store=store)).variants()
        return variant

    return make


def violations(variant: Variant, holdup_us: int) -> int:
    """What the explorer finds if it cuts only what such a hold-up leaves to be cut."""
    operations = operations_in_time(variant)
    session = Session(variant, selects=lambda number, _: operations[number].ends_ns > 1000 * holdup_us)
    session.idle_listener = None
    session.run()
    return session.explorer.violations


@pytest.mark.parametrize("store", ["nor", "nvram", "disk"])
def test_plain_is_safe_with_the_hold_up_that_is_found_and_not_with_less(
    variant_of: Callable[[str, str], Variant], store: str
) -> None:
    variant = variant_of("plain", store)
    held = needed_holdup(variant)
    assert held.least_us
    assert violations(variant, held.least_us) == 0
    assert violations(variant, held.least_us - 1) > 0
    assert [step.holdup_us for step in held.steps][-1] == held.least_us
    assert held.steps[-1].violations == 0
    assert held.needed_during == {"SAVE": held.least_us}


@pytest.mark.parametrize("store", ["nor", "nvram", "disk"])
@pytest.mark.parametrize("scheme", ["flagged", "versioned", "history"])
def test_the_safe_schemes_need_none(variant_of: Callable[[str, str], Variant], scheme: str, store: str) -> None:
    held = needed_holdup(variant_of(scheme, store))
    assert held.least_us == 0
    assert [(step.holdup_us, step.violations) for step in held.steps] == [(0, 0)]


def test_the_longest_times_of_the_parts_ask_for_a_longer_hold_up(new_scenario: NewScenario) -> None:
    tables = FIRMWARE.format(scheme="plain", store="nor")
    (typical,) = new_scenario(STEPS, tables).variants()
    (longest,) = new_scenario(STEPS, f'{tables}[time]\nmedia = "maximum"\n', name="longest").variants()
    least_us, most_us = needed_holdup(typical).least_us, needed_holdup(longest).least_us
    assert least_us is not None
    assert most_us is not None
    assert most_us > 5 * least_us


def test_a_device_that_is_unsafe_between_commands_is_helped_by_no_hold_up(
    new_scenario: NewScenario, new_module: Callable[[str, str], None]
) -> None:
    new_module(
        "forgetful_holdup",
        "from deltabench.firmware_model.redirect import Redirection\n"
        "from deltabench.firmware_model.controller import DeltaController\n"
        "class Forgetful(Redirection):\n"
        "    def _make_durable(self, extents):\n"
        "        for side, lba, sectors in extents:\n"
        "            disk, first = self._volumes.homes[side]\n"
        "            disk.write(first + lba, sectors, fua=False)\n"
        "class Controller(DeltaController):\n"
        "    def __init__(self, *given):\n"
        "        super().__init__(*given)\n"
        "        self._volume.__class__ = Forgetful\n",
    )
    top = f'controller = "forgetful_holdup:Controller"\n{STEPS}'
    (variant,) = new_scenario(top, FIRMWARE.format(scheme="flagged", store="nor")).variants()
    held = needed_holdup(variant)
    assert held.least_us is None
    assert held.steps[-1].violations > 0


def test_a_scenario_that_is_not_cut_everywhere_is_refused(new_scenario: NewScenario) -> None:
    (variant,) = new_scenario(STEPS, '[power]\ncuts = "none"\n').variants()
    with pytest.raises(ScenarioError, match=r"power\.cuts = 'none'.*allowed here: 'exhaustive'"):
        needed_holdup(variant)


def test_the_capacitor_is_that_of_the_time(variant_of: Callable[[str, str], Variant]) -> None:
    found = needed_for_all([variant_of("plain", "nor")], from_mv=5000, to_mv=3000, load_mw=2500)
    (held,) = found.runs
    assert held.least_us is not None
    assert held.capacitance_nf == -(-2 * 2500 * held.least_us * 1_000_000 // 16_000_000)


GUEST = """
from deltabench.firmware_model.controller import DeltaController
from deltabench.firmware_model.commands import Response, Opcode
class Base:
    def __init__(self, board, config):
        self.board, self.disk, self.nvram = board, board.media["disk0"], board.media["fram0"]
    def initialise(self):
        pass
    def boot(self):
        pass
    def tick(self):
        return False
    def execute(self, command):
        lba, count = command.lba, command.count
        if command.opcode == Opcode.READ_DMA_EXT:
            return Response(data=self.disk.read(lba, count))
        if command.count:
            self.disk.write(lba, command.data, fua=True)
        elif command.opcode == Opcode.SAVE:
            self.save()
        elif command.opcode == Opcode.RESTORE:
            self.disk.write(0, self.disk.read(20, 8), fua=True)
        return Response()
    def save(self):
        self.disk.write(20, self.disk.read(0, 8), fua=True)
"""


@pytest.fixture
def guest_variant(new_scenario: NewScenario, new_module: Callable[[str, str], None]) -> Callable[..., Variant]:
    """A controller of one's own, with what a test changes in it, and its steps."""

    def make(name: str, body: str, steps: str, tables: str = "") -> Variant:
        new_module(name, f"{GUEST}class Controller(Base):\n{body}")
        top = f'controller = "{name}:Controller"\nsteps = [{steps}]\n'
        (variant,) = new_scenario(top, f'[firmware]\nunits = 8\nstore = "nvram"\n{tables}', name=name).variants()
        return variant

    return make


def test_a_wrong_state_behind_a_recovery_that_was_judged_before_counts_as_well(
    guest_variant: Callable[..., Variant],
) -> None:
    body = (
        "    def save(self):\n"
        "        super().save()\n"
        "        self.nvram.write(0, bytes([1, 0, 0, 0]))\n"
        "        for number in range(1, 6):\n"
        "            self.nvram.write(64, bytes([number, 0, 0, 0]))\n"
        "            self.disk.write(50, [bytes(512)], fua=True)\n"
        "        self.nvram.write(0, bytes(4))\n"
        "    def boot(self):\n"
        "        if self.nvram.read(0, 1) == bytes([1]):\n"
        "            self.nvram.write(64, bytes(4))\n"
        "            good = self.disk.read(0, 1)\n"
        "            self.disk.write(0, [bytes([71]) * 512], fua=True)\n"
        "            self.disk.write(0, good, fua=True)\n"
        "            self.nvram.write(0, bytes(4))\n"
    )
    variant = guest_variant("two_cuts", body, '{ do = "write", lba = 0 }, { do = "save" }', "[power]\ndepth = 2\n")
    held = needed_holdup(variant)
    last = max(operations_in_time(variant).values(), key=lambda timed: timed.ends_ns)
    assert held.least_us == -(-last.ends_ns // 1000)


def test_a_save_over_several_ticks_begins_with_the_first_of_them(guest_variant: Callable[..., Variant]) -> None:
    body = (
        "    def __init__(self, board, config):\n"
        "        super().__init__(board, config)\n"
        "        from deltabench.firmware_model.switch import Debouncer\n"
        "        self.switch, self.at = Debouncer(board.switches['save'].pin, config.debounce_ms), None\n"
        "    def tick(self):\n"
        "        if self.switch.pressed():\n"
        "            self.at = 0\n"
        "        if self.at is None:\n"
        "            return False\n"
        "        self.disk.write(20 + self.at, self.disk.read(self.at, 1), fua=True)\n"
        "        self.at += 1\n"
        "        if self.at < 8:\n"
        "            return False\n"
        "        self.at = None\n"
        "        return True\n"
    )
    steps = '{ do = "write", lba = 0, count = 8 }, { do = "save", by = "switch", hold_ms = 60 }'
    ends_ns = [timed.ends_ns for timed in operations_in_time(guest_variant("in_ticks", body, steps)).values()]
    assert ends_ns[1:] == sorted(ends_ns[1:])
    assert ends_ns[-1] > 7_000_000 + ends_ns[1], "a millisecond passes between one tick and the next"


def test_firmware_that_goes_by_the_clock_cannot_be_told_a_hold_up(guest_variant: Callable[..., Variant]) -> None:
    body = (
        "    def save(self):\n"
        "        if self.board.clock.now_ns:\n"
        "            self.nvram.write(0, bytes(4))\n"
        "        super().save()\n"
    )
    variant = guest_variant("by_the_clock", body, '{ do = "write", lba = 0 }, { do = "save" }')
    with pytest.raises(ScenarioError, match=r"operation 1 is disk0 write FUA .* fram0 write .* when time passes"):
        needed_holdup(variant)


def test_a_slow_link_delays_what_is_done_with_its_data(new_scenario: NewScenario) -> None:
    slow = "[time]\nhost_bytes_per_s = 100_000\n"
    (variant,) = new_scenario(STEPS, FIRMWARE.format(scheme="flagged", store="nvram") + slow).variants()
    operations = operations_in_time(variant)
    assert operations[0].what.startswith("disk0 write")
    assert operations[0].ends_ns > 512 * 10_000


@pytest.mark.parametrize("name", ["disks-swapped", "disk-comes-back-stale"])
def test_a_device_in_other_hands_is_not_cut_between_commands(name: str) -> None:
    for variant in find_scenario(name).variants()[:3]:
        assert needed_holdup(variant).least_us == 0


def test_a_workload_that_loses_power_by_itself_is_refused(new_scenario: NewScenario) -> None:
    top = 'steps = [{ do = "random", commands = 9, mix = { write = 1, crash = 9 } }]'
    (variant,) = new_scenario(top, FIRMWARE.format(scheme="plain", store="nvram")).variants()
    with pytest.raises(ScenarioError, match=r"mix\.crash"):
        needed_holdup(variant)


def test_an_interruption_while_time_is_measured_keeps_the_other_results(
    variant_of: Callable[[str, str], Variant], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = needed_holdup(variant_of("plain", "nvram"))
    looks: list[object] = []

    def look(*given: object, **options: object) -> None:
        looks.append(given)
        if len(looks) > 6:
            raise KeyboardInterrupt

    monkeypatch.setattr(Recorder, "_look", look)
    variants = [variant_of("plain", "nvram")] * 2
    found = needed_for_all(variants, from_mv=5000, to_mv=3000, load_mw=2500)
    assert found.interrupted
    assert [held.least_us for held in found.runs] == [done.least_us]


def test_at_its_worst_a_disk_asks_for_more_than_where_its_platters_happen_to_be(new_scenario: NewScenario) -> None:
    needs = []
    for ms in (1, 3, 6):
        idle = STEPS.replace('{ do = "save" }', f'{{ do = "idle", ms = {ms} }}, {{ do = "save" }}')
        tables = FIRMWARE.format(scheme="plain", store="disk")
        (typical,) = new_scenario(idle, tables, name=f"after{ms}").variants()
        (worst,) = new_scenario(idle, f'{tables}[time]\nmedia = "maximum"\n', name=f"worst{ms}").variants()
        needs.append((needed_holdup(typical).least_us or 0, needed_holdup(worst).least_us or 0))
    assert len({typical for typical, _ in needs}) > 1
    assert len({worst for _, worst in needs}) == 1
    assert all(worst > typical for typical, worst in needs)


class Failing:
    """A run whose supply fails at an instant."""

    def __init__(self, variant: Variant, fails_at_ns: int, holdup_ns: int) -> None:
        self._recorder = Recorder(variant)
        board = self._recorder.session.rig.board
        self._supply = FailingSupply(board, self._recorder.meter, fails_at_ns, holdup_ns)

    def lost_in(self) -> int | None:
        """The number of the operation that power is lost in; None if all that was begun is finished."""
        session = self._recorder.session
        session.between = lambda _: self._supply.look() and None
        try:
            session.run()
        except PowerGone:
            return session.rig.board.rail.operations
        return None


def test_power_is_lost_in_just_those_operations_that_end_later_than_the_hold_up_lasts(
    variant_of: Callable[[str, str], Variant],
) -> None:
    variant = variant_of("flagged", "nor")
    (variant,) = variant.scenario.variants()
    operations = operations_in_time(variant)
    recorder = Recorder(variant)
    rail, ended_at_ns = recorder.session.rig.board.rail, dict[int, int]()

    def note(_operation: Operation, _began_ns: int, ended_ns: int) -> None:
        ended_at_ns[rail.operations] = ended_ns

    recorder.meter.log = note
    recorder.run()
    for holdup_ns in (0, 500_000, 3_000_000):
        for number, at_ns in ended_at_ns.items():
            lost_in = Failing(variant, at_ns - holdup_ns - 1, holdup_ns).lost_in()
            # The write's data are taken to be on the link before anything is done with them.
            link_ns = 2 * 5120 if "disk0" in operations[number].what else 0
            assert lost_in == number if operations[number].ends_ns - link_ns > holdup_ns else lost_in is None
