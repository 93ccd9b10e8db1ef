from __future__ import annotations

from pathlib import Path

import pytest

from deltabench.firmware_model.config import FirmwareConfig
from deltabench.firmware_model.configuration import decode
from deltabench.firmware_model.errors import ConfigurationError
from deltabench.hwsim.devboard.bus import Bus
from deltabench.hwsim.devboard.spec import DevBoardError, DevBoardFile, load_board
from deltabench.hwsim.disk import UNCORRECTABLE, Disk
from deltabench.hwsim.instability import Unstable
from deltabench.hwsim.medium import UncorrectableError
from deltabench.hwsim.nor import NorFlash
from deltabench.scenarios.images.build import build_image, configuration_of, stored_regions
from deltabench.scenarios.images.device import Device, after_actions, factory_fresh
from deltabench.scenarios.images.elf import FirmwareElf
from deltabench.scenarios.images.errors import ImageError
from deltabench.scenarios.images.memory_image import Format, Segment, encoded
from deltabench.scenarios.images.places import find_places
from deltabench.scenarios.scenario import Variant, find_scenario, library_names, load_scenario

SMALL = Path(__file__).parent / "small.scenario.toml"
NANDS = [str(Path(__file__).parent / f"small-{kind}.scenario.toml") for kind in ("nand", "mlc")]
VARIANTS = load_scenario(SMALL, "small").variants()


def small(name: str = "flagged-nor") -> Variant:
    return load_scenario(SMALL, "small").variant(name)


@pytest.mark.parametrize("variant", VARIANTS, ids=[variant.name for variant in VARIANTS])
def test_an_image_is_what_the_boards_bus_reads(variant: Variant, dev_board: DevBoardFile) -> None:
    device = after_actions(variant, 7)
    built = build_image(dev_board, device)
    bus = Bus(dev_board, device.board, device.spec)
    regions = [region for region in built.regions if region.device]
    assert [region.name for region in regions] == ["labels", "maps", "volume-a", "volume-b"]
    for region in regions:
        assert region.image.segments == ((region.place.address, bus.read(region.place.address, region.held_bytes)),)
        assert region.held_bytes == region.place.size_bytes


@pytest.mark.parametrize("name", [*library_names(), *NANDS])
def test_the_decoder_places_every_region_of_the_library_where_the_firmware_does(
    name: str, dev_board: DevBoardFile
) -> None:
    for variant in find_scenario(name).variants():
        device = factory_fresh(variant)
        places = find_places(configuration_of(dev_board, device))
        wanted = [(region.name, region.device, region.first, region.size_bytes) for region in stored_regions(device)]
        found = [(place.name, place.device.name, place.first, place.length) for place in places.stored]
        assert sorted(found) == sorted(wanted), variant.name
        homes = [(home.device, home.first_lba * 512) for home in device.layout.homes]
        assert [(p.device.name, p.first) for p in (places.volume_a, places.volume_b)] == homes, variant.name


def test_the_configuration_block_is_filled_up_to_a_write_of_the_bootloader(dev_board: DevBoardFile) -> None:
    device = factory_fresh(small())
    (region,) = build_image(dev_board, device, only=("configuration",)).regions
    ((address, data),) = region.image.segments
    assert (address, len(data)) == (0x080E_0000, 256)
    block = data.rstrip(b"\xff")
    assert decode(data) == decode(block)
    assert data[len(block) :] == b"\xff" * (256 - len(block))


def test_the_same_input_gives_the_same_bytes(dev_board: DevBoardFile) -> None:
    files = [encoded(build_image(dev_board, after_actions(small(), 5)).image, Format.HEX) for _ in range(2)]
    assert files[0] == files[1]


def test_of_an_unstable_page_one_reading_is_in_the_image_and_it_is_counted(dev_board: DevBoardFile) -> None:
    device = after_actions(small(), 7)
    nor = device.board.media["nor0"]
    assert isinstance(nor, NorFlash)
    device.board.cells.put(nor.first + 2, Unstable(b"\xff" * 256, b"\0" * 256))
    held = []
    for policy in "on":
        device.board.adversary.power_on(policy)
        (region,) = build_image(dev_board, device, only=("maps",)).regions
        assert (region.unstable, region.unreadable) == (1, 0)
        held.append(region.image.read(region.place.address + 512, 256))
    assert held == [b"\xff" * 256, b"\0" * 256]


def test_a_sector_without_data_is_a_gap_and_it_is_counted(dev_board: DevBoardFile) -> None:
    device = factory_fresh(small())
    disk = device.board.media["disk0"]
    assert isinstance(disk, Disk)
    first_lba = device.layout.homes[0].first_lba
    device.board.cells.put(disk.first + first_lba + 3, UNCORRECTABLE)
    (region,) = build_image(dev_board, device, only=("volume-a",)).regions
    assert (region.unstable, region.unreadable) == (0, 1)
    assert region.held_bytes == region.place.size_bytes - 512
    assert region.image.read(region.place.address + 3 * 512, 1) is None
    with pytest.raises(UncorrectableError):
        Bus(dev_board, device.board, device.spec).read(region.place.address + 3 * 512, 1)


