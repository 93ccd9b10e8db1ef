from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deltabench.firmware_model.formats import CONFIGURATION, DEVICE_ENTRY
from deltabench.hwsim.devboard.spec import DevBoardFile
from deltabench.hwsim.nand import NandFlash
from deltabench.hwsim.nand_pages import spoilt
from deltabench.scenarios.crash_id import parse_crash_id
from deltabench.scenarios.images.build import configuration_of
from deltabench.scenarios.images.device import Device, after_actions, after_crash
from deltabench.scenarios.images.errors import ImageError
from deltabench.scenarios.images.flash_pages import CHECKPOINT, COPY
from deltabench.scenarios.images.inspect import inspect_image, open_image
from deltabench.scenarios.images.memory_image import MemoryImage
from deltabench.scenarios.scenario import find_scenario, load_scenario
from deltabench.scenarios.session import Session

SMALL = Path(__file__).parent / "small.scenario.toml"
NAND = Path(__file__).parent / "small-nand.scenario.toml"
ImageOf = Callable[..., MemoryImage]
FUZZING = Path(__file__).parents[2] / "fuzzing"


@pytest.fixture(scope="module")
def targets() -> Iterator[ModuleType]:
    """What `make fuzz` feeds."""
    sys.path.insert(0, str(FUZZING))
    try:
        import image_targets

        yield image_targets
    finally:
        sys.path.remove(str(FUZZING))


def small(variant: str, actions: int = 7) -> Device:
    return after_actions(load_scenario(SMALL, "small").variant(variant), actions)


def crashed(crash_id: str) -> Device:
    crash = parse_crash_id(crash_id)
    return after_crash(find_scenario(crash.scenario).variant(crash.variant), crash)


@pytest.mark.parametrize(
    ("crash_id", "verdict"),
    [
        (
            "save-cut-between-map-blocks:flagged-nvram:9.2",
            "Boots, and finishes a save that was cut in map block 1.",
        ),
        (
            "save-cut-between-map-blocks:flagged-nvram:12.4",
            "Boots, and finishes a save or restore that was cut while DDM was cleared.",
        ),
        ("demo:plain-nor:6.6n", "Boots, and compacts a log of 2 records into a new checkpoint."),
        ("save-by-host:flagged-nvram:0.0", "Boots, and has nothing to do."),
    ],
)
def test_the_first_sentence_says_what_a_boot_would_do(crash_id: str, verdict: str, image_of: ImageOf) -> None:
    seen = inspect_image(image_of(crashed(crash_id)), Path("x"))
    assert seen.verdict == verdict
    assert seen.rules_hold


def test_media_operations_of_a_boot_are_told_in_words(image_of: ImageOf) -> None:
    seen = inspect_image(image_of(crashed("demo:plain-nor:6.6n")), Path("x"))
    assert [(one.operation, one.what) for one in seen.boot.operations] == [
        ("nor0 erase 0x1000+4096", "erases area 1 of the map store"),
        ("nor0 program 0x1000+122", "writes the checkpoint of area 1"),
        ("nor0 program 0x1010+1", "marks area 1 as proven"),
    ]
    seen = inspect_image(image_of(crashed("save-cut-between-map-blocks:flagged-disk:9.1")), Path("x"))
    assert {one.what for one in seen.boot.operations} >= {"writes the control atom", "writes DDM of units 0 to 23"}


def small_on_flash(variant: str, actions: int = 7) -> Device:
    return after_actions(load_scenario(NAND, "small-nand").variant(variant), actions)


