"""The four map schemes on the three atom stores: against a model of two dictionaries, cut, wrapped and counted."""

from __future__ import annotations

import random
from typing import Any

import pytest

from deltabench.firmware_model.config import StoreKind
from deltabench.firmware_model.schemes import SCHEMES
from deltabench.firmware_model.schemes.history import history_window
from deltabench.firmware_model.schemes.versioned import units_per_block

SAFE = ("flagged", "versioned", "history")
LAZY = ("versioned", "history")
every_pair = pytest.mark.parametrize("store", StoreKind)
every_scheme = pytest.mark.parametrize("scheme", SCHEMES)
every_safe_scheme = pytest.mark.parametrize("scheme", SAFE)
every_lazy_scheme = pytest.mark.parametrize("scheme", LAZY)


class Model:
    """What the host may read: the live image and the save point."""

    def __init__(self, sectors: int) -> None:
        self.live = [""] * sectors
        self.saved = [""] * sectors

    def write(self, lba: int, texts: list[str]) -> None:
        self.live[lba : lba + len(texts)] = texts

    def save(self) -> None:
        self.saved = list(self.live)

    def restore(self) -> None:
        self.live = list(self.saved)


@pytest.mark.parametrize(("units", "sectors_per_unit", "seed"), [(50, 1, 1), (30, 3, 2)])
@every_pair
@every_scheme
def test_every_scheme_on_every_store_behaves_like_two_images(
    new_device: Any, scheme: str, store: StoreKind, units: int, sectors_per_unit: int, seed: int
) -> None:
    device = new_device(scheme=scheme, store=store, units=units, sectors_per_unit=sectors_per_unit, log_records=5)
    model = Model(units * sectors_per_unit)
    generator = random.Random(seed)
    for number in range(250):
        kind = generator.choices(("write", "save", "restore", "cycle", "look"), (20, 4, 3, 3, 1))[0]
        if kind == "write":
            lba = generator.randrange(len(model.live))
            texts = [f"{number}.{i}" for i in range(min(generator.randint(1, 5), len(model.live) - lba))]
            model.write(lba, texts)
            device.write(lba, *texts)
        elif kind == "save":
            model.save()
            device.save()
        elif kind == "restore":
            model.restore()
            device.restore()
        elif kind == "cycle":
            device.power_cycle()
        else:
            assert device.read_saved() == model.saved
        assert device.read() == model.live, f"after step {number}, a {kind}"
    device.power_cycle()
    assert (device.read(), device.read_saved()) == (model.live, model.saved)


@pytest.mark.parametrize("units", [24, 400])
@every_pair
@every_lazy_scheme
def test_versions_of_eight_bits_wrap_twice_and_units_untouched_all_the_while_stay_as_they_were(
    new_device: Any, scheme: str, store: StoreKind, units: int
) -> None:
    device = new_device(scheme=scheme, store=store, units=units, version_bits=8)
    model = Model(units)
    generator = random.Random(units)

    def write(lba: int, text: str) -> None:
        model.write(lba, [text])
        device.write(lba, text)

    write(1, "saved once, then left alone")
    device.save()
    model.save()
    write(2, "given up once, then left alone")
    device.restore()
    model.restore()
    write(units - 1, "live when the long time began")
    saves = 0
    for number in range(620):
        if number and number % 5 == 0:
            write(generator.randrange(3, units - 1), f"write {number}")
        if generator.random() < 0.7 or number == 0 or scheme == "versioned":
            device.save()
            model.save()
            saves += 1
        else:
            device.restore()
            model.restore()
        if units < 100 or number % 8 == 0:
            # Power goes off in another life than this one, whose RAM goes on without ever being read from the medium.
            with device.cut():
                assert device.read() == model.live, f"after {number} commands"
    assert device.status().system_version > 600
    assert saves < 620 or scheme == "versioned"
    device.power_cycle()
    assert device.read() == model.live
    assert device.read()[1:3] == ["saved once, then left alone", ""]
    assert device.read()[units - 1] == "live when the long time began"
    assert device.read_saved() == model.saved


@pytest.mark.parametrize("bits", [16, 32])
@every_lazy_scheme
def test_wider_versions_work_alike(new_device: Any, scheme: str, bits: int) -> None:
    device = new_device(scheme=scheme, store=StoreKind.NVRAM, units=20, version_bits=bits, atom_bytes=20)
    model = Model(20)
    for number in range(200):
        lba = number * 7 % 19
        device.write(lba, f"{number}")
        model.write(lba, [f"{number}"])
        if number % 3:
            device.save()
            model.save()
        else:
            device.restore()
            model.restore()
        device.power_cycle()
        assert device.read() == model.live


