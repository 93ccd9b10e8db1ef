"""Every structural rule can be broken, and is then said to be, with the place, or is said to be mended by the boot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from deltabench.firmware_model.formats import CONTROL, IDENTITY, LABEL, NAND_SPARE, REMOTE_ATOM, SYSTEM, crc32
from deltabench.hwsim.contents import contents, put_contents
from deltabench.scenarios.images.decode import Decoded, decode_image, find_configuration
from deltabench.scenarios.images.device import after_actions
from deltabench.scenarios.images.documents import Inspected
from deltabench.scenarios.images.inspect import inspect
from deltabench.scenarios.images.layer import Layer
from deltabench.scenarios.images.memory_image import MemoryImage
from deltabench.scenarios.images.places import nor_area, slot_bytes
from deltabench.scenarios.images.rules import MENDED, RULES
from deltabench.scenarios.scenario import Variant, load_scenario

SMALL = Path(__file__).parent / "small.scenario.toml"
NAND = Path(__file__).parent / "small-nand.scenario.toml"
ImageOf = Callable[..., MemoryImage]


def small(name: str) -> Variant:
    """A variant of the small scenario; with ``+remote``, its firmware listens to a handheld remote.

    Those with their map store on NAND flash have all else there, too.
    """
    if name.endswith("-nand"):
        return load_scenario(NAND, "small-nand").variant(name)
    variant = load_scenario(SMALL, "small").variant(name.removesuffix("+remote"))
    if not name.endswith("+remote"):
        return variant
    scenario, replace = variant.scenario, msgspec.structs.replace
    board = replace(scenario.document.board, uarts=("radio0",))
    scenario = replace(scenario, document=replace(scenario.document, board=board))
    return Variant(scenario, replace(variant.firmware, remote="radio0"))


class Surgeon:
    """An image of the small device after all its actions, to be changed with checks that are right again."""

    def __init__(self, image_of: ImageOf, variant: str, actions: int = 7) -> None:
        self._device = after_actions(small(variant), actions)
        self._image_of = image_of
        self._left_out: list[tuple[int, int]] = []

    def decoded(self) -> Decoded:
        image = self._image_of(self._device)
        for address, length in self._left_out:
            behind = address + length
            image = MemoryImage(
                [*image.within(0, address).segments, *image.within(behind, (1 << 32) - behind).segments]
            )
        found = find_configuration(image)
        assert found is not None
        return decode_image(image, *found)

    def inspected(self) -> Inspected:
        return inspect(self.decoded(), Path("x"))

    def put(self, address: int, data: bytes) -> None:
        """Bytes at an address of the bus."""
        place = next(p for p in self.decoded().places.regions if p.address <= address < p.address + p.length)
        put_contents(self._device.board.media[place.device.name], address - place.device.address, data)

    def leave_out(self, address: int, length: int) -> None:
        self._left_out.append((address, length))

    @property
    def layer(self) -> Layer:
        (layer,) = self.decoded().layers
        assert layer is not None
        return layer

    def page(self, number: int, change: Callable[[bytearray], None]) -> None:
        """Change the bytes of a page of NAND flash."""
        nand, size = self._device.board.media["nand0"], self.layer.flash.stride_bytes
        ((_, held),) = contents(nand, number * size, size).pieces
        raw = bytearray(held)
        change(raw)
        put_contents(nand, number * size, bytes(raw))

    def blank(self, number: int) -> None:
        self.page(number, lambda raw: raw.__setitem__(slice(None), b"\xff" * len(raw)))

    def spoil_page(self, number: int) -> None:
        """The sectors of a page cannot be corrected any more."""
        size = self.layer.flash.page_bytes

        def zeros(raw: bytearray) -> None:
            raw[:size], raw[-7:] = bytes(size), bytes(7)

        self.page(number, zeros)

    def respare(self, number: int, **fields: int) -> None:
        """Other fields in the spare bytes of a page, and the right CRC."""
        spare = self.layer.pages[number].spare
        assert spare is not None
        body = NAND_SPARE.pack(*spare._replace(**fields))
        at = self.layer.flash.page_bytes + 2
        self.page(number, lambda raw: raw.__setitem__(slice(at, at + 21), body + crc32(body, number)))

    def pages_of(self, kind: int) -> list[int]:
        """The pages of the checkpoint in force that are of a kind."""
        layer = self.layer
        assert layer.seen.checkpoint is not None
        pages = [page for block in layer.seen.checkpoint.blocks for page in layer.pages.of_block(block)]
        return [page.number for page in pages if page.spare is not None and page.spare.kind == kind]

    def in_checkpoint(self, at: int, data: bytes) -> None:
        """Other bytes in both copies of the checkpoint in force, from byte ``at`` on, and the right CRC."""
        flash = self.layer.flash
        length = 12 + 4 * flash.blocks + flash.address_bytes * flash.logical_pages

        def change(raw: bytearray) -> None:
            raw[at : at + len(data)] = data
            raw[length : length + 4] = crc32(bytes(raw[:length]))

        for page in self.pages_of(4):
            self.page(page, change)

    def checkpointed(self) -> tuple[int, int]:
        """A logical page that is where the checkpoint says, and not in the log behind it; and its page."""
        layer = self.layer
        counting = {head.block for head in layer.counting}
        per_block = layer.flash.pages_per_block
        return next((logical, at) for logical, at in layer.map.items() if at // per_block not in counting)

    def atom(self, number: int) -> bytes:
        payload = self.decoded().store.atoms[number]
        assert payload is not None
        return payload

    def set_atom(self, number: int, payload: bytes) -> None:
        """Replace the copy that counts, on NVRAM or disk."""
        size = slot_bytes(self.decoded().places.firmware)
        for slot in self.decoded().store.twins[number].slots:
            if slot.counts:
                body = (slot.sequence or 0).to_bytes(2, "little") + payload.ljust(size - 6, b"\0")
                self.put(slot.address, body + crc32(body, number))

    def set_label(self, volume_id: bytes, device: int, version: int) -> None:
        (label,) = self.decoded().labels
        assert label is not None
        for slot in label.slots:
            body = (slot.sequence or 0).to_bytes(2, "little") + LABEL.pack(volume_id, device, version)
            self.put(slot.address, body + crc32(body, 0))

    @property
    def newest(self) -> int:
        """Where the area in force begins."""
        return next(area.address for area in self.decoded().store.areas if area.counts)

    @property
    def other(self) -> int:
        return next(area.address for area in self.decoded().store.areas if not area.counts)

    def slot_address(self, number: int) -> int:
        places = self.decoded().places
        return self.newest + nor_area(places.firmware, places.maps.device, places.scheme.atoms).slot(number)

    def append(self, atom: int, payload: bytes) -> None:
        """A good record behind the log."""
        area = next(area for area in self.decoded().store.areas if area.counts)
        body = atom.to_bytes(2, "little") + payload
        self.put(self.slot_address(len(area.records)), body + crc32(body, area.generation))


def spoil_label(s: Surgeon) -> None:
    (label,) = s.decoded().labels
    assert label is not None
    for slot in label.slots:
        s.put(slot.address + 3, b"\x99")


def spoil_atom(s: Surgeon) -> None:
    for slot in s.decoded().store.twins[2].slots:
        s.put(slot.address + 3, b"\x99")


def spoil_padding_of_an_area(s: Surgeon) -> None:
    s.put(s.newest + 18, b"\x7f")


def put_twins_out_of_step(s: Surgeon) -> None:
    first, second = s.decoded().store.twins[2].slots
    old = first if second.counts else second
    body = ((old.sequence or 0) - 7).to_bytes(2, "little", signed=False) if (old.sequence or 0) > 7 else b"\xf0\xff"
    body += bytes(slot_bytes(s.decoded().places.firmware) - 6)
    s.put(old.address, body + crc32(body, 2))


def lose_the_checkpoint(s: Surgeon) -> None:
    for page in s.pages_of(4):
        s.spoil_page(page)


def blank_all(s: Surgeon) -> None:
    for page in range(s.layer.flash.blocks * s.layer.flash.pages_per_block):
        s.blank(page)


def give_two_blocks_one_sequence(s: Surgeon) -> None:
    blocks = [block for block in s.layer.seen.blocks if block.valid]
    per_block = s.layer.flash.pages_per_block
    s.respare(blocks[1].number * per_block, sequence=blocks[0].sequence or 0)


def send_a_page_astray(s: Surgeon) -> None:
    logical, _ = s.checkpointed()
    s.in_checkpoint(12 + 4 * 17 + 2 * logical, (17 * 8).to_bytes(2, "little"))


def put_two_in_one_page(s: Surgeon) -> None:
    _, page = s.checkpointed()
    never = next(n for n in range(s.layer.flash.logical_pages) if n not in s.layer.map)
    s.in_checkpoint(12 + 4 * 17 + 2 * never, page.to_bytes(2, "little"))


def rename_a_page(s: Surgeon) -> None:
    logical, page = s.checkpointed()
    s.respare(page, subject=logical + 1)


def call_a_block_bad(s: Surgeon) -> None:
    _, page = s.checkpointed()
    s.in_checkpoint(12 + 4 * (page // 8), (1 << 31 | 1).to_bytes(4, "little"))


def give_a_block_up(s: Surgeon) -> None:
    _, page = s.checkpointed()
    s.in_checkpoint(12 + 4 * (page // 8), (1 << 30 | 1).to_bytes(4, "little"))


def tear_the_log(s: Surgeon) -> None:
    last = max(s.layer.counting, key=lambda head: head.sequence % (1 << 31)).block
    s.spoil_page([page.number for page in s.layer.pages.of_block(last) if not page.blank][-1])


BROKEN: dict[str, list[tuple[str, Callable[[Surgeon], None], str]]] = {
    "layer-counts": [
        ("flagged-nand", lose_the_checkpoint, "nand0: both copies of its checkpoint are unreadable"),
        ("flagged-nand", blank_all, "nand0: it has no checkpoint of a translation layer that can be read"),
    ],
    "layer-in-order": [("flagged-nand", give_two_blocks_one_sequence, "nand0: blocks ")],
    "layer-map-sound": [
        ("flagged-nand", send_a_page_astray, "is where no data can be"),
        ("flagged-nand", put_two_in_one_page, "nand0: logical pages "),
    ],
    "layer-pages-agree": [("flagged-nand", rename_a_page, "is not of logical page ")],
    "layer-free-empty": [("flagged-nand", give_a_block_up, "free, and its map names pages there")],
    "labels-good": [("flagged-nor", spoil_label, "the label of disk0: neither slot is good")],
    "labels-belong": [
        ("flagged-nor", lambda s: s.set_label(b"OTHER1", 0, 1), "disk0 is of volume 4f5448455231"),
        ("flagged-nor", lambda s: s.set_label(b"DELTA1", 3, 1), "disk0 is device 3 of its volume, in the place of 0"),
    ],
    "labels-in-step": [("flagged-nor", lambda s: s.set_label(b"DELTA1", 0, 9), "disk0 is of system version 9")],
    "identity-not-ahead": [
        ("history-nvram", lambda s: s.set_atom(0, IDENTITY.pack(b"DELTA1", 99)), "the identity is of system version 99")
    ],
    "atoms-good": [("flagged-disk", spoil_atom, "VSM of units 0 to 5")],
    "log-in-order": [
        ("plain-nor", lambda s: s.append(60000, bytes(10)), "a record of atom 60000; there are 3"),
        ("plain-nor", lambda s: s.put(s.newest + 17, b"\xff"), "has a log, and is not marked as open"),
    ],
    "twins-follow": [("flagged-nvram", put_twins_out_of_step, "VSM of units 0 to 5: sequences")],
    "flag-consistent": [
        ("flagged-nvram", lambda s: s.set_atom(1, CONTROL.pack(7, 0, 3)), "the flag is 7"),
        ("flagged-nvram", lambda s: s.set_atom(1, CONTROL.pack(0, 1, 3)), "the flag is idle, with progress 1"),
        ("flagged-nvram", lambda s: s.set_atom(1, CONTROL.pack(1, 0, 3) + b"\x55"), "block 0 of VSM is"),
        ("flagged-nvram", lambda s: s.set_atom(1, CONTROL.pack(1, 5, 3)), "progress is block 5, and there are 1"),
        ("versioned-nvram", lambda s: s.set_atom(1, SYSTEM.pack(3, 1)), "the flag is 1"),
    ],
    "request-consistent": [
        ("plain-nvram+remote", lambda s: s.set_atom(3, REMOTE_ATOM.pack(2, 0x11, 5)), "state 2, command 0x11"),
        ("history-disk+remote", lambda s: s.set_atom(3, REMOTE_ATOM.pack(0, 0x55, 5)), "command 0x55"),
    ],
    "versions-in-window": [
        ("versioned-nvram", lambda s: s.set_atom(1, SYSTEM.pack(200, 0)), "versions behind; the window is 128")
    ],
    "padding": [
        ("flagged-nvram", lambda s: s.set_atom(2, b"\x80"), "VSM of units 0 to 5: 80"),
        ("history-nvram", lambda s: s.set_atom(2, b"\xf0" + s.atom(2)[1:]), "the entries of units"),
        ("flagged-nor", spoil_padding_of_an_area, "the unused bytes are 7f"),
        ("flagged-disk", lambda s: s.put(s.decoded().places.maps.address + 100, b"x"), "is not zero behind it"),
    ],
    "live-readable": [
        ("flagged-nor", lambda s: s.leave_out(s.decoded().places.volume_b.address, 512), "LBA 0"),
        ("flagged-nor", lambda s: s.leave_out(s.decoded().places.volume_b.address, 12 * 512 - 3), "LBA 0 to 3"),
    ],
    "save-point-readable": [
        ("flagged-nor", lambda s: s.leave_out(s.decoded().places.volume_b.address + 512, 1), "LBA 1"),
    ],
    "boot-ends-ready": [("flagged-disk", spoil_atom, "the map entries of 6 units have no good copy")],
}  # fmt: skip


CASES = [(rule, *case) for rule, cases in BROKEN.items() for case in cases]


@pytest.mark.parametrize(("rule", "variant", "spoil", "place"), CASES)
def test_a_rule_that_is_broken_is_said_to_be_with_the_place(
    rule: str, variant: str, spoil: Callable[[Surgeon], None], place: str, image_of: ImageOf
) -> None:
    surgeon = Surgeon(image_of, variant)
    before = {seen.rule: seen.state for seen in surgeon.inspected().rules}
    assert before[rule] == "held"
    spoil(surgeon)
    inspected = surgeon.inspected()
    after = {seen.rule: seen for seen in inspected.rules}
    assert after[rule].state == "broken"
    assert place in after[rule].place
    assert not inspected.rules_hold


MENDABLE: dict[str, tuple[str, Callable[[Surgeon], None], str]] = {
    "layer-settled": (
        "flagged-nand", lambda s: s.blank(s.pages_of(4)[-1]), "no page of the second copy of its checkpoint can be",
    ),
    "layer-log-whole": ("flagged-nand", tear_the_log, "nand0: the last of "),
    "layer-bad-empty": ("flagged-nand", call_a_block_bad, "is bad, and "),
    "newest-area-proven": ("flagged-nor", lambda s: s.put(s.newest + 16, b"\xff"), "the mark is 0xFF"),
    "other-area-before": ("flagged-nor", lambda s: s.put(s.other + 33, b"\x99"), "its CRC is wrong"),
    "log-ends-blank": (
        "flagged-nor", lambda s: s.put(s.slot_address(30), b"\0\0torn"), "something lies behind its log",
    ),
    "no-command-pending": ("versioned-nvram", lambda s: s.set_atom(1, SYSTEM.pack(2, 2)), "the flag is clearing"),
    "no-request-pending": (
        "flagged-nvram+remote", lambda s: s.set_atom(4, REMOTE_ATOM.pack(1, 0x11, 5)), "a save is pending",
    ),
    "labels-in-step": (
        "flagged-nvram", lambda s: s.set_label(b"DELTA1", 0, 1), "disk0 is of system version 1, and the identity of 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", MENDABLE)
def test_what_a_boot_mends_is_said_to_be_mended(rule: str, image_of: ImageOf) -> None:
    variant, spoil, place = MENDABLE[rule]
    # A label may be ahead between a save and the next write, and a checkpoint that nothing follows not be settled.
    surgeon = Surgeon(image_of, variant, {"labels-in-step": 2, "layer-settled": 0}.get(rule, 7))
    spoil(surgeon)
    inspected = surgeon.inspected()
    seen = {each.rule: each for each in inspected.rules}[rule]
    assert (seen.state, place in seen.place) == ("mended", True), seen
    assert inspected.rules_hold


def test_every_rule_of_the_media_is_shown_to_break_or_to_be_mended() -> None:
    assert {rule.name for rule in RULES} <= {rule for rule, *_ in CASES} | set(MENDABLE)
    assert set(MENDABLE) == set(MENDED)


def test_what_the_image_does_not_hold_is_not_said_to_hold(image_of: ImageOf) -> None:
    surgeon = Surgeon(image_of, "flagged-nor")
    for place in surgeon.decoded().places.regions:
        if place.name != "maps":
            surgeon.leave_out(place.address, place.length)
    seen = surgeon.inspected()
    states = {rule.rule: rule.state for rule in seen.rules}
    assert states["labels-good"] == states["live-readable"] == states["boot-ends-ready"] == "open"
    assert states["atoms-good"] == states["newest-area-proven"] == "held"
    assert seen.missing == ("the label of disk0", "volume-a on disk0", "volume-b on disk0")
    assert seen.boot.outcome == "not-tried"
    assert seen.rules_hold


def test_a_rule_of_the_boot_is_broken_by_a_firmware_that_stops(image_of: ImageOf) -> None:
    surgeon = Surgeon(image_of, "flagged-nvram")
    surgeon.set_atom(1, CONTROL.pack(1, 5, 3))
    seen = surgeon.inspected()
    assert seen.boot.outcome == "stopped"
    assert seen.verdict.startswith("Does not boot: the firmware stopped in the boot: IndexError")
    assert msgspec.json.decode(msgspec.json.encode(seen), type=Inspected) == seen


def test_a_map_store_of_which_no_sector_is_whole_has_no_good_copy_of_anything(image_of: ImageOf) -> None:
    surgeon = Surgeon(image_of, "flagged-disk")
    maps = surgeon.decoded().places.maps
    for sector in range(maps.length // 512):
        surgeon.leave_out(maps.address + sector * 512 + 511, 1)
    seen = surgeon.inspected()
    assert {rule.rule: rule.state for rule in seen.rules}["atoms-good"] == "broken"
    assert seen.verdict.startswith("Boots, and refuses to serve: the map store has lost the volume's identity")


def test_a_good_record_of_an_atom_that_there_is_not_stops_no_boot(image_of: ImageOf) -> None:
    surgeon = Surgeon(image_of, "plain-nor")
    surgeon.append(60000, bytes(10))
    assert surgeon.inspected().boot.outcome == "ready"