def test_a_translation_layer_is_told_with_its_blocks(image_of: ImageOf) -> None:
    seen = inspect_image(image_of(small_on_flash("flagged-nand")), Path("x"))
    assert [(place.name, place.device, place.size_bytes) for place in seen.places] == [("nand", "nand0", 17 * 8 * 544)]
    (layer,) = seen.layers
    assert (layer.device, layer.page_bytes, layer.pages_per_block, layer.logical_pages) == ("nand0", 512, 8, 28)
    assert layer.checkpoint is not None
    assert layer.checkpoint.settled
    assert layer.checkpoint.whole
    assert [block.number for block in layer.blocks if block.role == "checkpoint"] == list(layer.checkpoint.blocks)
    assert sum(block.valid for block in layer.blocks) == layer.written
    assert not layer.log_torn
    assert seen.verdict == f"Boots, and takes {layer.log_pages} pages of the log of nand0 into a new checkpoint."
    assert seen.rules_hold
    (fresh,) = {one.what for one in seen.boot.operations if one.what.startswith("erases block ")}
    assert [one.what for one in seen.boot.operations][:3] == [
        fresh,
        "writes the header of a block of a checkpoint of nand0",
        "writes volume-a once more",
    ]
    assert {atom.holds: atom.good for atom in seen.atoms}["the control atom"]


def test_what_a_boot_of_nand_flash_does_is_nothing_once_it_has_booted(image_of: ImageOf) -> None:
    seen = inspect_image(image_of(small_on_flash("plain-nor", 0)), Path("x"))
    assert seen.verdict == "Boots, and has nothing to do."
    assert seen.boot.operations == ()


def spoilt_in_the_checkpoint(image_of: ImageOf, *gone: tuple[int, int]) -> Device:
    """A flash with a checkpoint that no data follow, of which pages cannot be read any more: (kind, which of them)."""
    device = small_on_flash("plain-nor", 0)
    (layer,) = open_image(image_of(device), Path("x")).layers
    nand = device.board.media["nand0"]
    assert layer is not None
    assert isinstance(nand, NandFlash)
    assert layer.seen.checkpoint is not None
    pages = [page for block in layer.seen.checkpoint.blocks for page in layer.pages.of_block(block)]
    for wanted, which in gone:
        found = [page.number for page in pages if page.spare is not None and page.spare.kind == wanted]
        device.board.cells.put(nand.first + found[which], spoilt(nand.units))
    return device


def test_a_checkpoint_of_which_a_page_has_faded_is_written_once_more(image_of: ImageOf) -> None:
    seen = inspect_image(image_of(spoilt_in_the_checkpoint(image_of, (CHECKPOINT, 0))), Path("x"))
    assert seen.verdict == (
        "Boots, and writes the checkpoint of nand0 once more, of which pages cannot be read any more."
    )
    assert seen.rules_hold


def test_of_a_settled_checkpoint_no_more_is_lost_than_the_copy_that_cannot_be_read(image_of: ImageOf) -> None:
    (before,) = inspect_image(image_of(small_on_flash("plain-nor", 0)), Path("x")).layers
    seen = inspect_image(image_of(spoilt_in_the_checkpoint(image_of, (COPY, 0))), Path("x"))
    (layer,) = seen.layers
    assert before.checkpoint is not None
    assert layer.checkpoint == before.checkpoint
    assert (before.checkpoint.named, before.checkpoint.settled) == (False, True)
    assert seen.boot.operations == ()
    assert seen.rules_hold


def test_a_checkpoint_that_is_not_settled_is_passed_over_if_a_copy_in_it_cannot_be_read(image_of: ImageOf) -> None:
    (before,) = inspect_image(image_of(small_on_flash("plain-nor", 0)), Path("x")).layers
    seen = inspect_image(image_of(spoilt_in_the_checkpoint(image_of, (COPY, 0), (CHECKPOINT, -1))), Path("x"))
    (layer,) = seen.layers
    assert before.checkpoint is not None
    assert layer.checkpoint is not None
    assert layer.checkpoint.blocks != before.checkpoint.blocks
    assert layer.checkpoint.named
    assert seen.verdict == f"Boots, and takes {layer.log_pages} pages of the log of nand0 into a new checkpoint."
    assert seen.rules_hold


def test_a_flash_without_spare_blocks_that_can_be_read_breaks_no_rule(image_of: ImageOf) -> None:
    variant = find_scenario("nand-runs-out-of-spares").variants()[0]
    seen = inspect_image(image_of(after_actions(variant, len(Session(variant).actions))), Path("x"))
    assert seen.boot.outcome == "read-only"
    assert seen.verdict.startswith("Boots, and serves reads only: ")
    assert {rule.rule: rule.state for rule in seen.rules}["boot-ends-ready"] == "held"
    assert seen.rules_hold