def prepared(new_device: Any, scheme: str, store: StoreKind, **settings: Any) -> tuple[Any, list[str], list[str]]:
    """A device whose maps are many kinds of mixed, its save-point image and its live image."""
    device = new_device(scheme=scheme, store=store, units=60, log_records=4, **settings)
    for lba in range(0, 60, 2):
        device.write(lba, f"first {lba}")
    device.save()
    for lba in range(0, 60, 3):
        device.write(lba, f"second {lba}")
    return device, device.read_saved(), device.read()


@every_pair
@every_safe_scheme
def test_a_save_cut_anywhere_is_wholly_done_or_not_at_all(new_device: Any, scheme: str, store: StoreKind) -> None:
    device, saved, live = prepared(new_device, scheme, store)
    seen = set()

    def check(what: str) -> None:
        assert device.read() == live, what
        found = device.read_saved()
        assert found in (saved, live), what
        seen.add(found == live)
        with device.cut(policy="n"):
            assert device.read() == live, f"{what}; then booted again"
            assert device.read_saved() == found, f"{what}; then booted again"
        device.write(7, "probe")
        device.save()
        device.power_cycle()
        assert device.read_saved() == [*live[:7], "probe", *live[8:]], what

    assert device.cut_everywhere(device.save, check) >= 2
    assert seen == {False, True}


@every_pair
@every_safe_scheme
def test_a_restore_cut_anywhere_is_wholly_done_or_not_at_all(new_device: Any, scheme: str, store: StoreKind) -> None:
    device, saved, live = prepared(new_device, scheme, store)
    seen = set()

    def check(what: str) -> None:
        found = device.read()
        assert found in (saved, live), what
        assert device.read_saved() == saved, what
        seen.add(found == live)
        with device.cut(policy="n"):
            assert device.read() == found, f"{what}; then booted again"
        device.write(7, "probe")
        device.power_cycle()
        assert device.read() == [*found[:7], "probe", *found[8:]], what
        assert device.read_saved() == saved, what

    assert device.cut_everywhere(device.restore, check) >= 2
    assert seen == {False, True}


@every_pair
@every_safe_scheme
def test_a_write_cut_anywhere_leaves_each_sector_old_or_new_and_the_save_point_alone(
    new_device: Any, scheme: str, store: StoreKind
) -> None:
    device, _, live = prepared(new_device, scheme, store)
    device.save()
    device.write(20, "third 20")
    device.restore()
    new = [f"fourth {lba}" for lba in range(18, 22)]

    def check(what: str) -> None:
        found = device.read()
        assert all(found[lba] in (live[lba], new[lba - 18]) for lba in range(18, 22)), what
        assert (found[:18], found[22:]) == (live[:18], live[22:]), what
        assert device.read_saved() == live, what

    device.cut_everywhere(lambda: device.write(18, *new), check)
    assert device.read(18, 4) == new


@every_pair
def test_plain_is_caught_with_a_save_that_is_half_done(new_device: Any, store: StoreKind) -> None:
    device, saved, live = prepared(new_device, "plain", store)
    wrong = []

    def check(what: str) -> None:
        if device.read() != live or device.read_saved() not in (saved, live):
            wrong.append(what)

    device.cut_everywhere(device.save, check)
    assert wrong
    assert (device.read(), device.read_saved()) == (live, live), "without a cut it works"


def cost(device: Any, act: Any) -> int:
    return len(device.operations(act))


@pytest.mark.parametrize("units", [8, 60, 2000])
@pytest.mark.parametrize("act", ["save", "restore"])
def test_a_save_or_restore_of_history_is_one_atom_however_large_the_maps(new_device: Any, act: str, units: int) -> None:
    device = new_device(scheme="history", store=StoreKind.NVRAM, units=units)
    for lba in range(0, units, 7):
        device.write(lba, "x")
    assert cost(device, getattr(device, act)) == 1
    assert device.read() == (["x" if lba % 7 == 0 else "" for lba in range(units)] if act == "save" else [""] * units)


