from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from deltabench.firmware_model import commands
from deltabench.firmware_model.controller import DeltaController
from deltabench.hwsim.contents import put_contents
from deltabench.hwsim.disk import UNCORRECTABLE, Disk
from deltabench.scenarios.images.decode import Decoded
from deltabench.scenarios.images.device import Contents, Device, after_actions, with_contents
from deltabench.scenarios.images.errors import ImageError
from deltabench.scenarios.images.extract import extract
from deltabench.scenarios.images.inspect import open_image
from deltabench.scenarios.images.memory_image import MemoryImage
from deltabench.scenarios.scenario import find_scenario, load_scenario

SMALL = Path(__file__).parent / "small.scenario.toml"
VARIANTS = [variant.name for variant in load_scenario(SMALL, "small").variants()]
ImageOf = Callable[..., MemoryImage]


def small(variant: str) -> Device:
    return after_actions(load_scenario(SMALL, "small").variant(variant), 7)


def opened(image: MemoryImage) -> Decoded:
    return open_image(image, Path("x"))


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_is_taken_out_is_what_the_host_reads_now_and_after_a_restore(variant: str, image_of: ImageOf) -> None:
    device = small(variant)
    found = extract(opened(image_of(device)))
    controller = DeltaController(device.board, device.firmware)
    controller.boot()
    assert found.live.data == b"".join(controller.execute(commands.read(0, 12)).data)
    assert controller.execute(commands.RESTORE).ok
    assert found.save_point.data == b"".join(controller.execute(commands.read(0, 12)).data)
    assert found.live.data != found.save_point.data
    assert found.live.unreadable == found.save_point.unreadable == 0


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_was_put_in_comes_out(variant: str, image_of: ImageOf) -> None:
    saved, live = bytes(range(256)) * 24, bytes(range(256))[::-1] * 24
    given = Contents(save_point=saved, live=live, on_b=0b101)
    found = extract(opened(image_of(with_contents(load_scenario(SMALL, "small").variant(variant), given))))
    assert (found.live.data, found.save_point.data) == (live, saved)


def test_sectors_that_are_not_there_are_zeros_and_are_named(image_of: ImageOf) -> None:
    device = small("flagged-nor")
    disk = device.board.media["disk0"]
    assert isinstance(disk, Disk)
    device.board.cells.put(disk.first + device.layout.homes[1].first_lba, UNCORRECTABLE)
    found = extract(opened(image_of(device)))
    assert found.live.unreadable == found.save_point.unreadable == 1
    assert found.live.data[:512] == bytes(512)


def test_units_whose_map_entry_is_lost_are_not_guessed(image_of: ImageOf) -> None:
    device = small("flagged-nvram")
    for slot in (4, 5):
        put_contents(device.board.media["fram0"], slot * 16 + 3, b"\x99")
    with pytest.raises(ImageError, match=r"map entries of units 0-5 have no good copy: which data is theirs cannot"):
        extract(opened(image_of(device)))


def test_a_device_that_would_be_refused_is_not_taken_for_good(image_of: ImageOf) -> None:
    device = after_actions(find_scenario("disks-swapped").variant("flagged-nor"), 4)
    with pytest.raises(ImageError, match=r"nobody can vouch for what the volume holds: disk0 is device 1"):
        extract(opened(image_of(device)))


def test_an_image_without_the_volumes_is_refused(image_of: ImageOf) -> None:
    with pytest.raises(ImageError, match=r"the image lacks volume-a on disk0 and volume-b on disk0"):
        extract(opened(image_of(small("flagged-nor"), "configuration", "labels", "maps")))