def test_without_the_pages_of_a_flash_nothing_that_lies_on_it_is_known(image_of: ImageOf) -> None:
    device = small_on_flash("flagged-nor")
    seen = inspect_image(image_of(device, "configuration", "maps"), Path("x"))
    assert seen.missing == (
        "the pages of nand0", "the label of nand0", "volume-a on nand0", "volume-b on nand0",
    )  # fmt: skip
    assert seen.layers == ()
    assert {rule.rule: rule.state for rule in seen.rules}["layer-counts"] == "open"
    assert seen.boot.outcome == "not-tried"
    assert seen.maps is not None, "the maps are on the NOR flash"


def test_a_dump_of_a_flash_alone_is_inspected_with_a_configuration(image_of: ImageOf, dev_board: DevBoardFile) -> None:
    device = small_on_flash("history-nand")
    seen = inspect_image(image_of(device, "nand"), Path("x"), configuration_of(dev_board, device))
    assert seen.maps == inspect_image(image_of(device), Path("x")).maps
    half = image_of(device, "nand").within(0x7000_0000, 7 * 8 * 544 + 100)
    assert inspect_image(half, Path("x"), configuration_of(dev_board, device)).layers[0].device == "nand0"


def test_a_flash_that_no_firmware_could_be_configured_for_is_refused(image_of: ImageOf, targets: ModuleType) -> None:
    image = image_of(small_on_flash("flagged-nand"))
    ((address, block), *rest) = image.segments
    entry = CONFIGURATION.fixed_bytes + DEVICE_ENTRY.fixed_bytes * (block[CONFIGURATION.fixed_bytes :][:4] != b"nand")
    for name, value, size, message in (
        ("spare size", 33, 2, "a page of 544 bytes with 33 spare ones has no whole sectors"),
        ("erase size", 545, 4, "are not of blocks of 545 and pages of 544"),
        ("codeword size", 100, 2, "codewords of 100 bytes do not divide pages of 512"),
        ("ECC bits", 20, 1, "of 32 spare bytes the ECC and the mark leave less than 21"),
        ("most bad blocks", 17, 2, "17 of its 17 blocks may be bad"),
        ("most bad blocks", 9, 2, "are too few for a translation layer"),
        ("kind", 1, 1, "a disk of 73984 bytes is not of whole sectors"),
    ):
        at = entry + DEVICE_ENTRY.offset(name)
        spoilt = block[:at] + value.to_bytes(size, "little") + block[at + size :]
        with pytest.raises(ImageError, match=rf"^x: the configuration block is sound, but says .*{message}"):
            inspect_image(targets.with_right_block(MemoryImage([(address, spoilt), *rest])), Path("x"))


def test_a_swapped_disk_is_refused_and_said_to_be(image_of: ImageOf) -> None:
    device = after_actions(find_scenario("disks-swapped").variant("flagged-nor"), 4)
    seen = inspect_image(image_of(device), Path("x"))
    assert seen.verdict == "Boots, and refuses to serve: disk0 is device 1 of its volume, in the place of device 0."
    assert not seen.rules_hold


def test_a_dump_of_one_part_is_inspected_with_a_configuration_that_is_given(
    image_of: ImageOf, dev_board: DevBoardFile
) -> None:
    device = small("history-nor")
    with pytest.raises(ImageError, match=r"^dump\.bin: no configuration block is in it.*--config SCENARIO:VARIANT"):
        inspect_image(image_of(device, "maps"), Path("dump.bin"))
    seen = inspect_image(image_of(device, "maps"), Path("dump.bin"), configuration_of(dev_board, device))
    whole = inspect_image(image_of(device), Path("dump.bin"))
    assert (seen.maps, seen.areas, seen.atoms) == (whole.maps, whole.areas, whole.atoms)
    assert seen.configuration_address is None
    assert seen.verdict == "What a boot would do cannot be said: the image lacks the label of disk0."