@pytest.mark.parametrize("units", [8, 60, 2000])
def test_a_save_of_versioned_is_one_atom_and_a_restore_one_for_each_block_of_the_delta(
    new_device: Any, units: int
) -> None:
    device = new_device(scheme="versioned", store=StoreKind.NVRAM, units=units)
    for lba in range(0, units, 4):
        device.write(lba, "x")
    blocks = -(-units // units_per_block(10, 8))
    with device.cut():
        assert cost(device, device.save) == 1
    assert cost(device, device.restore) == blocks + 2
    assert cost(device, device.restore) == 2


@every_lazy_scheme
def test_the_scrub_of_a_save_brings_at_most_the_one_block_up_to_date_whose_turn_it_is(
    new_device: Any, scheme: str
) -> None:
    units, window = 64, 128 if scheme == "versioned" else history_window(10, 8)
    blocks = units // units_per_block(10, 8)
    device = new_device(scheme=scheme, store=StoreKind.NVRAM, units=units)
    scrubbed = []
    for version in range(3 * window):
        extra = cost(device, device.save) - 1
        assert extra == (1 if version % window < blocks and version else 0), f"at version {version}"
        scrubbed.append(extra)
    assert sum(scrubbed) == 3 * blocks - 1, "block 0 needs none at version 0"


@pytest.mark.parametrize("units", [24, 48, 96, 240])
def test_a_save_of_flagged_costs_three_atoms_a_block_of_the_delta(new_device: Any, units: int) -> None:
    device = new_device(scheme="flagged", store=StoreKind.NVRAM, units=units)
    blocks = units // 24
    assert cost(device, device.save) == 2, "nothing was written: the flag, and idle again"
    for lba in range(0, units, 5):
        device.write(lba, "x")
    with device.cut():
        assert cost(device, device.restore) == blocks + 2
    assert cost(device, device.save) == 3 * blocks + 2
    device.write(0, "y")
    assert cost(device, device.save) == 5, "what was not written costs nothing"


@pytest.mark.parametrize("units", [80, 160, 800])
def test_a_save_of_plain_costs_two_atoms_a_block_of_the_delta(new_device: Any, units: int) -> None:
    device = new_device(scheme="plain", store=StoreKind.NVRAM, units=units)
    for lba in range(0, units, 5):
        device.write(lba, "x")
    assert cost(device, device.save) == 2 * units // 80


@every_scheme
def test_a_unit_that_is_written_again_costs_no_map_entry(new_device: Any, scheme: str) -> None:
    device = new_device(scheme=scheme, store=StoreKind.NVRAM, units=16)
    device.write(3, "a")
    (only,) = device.operations(lambda: device.write(3, "b"))
    assert only.startswith("disk0 write FUA")


@every_safe_scheme
def test_the_boot_after_a_finished_command_writes_nothing(new_device: Any, scheme: str) -> None:
    device = new_device(scheme=scheme, store=StoreKind.NVRAM, units=60)
    for act in (lambda: device.write(0, "a"), device.save, lambda: device.write(50, "b"), device.restore):
        act()
        assert cost(device, device.power_cycle) == 0


@every_safe_scheme
def test_the_system_version_counts_the_commands_that_the_scheme_counts(new_device: Any, scheme: str) -> None:
    device = new_device(scheme=scheme, store=StoreKind.NVRAM)
    versions = []
    for act in (device.save, device.save, device.restore, device.save):
        act()
        device.power_cycle()
        versions.append(device.status().system_version)
    assert versions == ([1, 2, 2, 3] if scheme == "versioned" else [1, 2, 3, 4])


@pytest.mark.parametrize(("atom_bytes", "bits", "window"), [(10, 8, 32), (12, 8, 64), (64, 8, 128), (506, 16, 2048)])
def test_the_window_of_the_history_fits_its_atom_and_half_of_what_versions_can_tell_apart(
    atom_bytes: int, bits: int, window: int
) -> None:
    assert history_window(atom_bytes, bits) == window
    assert window // 8 + 4 <= atom_bytes
    assert window <= 1 << (bits - 1)


@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize("atom_bytes", [10, 11, 20, 64, 506])
def test_a_block_holds_as_many_units_as_fit(atom_bytes: int, bits: int) -> None:
    def size(count: int) -> int:
        return 2 * -(-count // 8) + count * bits // 8

    count = units_per_block(atom_bytes, bits)
    assert count >= 1
    assert size(count) <= atom_bytes < size(count + 1)


def test_a_flag_that_means_nothing_is_called_so(new_device: Any) -> None:
    device = new_device(scheme="flagged", store=StoreKind.NVRAM)
    device.controller.maps._flag = 7
    assert device.controller.view.flag == "unknown (7)"
