from __future__ import annotations

from pathlib import Path

import pytest

from deltabench.firmware_model import commands
from deltabench.firmware_model.controller import DeltaController
from deltabench.hwsim.disk import SECTOR_BYTES
from deltabench.scenarios.crash_id import CrashIdError, parse_crash_id
from deltabench.scenarios.images.device import (
    Contents,
    Device,
    after_actions,
    after_crash,
    factory_fresh,
    with_contents,
)
from deltabench.scenarios.images.errors import ImageError
from deltabench.scenarios.scenario import Variant, find_scenario, load_scenario

SMALL = Path(__file__).parent / "small.scenario.toml"
UNIT = 2 * SECTOR_BYTES


def small(name: str = "history-nor") -> Variant:
    return load_scenario(SMALL, "small").variant(name)


def booted(device: Device) -> DeltaController:
    controller = DeltaController(device.board, device.firmware)
    controller.boot()
    return controller


def read(controller: DeltaController) -> bytes:
    return b"".join(controller.execute(commands.read(0, 12)).data)


@pytest.mark.parametrize("name", [variant.name for variant in load_scenario(SMALL, "small").variants()])
def test_given_contents_are_what_the_host_reads_and_where_the_maps_say(name: str) -> None:
    saved = b"".join(bytes([unit + 1]) * UNIT for unit in range(5))
    live = saved[:UNIT] + b"L" * UNIT + saved[2 * UNIT :]
    device = with_contents(small(name), Contents(save_point=saved, live=live, on_b=0b010011, written=0b001010))
    controller = booted(device)
    assert (controller.view.vsm, controller.view.ddm) == (0b010011, 0b001010)
    assert read(controller) == live.ljust(6 * UNIT, b"\0")
    assert controller.execute(commands.RESTORE).ok
    assert read(controller) == saved.ljust(6 * UNIT, b"\0")


def test_without_a_live_image_nothing_has_been_written_since_the_save_point() -> None:
    controller = booted(with_contents(small(), Contents(save_point=b"saved")))
    assert (controller.view.vsm, controller.view.ddm) == (0, 0)
    assert read(controller).rstrip(b"\0") == b"saved"


def test_units_without_data_stay_as_the_factory_left_them() -> None:
    fresh, used = factory_fresh(small()), with_contents(small(), Contents())
    assert used.board.cells.values == fresh.board.cells.values


def test_a_unit_that_differs_has_been_written_whatever_is_said() -> None:
    with pytest.raises(ImageError, match=r"--written: units 1 differ between the live and the save-point image"):
        with_contents(small(), Contents(save_point=b"", live=bytes(UNIT) + b"x", written=0b1))


def test_an_image_larger_than_the_volume_is_refused() -> None:
    with pytest.raises(ImageError, match=r"live image of 6,145 bytes is larger than the volume of small:history-nor"):
        with_contents(small(), Contents(live=bytes(6 * UNIT + 1)))


def test_after_some_actions_the_device_is_as_if_nobody_went_on() -> None:
    fresh, saved, last = (booted(after_actions(small(), count)).view for count in (0, 2, 7))
    assert (fresh.vsm, fresh.ddm, fresh.system_version) == (0, 0, 0)
    assert (saved.vsm, saved.ddm, saved.system_version) == (0b111111, 0, 1)
    assert (last.vsm, last.ddm, last.system_version) == (0b111011, 0b010000, 3)


@pytest.mark.parametrize("count", [-1, 8])
def test_there_are_only_so_many_actions(count: int) -> None:
    with pytest.raises(ImageError, match=r"--at -?\d: the scenario small has 7 actions; choose 0 to 7"):
        after_actions(small(), count)


def test_a_crash_is_left_as_it_was_before_its_recovery() -> None:
    crash = parse_crash_id("save-cut-between-map-blocks:flagged-nvram:9.2")
    variant = find_scenario(crash.scenario).variant(crash.variant)
    device = after_crash(variant, crash)
    controller = DeltaController(device.board, device.firmware)
    heard: list[str] = []
    device.board.rail.listeners = (lambda operation: heard.append(str(operation)),)
    controller.boot()
    assert len(heard) == 8
    assert controller.view.flag == "idle"


def test_a_cut_in_a_recovery_leaves_what_that_recovery_had_done() -> None:
    variant = find_scenario("save-cut-between-map-blocks").variant("flagged-nvram")
    once, twice = (
        after_crash(variant, parse_crash_id(f"save-cut-between-map-blocks:flagged-nvram:{path}"))
        for path in ("9.2", "9.2/4.0")
    )
    done = []
    for device in (once, twice):
        heard: list[str] = []
        device.board.rail.listeners = (lambda operation, heard=heard: heard.append(str(operation)),)
        booted(device)
        done.append(heard)
    assert done[1] == done[0][4:]


def test_an_id_without_cuts_is_the_end_of_the_run() -> None:
    scenario = find_scenario("save-by-host")
    crash = parse_crash_id("save-by-host:flagged-nor:-")
    device = after_crash(scenario.variant("flagged-nor"), crash)
    wanted = after_actions(scenario.variant("flagged-nor"), 4)
    assert booted(device).view == booted(wanted).view


@pytest.mark.parametrize("path", ["9.99", "9999.0", "9.2/99.0"])
def test_a_crash_that_there_is_not_is_refused(path: str) -> None:
    crash = parse_crash_id(f"save-cut-between-map-blocks:flagged-nvram:{path}")
    with pytest.raises(CrashIdError):
        after_crash(find_scenario(crash.scenario).variant(crash.variant), crash)


def test_of_a_controller_of_ones_own_there_is_no_image(tmp_path: Path) -> None:
    text = SMALL.read_text(encoding="utf-8")
    path = tmp_path / "own.scenario.toml"
    path.write_text(text.replace("title =", 'controller = "mine:Controller"\ntitle ='), encoding="utf-8")
    with pytest.raises(ImageError, match=r"controller = 'mine:Controller': an image can be made of our controller"):
        factory_fresh(load_scenario(path).variants()[0])
    path.write_text(text.replace('"plain", "flagged"', '"mine:Scheme"'), encoding="utf-8")
    with pytest.raises(ImageError, match=r"scheme 'mine:Scheme': an image can be made of plain, flagged"):
        factory_fresh(load_scenario(path).variants()[0])