def test_what_a_block_says_that_cannot_be_is_refused_before_anything_is_made_of_it(
    image_of: ImageOf, targets: ModuleType
) -> None:
    image = image_of(small("flagged-nor"))
    ((address, block), *rest) = image.segments
    entries, entry = CONFIGURATION.fixed_bytes, DEVICE_ENTRY.fixed_bytes
    for at, value, message in (
        (CONFIGURATION.offset("units"), 200_000, "goes beyond disk0"),
        (CONFIGURATION.offset("units"), 1 << 20, "a log record numbers at most 65535"),
        (CONFIGURATION.offset("log records"), 0xFFFFFFFF, "goes beyond nor0"),
        (CONFIGURATION.offset("volume A start"), 0xFFFFFFF0, "goes beyond disk0"),
        (CONFIGURATION.offset("maps start"), 1, "does not begin at an erase sector"),
        (CONFIGURATION.offset("volume B start"), 2, "overlaps"),
        (entries + entry + DEVICE_ENTRY.offset("program size"), 0, "are no NOR flash"),
        (entries + DEVICE_ENTRY.offset("address"), 0xFFFFFFFF, "are not in the addresses of 32 bits"),
    ):
        spoilt = block[:at] + value.to_bytes(4, "little") + block[at + 4 :]
        image = targets.with_right_block(MemoryImage([(address, spoilt), *rest]))
        with pytest.raises(ImageError, match=rf"^x: the configuration block is sound, but says .*{message}"):
            inspect_image(image, Path("x"))


def test_what_would_play_tricks_on_a_terminal_is_refused(image_of: ImageOf, targets: ModuleType) -> None:
    ((address, block), *rest) = image_of(small("flagged-nor")).segments
    spoilt = block.replace(b"disk0", b"\x1b[2Jd")
    image = targets.with_right_block(MemoryImage([(address, spoilt), *rest]))
    with pytest.raises(ImageError, match=r"the name of a device is no text that a person could read"):
        inspect_image(image, Path("x"))


@given(st.binary(max_size=300))
@settings(max_examples=600)
@example(b"\x04\x03\x01\x01\x01\x02\x00\x07")
def test_a_spoilt_image_is_inspected_or_refused(targets: ModuleType, data: bytes) -> None:
    targets.structure(data)


@given(st.integers(0, 11), st.integers(0, 2), st.binary(max_size=2000))
@settings(max_examples=300)
def test_a_dump_of_anything_is_inspected_or_refused(targets: ModuleType, variant: int, part: int, data: bytes) -> None:
    targets.dump(bytes([variant, part]) + data)


@given(st.integers(0, 3), st.one_of(st.binary(max_size=500), st.text(":S0123456789ABCDEF\n", max_size=500)))
@settings(max_examples=600)
def test_a_file_of_anything_is_read_or_refused(targets: ModuleType, kind: int, content: bytes | str) -> None:
    targets.text(bytes([kind]) + (content.encode() if isinstance(content, str) else content))


@given(st.integers(0, 35), st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(1, 255)), max_size=5), st.booleans())
@settings(max_examples=300)
def test_a_file_with_some_bytes_changed_or_cut_off_is_read_or_refused(
    targets: ModuleType, seed: int, changes: list[tuple[int, int]], cut: bool
) -> None:
    content = bytearray(list(targets.seeds("text").values())[seed])
    for at, change in changes:
        content[at % len(content)] ^= change
    targets.text(bytes(content[: changes[0][0] % len(content)] if cut and changes else content))


@given(st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(1, 255)), max_size=8))
@settings(max_examples=600)
def test_an_elf_file_with_some_bytes_changed_is_read_or_refused(
    targets: ModuleType, changes: list[tuple[int, int]]
) -> None:
    content = bytearray(targets.seeds("elf")["firmware"])
    for at, change in changes:
        content[at % len(content)] ^= change
    targets.elf(bytes(content))