def test_regions_are_chosen_by_name(dev_board: DevBoardFile) -> None:
    built = build_image(dev_board, factory_fresh(small()), only=("volume-b", "maps"))
    assert [region.name for region in built.regions] == ["maps", "volume-b"]
    with pytest.raises(
        ImageError, match=r"--region firmware: not in this image, which has configuration, labels, maps, volume-a"
    ):
        build_image(dev_board, factory_fresh(small()), only=("firmware",))


def test_a_firmware_lies_beside_the_device(dev_board: DevBoardFile) -> None:
    elf = FirmwareElf((Segment(0x0800_0000, b"code"),), {"__deltabench_maps_start": 0x9000_0000})
    built = build_image(dev_board, factory_fresh(small()), elf, Path("fw.elf"))
    assert built.image.read(0x0800_0000, 4) == b"code"
    assert [region.name for region in built.regions][:2] == ["firmware", "configuration"]
    alone = build_image(dev_board, None, elf._replace(symbols={}), Path("fw.elf"))
    assert alone.image.segments == ((0x0800_0000, b"code"),)


def test_symbols_may_name_regions_of_the_devices_only_if_there_is_one(dev_board: DevBoardFile) -> None:
    elf = FirmwareElf((Segment(0x0800_0000, b"code"),), {"__deltabench_maps_start": 0x9000_0000})
    with pytest.raises(ImageError, match=r"symbol __deltabench_maps_start names no region of the image"):
        build_image(dev_board, None, elf, Path("fw.elf"))
    elf = elf._replace(symbols={"__deltabench_volume_b_end": 0xA000_0000})
    with pytest.raises(ImageError, match=r"__deltabench_volume_b_end is 0xA0000000.*the end of volume-b at 0xA0003400"):
        build_image(dev_board, factory_fresh(small()), elf, Path("fw.elf"))


def edited(tmp_path: Path, *changes: tuple[str, str]) -> Variant:
    """The small scenario with some of its text replaced."""
    text = SMALL.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "edited.scenario.toml"
    path.write_text(text, encoding="utf-8")
    return load_scenario(path).variant("flagged-nor")


def test_a_device_without_a_place_on_the_board_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DevBoardError, match=r"has no socket for 'nor0', which is a part of kind nor"):
        build_image(load_board("stm32f103"), factory_fresh(small()))


def test_what_an_image_cannot_hold_is_refused_before_it_is_read(tmp_path: Path, dev_board: DevBoardFile) -> None:
    large = edited(
        tmp_path,
        ("units = 6\nsectors_per_unit = 2", "units = 600\nsectors_per_unit = 256"),
        ('"generic-disk", sectors = 64', '"ST32171W", sectors = 400_000'),
    )
    device = factory_fresh(large)
    with pytest.raises(ImageError, match=r"take 157,295,616 bytes, and an image holds at most 67,108,864; the largest"):
        build_image(dev_board, device)
    assert build_image(dev_board, device, only=("maps",)).image.segments


def test_a_setting_that_no_block_can_say_is_refused(tmp_path: Path, dev_board: DevBoardFile) -> None:
    with pytest.raises(ConfigurationError, match=r"a setting is larger than its field in a configuration block"):
        build_image(
            dev_board, factory_fresh(edited(tmp_path, ("units = 6", "units = 6\ncache_sectors = 4_294_967_296")))
        )


def test_a_part_file_beside_the_scenario_is_found(tmp_path: Path, dev_board: DevBoardFile) -> None:
    part = (Path(__file__).parents[3] / "hwsim" / "parts" / "at25sf041.toml").read_text(encoding="utf-8")
    (tmp_path / "own.toml").write_text(part.replace("AT25SF041", "OWN"), encoding="utf-8")
    variant = edited(tmp_path, ('part = "AT25SF041"', 'part = "own.toml"'))
    assert build_image(dev_board, factory_fresh(variant)).image == build_image(dev_board, factory_fresh(small())).image


def test_names_of_devices_that_are_too_long_for_a_block_are_refused(tmp_path: Path, dev_board: DevBoardFile) -> None:
    device: Device = factory_fresh(edited(tmp_path, ("fram0", "fram_in_the_corner")))
    assert isinstance(device.firmware, FirmwareConfig)
    with pytest.raises(
        ConfigurationError, match=r"'fram_in_the_corner': the name of a device on a board takes at most"
    ):
        build_image(dev_board, device)


def test_regions_that_differ_have_other_checks_though_each_slot_has_its_own_crc(dev_board: DevBoardFile) -> None:
    checks = set()
    for actions in range(8):
        (region,) = build_image(dev_board, after_actions(small("flagged-disk"), actions), only=("maps",)).regions
        checks.add((region.sha256, region.image))
    assert len({check for check, _ in checks}) == len({image for _, image in checks}) == 8
